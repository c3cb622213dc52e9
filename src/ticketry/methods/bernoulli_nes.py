"""Natural evolution strategy on Bernoulli masks: search of a strong ticket by evaluations alone, on a large scale.

What is searched is a distribution over masks (PBIL: Baluja 1994): weight i is kept with probability p_i = sigmoid of
(logit_i - threshold) / temperature, independently. The logits follow the natural gradient of the expected loss (NES:
Wierstra et al. 2014, arXiv 1106.4487), which needs losses of networks and nothing else: the network is never
differentiated, and the loss may be one that has no gradient, such as accuracy (`fitness`). `core/nets/natural.py`
derives the estimator: every example of a batch gets masks of its own, whose effect on a layer's outputs is drawn in
place of the masks (local reparameterisation, Kingma et al. 2015, arXiv 1506.02557; the central limit theorem enters
there), and given those outputs the masks are averaged out (Rao-Blackwell), as in perturbation of activities (Fiete and
Seung 2006). A batch of 256 with 8 pairs so tries 12,288 masks of LeNet-300-100, each on one example, in about the time
of twenty plain forward passes. Adam (Kingma and Ba 2015, arXiv 1412.6980) makes steps of the estimates.

The ticket is the mode of the distribution at exactly the asked density: the largest logits. So that the mode is as
good as the distribution, the temperature falls geometrically from `hot` to `cold`: the probabilities move towards 0
and 1, while the gradient to them, and so the search, stays alive. The threshold is the least logit in the mode at the
density of the step, which falls from `start` to `density` by the same factor in every step until `until`; the weights
of each layer are multiplied by 1/sqrt(its expected density). Batch norms use the batch's own statistics.

Deviations: the plain strategy scores each mask on the whole batch; here each is tried on one example, and the natural
gradient is the same. Temperature, threshold, density schedule, and Adam in place of a fixed step are ours. Layers are
perturbed one at a time, the others using one mask drawn for the batch. Convolutions, whose weights act on all positions
at once, are perturbed through their weights, one pair a batch, by as much noise everywhere as the layer has on average;
such estimates are far noisier, so the search sees little of convolutions.
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
from ticketry.core.training import optim, schedules
from ticketry.methods import _scored

if TYPE_CHECKING:
    from ticketry.core.task import Task


@dataclass(frozen=True)
class State:
    """`logits`: Float[D]; `mean`, `square`: Float[D], Adam's averages of the gradient; `epoch`: epochs done."""

    logits: torch.Tensor
    mean: torch.Tensor
    square: torch.Tensor
    epoch: int


@dataclass(frozen=True)
class BernoulliNes:
    """Gradient-free search of a strong ticket by a distribution over masks."""

    kind: ClassVar[Literal["strong", "trainable"]] = "strong"
    budget: ClassVar[Budget] = Budget(epochs=20)
    answer: ClassVar[Literal["best", "last"]] = "best"
    needs: ClassVar[frozenset[Need]] = frozenset({"labels"})
    state: ClassVar[type[State]] = State

    density: float = 0.5
    """Fraction of all maskable weights kept, in (0, 1]."""
    start: float = 0.5
    """Density of the first step, in [0, 1]; no schedule where it is at or below `density`."""
    until: float = 0.6
    """Fraction of the steps after which the density has arrived, in (0, 1]."""
    floor: int = 1
    """Weights that every layer keeps at least, 0 or more: keeps a layer from dying out."""
    pairs: int = 8
    """How often each linear layer is perturbed for each example, each time with both signs; at least 1."""
    fitness: Literal["cross-entropy", "accuracy"] = "cross-entropy"
    """What an example loses: cross-entropy, or 1 where its class is missed; the squared error where there are none."""
    hot: float = 0.3
    """Temperature of the first step, in units of the logits, above 0; ours, chosen on validation data."""
    cold: float = 0.03
    """Temperature of the last step, above 0; ours, as `hot`."""
    learning_rate: float = 0.05
    """Of Adam on the logits, above 0; falls to 0 by a cosine."""
    batch: int = 256
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
            ("pairs", "at least 1", self.pairs >= 1),
            ("hot", "above 0 and finite", 0 < self.hot < math.inf),
            ("cold", "above 0 and finite", 0 < self.cold < math.inf),
        ):
            if not fine:
                raise refuse(name, getattr(self, name), allowed, "choose a value in that range")

    def init(self, task: Task) -> State:
        jitter = torch.from_numpy(task.stream("logits").uniform(task.space.size)).to(task.device)
        logits = (jitter - 0.5) * 1e-3  # breaks ties at random
        return State(logits, torch.zeros_like(logits), torch.zeros_like(logits), 0)

    def step(self, task: Task, state: State) -> State:
        logits, mean, square = state.logits.clone(), state.mean.clone(), state.square.clone()
        per_epoch = task.steps_per_epoch(self.batch)
        total = per_epoch * task.epochs
        for number, batch in enumerate(task.batches(state.epoch, self.batch), start=state.epoch * per_epoch):
            chance = self._chance(task, logits, number / total)
            _, gradient = task.natural_gradient(
                chance, batch, number, self.pairs, "misses" if self.fitness == "accuracy" else "loss"
            )
            optim.adam(logits, gradient, mean, square, number + 1, schedules.cosine(number, total, self.learning_rate))
        return State(logits, mean, square, state.epoch + 1)

    def mask(self, task: Task, state: State) -> torch.Tensor:
        return self._mode(task, state.logits, self.density)

    def _chance(self, task: Task, logits: torch.Tensor, progress: float) -> torch.Tensor:
        """Float[D]: the probability that each weight is kept, 1/2 for the last of the mode."""
        mode = self._mode(task, logits, self._density(task, progress))
        threshold = logits.where(mode, torch.inf).min().clamp_max(logits.max())
        temperature = float(self.hot * (self.cold / self.hot) ** progress)
        return torch.sigmoid((logits - threshold) / temperature)

    def _mode(self, task: Task, logits: torch.Tensor, density: float) -> torch.Tensor:
        kept = task.space.count(density)
        return top_k_floor(logits, kept, task.space.segments, task.space.floors(self.floor, kept))

    def _density(self, task: Task, progress: float) -> float:
        """Geometric from start to density: equal factors a step."""
        start = min(self.start, (task.space.size + task.space.locked_on) / task.space.total)
        if start <= self.density:
            return self.density
        return float(self.density * (start / self.density) ** (1 - min(1.0, progress / self.until)))
