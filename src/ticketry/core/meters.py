"""What a search costs and how much of it is allowed: one currency for every method."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ticketry.core.errors import BudgetSpent, refuse


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

    def part(self, budget: Budget) -> float:
        """How much of the budget is spent, by the limit nearest its end, in [0, 1]."""
        spent = {**vars(self), "generations": self.steps}
        return max((min(1.0, spent[name] / limit) for name, limit in vars(budget).items() if limit), default=0.0)

    def allow(self, budget: Budget, *, evaluations: int = 0, epochs: int = 0, steps: int = 0) -> None:
        """Count the work about to begin; raises BudgetSpent, counting nothing, when it would exceed the budget."""
        ahead = {
            "evaluations": self.evaluations + evaluations,
            "epochs": self.epochs + epochs,
            "generations": self.steps + steps,
            "seconds": self.seconds,
        }
        for name, value in ahead.items():
            limit = getattr(budget, name)
            if limit is not None and (value > limit or (name == "seconds" and value >= limit)):
                raise BudgetSpent(f"budget.{name} {limit:g} is spent")
        self.evaluations += evaluations
        self.epochs += epochs
        self.steps += steps
