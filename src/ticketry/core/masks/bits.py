"""Masks as packed bits, an eighth of the memory of `Bool[*P, D]` and as much faster to copy, cross and compare.

A genome is `UInt64[W]`, W = ceil(D / 64): bit i of word w is position 64 w + i, and the padding bits of the last word
are 0, so that equal masks have equal words. Operations on a population `UInt64[P, W]` are whole-array operations.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray

from ticketry.core.seed import philox
from ticketry.core.seed.streams import Stream

Words = NDArray[np.uint64]
Bits = NDArray[np.bool_]

PLACES = 24  # binary digits of a density in `random`, so that it is met to 2^-25


def width(d: int) -> int:
    """W, the words that D bits take."""
    return -(-d // 64)


def pack(masks: Bits) -> Words:
    """Bool[*P, D] -> UInt64[*P, W]."""
    packed = np.packbits(masks, axis=-1, bitorder="little")
    raw = np.zeros((*masks.shape[:-1], 8 * width(masks.shape[-1])), np.uint8)
    raw[..., : packed.shape[-1]] = packed
    return raw.view("<u8").astype(np.uint64, copy=False)


def unpack(words: Words, d: int) -> Bits:
    """UInt64[*P, W] -> Bool[*P, D]."""
    raw = np.ascontiguousarray(words, dtype="<u8").view(np.uint8)
    return np.unpackbits(raw, axis=-1, count=d, bitorder="little").view(np.bool_)


def count(words: Words) -> NDArray[np.int64]:
    """Ones of each genome: UInt64[*P, W] -> Int64[*P]."""
    ones = np.bitwise_count(words).sum(-1, dtype=np.uint32)  # twice as fast as in 64 bits
    return np.asarray(ones, np.int64)


def random(stream: Stream, n: int, d: int, density: float) -> Words:
    """n genomes whose bits are 1 with probability `density`, in [0, 1]: UInt64[n, W].

    Digit by digit of the density in base 2, from the last: with fair coins c, a digit 1 makes p out of p' as
    (1 + p') / 2 = P(c or b), a digit 0 as p' / 2 = P(c and b). Density 1/2 takes one random word for 64 bits.
    """
    if not 0 <= density <= 1:
        raise ValueError(f"density is {density}, not in [0, 1]")
    scaled = round(density * 2**PLACES)
    if scaled in (0, 2**PLACES):
        words = np.full((n, width(d)), np.uint64(2**64 - 1 if scaled else 0))
    else:
        last = (scaled & -scaled).bit_length() - 1  # digits after the last 1 draw nothing
        shape = (PLACES - last, n, width(d))
        coins = philox.words64(stream.key, math.prod(shape)).reshape(shape)
        words = coins[0]
        for digit, coin in enumerate(coins[1:], start=last + 1):
            words = words | coin if scaled >> digit & 1 else words & coin
    if d % 64:
        words[:, -1] &= np.uint64(2 ** (d % 64) - 1)
    return words


def flip(words: Words, positions: NDArray[np.int64]) -> Words:
    """Copies with one bit changed each: UInt64[P, W], Int64[P] -> UInt64[P, W]."""
    changed = words.copy()
    changed[np.arange(len(words)), positions >> 6] ^= np.uint64(1) << (positions & 63).astype(np.uint64)
    return changed


def cross(ones: Words, zeros: Words, choice: Words) -> Words:
    """Bits of `ones` where `choice` has a 1, of `zeros` where it has a 0; UInt64[*P, W] each."""
    mixed = ones ^ zeros
    mixed &= choice
    mixed ^= zeros
    return mixed


def take(first: Words, second: Words, order: NDArray[np.int64]) -> Words:
    """Rows of two populations by their indices in both, first before second: UInt64[K, W]."""
    taken = np.empty((len(order), first.shape[1]), np.uint64)
    old = order < len(first)
    taken[old], taken[~old] = first[order[old]], second[order[~old] - len(first)]
    return taken


def distinct(words: Words, known: int = 0) -> Words:
    """The first `known` genomes, and those after them that equal none before: UInt64[P, W] -> UInt64[K, W], in order.

    Exact: genomes whose fingerprints agree are compared word by word.
    """
    marks = np.einsum("pw,w->p", words, _odd(words.shape[-1]))  # half the time of @
    order = np.argsort(marks, kind="stable")
    alike = np.flatnonzero(marks[order[1:]] == marks[order[:-1]])
    earlier, later = order[alike], order[alike + 1]
    if not (words[earlier] == words[later]).all():  # two genomes with one fingerprint, once in 10^15 populations
        return _distinct_slowly(words, known)
    fresh = np.ones(len(words), np.bool_)
    fresh[later[later >= known]] = False
    return words if fresh.all() else words[fresh]


def _distinct_slowly(words: Words, known: int) -> Words:
    seen = {row.tobytes() for row in words[:known]}
    kept = list(range(known))
    for i in range(known, len(words)):
        row = words[i].tobytes()
        if row not in seen:
            seen.add(row)
            kept.append(i)
    return words[kept]


@functools.cache
def _odd(n: int) -> Words:
    """UInt64[n] odd numbers without a pattern, so that a flipped bit always changes a sum of products with them."""
    return philox.words64((0, 0), n) | np.uint64(1)
