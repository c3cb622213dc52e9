"""Edge-popup: give every untrained weight a score, keep the best-scored, and train the scores by gradient.

With scores s, mask m = top-k(s) and fixed weights w, the network uses w * m. The top-k passes the gradient straight
through, so dL/ds_i = w_i * dL/d(w_i m_i), also for weights outside the mask; scores follow SGD with momentum, weight
decay and a cosine learning rate. Ramanujan et al. 2020 (arXiv 1911.13299), section 3.

A global threshold fixed at a low density from the first step starves whole layers before their scores have learnt
anything. Here the density falls from `start` to `density` over the first `until` of the steps, by the same factor in
every step (power 1) or by larger factors at first (power above 1), and the weights of each layer are multiplied by
1/sqrt(density of the layer at this step), so that signals keep their size while it falls.

Deviations from the paper: scope is global by default (the paper's is `--scope layer`); the density schedule (the
paper's fixed density is `--start 0`, which no schedule undercuts); the rescaling of each layer by 1/sqrt(its density),
without which a low density starves; the best-validated epoch is kept, not the last. The authors' code ranks |s| of a
signed s: here only a = |s| is stored, and where a step carries it below 0, a and its momentum change sign. That is the
same walk for fewer passes over memory.

Relatives that are this method by other flags. Iterative global edge-popup (Sreenivasan et al. 2022, arXiv 2202.12002:
equal factors from all weights, what was cut may return): `--start 1 --until 1 --power 1 --period 1 --scale none
--learning-rate 0.1`. biprop (Diffenderfer and Kailkhura 2021, arXiv 2103.09377) uses sign(w) times the mean |w| of the
kept and gives scores w times the gradient; on signed constants that mean is the constant, so that it is edge-popup:
`--scope layer --start 0 --learning-rate 0.1 --scale static`. (On other weights its layers need gains that no recipe of
the ticket file has.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ticketry.core.errors import refuse
from ticketry.core.lazy import torch
from ticketry.core.masks.mask import top_k_floor, top_k_layers
from ticketry.core.masks.select import Near
from ticketry.core.meters import Budget
from ticketry.core.objective import Need
from ticketry.core.seed.weights import Kind, Scale
from ticketry.core.training import optim, schedules
from ticketry.methods import _scored

if TYPE_CHECKING:
    from ticketry.core.task import Task


@dataclass(frozen=True)
class State:
    """`scores`: Float[D], 0 or more; `momentum`: Float[D]; `epoch`: epochs done."""

    scores: torch.Tensor
    momentum: torch.Tensor
    epoch: int


@dataclass(frozen=True)
class EdgePopup:
    """Gradient search of a strong ticket by scores."""

    kind: ClassVar[Literal["strong", "trainable"]] = "strong"
    budget: ClassVar[Budget] = Budget(epochs=10)
    answer: ClassVar[Literal["best", "last"]] = "best"
    needs: ClassVar[frozenset[Need]] = frozenset({"gradient"})
    state: ClassVar[type[State]] = State

    density: float = 0.5
    """Fraction of all maskable weights kept, in (0, 1]."""
    scope: Literal["global", "layer"] = "global"
    """Whether weights compete over the whole network or within their layer (each layer then has the same density)."""
    start: float = 0.5
    """Density of the first step, in [0, 1]; no schedule where it is at or below `density`."""
    until: float = 0.6
    """Fraction of the steps after which the density has arrived, in (0, 1]."""
    power: float = 3.0
    """Shape of the schedule, at least 1: larger falls faster at first."""
    period: int = 0
    """Epochs between falls of the density, the last one in time to matter; 0 or more, 0 for a fall in every step."""
    floor: int = 1
    """Weights that every layer keeps at least under the global scope, 0 or more: keeps a layer from dying out."""
    learning_rate: float = 0.3
    """Of SGD on the scores, above 0; falls to 0 by a cosine."""
    momentum: float = 0.9
    """Of SGD on the scores, in [0, 1)."""
    weight_decay: float = 1e-4
    """L2 pull on the scores, 0 or more."""
    batch: int = 128
    """Examples a step, at least 1."""
    weights: Kind = "signed-constant"
    """Recipe of the untrained weights."""
    scale: Scale = "dynamic"
    """Rescaling of the weights by 1/sqrt(density): none, static (of the network) or dynamic (of each layer)."""

    def __post_init__(self) -> None:
        _scored.check(self)
        for name, allowed, fine in (
            ("start", "a fraction in [0, 1]", 0 <= self.start <= 1),
            ("until", "a fraction in (0, 1]", 0 < self.until <= 1),
            ("power", "at least 1 and finite", 1 <= self.power < math.inf),
            ("period", "0 or more", self.period >= 0),
            ("momentum", "in [0, 1)", 0 <= self.momentum < 1),
            ("weight_decay", "0 or more and finite", 0 <= self.weight_decay < math.inf),
        ):
            if not fine:
                raise refuse(name, getattr(self, name), allowed, "choose a value in that range")

    def init(self, task: Task) -> State:
        if self.period >= task.epochs:
            allowed = f"below the {task.epochs} epochs of the search, so that the density falls"
            raise refuse("period", self.period, allowed, "lower it or raise --budget.epochs")
        draws = []
        for layer, (start, stop) in zip(task.space.layers, task.space.segments, strict=True):
            bound = 1 / math.sqrt(math.prod(layer.shape[1:]))  # Kaiming uniform with a = sqrt(5), as the authors
            uniform = torch.from_numpy(task.stream("scores", layer.name).uniform(stop - start))
            draws.append(uniform * bound)
        scores = torch.cat(draws).to(task.device)
        return State(scores, torch.zeros_like(scores), 0)

    def step(self, task: Task, state: State) -> State:
        scores, momentum = state.scores.clone(), state.momentum.clone()
        per_epoch = task.steps_per_epoch(self.batch)
        total = per_epoch * task.epochs
        near = Near()
        for number, batch in enumerate(task.batches(state.epoch, self.batch), start=state.epoch * per_epoch):
            mask = self._select(task, scores, self._density(task, state.epoch, number / total), near)
            loss, grad = task.gradient(mask, batch)
            if math.isfinite(loss):  # else the step is lost, not the search
                rate = schedules.cosine(number, total, self.learning_rate)
                optim.sgd(scores, grad, momentum, rate, self.momentum, self.weight_decay)
                optim.reflect(scores, momentum)
        return State(scores, momentum, state.epoch + 1)

    def mask(self, task: Task, state: State) -> torch.Tensor:
        return self._select(task, state.scores, self.density)

    def _density(self, task: Task, epoch: int, progress: float) -> float:
        """Geometric from start to density: equal factors a step, or a period, for power 1."""
        start = min(self.start, task.space.most)
        if start <= self.density:
            return self.density
        if self.period:
            progress = epoch // self.period / ((task.epochs - 1) // self.period)
        return schedules.geometric_density(progress, start, self.density, self.until, self.power)

    def _select(self, task: Task, scores: torch.Tensor, density: float, near: Near | None = None) -> torch.Tensor:
        space = task.space
        kept = space.count(density)
        if self.scope == "global":
            return top_k_floor(scores, kept, space.segments, space.floors(self.floor, kept), near=near)
        return top_k_layers(scores, space.segments, space.shares("uniform", kept))
