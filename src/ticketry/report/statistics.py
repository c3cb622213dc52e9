"""Mean and confidence interval of a few runs, and tests of several such means at once."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache


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


@cache
def quantile(freedom: int, confidence: float = 0.95) -> float:
    """The t that Student's variable of so many degrees of freedom, 1 or more, stays within at this probability."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + confidence) / 2))


def at_least(values: Sequence[float], bound: float) -> float:
    """One-sided p of Student's t-test that the mean over all seeds is at least `bound`; two values or more.

    Equal values have none but the mean: 0 where that is below the bound, 1 elsewhere.
    """
    from scipy.special import stdtr

    n, beyond = len(values), statistics.fmean(values) - bound
    error = statistics.stdev(values) / math.sqrt(n)
    if error == 0:
        return float(beyond >= 0)
    return float(stdtr(n - 1, beyond / error))


def holm(ps: Sequence[float]) -> list[float]:
    """Adjusted p of each of a family of tests, none or more, by Holm's procedure, in [0, 1].

    Rejecting those below a level rejects any true hypothesis with that probability at most, whatever the tests share.
    """
    order = sorted(range(len(ps)), key=lambda i: ps[i])
    adjusted, least = [1.0] * len(ps), 0.0
    for done, i in enumerate(order):
        least = max(least, min(1.0, (len(ps) - done) * ps[i]))
        adjusted[i] = least
    return adjusted
