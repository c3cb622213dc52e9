"""GraSP: keep the weights whose removal would hurt the flow of gradients most, judged at initialisation.

With gradient g and Hessian H of the loss at the untrained weights, removing a weight changes |g|^2 by about
-2 w (H g); kept are the lowest scores -w (H g) on a few examples of every class, logits divided by a `temperature`.
Wang et al. 2020 (arXiv 2002.07376), with the sign of the authors' code. Frankle et al. 2021 (arXiv 2009.08576) found
that its masks survive a shuffle within layers.

Deviations: g and H are those of the same examples (the authors split them into two halves, and sum); ties go to the
lowest index, every layer keeps `floor` weights; norms use the statistics of the examples at hand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ticketry.core.errors import SearchEnded, refuse
from ticketry.core.lazy import torch
from ticketry.core.meters import Budget
from ticketry.core.objective import Need
from ticketry.core.seed.weights import Kind, Scale
from ticketry.methods import _scored

if TYPE_CHECKING:
    from ticketry.core.task import Task


@dataclass(frozen=True)
class State:
    """`scores`: Float[D], the highest are kept; `round`: 1 once they are taken."""

    scores: torch.Tensor
    round: int = 0


@dataclass(frozen=True)
class Grasp:
    """Keep the weights that the flow of gradients needs most at initialisation."""

    kind: ClassVar[Literal["strong", "trainable"]] = "trainable"
    budget: ClassVar[Budget] = Budget()
    answer: ClassVar[Literal["best", "last"]] = "last"
    needs: ClassVar[frozenset[Need]] = frozenset({"gradient"})
    state: ClassVar[type[State]] = State

    density: float = 0.5
    """Fraction of all maskable weights kept, in (0, 1]."""
    examples: int = 25
    """Training examples of every class, at least 1, or as many as there are; without classes ten times as many."""
    temperature: float = 200.0
    """What outputs are divided by, above 0."""
    floor: int = 1
    """Weights that every layer keeps at least, 0 or more; a layer without any is a dead network."""
    weights: Kind = "kaiming-normal"
    """Recipe of the untrained weights."""
    scale: Scale = "none"
    """Rescaling of the weights by 1/sqrt(density): none, static (of the network) or dynamic (of each layer)."""

    def __post_init__(self) -> None:
        _scored.check(self)
        if not 0 < self.temperature < math.inf:
            raise refuse("temperature", self.temperature, "above 0 and finite", "choose a value in that range")

    def init(self, task: Task) -> State:
        return State(task.weights.abs())

    def step(self, task: Task, state: State) -> State:
        if state.round == 1:
            raise SearchEnded("the scores are taken")
        everything = torch.ones(task.space.size, dtype=torch.bool, device=task.device)
        batch = _scored.batch(task, self.examples)
        flat = task.parameters.untrained(task.effective(everything))
        product = flat * task.parameters.curvature(flat, batch.x, batch.y, self.temperature)
        scores = task.space.narrow(product[: task.space.total])
        return State(scores if bool(scores.isfinite().all()) else state.scores, 1)

    def mask(self, task: Task, state: State) -> torch.Tensor:
        return _scored.kept(task, state.scores, self.density, self.floor, 1.0)
