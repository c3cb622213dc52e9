"""One-shot magnitude pruning: train the dense network, then keep its largest weights, over all layers, in a single cut.

The ticket is the mask put back on the *untrained* weights, to be trained anew. Han et al. 2015 (arXiv 1506.02626) cut
trained weights by size; Frankle and Carbin 2019 (arXiv 1803.03635) put what is left back. It is `imp` with one round,
and the baseline of all that cut little by little: see imp.py and gradual.py.

Deviations: all layers compete, where Han et al. choose a threshold for each; the mask goes back to the untrained
weights, where they train the kept ones on; every layer keeps `floor` weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ticketry.core.lazy import torch
from ticketry.core.meters import Budget
from ticketry.core.objective import Need
from ticketry.core.seed.weights import Kind, Scale
from ticketry.core.training import engine
from ticketry.core.training.recipe import Training, by_sgd
from ticketry.methods import _scored

if TYPE_CHECKING:
    from ticketry.core.task import Task


@dataclass(frozen=True)
class State:
    """`flat` Float[1, M], `moments` Float[1, 1, M]: the network in training and its momentum, see core/training;
    `epoch`: epochs done; `step`: its next step.
    """

    flat: torch.Tensor
    moments: torch.Tensor
    epoch: int = 0
    step: int = 0


@dataclass(frozen=True)
class OneShot:
    """Train the dense network once and keep its largest weights: a ticket to train."""

    kind: ClassVar[Literal["strong", "trainable"]] = "trainable"
    budget: ClassVar[Budget] = Budget(epochs=20)
    answer: ClassVar[Literal["best", "last"]] = "last"
    needs: ClassVar[frozenset[Need]] = frozenset({"gradient"})
    state: ClassVar[type[State]] = State

    density: float = 0.5
    """Fraction of all maskable weights kept, in (0, 1]."""
    floor: int = 1
    """Weights that every layer keeps at least, 0 or more; a layer without any is a dead network."""
    learning_rate: float = 0.1
    """Of SGD, above 0; falls to 0 by a cosine."""
    momentum: float = 0.9
    """Of SGD, in [0, 1)."""
    weight_decay: float = 1e-4
    """L2 pull on the weights, 0 or more."""
    batch: int = 128
    """Examples a step, at least 1."""
    weights: Kind = "kaiming-normal"
    """Recipe of the untrained weights."""
    scale: Scale = "none"
    """Rescaling of the weights by 1/sqrt(density): none, static (of the network) or dynamic (of each layer)."""

    def __post_init__(self) -> None:
        _scored.check(self)
        self._training(1)

    def init(self, task: Task) -> State:
        weights = engine.start(task, self._training(task.epochs), self._all(task)[None])
        return State(weights.flat, weights.moments)

    def step(self, task: Task, state: State) -> State:
        now = engine.Weights(state.flat, state.moments, state.flat, state.step)
        after = engine.epoch(
            task, self._training(task.epochs), now, self._all(task)[None], state.epoch, order=state.epoch
        )
        return State(after.flat, after.moments, state.epoch + 1, after.step)

    def mask(self, task: Task, state: State) -> torch.Tensor:
        sizes = _scored.magnitudes(task, state.flat, self._all(task))
        return _scored.kept(task, sizes, self.density, self.floor, 1.0)

    def trained(self, task: Task, state: State) -> torch.Tensor:
        return state.flat[0]

    def _all(self, task: Task) -> torch.Tensor:
        return torch.ones(task.space.size, dtype=torch.bool, device=task.device)

    def _training(self, epochs: int) -> Training:
        return by_sgd(self, epochs)
