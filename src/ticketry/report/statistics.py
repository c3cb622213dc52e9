"""Mean and confidence interval of a few runs."""

from __future__ import annotations

import math
import statistics
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
    n, mean = len(values), statistics.fmean(values)
    if n == 1:
        return Estimate(mean, None, 1)
    return Estimate(mean, quantile(n - 1, confidence) * statistics.stdev(values) / math.sqrt(n), n)


def quantile(freedom: int, confidence: float = 0.95) -> float:
    """The t that Student's variable of so many degrees of freedom, 1 or more, stays within at this probability."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + confidence) / 2))
