"""What a search costs and how much of it is allowed: one currency for every method."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ticketry.core.errors import BudgetSpent, SearchEnded, refuse


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Limits of a search. The first one reached ends it; what is not given falls back on the method's own default."""

    epochs: int | None = None
    """Passes over the training data; schedules (learning rate, density) stretch over exactly these. At least 1."""
    generations: int | None = None
    """Steps of the method: generations of a population method, scoring passes of a one-shot method. At least 1."""
    evaluations: int | None = None
    """Fitness evaluations (one mask on one set of examples each). At least 1."""
    seconds: float | None = None
    """Wall-clock seconds of search, summed over interruptions; results then depend on the machine's speed. Above 0."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None and not 0 < value < math.inf:
                raise refuse(f"budget.{name}", value, "above 0 and finite", "give such a number or leave it out")

    def over(self, default: Budget) -> Budget:
        """This budget, with the default's limits where this one has none."""
        mine = vars(self)
        return Budget(**{name: value if mine[name] is None else mine[name] for name, value in vars(default).items()})


@dataclass
class Meters:
    """What was spent so far. Plain numbers, saved with every checkpoint."""

    examples_forward: int = 0
    """Examples that went forward through one network."""
    examples_backward: int = 0
    """Examples whose gradient was taken."""
    evaluations: int = 0
    """Masks whose fitness was asked for."""
    epochs: int = 0
    """Passes over the training data begun."""
    steps: int = 0
    """Whole steps of the method."""
    seconds: float = 0.0
    """Wall-clock seconds of search."""


class Meter:
    """Counts what a search spends and stops it where its budget ends: one object, given to all that computes.

    `meters`: the counts so far. Beside them the losses of training on the way, and who is told how far an epoch is.
    """

    def __init__(self, budget: Budget | None = None) -> None:
        self.budget = budget or Budget()
        self.meters = Meters()
        self._losses: list[float] = []
        self._listener: Callable[[float], None] = lambda fraction: None
        self._clock = time.perf_counter()

    def spend(
        self,
        *,
        forward: int = 0,
        backward: int = 0,
        evaluations: int = 0,
        epochs: int = 0,
        steps: int = 0,
        losses: Sequence[float] = (),
    ) -> None:
        """Count work: examples forward and backward, the rest as in Meters; `losses`, mean training losses on the way.

        Raises BudgetSpent, counting nothing, where the budget does not allow it. Examples and losses are not limited:
        naming nothing else never raises, and naming nothing at all raises where the time is over.
        """
        if evaluations or epochs or steps or not (forward or losses):
            self._check(evaluations, epochs, steps)
        meters = self.meters
        meters.examples_forward += forward
        meters.examples_backward += backward
        meters.evaluations += evaluations
        meters.epochs += epochs
        meters.steps += steps
        self._losses += losses

    @property
    def part(self) -> float:
        """How much of the budget is spent, by the limit nearest its end, in [0, 1]."""
        spent = {**vars(self.meters), "generations": self.meters.steps}
        return max((min(1.0, spent[name] / limit) for name, limit in vars(self.budget).items() if limit), default=0.0)

    @contextmanager
    def one_step(self) -> Iterator[None]:
        """Around each step of the method: counts it, and uncounts it when it is cut short."""
        self.spend(steps=1)
        try:
            yield
        except SearchEnded:
            self.meters.steps -= 1
            raise
        finally:
            self._time()

    def resume(self, meters: Meters) -> None:
        """Go on counting from a checkpoint's meters."""
        vars(self.meters).update(vars(meters))
        self._clock = time.perf_counter()

    def take_loss(self) -> float | None:
        """Mean training loss since the last call; None when there was none."""
        losses, self._losses = self._losses, []
        return sum(losses) / len(losses) if losses else None

    def listen(self, listener: Callable[[float], None]) -> None:
        """Call this with the fraction of the epoch under way that is done."""
        self._listener = listener

    def tell(self, fraction: float) -> None:
        """Say that this fraction of the epoch under way is done."""
        self._listener(fraction)

    def _time(self) -> None:
        now = time.perf_counter()
        self.meters.seconds += now - self._clock
        self._clock = now

    def _check(self, evaluations: int, epochs: int, steps: int) -> None:
        self._time()
        meters = self.meters
        ahead = {
            "evaluations": meters.evaluations + evaluations,
            "epochs": meters.epochs + epochs,
            "generations": meters.steps + steps,
            "seconds": meters.seconds,
        }
        for name, value in ahead.items():
            limit = getattr(self.budget, name)
            if limit is not None and (value > limit or (name == "seconds" and value >= limit)):
                raise BudgetSpent(f"budget.{name} {limit:g} is spent")
