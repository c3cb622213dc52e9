"""What turns a population of masks into new masks: recombination, mutation, and the sieve both may have to pass.

All act on packed bits (`core/masks/bits.py`), the whole population at once. `draw(purpose, index...)` gives the random
streams of one generation, so that a generation is a function of the population and its number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ticketry.core.masks import bits
from ticketry.core.masks.bits import Bits, Words
from ticketry.core.seed.streams import Stream

Places = NDArray[np.int64]
Draw = Callable[..., Stream]
Sieve = Callable[[Words], tuple[Words, Bits]]
"""Genomes UInt64[P, W] -> the same, perhaps repaired, and Bool[P]: which of them may live."""
ATTEMPTS = 100  # times that a child which the sieve refuses is made anew before it is given up


def share(rate: float, n: int) -> int:
    """floor(rate * n), where 0.29 * 100 is 29."""
    return math.floor(rate * n + 1e-9)


def recombine(genomes: Words, d: int, first: Places, mates: Places, draw: Draw, sieve: Sieve | None = None) -> Words:
    """Children of uniform crossover of pairs, Int64[C] and Int64[C], of UInt64[P, W]: every bit is either's with
    probability 1/2. UInt64[C, W], or fewer."""

    def make(rows: NDArray[np.int64], attempt: int) -> Words:
        coins = bits.random(draw("cross", attempt), len(rows), d, 0.5)
        return bits.cross(genomes[first[rows]], genomes[mates[rows]], coins)

    return persist(make, len(first), genomes.shape[1], sieve)


def mutate(
    genomes: Words,
    children: Words,
    d: int,
    chosen: Places,
    where: Places,
    draw: Draw,
    sieve: Sieve | None = None,
    segments: Sequence[tuple[int, int]] = (),
) -> Words:
    """Copies, each with one bit flipped, of the `chosen`, Int64[K] indices, among individuals and then children.

    `where`, Int64[K] random numbers below 2^32, says which bit: uniform over all D or, with `segments`, the layers,
    uniform over the layers first and then within one.
    """

    def make(rows: NDArray[np.int64], attempt: int) -> Words:
        who = chosen[rows]
        copies = bits.take(genomes, children, who)
        numbers = draw("flip", attempt).integers(len(who), 2**32) if attempt else where
        if not segments:
            return bits.flip(copies, numbers * d >> 32)
        starts, stops = np.array([segment for segment in segments if segment[0] < segment[1]]).T
        layer = draw("layer", attempt).integers(len(who), len(starts))
        return bits.flip(copies, starts[layer] + (numbers * (stops - starts)[layer] >> 32))

    return persist(make, len(chosen), genomes.shape[1], sieve)


def exactly(words: Words, d: int, kept: int, stream: Stream) -> Words:
    """Genomes with `kept` ones each: bits chosen at random among the surplus kind are flipped. UInt64[P, W], same.

    A set of k among n without order is drawn in k steps (Floyd; Bentley, "A sample of brilliance", CACM 1987).
    """
    surplus = bits.count(words) - kept
    wrong = np.flatnonzero(surplus)
    masks, numbers, used = bits.unpack(words[wrong], d), stream.integers(int(abs(surplus).sum()), 2**32), 0
    for mask, over in zip(masks, surplus[wrong].tolist(), strict=True):
        places, k = np.flatnonzero(mask == (over > 0)), abs(over)
        chosen: set[int] = set()
        for last, number in enumerate(numbers[used : used + k].tolist(), start=len(places) - k):
            place = number * (last + 1) >> 32
            chosen.add(last if place in chosen else place)
        mask[places[list(chosen)]] ^= True
        used += k
    settled = words.copy()
    settled[wrong] = bits.pack(masks)
    return settled


def truncate(performance: NDArray[np.float64], ones: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Indices of the best `most`, in order: by performance (lower is better, NaN worst), then by fewer ones, then by
    index."""
    return np.lexsort((ones, performance))[:most]


def persist(make: Callable[[NDArray[np.int64], int], Words], n: int, width: int, sieve: Sieve | None) -> Words:
    """n genomes UInt64[n, W] from `make(rows, attempt)`; those that the sieve refuses are made anew, up to ATTEMPTS
    times, and then left out."""
    if sieve is None:
        return make(np.arange(n), 0)
    made, good = np.zeros((n, width), np.uint64), np.zeros(n, np.bool_)
    for attempt in range(ATTEMPTS):
        rows = np.flatnonzero(~good)
        if not rows.size:
            break
        words, alive = sieve(make(rows, attempt))
        made[rows[alive]], good[rows[alive]] = words[alive], True
    return made[good]
