"""The mask shuffled within each layer: a random mask of the same layer densities.

Frankle et al. 2021 (arXiv 2009.08576): a ticket that trains as well after it owes its accuracy to its layer densities.
"""

from __future__ import annotations

from dataclasses import replace

from ticketry.checks.parts import TicketParts


def alter(subject: TicketParts, draw: int) -> TicketParts | None:
    """A uniformly random permutation of every layer's mask."""
    mask = subject.mask.copy()
    for place, stream in subject.layers("shuffle", draw):
        mask[place] = mask[place][stream.permutation(place.stop - place.start)]
    return replace(subject, mask=mask)
