"""From a ticket to numbers: its untrained weights, and the weights of the network that its mask selects."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ticketry.core.errors import TicketError
from ticketry.core.seed import weights as draw
from ticketry.core.seed.locks import pattern
from ticketry.ticket.content import Floats, Header, TicketFile


def weights(ticket: Header) -> dict[str, Floats]:
    """The untrained weights by name, neither masked nor scaled: the layers, then `rest` with its zeros."""
    kind, seed = ticket.recipe.kind, ticket.seed
    base = {layer.name: draw.weight(kind, seed, layer.name, layer.shape) for layer in ticket.layers}
    for name, shape, fan_in in ticket.rest:
        drawn = draw.bias(kind, seed, name, shape, fan_in) if fan_in else draw.weight(kind, seed, name, shape)
        base[name] = drawn
    for name, start, stop in ticket.zeros:
        base[name].reshape(-1)[start:stop] = 0
    return base


def effective(ticket: TicketFile) -> dict[str, Floats]:
    """The parameters of the ticket's network by name: the layers, `rest`, fixed ones, and what else has trained values.

    A kept weight is its trained value, or else its untrained weight times its layer's density factor, rounded to
    float32; the others are +0. Raises TicketError where the file's digest says that its writer had other weights.
    """
    base = weights(ticket)
    if ticket.digests and ticket.digests["weights"] != draw.digest(base.values()):
        raise TicketError("the weights drawn here are not those of the ticket's writer; check it with ticketry verify.")
    sizes = [layer.size for layer in ticket.layers]
    masks = np.split(ticket.mask, np.cumsum(sizes)[:-1])
    factors = draw.factors(ticket.recipe.scale, sizes, [int(np.count_nonzero(m)) for m in masks])
    if ticket.values is None:
        for layer, mask, factor in zip(ticket.layers, masks, factors, strict=True):
            base[layer.name] = np.where(mask.reshape(layer.shape), base[layer.name] * factor, np.float32(0))
    else:
        flat = np.zeros(len(ticket.mask), np.float32)
        flat[ticket.mask] = ticket.values
        for layer, (start, stop) in zip(ticket.layers, pairwise(np.cumsum([0, *sizes])), strict=True):
            base[layer.name] = flat[start:stop].reshape(layer.shape)
    for name, shape, value in sorted(ticket.fixed):
        base[name] = np.full(shape, value, np.float32)
    return base | dict(sorted(ticket.fixed_values.items())) | dict(sorted((ticket.rest_values or {}).items()))


def locked(ticket: Header, counts: Sequence[tuple[int, int]]) -> list[NDArray[np.int8]]:
    """For each layer Int8[n] of -1 (locked off), +1 (locked on) and 0 (searched), from its (off, on) counts."""
    layers = zip(ticket.layers, counts, strict=True)
    return [pattern(ticket.seed, layer.name, layer.size, off, on) for layer, (off, on) in layers]
