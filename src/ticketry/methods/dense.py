"""The dense network as a ticket that keeps every weight: the line that others are measured against.

Nothing is searched; trained by the same recipe, it is what a ticket is held against (Frankle and Carbin 2019,
arXiv 1803.03635). It has its own density: 1, or what locks leave of it, as a weight that is locked off stays off.

Deviations: none, there being nothing to search.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ticketry.core.lazy import torch
from ticketry.core.meters import Budget
from ticketry.core.objective import Need
from ticketry.core.seed.weights import Kind, Scale

if TYPE_CHECKING:
    from ticketry.core.task import Task


@dataclass(frozen=True)
class State:
    """Nothing to remember."""


@dataclass(frozen=True)
class Dense:
    """Keep every weight: the whole network, to train."""

    kind: ClassVar[Literal["strong", "trainable"]] = "trainable"
    budget: ClassVar[Budget] = Budget(generations=1)
    answer: ClassVar[Literal["best", "last"]] = "best"
    needs: ClassVar[frozenset[Need]] = frozenset()
    state: ClassVar[type[State]] = State

    weights: Kind = "kaiming-normal"
    """Recipe of the untrained weights."""
    scale: Scale = "none"
    """Rescaling of the weights by 1/sqrt(density), which is 1 unless weights are locked off: none, static, dynamic."""

    def init(self, task: Task) -> State:
        return State()

    def step(self, task: Task, state: State) -> State:
        return state

    def mask(self, task: Task, state: State) -> torch.Tensor:
        return torch.ones(task.space.size, dtype=torch.bool, device=task.device)
