"""A random mask with chosen layer densities: the baseline that every ticket must beat.

Scores are uniform random numbers, drawn once for each layer from its own stream; each layer keeps its highest.
The layer budgets are those of the literature: `uniform`; `erk` (Evci et al. 2020, arXiv 1911.11134, after Mocanu et
al. 2018); `epl`, equal edges in every layer (Price and Tanner 2021); `igq`, ideal gas quotas (Chijiwa et al. 2022);
`smart-ratio`, fewer the deeper the layer (Su et al. 2020, arXiv 2009.11094).

Deviations: counts are exact to one weight (largest remainder) instead of rounded down layer by layer. Where locks
leave a layer less room than its quota, the surplus goes to the first layers with room.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ticketry.core.lazy import torch
from ticketry.core.masks import allocation
from ticketry.core.masks.mask import top_k_layers
from ticketry.core.meters import Budget
from ticketry.core.objective import Need
from ticketry.core.seed.weights import Kind, Scale

if TYPE_CHECKING:
    from ticketry.core.task import Task


@dataclass(frozen=True)
class State:
    """`scores`: Float[D], uniform in [0, 1)."""

    scores: torch.Tensor


@dataclass(frozen=True)
class Random:
    """Random mask with uniform, ERK, EPL, IGQ or Smart-Ratio layer densities."""

    kind: ClassVar[Literal["strong", "trainable"]] = "trainable"
    budget: ClassVar[Budget] = Budget(generations=1)
    answer: ClassVar[Literal["best", "last"]] = "best"
    needs: ClassVar[frozenset[Need]] = frozenset()
    state: ClassVar[type[State]] = State

    density: float = 0.5
    """Fraction of all maskable weights kept, in (0, 1]."""
    layers: allocation.Allocation = "erk"
    """How the kept weights are shared out over the layers."""
    weights: Kind = "kaiming-normal"
    """Recipe of the untrained weights."""
    scale: Scale = "none"
    """Rescaling of the weights by 1/sqrt(density): none, static (of the network) or dynamic (of each layer)."""

    def init(self, task: Task) -> State:
        space = task.space
        sizes = [stop - start for start, stop in space.segments]
        draws = [
            torch.from_numpy(task.stream("random", layer.name).uniform(size))
            for layer, size in zip(space.layers, sizes, strict=True)
        ]
        return State(torch.cat(draws).to(task.device))

    def step(self, task: Task, state: State) -> State:
        return state

    def mask(self, task: Task, state: State) -> torch.Tensor:
        space = task.space
        return top_k_layers(state.scores, space.segments, space.shares(self.layers, space.count(self.density)))
