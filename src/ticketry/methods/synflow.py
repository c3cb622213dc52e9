"""SynFlow: keep the weights that carry the most synaptic flow, without looking at any data.

The flow of a weight is w dR/dw in the network of absolute values |w|, where R is the sum of the outputs for an input of
ones. Over `rounds` the density falls by equal factors, and the flow is measured anew under each mask, so that no layer
collapses before the last path through the network does. Tanaka et al. 2020 (arXiv 2006.05467).

Deviations: float64 throughout (deep networks overflow float32); norms have mean 0 and variance 1; ties go to the lowest
index, every layer keeps `floor` weights; weights that are already cut cannot return, as in the authors' code.
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
    """`scores`: Float64[D], -inf for what is cut; `round`: rounds done."""

    scores: torch.Tensor
    round: int = 0


@dataclass(frozen=True)
class Synflow:
    """Keep the weights of highest synaptic flow, round by round, without data."""

    kind: ClassVar[Literal["strong", "trainable"]] = "trainable"
    budget: ClassVar[Budget] = Budget()
    answer: ClassVar[Literal["best", "last"]] = "last"
    needs: ClassVar[frozenset[Need]] = frozenset()
    state: ClassVar[type[State]] = State

    density: float = 0.5
    """Fraction of all maskable weights kept, in (0, 1]."""
    rounds: int = 100
    """Times that the flow is measured, at least 1."""
    floor: int = 1
    """Weights that every layer keeps at least, 0 or more; a layer without any is a dead network."""
    weights: Kind = "kaiming-normal"
    """Recipe of the untrained weights."""
    scale: Scale = "none"
    """Rescaling of the weights by 1/sqrt(density): none, static (of the network) or dynamic (of each layer)."""

    def __post_init__(self) -> None:
        _scored.check(self)

    def init(self, task: Task) -> State:
        return State(task.weights.abs().double())

    def step(self, task: Task, state: State) -> State:
        if state.round == self.rounds:
            raise SearchEnded("the last round is over")
        kept = _scored.kept(task, state.scores, self.density, self.floor, state.round / self.rounds)
        flat = task.parameters.untrained(task.effective(kept))
        flow = task.space.narrow(task.parameters.flow(flat)[: task.space.total])
        scores = flow if bool(flow.isfinite().all()) else state.scores
        return State(scores.masked_fill(~kept, -math.inf), state.round + 1)

    def mask(self, task: Task, state: State) -> torch.Tensor:
        return _scored.kept(task, state.scores, self.density, self.floor, 1.0)
