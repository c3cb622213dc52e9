"""Locks: the positions of a frozen network, rebuilt from the seed so that a ticket need not store them.

Source: "Partially Frozen Random Networks Contain Compact Strong Lottery Tickets", arXiv 2402.14029, TMLR 2025.
Deviation: their pattern comes from torch's generator, which is not portable; this one comes from Philox.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ticketry.core.seed import philox

_CHUNK = 1 << 18  # words at a time
_BITS = 12


def pattern(seed: int, name: str, n: int, off: int, on: int) -> NDArray[np.int8]:
    """Int8[n] of a layer: -1 where locked off, +1 where locked on, 0 where searched.

    The layer's positions are put in the stable ascending order of n 64-bit words from the key (seed, "lock", name);
    the first `off` of them are locked off and the next `on` locked on.
    """
    words = philox.words64(philox.key(seed, "lock", name), n)
    off_and_on = _smallest(words, off + on)
    locked_off = _smallest(words, off)
    return off_and_on.astype(np.int8) - 2 * locked_off.astype(np.int8)


def _smallest(words: NDArray[np.uint64], m: int) -> NDArray[np.bool_]:
    """Bool[n]: the m smallest words, equal ones from the lowest index. By selection, many times faster than a sort."""
    if m == 0:
        return np.zeros(len(words), np.bool_)
    cut = _nth(words, m - 1)
    chosen: NDArray[np.bool_] = words < cut
    ties = np.flatnonzero(words == cut)
    chosen[ties[: m - np.count_nonzero(chosen)]] = True
    return chosen


def _nth(words: NDArray[np.uint64], place: int) -> np.uint64:
    """The word at a place, from 0, in ascending order; of many words by their upper bits first, in little memory."""
    found = words
    parts = [words[start : start + _CHUNK] for start in range(0, len(words), _CHUNK)]
    if len(parts) > 1:
        below = np.cumsum(sum(np.bincount(_upper(part), minlength=1 << _BITS) for part in parts))
        bucket = int(np.searchsorted(below, place, side="right"))
        found = np.concatenate([part[_upper(part) == bucket] for part in parts])
        place -= int(below[bucket]) - len(found)
    nth: np.uint64 = np.partition(found, place)[place]
    return nth


def _upper(words: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The upper bits of words."""
    return (words >> np.uint64(64 - _BITS)).astype(np.int64)
