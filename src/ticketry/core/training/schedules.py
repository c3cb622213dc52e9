"""Schedules as functions of the step or of the progress of a search: learning rates and densities."""

from __future__ import annotations

import math
from collections.abc import Sequence


def cosine(step: int, total: int, lr: float, warmup: int = 0, final: float = 0.0) -> float:
    """The rate of step 0..total-1: linear up to `lr` over `warmup` steps, then half a cosine from `lr` to `final`."""
    if step < warmup:
        return lr * (step + 1) / warmup
    progress = (step - warmup) / max(1, total - warmup)
    return final + (lr - final) * 0.5 * (1 + math.cos(math.pi * progress))


def multistep(step: int, milestones: Sequence[int], lr: float, gamma: float = 0.1) -> float:
    """`lr`, multiplied by `gamma` at each milestone (a step) that has been reached."""
    return lr * gamma ** sum(step >= milestone for milestone in milestones)


def cubic_density(progress: float, start: float, end: float, until: float = 1.0, power: float = 3.0) -> float:
    """The density at `progress` in [0, 1] of a search: from `start` to `end`, where it arrives at `until` in (0, 1].

    end + (start - end) * (1 - min(progress / until, 1))^power. Zhu and Gupta 2017 (arXiv 1710.01878) with power 3.
    """
    return float(end + (start - end) * (1 - min(progress / until, 1.0)) ** power)


def geometric_density(progress: float, start: float, end: float, until: float = 1.0, power: float = 1.0) -> float:
    """As `cubic_density`, by factors: end * (start / end)^((1 - min(progress / until, 1))^power).

    Equal factors for power 1; larger ones at first for a power above it.
    """
    return float(end * (start / end) ** ((1 - min(1.0, progress / until)) ** power))
