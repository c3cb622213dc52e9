"""The mask drawn anew with as many weights at every input and at every output of each layer.

A shuffle of a whole layer also takes weights from the units that a ticket relies on; this one leaves each of them as
many, on both sides, so that only who is connected with whom is lost. By trades between pairs of outputs, "curveball":
Strona et al. 2014 (Nature Communications 5, 4114). Ours as a control; for convolutions an input is one place of the
kernel on one channel.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ticketry.checks.parts import Mask, TicketParts
from ticketry.core.seed.streams import Stream

ROUNDS = 100  # pairings of all outputs: what a mask of SynFlow, on a few crowded outputs, takes until it has forgotten


def alter(subject: TicketParts, draw: int) -> TicketParts | None:
    """Every layer a random mask of the same row and column sums."""
    mask = subject.mask.copy()
    for turn in range(ROUNDS):
        for layer, (place, stream) in zip(subject.ticket.layers, subject.layers("rewiring", draw, turn), strict=True):
            trade(mask[place].reshape(layer.shape[0], -1), stream)
    return replace(subject, mask=mask)


def trade(rows: Mask, stream: Stream) -> None:
    """Pair the rows Bool[R, C]; each pair deals what only one of it has anew between the two, as many to each."""
    paired = stream.uniform(len(rows)).argsort(kind="stable")[: len(rows) // 2 * 2].reshape(-1, 2).T
    one, other = rows[paired[0]], rows[paired[1]]
    apart = one ^ other
    pair, place = np.nonzero(apart)
    keys = stream.uniform(len(rows) + len(pair))[len(rows) :]
    place = place[np.lexsort((keys, pair))]  # a random order within each pair, of which the first go to `one`
    ends = apart.sum(1).cumsum()
    dealt = np.arange(len(pair)) < (ends - (other & apart).sum(1))[pair]
    one[pair, place], other[pair, place] = dealt, ~dealt
    rows[paired[0]], rows[paired[1]] = one, other
