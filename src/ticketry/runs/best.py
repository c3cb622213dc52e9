"""The best candidate of a search so far, by its validation score."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch

from ticketry.core.masks.candidate import Candidate
from ticketry.core.task import Task


@dataclass(frozen=True, eq=False)
class Best:
    """The candidate that validation chose: its validation loss and quality, and the step it was found at."""

    candidate: Candidate
    loss: float
    quality: float
    step: int


def same(one: Candidate, other: Candidate) -> bool:
    """Whether two candidates are one network, as far as that costs nothing to say."""
    return one.values is other.values is None and torch.equal(one.mask, other.mask)


def preferred(answer: Literal["best", "last"], best: Best, now: Best) -> Best:
    """Of two candidates the better validated, or the later unless its loss is not a number."""
    if answer == "last":
        return now if math.isfinite(now.loss) else best
    return max(best, now, key=lambda one: (one.quality, -one.loss, -one.step))


def validated(task: Task, found: Candidate) -> Best:
    """A candidate with its validation score; a loss that is not a number counts as infinite, with the least quality."""
    loss, reached = task.validate(found)
    if not math.isfinite(loss):
        loss, reached = math.inf, task.objective.measure.floor
    return Best(found, loss, reached, task.meters.steps)
