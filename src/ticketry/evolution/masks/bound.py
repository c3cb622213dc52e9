"""Accuracy bounds on new random masks (arXiv 2411.04658): masks are drawn until one is accurate enough.

static: the bound stays. adaptive: it falls while masks that reach it are hard to find. The authors measure the time of
one try and allow 5 seconds of tries, of which 4 are reasonable; here tries are counted, so that a search is repeatable.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ticketry.core.errors import RequestError
from ticketry.core.lazy import torch
from ticketry.core.masks.bits import Words

Filter = Literal["none", "static", "adaptive"]
CHUNK = 32  # masks drawn and evaluated together
REASONABLE = 0.8  # of the tries, after which a success still lowers the bound: the authors' 4 of 5 seconds


@dataclass(frozen=True)
class Bound:
    """An accuracy that new masks must reach, how often no try reached it, and the best accuracy of any try."""

    value: float
    failures: float = 0
    best: float = 0.0

    @classmethod
    def of(cls, numbers: torch.Tensor) -> Bound:
        """From the Float64[3] of `numbers`."""
        return cls(*numbers.tolist())

    @property
    def numbers(self) -> torch.Tensor:
        """Float64[3]: value, failures, best."""
        return torch.tensor([self.value, self.failures, self.best], dtype=torch.float64)


def start(shapes: Sequence[tuple[int, ...]]) -> float:
    """The published first bound: 0.85, and 0.7 for a hidden layer below 40 units or two below 30."""
    hidden = [shape[0] for shape in shapes[:-1]]
    small = (len(hidden) == 1 and hidden[0] < 40) or (len(hidden) == 2 and max(hidden) < 30)
    return 0.7 if small else 0.85


def late(bound: Bound, tries: int, most: int, floor: float) -> Bound:
    """The adaptive bound after a success that took more than the reasonable tries."""
    x = tries / (most - REASONABLE * most)
    return replace(bound, value=max(floor, bound.value - 0.1 * (0.051 + 0.93 * math.exp(-9.36 * x))))


def failed(bound: Bound, floor: float) -> Bound:
    """The adaptive bound after the most tries without success: lower by 0.1^k, k = 1, 1.15, 1.3, ..."""
    value = max(floor, bound.value - 0.1 ** (1 + 0.15 * bound.failures))
    return replace(bound, value=value, failures=bound.failures + 1)


def fill(
    n: int,
    bound: Bound,
    kind: Filter,
    most: int,
    floor: float,
    draw: Callable[[int], Words],
    accuracy: Callable[[Words], NDArray[np.float64]],
) -> tuple[list[Words], Bound]:
    """n random masks that reach the bound, UInt64[W] each, and the bound afterwards.

    `draw(i)`: the i-th chunk of random masks, empty where there are none; `accuracy`: theirs. A mask has `most` tries.
    Then an adaptive bound falls, and at `floor` takes every mask; a static one ends the filling early.
    """
    found: list[Words] = []
    chunk = tries = 0
    while len(found) < n:
        words = draw(chunk)
        if not len(words):
            break
        chunk += 1
        for word, reached in zip(words, accuracy(words).tolist(), strict=True):
            tries, bound = tries + 1, replace(bound, best=max(bound.best, reached))
            if reached >= bound.value or (kind == "adaptive" and bound.value <= floor):
                found.append(word)
                if kind == "adaptive" and tries > REASONABLE * most:
                    bound = late(bound, tries, most, floor)
                tries = 0
            elif tries == most and kind == "static":
                return found, bound
            elif tries == most:
                bound, tries = failed(bound, floor), 0
            if len(found) == n:
                break
    return found, bound


def refuse_static(bound: Bound, most: int) -> RequestError:
    """The sentence for a static bound that random masks do not reach."""
    return RequestError(
        f"bound is static at {bound.value:g}, but none of {most} random masks in a row reached it, the best of all "
        f"tries having accuracy {bound.best:.3g}; lower --bound-at or pass --bound adaptive."
    )
