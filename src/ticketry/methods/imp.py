"""Iterative magnitude pruning: train, cut the smallest weights, put the others back, and so on, round by round.

A round trains the network under its mask for some epochs and then drops a `fraction` of the kept weights, those of
smallest absolute value over all layers. The weights that are left go back to what they were at step `rewind` of the
first round (0: untrained; a later step: late rewinding), or with `rewind` -1 stay as they are while the learning rate
starts anew. Frankle and Carbin 2019 (arXiv 1803.03635); late rewinding: Frankle et al. 2020 (arXiv 1912.05671);
learning rate rewinding: Renda et al. 2020 (arXiv 2003.02389). The ticket is the mask after the last round, to be
trained with the same rewind point; learning rate rewinding goes on from `trained.tkt` instead, with `train --start
trained`.

Deviations: as many rounds as reach the density by at most `fraction` each, with equal fractions, so that the last
round is a whole one; fewer rounds with larger fractions where the budget has fewer epochs than that; an epoch more in
the later rounds where epochs do not divide evenly is left out; every layer keeps `floor` weights; momentum starts at
zero at the rewind point of every round, the first included, so that all rounds go on from there alike.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from ticketry.core.errors import SearchEnded, refuse
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
    `rewound` Float[1, M]: the dense network at the rewind point; `kept` Bool[D]: the weights that are left;
    `round`: rounds done; `epoch`: epochs of this one done or left out; `step`: its next step.
    """

    flat: torch.Tensor
    moments: torch.Tensor
    rewound: torch.Tensor
    kept: torch.Tensor
    round: int = 0
    epoch: int = 0
    step: int = 0


@dataclass(frozen=True)
class Imp:
    """Train, prune the smallest weights and rewind, in rounds: a ticket to train."""

    kind: ClassVar[Literal["strong", "trainable"]] = "trainable"
    budget: ClassVar[Budget] = Budget(epochs=100)
    answer: ClassVar[Literal["best", "last"]] = "last"
    needs: ClassVar[frozenset[Need]] = frozenset({"gradient"})
    state: ClassVar[type[State]] = State

    density: float = 0.5
    """Fraction of all maskable weights kept, in (0, 1]."""
    fraction: float = 0.2
    """Most of the kept weights that a round cuts, in (0, 1)."""
    rewind: int = 0
    """Step of the first round that the weights go back to, 0 or more; -1 keeps them (learning rate rewinding)."""
    floor: int = 1
    """Weights that every layer keeps at least, 0 or more; a layer without any is a dead network."""
    learning_rate: float = 0.1
    """Of SGD, above 0; falls to 0 by a cosine in every round."""
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
            ("fraction", "a fraction in (0, 1)", 0 < self.fraction < 1),
            ("rewind", "-1 or more", self.rewind >= -1),
        ):
            if not fine:
                raise refuse(name, getattr(self, name), allowed, "choose a value in that range")
        self._training(1)

    def init(self, task: Task) -> State:
        kept = torch.ones(task.space.size, dtype=torch.bool, device=task.device)
        weights = engine.start(task, self._training(self._plan(task)[1]), kept[None])
        return State(weights.flat, weights.moments, weights.rewound, kept)

    def step(self, task: Task, state: State) -> State:
        rounds, epochs = self._plan(task)
        if state.round == rounds:
            raise SearchEnded("the last round is over")
        training, now = self._training(epochs), engine.Weights(state.flat, state.moments, state.rewound, state.step)
        order = state.round * epochs + state.epoch
        now = engine.epoch(task, training, now, state.kept[None], state.epoch, order)
        state = replace(state, flat=now.flat, moments=now.moments, epoch=state.epoch + 1, step=now.step)
        if state.round == 0:
            state = replace(state, rewound=now.rewound)
        if state.epoch < epochs:
            return state
        kept = self._cut(task, state, (state.round + 1) / rounds)
        flat = (state.flat if self.rewind < 0 else state.rewound) * engine.whole(task, kept[None])
        back = engine.again(training, flat, training.rewind)
        begun = back.step // task.steps_per_epoch(self.batch)  # the epochs before the rewind point are left out
        return State(flat, back.moments, state.rewound, kept, state.round + 1, begun, back.step)

    def mask(self, task: Task, state: State) -> torch.Tensor:
        return self._cut(task, state, 1.0)

    def trained(self, task: Task, state: State) -> torch.Tensor | None:
        return state.flat[0] if self.rewind < 0 else None

    def _cut(self, task: Task, state: State, progress: float) -> torch.Tensor:
        """Bool[D]: the largest of the kept weights, as many as are left after this part of the rounds, in [0, 1]."""
        sizes = _scored.magnitudes(task, state.flat, state.kept)
        return _scored.kept(task, sizes, self.density, self.floor, progress)

    def _plan(self, task: Task) -> tuple[int, int]:
        """Rounds, and the epochs of each."""
        wanted = math.ceil(round(math.log(self.density) / math.log(1 - self.fraction), 9))
        rounds = min(max(1, wanted), task.epochs)
        return rounds, task.epochs // rounds

    def _training(self, epochs: int) -> Training:
        return by_sgd(self, epochs, rewind=max(0, self.rewind))
