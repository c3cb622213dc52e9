"""A bounded Pareto front of masks over (loss, density): what could be had at every size, kept beside a search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ticketry.core.lazy import torch
from ticketry.core.masks import bits
from ticketry.core.masks.bits import Words
from ticketry.evolution.masks.population import Floats, ScoredPopulation, tensor_of, words_of

CAPACITY = 32  # masks
EVERY = (
    10  # generations between two merges of a population, whose best live long: a merge takes a tenth of the operators
)


@dataclass(frozen=True, eq=False)
class Front:
    """Masks none of which another beats in both: `words` UInt64[K, W] with `loss` Float64[K], the densest first.

    Their ones fall strictly, and their losses rise strictly, from the first to the sparsest.
    """

    words: Words
    loss: Floats

    @classmethod
    def of(cls, front: torch.Tensor, loss: torch.Tensor) -> Front:
        """From Int64[K, W] and Float64[K]."""
        return cls(words_of(front), loss.cpu().numpy())

    @property
    def tensors(self) -> tuple[torch.Tensor, torch.Tensor]:
        """What `of` takes."""
        return tensor_of(self.words), torch.from_numpy(self.loss)


def merge(front: Front, new: ScoredPopulation, capacity: int = CAPACITY) -> Front:
    """The front with new masks, at most `capacity`, 2 or more, in all.

    A loss that is not finite enters nowhere; of equals the one already there stays. Where there are too many, those
    closest to their neighbours in ones go; the one of least loss and the sparsest stay.
    """
    had, ones = bits.count(front.words), bits.count(new.words)
    rival = np.searchsorted(-had, -ones)  # the best of the front among those no denser
    better = np.isfinite(new.loss) & (new.loss < np.append(front.loss, np.inf)[rival])
    if not better.any():
        return front
    losses, ones = np.concatenate([front.loss, new.loss[better]]), np.concatenate([had, ones[better]])
    order = np.lexsort((losses, ones))
    best = np.minimum.accumulate(losses[order])
    order = order[np.diff(best, prepend=np.inf) < 0]
    while len(order) > capacity:
        gaps = ones[order[2:]] - ones[order[:-2]]
        order = np.delete(order, 1 + np.argmin(gaps))
    order = order[::-1]
    return Front(bits.take(front.words, new.words[better], order), losses[order])
