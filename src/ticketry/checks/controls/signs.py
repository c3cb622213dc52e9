"""The signs of the untrained weights drawn anew, their sizes and the mask unchanged.

Zhou et al. 2019 (arXiv 1905.01067): of a ticket's weights, the signs are what matters most.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ticketry.checks.parts import TicketParts


def alter(subject: TicketParts, draw: int) -> TicketParts | None:
    """A fair coin flip for the sign of every weight."""
    base = np.abs(subject.base)
    for place, stream in subject.layers("signs", draw):
        base[place] = np.where(stream.bits(place.stop - place.start), base[place], -base[place])
    return replace(subject, base=base)
