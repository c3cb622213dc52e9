"""Quantities, one or several for every example: the mean squared error is lowered, R2 is reported.

Networks meet standardised targets, (y - mean) / scale, with each output's mean and deviation in the training part, so
that random networks and learning rates are of the right size; a ticket remembers both. R2 = 1 - squared error /
squared deviation from the mean of the very examples that are judged, so that no constant guess is above 0. Of several
outputs both sums run over all of them, standardised, as their units may differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from ticketry.core.errors import refuse
from ticketry.core.fitness import kernels
from ticketry.core.fitness.examples import PreparedExamples
from ticketry.core.fitness.kernels import Networks
from ticketry.core.fitness.totals import Limit, Score
from ticketry.core.meters import Meter
from ticketry.core.nets.feed import Feed
from ticketry.core.nets.judge import judge
from ticketry.core.nets.loss import Columns
from ticketry.core.objective import About, Measure, Need, Target

R2 = Measure(
    name="r2",
    title="R2",
    fraction=False,
    floor=-1000.0,  # a number, so that tables and JSON can hold it
    loss="mean squared error",
    loss_axis="Mean squared error",
    does="fit",
)


_UNITS = 16  # in the last place of the mean: answers in the units of the data then lose 0.0003 of R2 to rounding
_MOST = float(np.finfo(np.float32).max)


class SquaredError:
    """Of outputs [B, K] and targets Float[B, K], the mean over K. Misses are the same numbers."""

    floor = R2.floor

    def mean(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return functional.mse_loss(outputs, y)

    def each(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (outputs - y).square().mean(-1)

    def misses(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.each(outputs, y)

    def judged(self, outputs: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
        total = self.each(outputs, y).sum(dtype=torch.float64).item()
        return total, total

    def worst(self, y: torch.Tensor) -> float:
        exact = y.double()
        return float((exact - exact.mean(0)).square().mean(1).sum())

    def columns(self, y: torch.Tensor) -> Columns:
        return (y.T.contiguous(),)

    def sums(self, outputs: torch.Tensor, targets: Columns) -> torch.Tensor:
        total = outputs.sub_(targets[0]).square_().mean(1).sum(1, dtype=torch.float64)
        return torch.stack([total, total])

    def slope(self, outputs: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        change = outputs - y.T
        return change.square().mean((1, 2)), change.mul_(2 / (outputs.shape[1] * len(y)))


@dataclass(frozen=True, eq=False)
class Regression:
    """Targets of K outputs."""

    measure: ClassVar[Measure] = R2
    has: ClassVar[frozenset[Need]] = frozenset({"labels", "gradient"})
    loss: ClassVar[SquaredError] = SquaredError()
    guess: ClassVar[tuple[float, float]] = (1.0, 0.0)  # the mean: standardised targets have variance 1

    input_shape: tuple[int, ...]
    outputs: int
    digest: str
    target: Target

    @classmethod
    def of(cls, about: About) -> Regression:
        return cls(about.input_shape, about.outputs, about.digest, about.target or _target(about.y))

    def targets(self, y: NDArray[Any]) -> NDArray[np.float32]:
        mean, scale = np.array(self.target).T
        standardised: NDArray[np.float64] = (y - mean) / scale
        return standardised.astype(np.float32)

    def prepare(self, examples: Feed) -> PreparedExamples:
        return PreparedExamples(examples, self.loss)

    def score(self, networks: Networks, examples: PreparedExamples, limit: Limit | None, meter: Meter) -> Score:
        return kernels.score(networks, examples, limit, meter)

    def judge(self, network: Callable[[torch.Tensor], torch.Tensor], split: Feed, meter: Meter) -> tuple[float, float]:
        return judge(network, split, self.loss, meter)

    def chance(self, split: Feed) -> float:
        """No constant guess is above it."""
        return 0.0

    def reported(self, loss: float | None) -> float | None:
        """In the square of the target's unit; of several outputs in units of their variances, as units may differ."""
        reported = loss * self.target[0][1] ** 2 if loss is not None and self.outputs == 1 else loss
        return reported if reported is not None and math.isfinite(reported) else None


def _target(y: NDArray[Any]) -> Target:
    """Mean and deviation of each of Float64[N, K], by exact sums and as float32, so alike on every machine.

    The deviation is that from the mean as it is kept, of which rounding takes at most half a unit in the last place.
    Raises RequestError where targets differ by so few of these units, or by so little, that float32 cannot tell them
    apart.
    """
    found = []
    for number, column in enumerate(y.T.tolist()):
        mean = float(np.float32(math.fsum(column) / len(column)))
        if min(column) == max(column):  # in this part alone: data that never differ are refused
            found.append((mean, 1.0))
            continue
        scale = math.sqrt(math.fsum((value - mean) ** 2 for value in column) / len(column))
        least = max(_UNITS * float(np.spacing(np.float32(abs(mean)))), float(np.finfo(np.float32).tiny))
        if scale < least:
            where = "y" if y.shape[1] == 1 else f"y[:, {number}]"
            what = f"{mean:.6g} on average, with a deviation of {np.std(column):.3g}"
            allowed = f"spread over at least {least:.3g} there, or float32 cannot tell targets apart"
            remedy = "multiply it by a large number" if abs(mean) < scale else f"subtract {mean:.6g} from it"
            raise refuse(where, what, allowed, remedy)
        found.append((mean, float(np.float32(min(scale, _MOST)))))
    return tuple(found)
