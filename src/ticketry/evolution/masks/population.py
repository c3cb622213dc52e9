"""The masks that live in a search, with their scores, and which of them and of the new ones go on living."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ticketry.core.errors import refuse
from ticketry.core.lazy import torch
from ticketry.core.masks import bits
from ticketry.core.masks.bits import Words
from ticketry.evolution.masks.operators import truncate

if TYPE_CHECKING:
    from ticketry.core.fitness.kernels import Limit
    from ticketry.core.task import Task

Fitness = Literal["auto", "accuracy", "cross_entropy"]
Floats = NDArray[np.float64]
Cost = Callable[[Floats, Floats], Floats]
"""Of networks with these losses and qualities: lower is better."""


@dataclass(frozen=True, eq=False)
class ScoredPopulation:
    """Masks `words` UInt64[P, W], with `loss` and `quality` Float64[P] on the training data."""

    words: Words
    loss: Floats
    quality: Floats

    @classmethod
    def of(cls, genomes: torch.Tensor, loss: torch.Tensor, quality: torch.Tensor) -> ScoredPopulation:
        """From Int64[P, W] and two Float64[P]."""
        return cls(words_of(genomes), loss.cpu().numpy(), quality.cpu().numpy())

    @classmethod
    def unknown(cls, words: Words) -> ScoredPopulation:
        """Masks that are not evaluated yet, as bad as can be."""
        return cls(words, np.full(len(words), np.inf), np.full(len(words), -np.inf))

    @property
    def tensors(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What `of` takes."""
        return tensor_of(self.words), torch.from_numpy(self.loss), torch.from_numpy(self.quality)


def words_of(genomes: torch.Tensor) -> Words:
    """UInt64 words of an Int64 tensor, which has the same bits."""
    return genomes.cpu().numpy().view(np.uint64)


def tensor_of(words: Words) -> torch.Tensor:
    """Int64 tensor of UInt64 words, on the CPU, where the operators work."""
    return torch.from_numpy(words.view(np.int64))


def masks_of(task: Task, words: Words) -> torch.Tensor:
    """Bool[*P, D] on the task's device: the masks that words UInt64[*P, W] stand for."""
    return torch.from_numpy(bits.unpack(words, task.space.size)).to(task.device)


def by_accuracy(task: Task, fitness: Fitness) -> bool:
    """Whether performance is quality, not loss: asked for, or left to the number of classes, which is two."""
    two = "classes" in task.objective.has and task.objective.outputs == 2
    return fitness == "accuracy" or (fitness == "auto" and two)


def scored(task: Task, words: Words, limit: Limit | None = None) -> ScoredPopulation:
    """Evaluate masks, UInt64[P, W], P 0 or more; outside the `limit` one may be given up as the worst."""
    if not len(words):
        return ScoredPopulation.unknown(words)
    score = task.fitness(masks_of(task, words), limit=limit)
    return ScoredPopulation(words, score.loss.cpu().numpy(), score.quality.cpu().numpy())


def survivors(
    elders: ScoredPopulation, both: Words, young: ScoredPopulation, accurate: bool, most: int
) -> ScoredPopulation:
    """The best `most` of elders and young, whose words together are `both`, best first.

    By performance, where NaN is worst, then by more zeros, then elders first.
    """
    loss = np.concatenate([elders.loss, young.loss])
    quality = np.concatenate([elders.quality, young.quality])
    order = truncate(-quality if accurate else loss, bits.count(both), most)
    return ScoredPopulation(both[order], loss[order], quality[order])


def ranked(first: ScoredPopulation, accurate: bool) -> ScoredPopulation:
    """A first population, best first by performance alone, as its parents are ranked."""
    order = np.argsort(-first.quality if accurate else first.loss, kind="stable")
    return ScoredPopulation(first.words[order], first.loss[order], first.quality[order])


def worst(elders: ScoredPopulation, accurate: bool, most: int) -> Limit | None:
    """What a new mask must reach to survive: the score of the last of a full population."""
    from ticketry.core.fitness.kernels import Limit

    if len(elders.words) < most:
        return None
    return Limit(quality=float(elders.quality[-1])) if accurate else Limit(loss=float(elders.loss[-1]))


def check_classes(task: Task) -> None:
    """Raises RequestError where all training examples have one label: any mask would be as good as another."""
    labels = task.train.y
    if "classes" in task.objective.has and bool((labels == labels[0]).all()):
        label = f"of class {int(labels[0])} alone in its training part"
        raise refuse("data", label, "of at least two classes", "take more examples or another --val")
