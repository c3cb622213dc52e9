"""Ticket: a ticket file as an ordinary torch module."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ticketry import models
from ticketry.core import device as devices
from ticketry.core.errors import TicketError
from ticketry.core.masks.initial import outside
from ticketry.core.masks.space import Layer, Space
from ticketry.core.nets.net import statistics
from ticketry.ticket import file, masked
from ticketry.ticket.file import TicketFile
from ticketry.ticket.limits import MAX_WEIGHTS

Shapes = Mapping[str, tuple[int, ...]]
Model = nn.Module | type[nn.Module] | None


@dataclass(frozen=True, repr=False)
class Ticket:
    """A ticket in memory. `content`: what the file holds."""

    content: TicketFile

    def __repr__(self) -> str:
        found = self.content
        kept = f"{int(found.mask.sum()):,} of {len(found.mask):,} weights"
        return f"Ticket({found.kind}, {found.model} on {found.data or 'unnamed data'}, {kept}, seed {found.seed})"

    @classmethod
    def load(cls, path: str | Path, *, max_weights: int = MAX_WEIGHTS) -> Ticket:
        """Read a ticket file. Raises RequestError when there is none, TicketError when it is damaged.

        Or when it asks for more than `max_weights`, from which all bounds follow (see ticket/limits.py).
        """
        return cls(file.load(Path(path), max_weights))

    def save(self, path: str | Path) -> None:
        """Write the ticket file, atomically; equal tickets give equal bytes."""
        file.save(Path(path), self.content)

    def mask(self) -> dict[str, torch.Tensor]:
        """Bool masks by parameter name, with the parameters' shapes, locked positions included."""
        flat = torch.from_numpy(self.content.mask.copy())
        return self._space().views(flat)

    def module(self, device: str = "cpu", *, trainable: bool = False, model: Model = None) -> nn.Module:
        """The network, its mask baked into the weights, its norms with their statistics.

        As it is, to be used: in evaluation mode, without gradients. `trainable`, for a training loop of your own: in
        the mode that the model is built in, with gradients, and every masked weight under a parametrization
        (`torch.nn.utils.parametrize`) that keeps its cut entries zero, whatever the optimiser does, through deepcopy,
        `state_dict`, `torch.compile` and autocast. Its state has `parametrizations.weight.original` and
        `parametrizations.weight.0.mask` for `weight`. This makes a plain module of it, zeros included:

            for part in list(net.modules()):
                if parametrize.is_parametrized(part):
                    for name in list(part.parametrizations):
                        parametrize.remove_parametrizations(part, name)

        The outputs are in the units of the data: where the file holds mean and scale of the targets, as for regression,
        the network is the part `network` of the module (see InUnits).

        `model`: an `nn.Module`, or its class, of the same structure, for a ticket whose model was handed over; it is
        copied. Raises TicketError when the model that the ticket names has other parameters than the ticket.
        """
        where = devices.device(device)
        module = self.network(trainable=trainable, model=model)
        if self.content.target:
            module = InUnits(module, self.content.target).train(module.training)
        return module.to(where)

    def network(self, *, trainable: bool = False, model: Model = None) -> nn.Module:
        """The network alone, as `module`, on the CPU: its outputs are standardised where the targets were."""
        ticket = self.content
        module = models.build(ticket.model, ticket.input_shape, ticket.outputs, model, before=self._fits)
        shapes = {layer.name: layer.shape for layer in ticket.layers}
        rest = outside(module, shapes, ticket.recipe.kind, ticket.seed)
        here = {name: tuple(p.shape) for name, p in module.named_parameters() if name in shapes}
        here |= {name: shape for name, shape, _ in rest.drawn}
        here |= {name: tuple(value.shape) for name, value in statistics(module).items()}
        there = shapes | {drawn.name: drawn.shape for drawn in ticket.rest}
        there |= {name: value.shape for name, value in ticket.buffers.items()}
        self._compare(there, here)
        values = {**rest.values, **file.effective(ticket), **ticket.buffers}
        module.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in values.items()}, strict=False)
        if not trainable:
            return module.eval().requires_grad_(False)
        masked.put_on(module, self.mask())
        return module.requires_grad_()

    def _fits(self, module: nn.Module) -> None:
        """Refuse a network of other layers or outputs; one without memory also for a matrix that the file lacks."""
        ticket = self.content
        shapes = {layer.name: layer.shape for layer in ticket.layers}
        named = dict(module.named_parameters())
        set_up = {name: tuple(p.shape) for name, p in named.items() if not nn.parameter.is_lazy(p)}
        self._compare(shapes, {name: set_up.get(name, shapes[name]) for name in shapes if name in named})
        listed = {*shapes, *(p.name for p in ticket.rest), *(p.name for p in ticket.fixed), *ticket.fixed_values}
        large = {name: p for name, p in named.items() if p.is_meta and p.dim() > 1 and name not in listed}
        self._compare({}, {name: tuple(p.shape) for name, p in large.items()})
        blank = any(p.is_meta for p in named.values())
        probe = copy.deepcopy(module).to("meta") if blank else module  # the buffers of norms have memory
        models.check(probe, ticket.input_shape, ticket.outputs)  # which sets up lazy layers, too

    def _compare(self, there: Shapes, here: Shapes) -> None:
        """Refuse a model whose parameters are not those that the ticket speaks of."""
        for name in {**there, **here}:
            if there.get(name) != here.get(name):
                wanted, found = (f"of shape {list(s[name])}" if name in s else "missing" for s in (there, here))
                raise TicketError(
                    f"the model of the ticket is {self.content.model} with {name} {wanted}, but here {name} is {found};"
                    " use the model that the ticket was found in."
                )

    def _space(self) -> Space:
        layers, start = [], 0
        for layer in self.content.layers:
            size = torch.Size(layer.shape).numel()
            layers.append(Layer(layer.name, tuple(layer.shape), start, start + size))
            start += size
        return Space(tuple(layers))


class InUnits(nn.Module):
    """A network whose outputs are brought into the units of the data: mean + scale * output."""

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, network: nn.Module, target: tuple[tuple[float, float], ...]) -> None:
        super().__init__()
        self.network = network
        for name, values in zip(("mean", "scale"), zip(*target, strict=True), strict=True):
            self.register_buffer(name, torch.tensor(values))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Float[B, K]."""
        outputs: torch.Tensor = self.network(x)
        return outputs * self.scale + self.mean


def load(path: str | Path, *, max_weights: int = MAX_WEIGHTS) -> Ticket:
    """Read a ticket file: `tk.load("runs/a/ticket.tkt").module()`; `max_weights`: the most that it may ask for."""
    return Ticket.load(path, max_weights=max_weights)
