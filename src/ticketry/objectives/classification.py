"""One class of several for every example: cross-entropy is lowered, accuracy is reported."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from ticketry.core.fitness import kernels
from ticketry.core.fitness.examples import PreparedExamples
from ticketry.core.fitness.kernels import Networks
from ticketry.core.fitness.totals import Limit, Score
from ticketry.core.meters import Meter
from ticketry.core.nets.feed import Feed
from ticketry.core.nets.judge import judge
from ticketry.core.nets.loss import Columns
from ticketry.core.objective import About, Measure, Need, Target

ACCURACY = Measure(
    name="accuracy",
    title="accuracy",
    fraction=True,
    floor=0.0,
    loss="loss",
    loss_axis="Cross-entropy loss, nats",
    does="classify",
)
_LEAST = -80.0  # exp of less is nothing beside the 1 of the top, and takes ten times as long where it is subnormal


class CrossEntropy:
    """Of logits [B, C] and labels Long[B]. A miss is an example whose class has not the largest logit.

    Of equal logits the first class wins; an answer that is not a number is a miss.
    """

    floor = ACCURACY.floor

    def mean(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(outputs, y)

    def each(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return functional.cross_entropy(outputs, y, reduction="none")

    def misses(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (outputs.argmax(-1) != y).float()

    def judged(self, outputs: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
        right = (outputs.argmax(1) == y) & outputs.isfinite().all(1)
        return functional.cross_entropy(outputs, y, reduction="sum").item(), len(y) - int(right.sum())

    def worst(self, y: torch.Tensor) -> float:
        return float(len(y))

    def columns(self, y: torch.Tensor) -> Columns:
        """`y`, and Long[B]: where the entry of each example's class is in a flat [C, B]."""
        return y, y * len(y) + torch.arange(len(y), device=y.device)

    def sums(self, outputs: torch.Tensor, targets: Columns) -> torch.Tensor:
        y, own = targets
        top = outputs.amax(1)
        mine = outputs.flatten(1).index_select(1, own)
        wrong = mine != top
        below = outputs.sub_(top[:, None])
        if _zeros(below) != top.numel():  # somewhere two classes share the top, or there is none
            classes = torch.arange(outputs.shape[1], device=y.device)[:, None]
            wrong |= ((below == 0) & (classes < y)).any(1)
        below.clamp_min_(_LEAST)
        loss = below.exp_().sum(1).log_().add_(top).sub_(mine)
        return torch.stack([loss.sum(1, dtype=torch.float64), wrong.sum(1, dtype=torch.float64)])

    def slope(self, outputs: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        p, _, n = outputs.shape
        logs = functional.log_softmax(outputs, 1)
        own = y.expand(p, 1, n)
        losses = logs.gather(1, own).mean((1, 2)).neg_()
        change = logs.exp_()
        change.scatter_add_(1, own, change.new_full((p, 1, n), -1.0)).div_(n)
        return losses, change


@dataclass(frozen=True, eq=False)
class Classification:
    """Labels 0 to outputs - 1."""

    measure: ClassVar[Measure] = ACCURACY
    has: ClassVar[frozenset[Need]] = frozenset({"labels", "gradient", "classes"})
    target: ClassVar[Target] = ()
    loss: ClassVar[CrossEntropy] = CrossEntropy()

    input_shape: tuple[int, ...]
    outputs: int
    digest: str

    @property
    def guess(self) -> tuple[float, float]:
        """All classes alike: as many nats as there are in one of them, and one in so many right."""
        return math.log(self.outputs), 1 / self.outputs

    @classmethod
    def of(cls, about: About) -> Classification:
        return cls(about.input_shape, about.outputs, about.digest)

    def targets(self, y: NDArray[Any]) -> NDArray[np.int64]:
        return y

    def prepare(self, examples: Feed) -> PreparedExamples:
        return PreparedExamples(examples, self.loss)

    def score(self, networks: Networks, examples: PreparedExamples, limit: Limit | None, meter: Meter) -> Score:
        return kernels.score(networks, examples, limit, meter)

    def judge(self, network: Callable[[torch.Tensor], torch.Tensor], split: Feed, meter: Meter) -> tuple[float, float]:
        return judge(network, split, self.loss, meter)

    def chance(self, split: Feed) -> float:
        """A little more than the share of the largest class."""
        labels = split.y.bincount()
        return 1.05 * float(labels.max() / labels.sum())

    def reported(self, loss: float | None) -> float | None:
        return loss if loss is not None and math.isfinite(loss) else None


def _zeros(x: torch.Tensor) -> int:
    """How many entries are zero; NumPy takes a tenth of the time."""
    if x.device.type == "cpu":
        return int(np.count_nonzero(np.equal(x.numpy(), 0)))
    return x.numel() - int(torch.count_nonzero(x))
