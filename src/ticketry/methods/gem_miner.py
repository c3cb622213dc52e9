"""Gem-Miner: learn a score in [0, 1] for every untrained weight, and freeze out the lowest, a few at a time.

With scores s, freeze flags f (all 1 at first) and fixed weights w, the network uses w * round(s) * f; the rounding at
1/2 passes the gradient straight through, so dL/ds_i = f_i w_i dL/d(w_i m_i). Scores follow SGD with momentum on
L + lambda sum s^2 and are clamped to [0, 1] before every step. After every `period` epochs the flags with the lowest
scores, over all layers together, fall to 0 for good, so that the density falls by equal factors to the asked one. The
ticket is the flags; its weights are then trained. Sreenivasan et al. 2022 (arXiv 2202.12002), as their code has it.

Deviations: exactly as many flags fall as the schedule says, ties to the lowest index (`--ties strict` drops all that
tie with the last, as the authors, whose networks can die of it); every layer keeps `floor` flags; freezing comes every
epoch of 20 where theirs comes every 5 of 150; lambda has a default rule, lower for larger networks and higher for
lower densities, drawn from the authors' tuned values: 1e-4 (270,000 / N)^0.75 (0.0144 / density)^0.5. Weight decay on
the scores of 2 lambda stands for the regulariser, whose gradient it is. The ticket is the last one, not the best.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from ticketry.core import optim
from ticketry.core.errors import refuse
from ticketry.core.lazy import torch
from ticketry.core.mask import counts, top_k_floor
from ticketry.core.meters import Budget
from ticketry.core.weights import Kind, Scale

if TYPE_CHECKING:
    from ticketry.core.task import Task


@dataclass(frozen=True)
class State:
    """`scores`: Float[D] in [0, 1]; `flags`: Bool[D]; `momentum`: Float[D]; `used`: Float[L], the lowest share so far
    of each layer's flags that the rounded scores kept in use at the end of an epoch; `epoch`: epochs done.
    """

    scores: torch.Tensor
    flags: torch.Tensor
    momentum: torch.Tensor
    used: torch.Tensor
    epoch: int = 0


@dataclass(frozen=True)
class GemMiner:
    """Scores in [0, 1] that are frozen out from the lowest: a ticket to train."""

    kind: ClassVar[Literal["strong", "trainable"]] = "trainable"
    budget: ClassVar[Budget] = Budget(epochs=20)
    answer: ClassVar[Literal["best", "last"]] = "last"

    density: float = 0.5
    """Fraction of all maskable weights kept, in (0, 1]."""
    period: int = 1
    """Epochs between freezing events, at least 1 and fewer than all."""
    regulariser: float | None = None
    """lambda, the L2 pull on the scores, 0 or more; None for the rule above."""
    ties: Literal["exact", "strict"] = "exact"
    """Freeze exactly as many as the schedule says, or all whose scores tie with the last of them."""
    floor: int = 1
    """Flags that every layer keeps at least, 0 or more: keeps a layer from dying out."""
    learning_rate: float = 0.1
    """Of SGD on the scores, above 0; falls to 0 by a cosine."""
    momentum: float = 0.9
    """Of SGD on the scores, in [0, 1)."""
    batch: int = 128
    """Examples a step, at least 1."""
    weights: Kind = "signed-constant"
    """Recipe of the untrained weights."""
    scale: Scale = "none"
    """Rescaling of the weights by 1/sqrt(density): none, static (of the network) or dynamic (of each layer)."""

    def __post_init__(self) -> None:
        for name, allowed, fine in (
            ("density", "a fraction in (0, 1]", 0 < self.density <= 1),
            ("period", "at least 1", self.period >= 1),
            ("regulariser", "0 or more and finite", self.regulariser is None or 0 <= self.regulariser < math.inf),
            ("floor", "0 or more", self.floor >= 0),
            ("learning_rate", "above 0 and finite", 0 < self.learning_rate < math.inf),
            ("momentum", "in [0, 1)", 0 <= self.momentum < 1),
            ("batch", "at least 1", self.batch >= 1),
        ):
            if not fine:
                raise refuse(name, getattr(self, name), allowed, "choose a value in that range")

    def init(self, task: Task) -> State:
        if self._events(task) == 0:
            allowed = f"below the {task.epochs} epochs of the search, so that something is frozen"
            raise refuse("period", self.period, allowed, "lower it or raise --budget.epochs")
        draws = [
            torch.from_numpy(task.stream("scores", layer.name).uniform(stop - start))
            for layer, (start, stop) in zip(task.space.layers, task.space.segments, strict=True)
        ]
        scores = torch.cat(draws).to(task.device)
        used = scores.new_ones(len(task.space.layers))
        return State(scores, torch.ones_like(scores, dtype=torch.bool), torch.zeros_like(scores), used)

    def step(self, task: Task, state: State) -> State:
        scores, momentum, flags = state.scores.clone(), state.momentum.clone(), state.flags
        per_epoch = task.steps_per_epoch(self.batch)
        pull = 2 * self._regulariser(task)
        for number, batch in enumerate(task.batches(state.epoch, self.batch), start=state.epoch * per_epoch):
            loss, grad = task.gradient((scores > 0.5) & flags, batch)
            if math.isfinite(loss):  # else the step is lost, not the search
                rate = optim.cosine(number, per_epoch * task.epochs, self.learning_rate)
                optim.sgd(scores, grad.mul_(flags), momentum, rate, self.momentum, pull)
                scores.clamp_(0, 1)
        event, due = divmod(state.epoch, self.period)
        if due == 0 and event > 0:
            most = task.space.most
            now = most * (self.density / most) ** (event / self._events(task))
            flags = self._frozen(task, scores, flags, task.space.count(now))
        in_use, held = (counts(mask, task.space.segments) for mask in ((scores > 0.5) & flags, flags))
        shares = [some / most if most else 1.0 for some, most in zip(in_use, held, strict=True)]
        return State(scores, flags, momentum, state.used.minimum(state.used.new_tensor(shares)), state.epoch + 1)

    def mask(self, task: Task, state: State) -> torch.Tensor:
        kept = task.space.count(self.density)
        if self.ties == "strict" and int(state.flags.sum()) < kept:
            return state.flags
        return self._frozen(task, state.scores, state.flags, kept)

    def notes(self, task: Task, state: State) -> dict[str, float]:
        return {"regulariser": self._regulariser(task), "lowest_share_of_a_layer_in_use": float(state.used.min())}

    def warnings(self, task: Task, state: State) -> list[str]:
        each = zip(task.space.layers, state.used.tolist(), task.space.layers_on, strict=True)
        dead = ", ".join(layer.name for layer, share, on in each if share == 0 and on == 0)
        advice = f"choose a regulariser below {self._regulariser(task):.2g}."
        return [f"all scores of {dead} were below 1/2 at the end of an epoch, a dead network; {advice}"] if dead else []

    def _frozen(self, task: Task, scores: torch.Tensor, flags: torch.Tensor, kept: int) -> torch.Tensor:
        """Bool[D]: the best scored of the flags, `kept` of them."""
        best = scores.masked_fill(~flags, -math.inf)
        exact = top_k_floor(best, kept, task.space.segments, task.space.floors(self.floor, kept))
        if self.ties == "exact" or kept == len(scores):
            return exact
        return flags & (scores > scores[flags & ~exact].max()) if bool((flags & ~exact).any()) else flags

    def _events(self, task: Task) -> int:
        return (task.epochs - 1) // self.period

    def _regulariser(self, task: Task) -> float:
        if self.regulariser is not None:
            return self.regulariser
        return float(1e-4 * (270_000 / task.space.total) ** 0.75 * (0.0144 / self.density) ** 0.5)
