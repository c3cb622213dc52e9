"""The mask of a search on data whose labels were shuffled, and the numbers of every input among themselves.

Su et al. 2020 (arXiv 2009.11094): every image gets a permutation of its own, of all its numbers, so that those of one
channel come into another: no edge, shape or colour is left, only how bright an image is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from ticketry.checks.corruptions import labels
from ticketry.core.seed.streams import stream
from ticketry.data import Dataset


def corrupt(dataset: Dataset, seed: int, draw: int) -> Dataset:
    """The labels of `labels`, so that the two differ in pixels alone, and a random permutation of every input."""
    x = dataset.x.copy()
    inputs: NDArray[Any] = x.reshape(len(x), -1)
    for number, values in enumerate(inputs):
        values[:] = values[stream(seed, "check", "corrupted-pixels", draw, number).permutation(len(values))]
    return replace(labels.corrupt(dataset, seed, draw), x=x)
