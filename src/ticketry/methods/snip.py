"""SNIP: keep the weights whose removal would change the loss most, judged at initialisation.

The score of a weight is |w dL/dw|, the gradient of the loss to its mask, on a few examples of every class. Lee et al.
2019 (arXiv 1810.02340), there in one shot; with more `rounds` the density falls by equal factors and scores are taken
anew under each mask (de Jorge et al. 2021, arXiv 2006.09081, without their regrowth). Frankle et al. 2021
(arXiv 2009.08576) found that its masks survive a shuffle within layers.

Deviations: all layers compete, ties go to the lowest index, every layer keeps `floor` weights; weights that are already
cut cannot return; norms use the statistics of the examples at hand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ticketry.core.errors import SearchEnded
from ticketry.core.lazy import torch
from ticketry.core.meters import Budget
from ticketry.core.objective import Need
from ticketry.core.seed.weights import Kind, Scale
from ticketry.methods import _scored

if TYPE_CHECKING:
    from ticketry.core.task import Task


@dataclass(frozen=True)
class State:
    """`scores`: Float[D], -inf for what is cut; `round`: rounds done."""

    scores: torch.Tensor
    round: int = 0


@dataclass(frozen=True)
class Snip:
    """Keep the weights that the loss is most sensitive to at initialisation."""

    kind: ClassVar[Literal["strong", "trainable"]] = "trainable"
    budget: ClassVar[Budget] = Budget()
    answer: ClassVar[Literal["best", "last"]] = "last"
    needs: ClassVar[frozenset[Need]] = frozenset({"gradient"})
    state: ClassVar[type[State]] = State

    density: float = 0.5
    """Fraction of all maskable weights kept, in (0, 1]."""
    rounds: int = 1
    """Times that scores are taken, at least 1; 1 is one shot."""
    examples: int = 25
    """Training examples of every class, at least 1, or as many as there are; without classes ten times as many."""
    floor: int = 1
    """Weights that every layer keeps at least, 0 or more; a layer without any is a dead network."""
    weights: Kind = "kaiming-normal"
    """Recipe of the untrained weights."""
    scale: Scale = "none"
    """Rescaling of the weights by 1/sqrt(density): none, static (of the network) or dynamic (of each layer)."""

    def __post_init__(self) -> None:
        _scored.check(self)

    def init(self, task: Task) -> State:
        return State(task.weights.abs())

    def step(self, task: Task, state: State) -> State:
        if state.round == self.rounds:
            raise SearchEnded("the last round is over")
        kept = _scored.kept(task, state.scores, self.density, self.floor, state.round / self.rounds)
        loss, grad = task.gradient(kept, _scored.batch(task, self.examples))
        scores = grad.abs() if math.isfinite(loss) else state.scores
        return State(scores.masked_fill(~kept, -math.inf), state.round + 1)

    def mask(self, task: Task, state: State) -> torch.Tensor:
        return _scored.kept(task, state.scores, self.density, self.floor, 1.0)
