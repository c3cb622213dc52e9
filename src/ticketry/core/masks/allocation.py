"""Layer budgets: how a total number of kept (or locked) weights is shared out over the layers.

A budget D turns a density d of the network into a density D_l(d) of every layer l with n_l weights of L layers, so
that the sum of D_l(d) n_l is d N. The first four are monotone in d.

- `uniform`: D_l = d.
- `erk`: D_l = e * (sum of the dimensions of the shape, kernel included) / n_l, with one e for all layers; a layer
  that would exceed 1 is dense, and e is solved again for the others. Evci et al. 2020 (arXiv 1911.11134), after
  Mocanu et al. 2018.
- `epl`, edges per layer: the same number of weights in every layer; a layer smaller than its share is dense, and
  the surplus is split equally over the others. Price and Tanner 2021 (arXiv 2102.07655).
- `igq`, ideal gas quotas: D_l = 1 / (g n_l + 1) with one g for all layers. Chijiwa et al. 2022.
- `smart-ratio`: the last layer has D_l = 0.3, the others D_l in proportion to (L - l + 1)^2 + (L - l + 1), l from 1; a
  layer that would exceed 1 is dense, and the surplus goes to the others in proportion (the authors': to the layers
  behind it). Su et al. 2020 (arXiv 2009.11094). Not for locks.

Counts are whole numbers by largest remainder, ties to the first layer, and their sum is exact. Quotas are rational
numbers (g alone is a float, from additions, divisions and exact sums), so the counts are the same on every machine.
Deviations: the authors round every layer down and bisect g to a tolerance of 1/N; here g is as good as float64 allows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Literal, get_args

from ticketry.core.errors import refuse, unknown

LockAllocation = Literal["uniform", "erk", "epl", "igq"]
Allocation = Literal["uniform", "erk", "epl", "igq", "smart-ratio"]
Split = Literal["sparsity", "density"]
Shapes = Sequence[Sequence[int]]


def layer_counts(budget: Allocation, shapes: Shapes, total: int) -> list[int]:
    """Weights kept in every layer, at most all of them; `total`, from 0 to N, is their exact sum."""
    return list(_counts(budget, tuple(map(tuple, shapes)), total))


@lru_cache  # a search asks for the same ones at every step
def _counts(budget: Allocation, shapes: tuple[tuple[int, ...], ...], total: int) -> tuple[int, ...]:
    sizes = [math.prod(shape) for shape in shapes]
    if not 0 <= total <= sum(sizes):
        raise refuse("total", total, f"an integer from 0 to {sum(sizes)}", "keep as many weights as there are")
    return tuple(_apportion(_quotas(budget, shapes, Fraction(total)), total, sizes))


def lock_counts(budget: LockAllocation, split: Split, shapes: Shapes, off: float, on: float) -> list[tuple[int, int]]:
    """Weights locked (off, on) in every layer; the sums are round(off N) and round(on N), exactly.

    `off` and `on` are fractions p and r of all N weights, p + r <= 1. With the budget D, layer l has locked off
    1 - D_l(1 - p) under both splits, and locked on D_l(1 - p) - D_l(1 - p - r) under `sparsity` (the searched weights
    follow the budget), D_l(r) under `density` (the weights locked on do). Because D is monotone neither can ask for
    more than a layer has; only rounding can, and `on` then takes the room that `off` leaves. arXiv 2402.14029.
    """
    if not (off >= 0 and on >= 0 and off + on <= 1):
        raise refuse("lock", f"off {off}, on {on}", "two fractions with a sum of at most 1", "lock fewer weights")
    sizes = [math.prod(shape) for shape in shapes]
    total = sum(sizes)
    locked_off = round(off * total)
    locked_on = min(round(on * total), total - locked_off)  # both may round a half up
    not_off = layer_counts(budget, shapes, total - locked_off)
    if split == "density":
        quotas = _quotas(budget, shapes, Fraction(locked_on))
    elif split == "sparsity":
        wide = _quotas(budget, shapes, Fraction(total - locked_off))
        searched = _quotas(budget, shapes, Fraction(total - locked_off - locked_on))
        quotas = [w - s for w, s in zip(wide, searched, strict=True)]
    else:
        raise unknown("lock.split", split, ("sparsity", "density"))
    locked = _apportion(quotas, locked_on, not_off)
    return [(size - room, chosen) for size, room, chosen in zip(sizes, not_off, locked, strict=True)]


def _quotas(budget: Allocation, shapes: Shapes, total: Fraction) -> list[Fraction]:
    """The share of every layer in `total` kept weights, before rounding; the sum is `total` (igq: to float64)."""
    sizes = [math.prod(shape) for shape in shapes]
    if budget == "uniform":
        return _proportional(sizes, sizes, total)
    if budget == "erk":
        return _proportional([sum(shape) for shape in shapes], sizes, total)
    if budget == "epl":
        return _proportional([1] * len(sizes), sizes, total)
    if budget == "igq":
        return _ideal_gas(sizes, total)
    if budget == "smart-ratio":
        return _smart_ratio(sizes, total)
    raise unknown("budget", budget, get_args(Allocation))


def _proportional(parts: Sequence[int], sizes: Sequence[int], total: Fraction) -> list[Fraction]:
    """Shares of `total` in proportion to `parts`; what exceeds a layer's size goes to the others in proportion."""
    dense: set[int] = set()
    while True:
        open_parts = sum(part for i, part in enumerate(parts) if i not in dense)
        unit = (total - sum(sizes[i] for i in dense)) / max(open_parts, 1)
        full = {i for i, part in enumerate(parts) if i not in dense and unit * part > sizes[i]}
        if not full:
            return [Fraction(size) if i in dense else unit * parts[i] for i, size in enumerate(sizes)]
        dense |= full


def _smart_ratio(sizes: Sequence[int], total: Fraction) -> list[Fraction]:
    """The last layer has at most 3/10 of its weights, unless the others are dense."""
    last = max(min(Fraction(3, 10) * sizes[-1], total), total - sum(sizes[:-1]))
    parts = [(left * left + left) * size for left, size in zip(range(len(sizes), 1, -1), sizes, strict=False)]
    return [*_proportional(parts, sizes[:-1], total - last), last]


def _ideal_gas(sizes: Sequence[int], total: Fraction) -> list[Fraction]:
    """n / (g n + 1), the sum falling from N at g = 0 to below `total` at g = L / total: bisected until g is fixed."""
    if total in (0, sum(sizes)):
        return [Fraction(size if total else 0) for size in sizes]
    wanted, low, high = float(total), 0.0, len(sizes) / float(total)
    while low < (middle := (low + high) / 2) < high:
        if math.fsum(size / (middle * size + 1) for size in sizes) > wanted:
            low = middle
        else:
            high = middle
    return [Fraction(size / (high * size + 1)) for size in sizes]


def _apportion(quotas: Sequence[Fraction], total: int, room: Sequence[int]) -> list[int]:
    """Whole numbers with sum `total`, each from 0 to its room: quotas rounded down, then one more each in the order
    of their remainders, as often as needed (more than once only where room ran out). sum(room) >= total."""
    counts = [min(math.floor(quota), limit) for quota, limit in zip(quotas, room, strict=True)]
    order = sorted(range(len(quotas)), key=lambda i: (counts[i] - quotas[i], i))
    missing = total - sum(counts)
    while missing:
        for i in order if missing > 0 else order[::-1]:
            step = (counts[i] < room[i]) if missing > 0 else -(counts[i] > 0)
            counts[i] += step
            missing -= step
            if not missing:
                break
    return counts
