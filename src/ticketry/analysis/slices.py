"""Slices through mask space: the masks on lines that lead away from a ticket, and on a plane around it.

NumPy, over the D searched weights. Whatever moves is spread evenly over the layers, whose ranges are `segments`: at
every point of a slice the same part of each layer has moved. Random orders come from one stream a layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from ticketry.core.masks.mask import Segments, shuffle
from ticketry.core.seed.streams import Stream, stream

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
TARGETS = ("shuffled", "complement")


def lines(mask: Mask, segments: Segments, scopes: Segments, t: Floats, directions: int, seed: int) -> Iterator[Mask]:
    """For each target, direction and scope (a range in which bits move), the masks at all t but the first, 0."""
    for toward in TARGETS:
        for direction in range(directions):
            target = ~mask
            if toward == "shuffled":
                streams = _streams(seed, "target", direction, segments)
                target = shuffle(torch.from_numpy(mask), segments, streams).numpy()
            order = departures(mask, target, segments, _streams(seed, toward, direction, segments))
            for start, stop in scopes:
                inside = np.full_like(order, np.inf)
                inside[start:stop] = order[start:stop]
                yield from (along(mask, inside, part) for part in t[1:])


def plane(mask: Mask, segments: Segments, at: Floats, seed: int) -> Iterator[Mask]:
    """The masks at all pairs of coordinates in [-1, 1], those of the first axis fastest, but that of the ticket."""
    others = [stream(seed, "landscape", "axis", axis).bits(len(mask)) for axis in (0, 1)]
    orders = [places(segments, _streams(seed, "place", axis, segments)) for axis in (0, 1)]
    for second in at:
        for first in at:
            if first or second:
                yield beside(beside(mask, others[0], orders[0], first), others[1], orders[1], second)


def departures(mask: Mask, target: Mask, segments: Segments, streams: Sequence[Stream]) -> Floats:
    """After which part of the way to the target each bit changes: Float64[D] in [0, 1), infinity where it never does.

    In each layer the bits that go off and those that come on change in random order and in step, so that a layer whose
    count is the target's keeps it all the way.
    """
    out = np.full(len(mask), np.inf)
    for (start, stop), source in zip(segments, streams, strict=True):
        order = start + source.permutation(stop - start)
        order = order[mask[order] != target[order]]
        for moving in (order[mask[order]], order[~mask[order]]):
            out[moving] = np.arange(len(moving)) / max(1, len(moving))
    return out


def along(mask: Mask, departures: Floats, t: float) -> Mask:
    """The mask a part t in [0, 1] of the way: the mask itself at 0, the target at 1."""
    return mask ^ (departures < t)


def places(segments: Segments, streams: Sequence[Stream]) -> Floats:
    """The place of every position in a random order of its layer, as a part of the layer: Float64[D] in [0, 1)."""
    out = np.empty(segments[-1][1])
    for (start, stop), source in zip(segments, streams, strict=True):
        out[start + source.permutation(stop - start)] = np.arange(stop - start) / max(1, stop - start)
    return out


def beside(mask: Mask, other: Mask, places: Floats, s: float) -> Mask:
    """The mask united with another (s > 0), or cut down to it (s < 0), at the first part |s| <= 1 of the positions."""
    reached = places < abs(s)
    return mask | (other & reached) if s > 0 else mask & (other | ~reached)


def _streams(seed: int, what: str, number: int, segments: Segments) -> list[Stream]:
    return [stream(seed, "landscape", what, number, layer) for layer in range(len(segments))]
