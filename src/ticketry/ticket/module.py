"""Ticket: a ticket file as an ordinary torch module."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ticketry.core import device as devices
from ticketry.core.masks.space import Layer, Space
from ticketry.core.nets.net import answer, put
from ticketry.core.nets.weight_norms import guard
from ticketry.ticket import file, masked
from ticketry.ticket.file import TicketFile
from ticketry.ticket.given import Model as Model
from ticketry.ticket.given import opened


@dataclass(frozen=True, repr=False)
class Ticket:
    """A ticket in memory. `content`: what the file holds."""

    content: TicketFile

    def __repr__(self) -> str:
        found = self.content
        kept = f"{int(found.mask.sum()):,} of {len(found.mask):,} weights"
        return f"Ticket({found.kind}, {found.model} on {found.data or 'unnamed data'}, {kept}, seed {found.seed})"

    @classmethod
    def load(cls, path: str | Path) -> Ticket:
        """Read a ticket file. Raises RequestError when there is none, TicketError when it is damaged."""
        return cls(file.load(Path(path)))

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
        module, rest = opened(ticket, model)
        guard(module)
        values = {**rest.values, **file.effective(ticket), **ticket.buffers}
        put(module, {name: torch.from_numpy(value.copy()) for name, value in values.items()})
        if not trainable:
            return module.eval().requires_grad_(False)
        masked.put_on(module, self.mask())
        for name, parameter in module.named_parameters():
            parameter.requires_grad_(name not in rest.held)
        return module

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
        return answer(self.network, x) * self.scale + self.mean


def load(path: str | Path) -> Ticket:
    """Read a ticket file: `tk.load("runs/a/ticket.tkt").module()`."""
    return Ticket.load(path)
