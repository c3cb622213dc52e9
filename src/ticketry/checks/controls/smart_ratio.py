"""A random mask of the ticket's density with the layer densities of Smart-Ratio, which knows nothing of the data.

Su et al. 2020 (arXiv 2009.11094): random tickets that equal those of several pruning methods.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ticketry.checks.parts import TicketParts
from ticketry.core.masks import allocation


def alter(subject: TicketParts, draw: int) -> TicketParts | None:
    """As many weights in all as the ticket keeps."""
    shapes = [layer.shape for layer in subject.ticket.layers]
    counts = allocation.layer_counts("smart-ratio", shapes, int(np.count_nonzero(subject.mask)))
    mask = np.zeros_like(subject.mask)
    for count, (place, stream) in zip(counts, subject.layers("smart-ratio", draw), strict=True):
        mask[stream.permutation(place.stop - place.start)[:count] + place.start] = True
    return replace(subject, mask=mask)
