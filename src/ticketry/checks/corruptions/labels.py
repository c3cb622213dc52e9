"""The mask of a search on data whose labels were shuffled, on the same untrained weights.

Su et al. 2020 (arXiv 2009.11094) draw labels anew; a permutation keeps the number of examples of every class as well.
"""

from __future__ import annotations

from dataclasses import replace

from ticketry.core.seed.streams import stream
from ticketry.data import Dataset


def corrupt(dataset: Dataset, seed: int, draw: int) -> Dataset:
    """A uniformly random permutation of all labels but those of the test split."""
    order = stream(seed, "check", "corrupted-labels", draw).permutation(len(dataset.y))
    return replace(dataset, y=dataset.y[order])
