"""The mask drawn anew with as many weights at every input and at every output of each layer.

A shuffle of a whole layer also takes weights from the units that a ticket relies on; this one leaves each of them as
many, on both sides, so that only who is connected with whom is lost. By trades between pairs of outputs, "curveball":
Strona et al. 2014 (Nature Communications 5, 4114). Ours as a control; for convolutions an input is one place of the
kernel on one channel.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ticketry.checks.subject import Mask, Subject

ROUNDS = 50  # pairings of all outputs; a mask of SNIP with a few crowded outputs takes so many until it has forgotten


def alter(subject: Subject, draw: int) -> Subject | None:
    """Every layer a random mask of the same row and column sums."""
    mask = subject.mask.copy()
    for turn in range(ROUNDS):
        for layer, (place, stream) in zip(subject.ticket.layers, subject.layers("rewiring", draw, turn), strict=True):
            rows = mask[place].reshape(layer.shape[0], -1)
            trade(rows, stream.uniform(len(rows) + len(rows) // 2 * rows.shape[1]))
    return replace(subject, mask=mask)


def trade(rows: Mask, chance: NDArray[np.float32]) -> None:
    """Pair the rows Bool[R, C]; each pair deals what only one of it has anew between the two, as many to each.

    `chance`: Float[R + (R // 2) C], uniform numbers in [0, 1).
    """
    pairs = chance[: len(rows)].argsort(kind="stable")[: len(rows) // 2 * 2].reshape(-1, 2).T
    one, other = rows[pairs[0]], rows[pairs[1]]
    apart = one ^ other
    keys = np.where(apart, chance[len(rows) :].reshape(apart.shape), np.float32(2))
    first = keys.argsort(1, kind="stable").argsort(1, kind="stable") < (one & apart).sum(1, keepdims=True)
    rows[pairs[0]], rows[pairs[1]] = (one & ~apart) | first, (other & ~apart) | (apart & ~first)
