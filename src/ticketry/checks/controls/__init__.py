"""The controls: each alters a ticket in one way that a good ticket should not survive unharmed.

A control is a module here with a function `alter(subject, draw)`; its first line says what the ticket must beat.
Nothing is registered.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from functools import cache
from importlib import import_module

from ticketry.checks.subject import Subject

Control = Callable[[Subject, int], Subject | None]
"""The altered ticket of draw 0, 1, ...; None where it would be the same as the ticket, or as another control's."""


@cache
def discover() -> dict[str, Control]:
    """Every control by its name, in the order of their names."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return {name.replace("_", "-"): import_module(f"{__name__}.{name}").alter for name in names}


def meaning(name: str) -> str:
    """What a control does, in a line."""
    page = import_module(f"{__name__}.{name.replace('-', '_')}").__doc__ or ""
    return page.strip().splitlines()[0]
