"""The untrained weights drawn anew from the same recipe with another seed, the mask unchanged.

Frankle et al. 2021 (arXiv 2009.08576): a ticket that does as well after it does not depend on its weights.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ticketry.checks.parts import TicketParts
from ticketry.core.seed.streams import stream
from ticketry.ticket import rebuild


def alter(subject: TicketParts, draw: int) -> TicketParts | None:
    """Every random parameter from a seed that is drawn for it, biases and all."""
    ticket = subject.ticket
    seed = int(stream(ticket.seed, "check", "redraw", draw).integers(1, 2**31 - 1)[0])
    drawn = rebuild.weights(replace(ticket, seed=seed))
    base = np.concatenate([drawn.pop(layer.name).ravel() for layer in ticket.layers])
    return replace(subject, base=base, rest=drawn)
