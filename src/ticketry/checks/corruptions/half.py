"""The mask of a search on a random half of the data, for as many epochs of them.

Su et al. 2020 (arXiv 2009.11094) take the first half. An epoch has half the steps: a search may suffer from that alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ticketry.core.seed.streams import stream
from ticketry.data import Dataset


def corrupt(dataset: Dataset, seed: int, draw: int) -> Dataset:
    """A uniformly random half of the examples, rounded down, in their order; classes come as they may."""
    order = stream(seed, "check", "corrupted-half", draw).permutation(len(dataset.y))
    chosen = np.sort(order[: len(order) // 2])
    return replace(dataset, x=dataset.x[chosen], y=dataset.y[chosen])
