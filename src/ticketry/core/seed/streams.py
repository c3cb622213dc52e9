"""Named stateless streams: every random draw outside the weights is `stream(seed, purpose, index, ...)`.

Nothing is remembered between draws, so a run resumes without any generator state, and no global generator is touched.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ticketry.core.seed import philox


@dataclass(frozen=True)
class Stream:
    """One key of the generator; each method draws from its beginning, so draw once from one stream."""

    key: tuple[int, int]

    def uniform(self, n: int) -> NDArray[np.float32]:
        """n numbers in [0, 1), multiples of 2^-24."""
        return (philox.words32(self.key, n) >> 8).astype(np.float32) * np.float32(2.0**-24)

    def integers(self, n: int, below: int) -> NDArray[np.int64]:
        """n integers in [0, below) by 32-bit multiply and shift: bias under below / 2^32."""
        return ((philox.words32(self.key, n).astype(np.uint64) * np.uint64(below)) >> np.uint64(32)).astype(np.int64)

    def permutation(self, n: int) -> NDArray[np.int64]:
        """A uniformly random order of 0..n-1: the stable sorting order of n 64-bit words."""
        return np.argsort(philox.words64(self.key, n), kind="stable")

    def bits(self, n: int) -> NDArray[np.bool_]:
        """n fair coin flips."""
        return philox.bits(self.key, n).astype(np.bool_)


def stream(seed: int, purpose: str, *index: int | str) -> Stream:
    """The stream of a purpose, such as `stream(0, "mutation", generation)`."""
    return Stream(philox.key(seed, purpose, *index))
