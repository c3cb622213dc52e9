"""A walk over the bits of one mask: stochastic local search that drops what costs little, and puts back what helps.

It is hill climbing over one-bit changes in random order (random bit-climbing, Davis 1991); `hill-climbing` begins it
at random masks, `genetic` at the best of its last population, as its sparsifier.

The authors of the genetic search walk the bits of the best mask in order and drop each one whose loss does not lower
the accuracy, on test data (arXiv 2508.08877, code). Here a change is judged on training data, in both directions, by

    cost + price * density,    cost = loss / guess    or    (1 - quality) / (1 - quality of guess) + 0.05 loss / guess,

where guess is the loss of a constant guess (among C classes ln C, its quality 1/C), which so costs about 1. A weight
stays only if it is worth its place, and what one removal broke others can repair. The price falls from 16 times its
value to that value, by equal factors: what left when it was high returns where it is missed, which ends at a better
mask than a constant price. The answer is the best mask on the way, by the objective at the final price. A pass tries
all bits in a random order, in chunks: the one-bit changes of a chunk are evaluated together, and those that help are
made in the order of their gain, each evaluated again if another went before.

At a fixed density changes come in pairs, the most harmless removal with the most useful return of the chunk.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ticketry.core.errors import SearchEnded
from ticketry.core.lazy import torch
from ticketry.core.masks import bits
from ticketry.core.masks.bits import Bits, Words
from ticketry.evolution.masks.population import Cost, Floats, ScoredPopulation, words_of

if TYPE_CHECKING:
    from ticketry.core.fitness.kernels import Score
    from ticketry.core.masks.space import Space
    from ticketry.core.task import Task

Places = NDArray[np.int64]

PASSES = 12  # times that all bits are tried, unless it is said otherwise
DEAR = 16.0  # how many times higher the price begins
MARGIN = 0.05  # of loss beside errors: among masks of equal accuracy the surer ones, which generalise better


class NeighbourEvaluator(Protocol):
    """Scores of a mask's one-bit neighbours; see Task.neighbours."""

    def flips(self, positions: torch.Tensor) -> Score:
        """Of the masks with one of Int64[K] positions changed each."""

    def apply(self, position: int) -> None:
        """Change one position for good."""


class Whole:
    """A NeighbourEvaluator for any network: whole evaluations on all training data."""

    def __init__(self, task: Task, mask: torch.Tensor) -> None:
        self._task, self._mask = task, mask.clone()

    def flips(self, positions: torch.Tensor) -> Score:
        masks = self._mask.repeat(len(positions), 1)
        masks[torch.arange(len(positions)), positions] ^= True
        return self._task.fitness(masks)

    def apply(self, position: int) -> None:
        self._mask[position] ^= True


@dataclass(frozen=True, eq=False)
class Walk:
    """Where a walk is: `words` UInt64[2, W], the best mask it came by and the one it is at.

    `loss`, `quality`: of the mask it is at, on training data; `best_loss`, `best_value`: loss and objective, at the
    final price, of the best; `dense_loss`, `dense_kept`: loss and ones of the mask it began with; `begun`: the part of
    the budget that was spent by then; `tried`, `changed`: bits so far; `evaluations`: what it cost.
    """

    words: Words
    loss: float
    quality: float
    best_loss: float
    best_value: float
    dense_loss: float
    dense_kept: float
    begun: float
    tried: float = 0
    changed: float = 0
    evaluations: float = 0

    @classmethod
    def of(cls, words: torch.Tensor, numbers: torch.Tensor) -> Walk:
        """From Int64[2, W] and the Float64[10] of `numbers`."""
        return cls(words_of(words), *numbers.tolist())

    @classmethod
    def start(cls, population: ScoredPopulation, spent: float) -> Walk:
        """From the first of a population; `spent`: the part of the budget that is."""
        words, loss = population.words[[0, 0]], float(population.loss[0])
        return cls(words, loss, float(population.quality[0]), loss, math.inf, loss, int(bits.count(words[0])), spent)

    @property
    def scored(self) -> ScoredPopulation:
        """The mask that it is at, as a population of one."""
        return ScoredPopulation(self.words[1:], np.array([self.loss]), np.array([self.quality]))

    @property
    def numbers(self) -> torch.Tensor:
        """Float64[10]: all but the masks."""
        return torch.tensor([value for name, value in vars(self).items() if name != "words"], dtype=torch.float64)

    def notes(self, space: Space) -> dict[str, float]:
        """What it was given, what it made of that, on training data, and what it cost."""
        kept = np.array([self.dense_kept, int(bits.count(self.words[0]))]) + space.locked_on
        before, after = (kept / space.total).tolist()
        return {
            "density_before_sparsifier": before,
            "density_after_sparsifier": after,
            "loss_before_sparsifier": self.dense_loss,
            "loss_after_sparsifier": self.best_loss,
            "sparsifier_evaluations": self.evaluations,
        }


def cost_of(accurate: bool, guess: tuple[float, float]) -> Cost:
    """What the walk lowers, for performance by quality or by loss. `guess`: both of a constant guess."""
    loss_of, quality_of = guess
    if accurate:
        return lambda loss, quality: (1 - quality) / (1 - quality_of) + MARGIN * loss / loss_of
    return lambda loss, quality: loss / loss_of


def walk_on(
    task: Task,
    walk: Walk,
    accurate: bool,
    price: float,
    exchanging: bool,
    passes: int = PASSES,
    which: Sequence[int] = (),
) -> Walk:
    """Try the next chunk of bits; SearchEnded after the last. All depends on the task's seed and the arguments alone.

    `accurate`: whether performance is quality, not loss; `price`: of a density lower by 1, at the end; `exchanging`:
    whether the density stays; `which`: the number of the walk, where a search has several.
    """
    d, before, cost = task.space.size, task.meters.evaluations, cost_of(accurate, task.objective.guess)
    if walk.tried == passes * d:
        raise SearchEnded("the walk has come to its end")
    number, start = divmod(int(walk.tried), d)
    places = task.stream("sparsify", *which, number).permutation(d)[start : start + min(512, max(64, -(-d // 20)))]
    mask = bits.unpack(walk.words[1], d)
    if walk.tried == 0:
        walk = replace(walk, best_value=_cost(walk, cost) + price * mask.sum() / task.space.total)
    tensor = torch.from_numpy(mask.copy()).to(task.device)
    evaluator = task.neighbours(tensor) or Whole(task, tensor)
    if exchanging:
        walk = exchange(evaluator, mask, walk, places, cost)
    else:
        left = 1 - max(walk.tried / (passes * d), (task.spent - walk.begun) / max(1 - walk.begun, 1e-9))
        walk = improve(evaluator, mask, walk, places, cost, price * DEAR**left / task.space.total)
    here, value = bits.pack(mask), _cost(walk, cost) + price * mask.sum() / task.space.total
    if value <= walk.best_value:
        walk = replace(walk, words=here[None], best_loss=walk.loss, best_value=value)
    spent = walk.evaluations + task.meters.evaluations - before
    words = np.stack([walk.words[0], here])
    return replace(walk, words=words, tried=walk.tried + len(places), evaluations=spent)


def improve(evaluator: NeighbourEvaluator, mask: Bits, walk: Walk, places: Places, cost: Cost, price: float) -> Walk:
    """Try to change each of some places, in place in `mask`, Bool[D]; `price` is that of one bit."""
    losses, qualities, costs = _neighbours(evaluator, places, cost)
    with np.errstate(invalid="ignore"):  # infinite less infinite is no gain
        gain = _cost(walk, cost) - costs + np.where(mask[places], price, -price)
    first = walk.changed
    for i in np.argsort(-gain, kind="stable")[: np.count_nonzero(gain > 0)]:
        place, here = places[i : i + 1], slice(i, i + 1)
        if walk.changed > first:  # what is known of this neighbour was true before another bit changed
            losses[here], qualities[here], costs[here] = _neighbours(evaluator, place, cost)
        if costs[i] < _cost(walk, cost) + (price if mask[place[0]] else -price):
            evaluator.apply(int(place[0]))
            mask[place] ^= True
            walk = replace(walk, loss=float(losses[i]), quality=float(qualities[i]), changed=walk.changed + 1)
    return walk


def exchange(evaluator: NeighbourEvaluator, mask: Bits, walk: Walk, places: Places, cost: Cost) -> Walk:
    """Try to change places in pairs, one off and one on, in place in `mask`, Bool[D], whose density stays."""
    _, _, costs = _neighbours(evaluator, places, cost)
    order = places[np.argsort(costs, kind="stable")]
    for off, on in zip(order[mask[order]], order[~mask[order]], strict=False):
        evaluator.apply(int(off))
        losses, qualities, costs = _neighbours(evaluator, np.array([on]), cost)
        if not costs[0] < _cost(walk, cost):
            break
        evaluator.apply(int(on))
        mask[[off, on]] ^= True
        walk = replace(walk, loss=float(losses[0]), quality=float(qualities[0]), changed=walk.changed + 2)
    return walk


def _neighbours(evaluator: NeighbourEvaluator, places: Places, cost: Cost) -> tuple[Floats, Floats, Floats]:
    score = evaluator.flips(torch.from_numpy(places))
    loss, quality = score.loss.cpu().numpy().copy(), score.quality.cpu().numpy().copy()
    return loss, quality, cost(loss, quality)


def _cost(walk: Walk, cost: Cost) -> float:
    return float(cost(np.array([walk.loss]), np.array([walk.quality]))[0])
