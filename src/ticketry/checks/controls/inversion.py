"""As many weights of each layer as the ticket keeps, drawn from those that it cut.

Frankle et al. 2021 (arXiv 2009.08576) keep the lowest scored instead of the highest; a ticket file holds no scores, so
this keeps random ones of all that were not chosen, and fills up with chosen ones where those are too few.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ticketry.checks.parts import TicketParts


def alter(subject: TicketParts, draw: int) -> TicketParts | None:
    """Every layer keeps its count, of cut weights as far as there are enough."""
    mask = np.zeros_like(subject.mask)
    for place, stream in subject.layers("inversion", draw):
        order = stream.permutation(place.stop - place.start)
        chosen = subject.mask[place][order]
        first = np.concatenate([order[~chosen], order[chosen]])
        mask[first[: np.count_nonzero(chosen)] + place.start] = True
    return replace(subject, mask=mask)
