"""The kept untrained weights permuted among the kept positions of their layer.

Su et al. 2020 (arXiv 2009.11094): mask and weights are each as they were, but not in their places.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ticketry.checks.parts import TicketParts


def alter(subject: TicketParts, draw: int) -> TicketParts | None:
    """A uniformly random permutation of every layer's kept weights."""
    base = subject.base.copy()
    for place, stream in subject.layers("permuted-weights", draw):
        where = np.flatnonzero(subject.mask[place]) + place.start
        base[where] = base[where][stream.permutation(len(where))]
    return replace(subject, base=base)
