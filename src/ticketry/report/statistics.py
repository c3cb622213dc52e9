"""Mean and confidence interval of a few runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """What runs with different seeds say of the mean over all seeds."""

    mean: float
    half: float | None
    """Half the width of the interval around `mean`; None for a single run, which says nothing of the spread."""
    runs: int


def estimate(values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Mean with Student's t-interval: mean +- t(n - 1) * sd / sqrt(n), where sd has the divisor n - 1. At least one."""
    n = len(values)
    mean = math.fsum(values) / n
    if n == 1:
        return Estimate(mean, None, 1)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    return Estimate(mean, quantile(n - 1, confidence) * deviation / math.sqrt(n), n)


def quantile(freedom: int, confidence: float = 0.95) -> float:
    """The t that Student's variable of so many degrees of freedom, 1 or more, stays within at this probability."""
    low, high = 0.0, 1.0
    while within(high, freedom) < confidence:
        low, high = high, 2 * high
    while True:
        middle = (low + high) / 2
        if middle in (low, high):
            return middle
        low, high = (middle, high) if within(middle, freedom) < confidence else (low, middle)


def within(t: float, freedom: int) -> float:
    """P(|T| <= t) for a whole number of degrees of freedom: Abramowitz and Stegun 1964, 26.7.3 and 26.7.4."""
    angle = math.atan(t / math.sqrt(freedom))
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0
    for k in range(1 + odd, freedom, 2):
        total += term
        term *= math.cos(angle) ** 2 * k / (k + 1)
    return 2 / math.pi * (angle + math.sin(angle) * total) if odd else math.sin(angle) * total
