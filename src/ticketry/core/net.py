"""Net: a module as a function of its masked weights, with norm statistics that are a function of the mask.

Rule for batch norm: a search sees the statistics of its own batch; an evaluation uses running statistics that
`calibrate` measures anew for the network at hand, as the plain average over a fixed number of training batches. So
nothing about norms has to be remembered between steps, and two equal masks always give the same network.
Everything else (dropout above all) is in evaluation mode throughout.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import nn
from torch.func import functional_call

Named = Mapping[str, torch.Tensor]
Norm = nn.modules.batchnorm._NormBase


class Net:
    """A module's skeleton on a device; weights come from outside. `rest`: the parameters that are not masked."""

    def __init__(self, module: nn.Module, rest: Named) -> None:
        self._rest = dict(rest)
        self._module = module.eval().requires_grad_(False)
        self._norms = _norms(module)
        self._copies_input = True  # until a call has left its input alone

    @property
    def has_norms(self) -> bool:
        """Whether evaluation needs `calibrate` first."""
        return bool(self._norms)

    def train(self, weights: Named, x: torch.Tensor) -> torch.Tensor:
        """Logits [B, C] for masked weights by name, norms using the batch's own statistics."""
        self._mode(training=True)
        return self._call(weights, x, {})

    def evaluate(self, weights: Named, x: torch.Tensor, buffers: Named) -> torch.Tensor:
        """Logits [B, C] for masked weights by name, with the running statistics in `buffers` (see `calibrate`)."""
        self._mode(training=False)
        return self._call(weights, x, buffers)

    def calibrate(self, weights: Named, batches: Iterable[torch.Tensor]) -> dict[str, torch.Tensor]:
        """The running mean and variance of every norm, averaged over the batches. Empty without norms."""
        if not self._norms:
            return {}
        for norm in self._norms.values():
            norm.reset_running_stats()
        with torch.no_grad():
            for before, x in enumerate(batches):
                for norm in self._norms.values():
                    norm.momentum = 1 / (before + 1)  # makes the running statistics a plain average
                self.train(weights, x)
        return {name: value.clone() for name, value in statistics(self._module).items()}

    def _mode(self, *, training: bool) -> None:
        for norm in self._norms.values():
            norm.training = training

    def _call(self, weights: Named, x: torch.Tensor, buffers: Named) -> torch.Tensor:
        if self._copies_input:
            x = x.clone()
        version = x._version
        out: torch.Tensor = functional_call(self._module, {**weights, **self._rest, **buffers}, (x,))
        self._copies_input = self._copies_input and x._version != version
        return out


def statistics(module: nn.Module) -> dict[str, torch.Tensor]:
    """The running means and variances of a module's batch norms, by their names in its state."""
    return {
        f"{name}.{key}": getattr(norm, key)
        for name, norm in _norms(module).items()
        for key in ("running_mean", "running_var")
    }


def _norms(module: nn.Module) -> dict[str, Norm]:
    return {name: m for name, m in module.named_modules() if isinstance(m, Norm) and m.running_mean is not None}
