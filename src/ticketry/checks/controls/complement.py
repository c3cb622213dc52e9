"""All weights that the ticket cut, and none that it kept: another density, so no verdict but a look.

At density 1/2 it is the sharpest control; at low densities it is a nearly dense network, which a ticket need not beat.
"""

from __future__ import annotations

from dataclasses import replace

from ticketry.checks.parts import TicketParts


def alter(subject: TicketParts, draw: int) -> TicketParts | None:
    """The same for every draw; None for a dense ticket."""
    return None if subject.mask.all() else replace(subject, mask=~subject.mask)
