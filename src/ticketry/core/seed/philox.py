"""Keyed random words: Philox 4x64-10, the counter-based generator whose integer stream NumPy guarantees.

A key is the first 16 bytes (two little-endian 64-bit words) of SHA-256 over the ASCII text `ticketry/1|part|part|...`.
The stream of a key is `numpy.random.Philox(key=key).random_raw`: blocks of four words, the block counter starting
at one. Only integers are drawn here. Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray


def key(*parts: object) -> tuple[int, int]:
    """The 128-bit key of a purpose, as two 64-bit words. No part contains `|`, so that no two lists collide."""
    texts = [str(part) for part in parts]
    if any("|" in text for text in texts):
        raise ValueError(f"a key part contains '|': {texts}")
    digest = hashlib.sha256("|".join(["ticketry/1", *texts]).encode()).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:16], "little")


class _Key(ISeedSequence):
    """Hands NumPy the key itself: `Philox(key=...)` would ask the system for a seed first, and take twice as long."""

    def __init__(self, key: tuple[int, int]) -> None:
        self._key = key

    def generate_state(self, n_words: int, dtype: object = np.uint64) -> NDArray[np.uint64]:
        return np.array(self._key, np.uint64)


def words64(key: tuple[int, int], n: int) -> NDArray[np.uint64]:
    """The first n 64-bit words of a key's stream."""
    generator = np.random.Philox(_Key(key))  # type: ignore[arg-type]  # its stubs forget ISeedSequence
    return np.asarray(generator.random_raw(n), dtype=np.uint64)


def words32(key: tuple[int, int], n: int) -> NDArray[np.uint32]:
    """The first n 32-bit words: each 64-bit word gives its low half first."""
    return words64(key, (n + 1) // 2).astype("<u8", copy=False).view("<u4")[:n]


def bits(key: tuple[int, int], n: int) -> NDArray[np.uint8]:
    """The first n bits (0 or 1): each 64-bit word from its lowest bit upwards."""
    raw = words64(key, (n + 63) // 64).astype("<u8", copy=False).view(np.uint8)
    return np.unpackbits(raw, count=n, bitorder="little")
