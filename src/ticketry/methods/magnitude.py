"""Magnitude pruning at initialisation: keep the untrained weights of largest absolute value, over all layers together.

It has seen no data, so it is a baseline; Frankle et al. 2021 (arXiv 2009.08576) show that its masks survive a shuffle
within layers, which means that only its layer densities carry information.

Deviations: ties, which signed constant weights are full of, are broken to the lowest index, exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ticketry.core.errors import refuse
from ticketry.core.lazy import torch
from ticketry.core.masks.mask import top_k_floor
from ticketry.core.meters import Budget
from ticketry.core.objective import Need
from ticketry.core.seed.weights import Kind, Scale

if TYPE_CHECKING:
    from ticketry.core.task import Task


@dataclass(frozen=True)
class State:
    """`scores`: Float[D], absolute values of the untrained weights."""

    scores: torch.Tensor


@dataclass(frozen=True)
class Magnitude:
    """Keep the largest untrained weights."""

    kind: ClassVar[Literal["strong", "trainable"]] = "trainable"
    budget: ClassVar[Budget] = Budget(generations=1)
    answer: ClassVar[Literal["best", "last"]] = "best"
    needs: ClassVar[frozenset[Need]] = frozenset()
    state: ClassVar[type[State]] = State

    density: float = 0.5
    """Fraction of all maskable weights kept, in (0, 1]."""
    floor: int = 1
    """Weights that every layer keeps at least, 0 or more; a layer without any is a dead network."""
    weights: Kind = "kaiming-normal"
    """Recipe of the untrained weights."""
    scale: Scale = "none"
    """Rescaling of the weights by 1/sqrt(density): none, static (of the network) or dynamic (of each layer)."""

    def __post_init__(self) -> None:
        if self.floor < 0:
            raise refuse("floor", self.floor, "0 or more", "choose a value in that range")

    def init(self, task: Task) -> State:
        return State(task.weights.abs())

    def step(self, task: Task, state: State) -> State:
        return state

    def mask(self, task: Task, state: State) -> torch.Tensor:
        kept = task.space.count(self.density)
        return top_k_floor(state.scores, kept, task.space.segments, task.space.floors(self.floor, kept))
