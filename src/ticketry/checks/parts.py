"""TicketParts: a ticket taken apart, so that controls can alter its mask or its untrained weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ticketry.core.seed import weights
from ticketry.core.seed.streams import Stream, stream
from ticketry.ticket import rebuild
from ticketry.ticket.content import TicketFile

Mask = NDArray[np.bool_]
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TicketParts:
    """A mask on untrained weights, layer by layer, in one flat vector each.

    `mask` Bool[N]: the effective mask, locked-on weights included; `base` Float[N]: the untrained weights, neither
    masked nor scaled; `rest`: the untrained parameters outside the mask by name; `searched` Bool[N]: what the search
    could choose.
    """

    ticket: TicketFile
    mask: Mask
    base: Floats
    rest: dict[str, Floats]
    searched: Mask

    @classmethod
    def of(cls, ticket: TicketFile) -> TicketParts:
        """The ticket as it is; trained values, where it has any, are left out."""
        drawn = rebuild.weights(ticket)
        base = np.concatenate([drawn.pop(layer.name).ravel() for layer in ticket.layers])
        searched = np.ones(len(base), np.bool_)
        if ticket.locks is not None:
            searched = np.concatenate(rebuild.locked(ticket, ticket.locks)) == 0
        return cls(ticket, ticket.mask.copy(), base, drawn, searched)

    @property
    def segments(self) -> list[slice]:
        """Where each layer lies in a flat vector."""
        ends = np.cumsum([0, *(layer.size for layer in self.ticket.layers)]).tolist()
        return [slice(start, stop) for start, stop in pairwise(ends)]

    def layers(self, control: str, *draw: int) -> Iterator[tuple[slice, Stream]]:
        """Every layer's place, with a stream of its own for a draw of a control (and a part of it)."""
        for layer, place in zip(self.ticket.layers, self.segments, strict=True):
            yield place, stream(self.ticket.seed, "check", control, *draw, layer.name)

    @property
    def effective(self) -> Floats:
        """Float[N]: the weights of the network: masked, and scaled for the density where the recipe says so."""
        sizes = [layer.size for layer in self.ticket.layers]
        kept = self.kept
        factors = weights.factors(self.ticket.recipe.scale, sizes, kept)
        flat = np.zeros_like(self.base)
        for place, factor in zip(self.segments, factors, strict=True):
            flat[place] = np.where(self.mask[place], self.base[place] * factor, np.float32(0))
        return flat

    @property
    def kept(self) -> list[int]:
        """Weights kept in each layer."""
        return [int(np.count_nonzero(self.mask[place])) for place in self.segments]
