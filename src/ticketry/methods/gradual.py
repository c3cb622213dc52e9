"""Gradual magnitude pruning: in one dense training, the smallest weights fall away by a cubic schedule.

While the network trains, the mask keeps the weights of largest absolute value over all layers; every `every` steps it
is taken anew, at density d_t = d + (1 - d) (1 - t)^3, where t runs from 0 to 1 between `begin` and `until` of the
steps. What was cut stays zero. Zhu and Gupta 2017 (arXiv 1710.01878). The ticket is the last mask on the *untrained*
weights, to be trained anew: then this is a cheap relative of iterative magnitude pruning (see imp.py), at the cost of
one training.

Deviations from the paper: all layers compete, where the paper prunes each to the same density; a cut weight cannot
come back; every layer keeps `floor` weights; the mask goes back to the untrained weights, where the paper keeps the
trained ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ticketry.core.errors import refuse
from ticketry.core.lazy import torch
from ticketry.core.masks.mask import top_k_floor
from ticketry.core.meters import Budget
from ticketry.core.objective import Need
from ticketry.core.seed.weights import Kind, Scale
from ticketry.core.training import engine, schedules
from ticketry.core.training.recipe import Training, by_sgd
from ticketry.methods import _scored

if TYPE_CHECKING:
    from ticketry.core.task import Task


@dataclass(frozen=True)
class State:
    """`flat` Float[1, M], `moments` Float[1, 1, M]: the network in training and its momentum, see core/training;
    `kept` Bool[D]: the weights that are left; `epoch`: epochs done.
    """

    flat: torch.Tensor
    moments: torch.Tensor
    kept: torch.Tensor
    epoch: int = 0


@dataclass(frozen=True)
class Gradual:
    """Prune the smallest weights little by little while the network trains: a ticket to train."""

    kind: ClassVar[Literal["strong", "trainable"]] = "trainable"
    budget: ClassVar[Budget] = Budget(epochs=20)
    answer: ClassVar[Literal["best", "last"]] = "last"
    needs: ClassVar[frozenset[Need]] = frozenset({"gradient"})
    state: ClassVar[type[State]] = State

    density: float = 0.5
    """Fraction of all maskable weights kept, in (0, 1]."""
    begin: float = 0.0
    """Fraction of the steps before the first weight is cut, in [0, 1)."""
    until: float = 0.75
    """Fraction of the steps after which the density has arrived, in (0, 1], above begin."""
    every: int = 50
    """Steps between cuts, at least 1."""
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
        for name, allowed, fine in (
            ("begin", "a fraction in [0, 1)", 0 <= self.begin < 1),
            ("until", "a fraction in (0, 1] above begin", self.begin < self.until <= 1),
            ("every", "at least 1", self.every >= 1),
        ):
            if not fine:
                raise refuse(name, getattr(self, name), allowed, "choose a value in that range")
        self._training(1)

    def init(self, task: Task) -> State:
        kept = torch.ones(task.space.size, dtype=torch.bool, device=task.device)
        weights = engine.start(task, self._training(task.epochs), kept[None])
        return State(weights.flat, weights.moments, kept)

    def step(self, task: Task, state: State) -> State:
        training, per_epoch = self._training(task.epochs), task.steps_per_epoch(self.batch)
        flat, moments, kept = state.flat.clone(), state.moments.clone(), state.kept
        open_ = engine.whole(task, kept[None])
        for number, batch in enumerate(task.batches(state.epoch, self.batch), start=state.epoch * per_epoch):
            if number % self.every == 0:
                kept = self._cut(task, flat, kept, number / (per_epoch * task.epochs))
                open_ = engine.whole(task, kept[None])
                flat.mul_(open_)
                moments.mul_(open_)
            [loss], grad = task.parameters.gradient(flat, batch.x, batch.y)
            if math.isfinite(loss):  # else the step is lost, not the training
                engine.update(training, flat, grad.mul_(open_), moments, number, per_epoch)
        return State(flat, moments, kept, state.epoch + 1)

    def mask(self, task: Task, state: State) -> torch.Tensor:
        return self._cut(task, state.flat, state.kept, 1.0)

    def trained(self, task: Task, state: State) -> torch.Tensor:
        return state.flat[0]

    def _cut(self, task: Task, flat: torch.Tensor, kept: torch.Tensor, progress: float) -> torch.Tensor:
        """Bool[D]: the largest of the kept weights, as many as the schedule says at `progress` in [0, 1]."""
        space = task.space
        done = max(0.0, progress - self.begin) / (self.until - self.begin)
        count = space.count(schedules.cubic_density(min(1.0, done), space.most, self.density))
        sizes = _scored.magnitudes(task, flat, kept)
        return top_k_floor(sizes, count, space.segments, space.floors(self.floor, count))

    def _training(self, epochs: int) -> Training:
        return by_sgd(self, epochs)
