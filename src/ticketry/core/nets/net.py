"""Net: a module as a function of its masked weights, with norm statistics that are a function of the mask.

Rule for batch norm: a search sees the statistics of its own batch; an evaluation uses running statistics that
`calibrate` measures anew for the network at hand, as the plain average over a fixed number of training batches. So
nothing about norms has to be remembered between steps, and two equal masks always give the same network.
Everything else (dropout above all) is in evaluation mode throughout.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from ticketry.core.errors import TicketryError, refuse, told
from ticketry.core.meters import Meter
from ticketry.core.nets.weight_norms import guard

Named = Mapping[str, torch.Tensor]
Norm = nn.modules.batchnorm._NormBase


class Net:
    """A module's skeleton on a device; weights come from outside. `rest`: the untrained parameters outside the mask.

    `held`: parameters and buffers that nobody changes any more, set once.
    """

    def __init__(self, module: nn.Module, rest: Named, held: Named | None = None) -> None:
        guard(module)
        self.module = module.eval().requires_grad_(False)
        """For looking at its structure; its weights are those of the last call."""
        self._places = _places(module)
        self.rest, self._held = rest, held or {}
        self._put({**rest, **self._held})
        self._norms = _norms(module)
        self._copies_input = True  # until a call has left its input alone

    @property
    def has_norms(self) -> bool:
        """Whether evaluation needs `calibrate` first."""
        return bool(self._norms)

    def train_logits(self, weights: Named, x: torch.Tensor) -> torch.Tensor:
        """Logits [B, C] for masked weights by name, norms using the batch's own statistics."""
        self._mode(training=True)
        return self._call(weights, x, {})

    def eval_logits(self, weights: Named, x: torch.Tensor, buffers: Named) -> torch.Tensor:
        """Logits [B, C] for masked weights by name, with the running statistics in `buffers` (see `calibrate`)."""
        self._mode(training=False)
        return self._call(weights, x, buffers)

    def double_logits(self, weights: Named, x: torch.Tensor) -> torch.Tensor:
        """Logits [B, C] in float64, for Float64 weights and examples; norms have mean 0 and variance 1."""
        self._mode(training=False)
        usual = torch.get_default_dtype()
        try:
            torch.set_default_dtype(torch.float64)  # of what the model makes in its pass
            return self._call(weights, x, self.double())
        finally:
            torch.set_default_dtype(usual)

    def calibrate(self, weights: Named, batches: Iterable[torch.Tensor], meter: Meter) -> dict[str, torch.Tensor]:
        """The running mean and variance of every norm, averaged over the batches. Empty without norms."""
        if not self._norms:
            return {}
        for norm in self._norms.values():
            norm.reset_running_stats()
        with torch.no_grad():
            for before, x in enumerate(batches):
                for norm in self._norms.values():
                    norm.momentum = 1 / (before + 1)  # makes the running statistics a plain average
                self.train_logits(weights, x)
                meter.spend(forward=len(x))
        return {name: value.clone() for name, value in statistics(self.module).items()}

    def fresh(self) -> dict[str, torch.Tensor]:
        """The running statistics of norms that have seen nothing: mean 0, variance 1. Empty without norms."""
        values = statistics(self.module).items()
        return {name: torch.full_like(value, name.endswith("running_var")) for name, value in values}

    def double(self) -> dict[str, torch.Tensor]:
        """What is neither a weight nor in `rest`, in float64: norms that have seen nothing, |held|, other buffers."""
        still = {name: buffer for name, buffer in self.module.named_buffers() if buffer.dtype == torch.float32}
        still |= {name: value.abs() for name, value in self._held.items() if name not in still}
        return {name: value.double() for name, value in (still | self.fresh()).items() if value.is_floating_point()}

    def _mode(self, *, training: bool) -> None:
        for norm in self._norms.values():
            norm.training = training

    def _call(self, weights: Named, x: torch.Tensor, buffers: Named) -> torch.Tensor:
        if self._copies_input:
            x = x.clone()
        version = x._version
        before = self._put({**weights, **buffers})
        try:
            out = answer(self.module, x)
        finally:
            self._put(before)
        self._copies_input = self._copies_input and x._version != version
        return out

    def _put(self, values: Named) -> dict[str, torch.Tensor]:
        """Set tensors in the module; returns those that were there. As functional_call, in a tenth of its time."""
        before = {}
        for name, value in values.items():
            for holder, key in self._places[name]:
                before[name] = holder[key]
                holder[key] = value
        return before


def answer(module: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The outputs [B, ...] of a module for a batch Float[B, ...], in the type of the batch.

    An answer that is an object with `logits`, as of models for several purposes, is taken as these. Raises RequestError
    for any other, and for whatever the module raises, now or late.
    """
    with foreign():
        out = module(x)
        out = out if isinstance(out, torch.Tensor) else getattr(out, "logits", out)
    if not isinstance(out, torch.Tensor):
        wanted = "a tensor of outputs, or an object with one as `logits`"
        raise refuse("model output", f"a {type(out).__name__}", wanted, "return the tensor")
    if not out.is_floating_point() or not out.dim() or len(out) != len(x):
        found = f"{str(out.dtype).removeprefix('torch.')} of shape {tuple(out.shape)}"
        wanted = f"a row of floating-point numbers for each of {len(x)} examples"
        raise refuse("model output", found, wanted, "correct the last layer or the data")
    return out.to(x.dtype)


@contextmanager
def foreign() -> Iterator[None]:
    """Around code of the user's network, forward or backward: whatever it raises is the user's to hear."""
    try:
        yield
    except TicketryError:
        raise
    except (Exception, SystemExit) as error:
        found = f"one that raises {told(error)}"
        raise refuse("model", found, "one that computes an answer to every batch", "correct its code") from error


def put(module: nn.Module, values: Named) -> None:
    """Set parameters and buffers of a module by name, in place; a buffer keeps its type."""
    named = dict(module.named_parameters())
    places = _places(module)
    with torch.no_grad():
        for name, value in values.items():
            if name in named:
                named[name].copy_(value)
            else:
                for holder, key in places[name]:
                    holder[key] = value.to(holder[key])  # its type and device


def _places(module: nn.Module) -> dict[str, list[tuple[dict[str, Any], str]]]:
    """Where in the module each parameter and buffer is held, by its first name: in several places where it is tied."""
    places: dict[int, list[tuple[dict[str, Any], str]]] = {}
    for part in module.modules():
        for holder in (part._parameters, part._buffers):
            for key, value in holder.items():
                places.setdefault(id(value), []).append((holder, key))
    named = [*module.named_parameters(), *module.named_buffers()]
    return {name: places[id(value)] for name, value in named}


def statistics(module: nn.Module) -> dict[str, torch.Tensor]:
    """The running means and variances of a module's batch norms, by their names in its state."""
    return {
        f"{name}.{key}": getattr(norm, key)
        for name, norm in _norms(module).items()
        for key in ("running_mean", "running_var")
    }


def _norms(module: nn.Module) -> dict[str, Norm]:
    return {name: m for name, m in module.named_modules() if isinstance(m, Norm) and m.running_mean is not None}
