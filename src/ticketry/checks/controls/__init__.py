"""The controls: each alters a ticket in one way that a good ticket should not survive unharmed.

A control is a module here with a function `alter(subject, draw)`; its first line says what the ticket must beat.
Nothing is registered.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from ticketry.checks.members import first_line, members
from ticketry.checks.parts import TicketParts

Control = Callable[[TicketParts, int], TicketParts | None]
"""The altered ticket of draw 0, 1, ...; None where it would be the same as the ticket, or as another control's."""


@cache
def discover() -> dict[str, Control]:
    """Every control by its name, in the order of their names."""
    return {name: module.alter for name, module in members(__name__, __path__).items()}


def meaning(name: str) -> str:
    """What a control does, in a line."""
    return first_line(members(__name__, __path__)[name])
