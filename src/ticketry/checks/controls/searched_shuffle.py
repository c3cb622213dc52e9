"""Only the searched bits shuffled within each layer of a partially frozen network: locked ones stay.

What is left of the ticket is what freezing gave it; the difference is what the search gave it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ticketry.checks.parts import TicketParts


def alter(subject: TicketParts, draw: int) -> TicketParts | None:
    """A uniformly random permutation of every layer's searched bits; None where all are searched."""
    if subject.searched.all():
        return None
    mask = subject.mask.copy()
    for place, stream in subject.layers("searched-shuffle", draw):
        where = np.flatnonzero(subject.searched[place]) + place.start
        mask[where] = mask[where][stream.permutation(len(where))]
    return replace(subject, mask=mask)
