"""Gem-Miner: learn a score in [0, 1] for every untrained weight, and freeze out the lowest, a few at a time.

With scores s, freeze flags f (all 1 at first) and fixed weights w, the network uses w * round(s) * f; the rounding at
1/2 passes the gradient straight through, so dL/ds_i = f_i w_i dL/d(w_i m_i). A regulariser lambda sum s^2 pulls scores
to 0; they are clamped to [0, 1]. Every `period` epochs the flags with the lowest scores over all layers fall to 0 for
good: the density falls by equal factors. The last flags are the ticket. Sreenivasan et al. 2022 (arXiv 2202.12002).

Deviations: layers share the kept weights by ideal gas quotas (`layers`), and the lowest fall within each. lambda pulls
only where more scores round to 1 than a schedule allows, which reaches the density ahead of the flags: the network
learns at its final density while weights can still come back. Scores start in [1/2, 1]; Adam moves them, with decay
for the regulariser; layers are scaled by 1/sqrt(density). As published: `--layers global --pull always --lowest 0
--optimiser sgd --learning-rate 0.1 --scale none --regulariser 1e-4 --period 5 --ties strict`, lambda tuned each time.
Exactly as many flags fall as the schedule says (`strict`: all that tie with the last, of which networks can die).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ticketry.core.errors import refuse
from ticketry.core.lazy import torch
from ticketry.core.masks import allocation
from ticketry.core.masks.mask import counts
from ticketry.core.meters import Budget
from ticketry.core.objective import Need
from ticketry.core.seed.weights import Kind, Scale
from ticketry.core.training import optim, schedules
from ticketry.methods import _scored

if TYPE_CHECKING:
    from ticketry.core.task import Task


@dataclass(frozen=True)
class State:
    """`scores`: Float[D] in [0, 1]; `flags`: Bool[D]; `moments`: Float[K, D] of the optimiser; `dead`: Bool[L], layers
    none of whose weights were in use at the end of some epoch; `epoch`: epochs done.
    """

    scores: torch.Tensor
    flags: torch.Tensor
    moments: torch.Tensor
    dead: torch.Tensor
    epoch: int = 0


@dataclass(frozen=True)
class GemMiner:
    """Scores in [0, 1] that are frozen out from the lowest: a ticket to train."""

    kind: ClassVar[Literal["strong", "trainable"]] = "trainable"
    budget: ClassVar[Budget] = Budget(epochs=20)
    answer: ClassVar[Literal["best", "last"]] = "last"
    needs: ClassVar[frozenset[Need]] = frozenset({"gradient"})
    state: ClassVar[type[State]] = State

    density: float = 0.5
    """Fraction of all maskable weights kept, in (0, 1]."""
    period: int = 1
    """Epochs between freezing events, at least 1 and fewer than all."""
    regulariser: float = 1.0
    """lambda, the L2 pull on the scores, 0 or more."""
    pull: Literal["above", "always"] = "above"
    """When lambda acts: while more scores round to 1 than the schedule of `until` and `power` allows, or always."""
    until: float = 0.6
    """Fraction of the steps after which that schedule has arrived at the density, in (0, 1]."""
    power: float = 3.0
    """Its shape, at least 1: larger falls faster at first."""
    ties: Literal["exact", "strict"] = "exact"
    """Freeze exactly as many as the schedule says, or all whose scores tie with the last of them."""
    layers: allocation.Allocation | Literal["global"] = "igq"
    """How the flags are shared out over the layers; global: by one ranking of all scores."""
    floor: int = 1
    """Flags that every layer keeps at least, 0 or more: keeps a layer from dying out."""
    lowest: float = 0.5
    """Scores start evenly spread from here to 1, in [0, 1)."""
    optimiser: Literal["adam", "sgd"] = "adam"
    """Of the scores; SGD has momentum 0.9."""
    learning_rate: float = 0.003
    """Of the optimiser, above 0; falls to 0 by a cosine."""
    batch: int = 128
    """Examples a step, at least 1."""
    weights: Kind = "signed-constant"
    """Recipe of the untrained weights."""
    scale: Scale = "dynamic"
    """Rescaling of the weights by 1/sqrt(density): none, static (of the network) or dynamic (of each layer)."""

    def __post_init__(self) -> None:
        _scored.check(self)
        for name, allowed, fine in (
            ("period", "at least 1", self.period >= 1),
            ("regulariser", "0 or more and finite", 0 <= self.regulariser < math.inf),
            ("until", "a fraction in (0, 1]", 0 < self.until <= 1),
            ("power", "at least 1 and finite", 1 <= self.power < math.inf),
            ("lowest", "a fraction in [0, 1)", 0 <= self.lowest < 1),
        ):
            if not fine:
                raise refuse(name, getattr(self, name), allowed, "choose a value in that range")

    def init(self, task: Task) -> State:
        if self._events(task) == 0:
            allowed = f"below the {task.epochs} epochs of the search, so that something is frozen"
            raise refuse("period", self.period, allowed, "lower it or raise --budget.epochs")
        places = zip(task.space.layers, task.space.segments, strict=True)
        draws = [task.stream("scores", layer.name).uniform(stop - start) for layer, (start, stop) in places]
        scores = torch.cat([torch.from_numpy(draw) for draw in draws]).to(task.device)
        scores.mul_(1 - self.lowest).add_(self.lowest)
        flags, moments = torch.ones_like(scores, dtype=torch.bool), 2 if self.optimiser == "adam" else 1
        return State(scores, flags, scores.new_zeros(moments, len(scores)), flags.new_zeros(len(draws)))

    def step(self, task: Task, state: State) -> State:
        space, scores, moments, flags = task.space, state.scores.clone(), state.moments.clone(), state.flags
        total = (per_epoch := task.steps_per_epoch(self.batch)) * task.epochs
        for number, batch in enumerate(task.batches(state.epoch, self.batch), start=state.epoch * per_epoch):
            mask = (scores > 0.5) & flags
            loss, grad = task.gradient(mask, batch)
            if math.isfinite(loss):  # else the step is lost, not the search
                grad.mul_(flags)
                rate, decay = schedules.cosine(number, total, self.learning_rate), 2 * self.regulariser
                pulled = [slice(None)]
                if self.pull == "above":
                    most = schedules.geometric_density(number / total, space.most, self.density, self.until, self.power)
                    pulled = _scored.over(task, mask, most, self.floor, self.layers)
                if self.optimiser == "adam":
                    optim.adam(scores, grad, moments[0], moments[1], number + 1, rate)
                    for part in pulled:
                        scores[part].mul_(1 - rate * decay)
                else:
                    for part in pulled:
                        grad[part].add_(scores[part], alpha=decay)
                    optim.sgd(scores, grad, moments[0], rate, 0.9, 0.0)
                scores.clamp_(0, 1)
        if state.epoch and state.epoch % self.period == 0:
            flags = self._frozen(task, scores, flags, state.epoch // self.period / self._events(task))
        in_use = counts((scores > 0.5) & flags, space.segments)
        dead = state.dead | (state.dead.new_tensor(in_use, dtype=torch.int64) == 0)
        return State(scores, flags, moments, dead, state.epoch + 1)

    def mask(self, task: Task, state: State) -> torch.Tensor:
        return self._frozen(task, state.scores, state.flags, 1.0)

    def warnings(self, task: Task, state: State) -> list[str]:
        each = zip(task.space.layers, state.dead.tolist(), task.space.layers_on, strict=True)
        dead = ", ".join(layer.name for layer, empty, on in each if empty and on == 0)
        return [f"all scores of {dead} fell below 1/2; lower regulariser {self.regulariser:g}."] if dead else []

    def _frozen(self, task: Task, scores: torch.Tensor, flags: torch.Tensor, progress: float) -> torch.Tensor:
        """Bool[D]: the best scored of the flags, as many as the schedule says at `progress` in [0, 1]."""
        left = scores.masked_fill(~flags, -math.inf)
        return _scored.kept(task, left, self.density, self.floor, progress, self.layers, self.ties)

    def _events(self, task: Task) -> int:
        return (task.epochs - 1) // self.period
