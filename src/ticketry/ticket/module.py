"""Ticket: a ticket file as an ordinary torch module."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from ticketry import models
from ticketry.core.errors import TicketError
from ticketry.core.initial import initial
from ticketry.core.space import Layer, Space
from ticketry.ticket import file
from ticketry.ticket.file import TicketFile


@dataclass(frozen=True)
class Ticket:
    """A ticket in memory. `content`: what the file holds."""

    content: TicketFile

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

    def module(self, device: str = "cpu") -> nn.Module:
        """The network, in evaluation mode: the mask is baked into the weights, norms have their statistics.

        Raises TicketError when the model that the ticket names has other parameters than the ticket.
        """
        ticket = self.content
        module = models.build(ticket.model, ticket.input_shape, ticket.classes)
        shapes = {name: tuple(p.shape) for name, p in module.named_parameters()}
        for layer in ticket.layers:
            if shapes.get(layer.name) != tuple(layer.shape):
                raise TicketError(
                    f"the ticket is for {ticket.model} with {layer.name} {list(layer.shape)}, but the model of that"
                    f" name has {list(shapes.get(layer.name, ())) or 'no such parameter'} here; use the ticket's model."
                )
        values = {name: torch.from_numpy(value) for name, value in file.effective(ticket).items()}
        rest = initial(module, self._space(), ticket.recipe.kind, ticket.seed).rest
        values.update({name: torch.from_numpy(value) for name, value in rest.items() if name not in values})
        values.update({name: torch.from_numpy(value.copy()) for name, value in ticket.buffers.items()})
        missing, unexpected = module.load_state_dict(values, strict=False)
        lost = [name for name in missing if name in shapes] + unexpected
        if lost:
            raise TicketError(f"the ticket does not fit {ticket.model}: {', '.join(lost)}; use the ticket's model.")
        return module.eval().requires_grad_(False).to(device)

    def _space(self) -> Space:
        layers, start = [], 0
        for layer in self.content.layers:
            size = torch.Size(layer.shape).numel()
            layers.append(Layer(layer.name, tuple(layer.shape), start, start + size))
            start += size
        return Space(tuple(layers))


def load(path: str | Path) -> Ticket:
    """Read a ticket file: `tk.load("runs/a/ticket.tkt").module()`."""
    return Ticket.load(path)
