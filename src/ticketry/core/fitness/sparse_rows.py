"""Products with matrices that have many zeros: each row of the result is a sum of scaled rows, zeros left out."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional


class SparseRows(NamedTuple):
    """The entries of Float[R, in] that are not zero, row by row.

    `rows` Int[E], which row of a table each scales, `scales` Float[E]; `begins` Int[R], where the R rows begin.
    """

    rows: torch.Tensor
    scales: torch.Tensor
    begins: torch.Tensor

    def times(self, table: torch.Tensor) -> torch.Tensor:
        """Float[R, B] for Float[*, B]; rows beyond the last of the table count as the last.

        Each sum runs in the order of the entries, whatever else is computed beside it.
        """
        rows = self.rows.clamp(max=table.shape[0] - 1)
        return functional.embedding_bag(rows, table, self.begins, mode="sum", per_sample_weights=self.scales)


def pays(density: float, out: int) -> bool:
    """Whether a layer of `out` units is computed faster in this way, at this share of weights that are not zero.

    An entry takes 0.052 ns an example (AVX2, one thread), in a large product 0.021 ns and 0.13 ns / out; making the
    entries takes the time of about 100 examples.
    """
    return density < 0.3 + 2.5 / out


def sparse_rows(weights: torch.Tensor, index: torch.Tensor) -> SparseRows:
    """For the networks' weights Float[p, out, in] and the rows Long[p, in] that their inputs have in a table."""
    p, out, inputs = weights.shape
    matrix = weights.numpy().reshape(p * out, inputs)
    there = matrix != 0
    counts = np.count_nonzero(there, axis=1)
    places = np.flatnonzero(there)
    row = np.arange(p * out)
    rows = index.numpy().astype(np.int32).ravel()[places - np.repeat((row - row // out) * inputs, counts)]
    begins = (np.cumsum(counts) - counts).astype(np.int32)
    return SparseRows(torch.from_numpy(rows), torch.from_numpy(matrix.ravel()[places]), torch.from_numpy(begins))
