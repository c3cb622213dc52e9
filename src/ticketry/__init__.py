"""ticketry finds, checks, compares and ships lottery tickets. Public names only; torch is imported when one is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ticketry.core.version import VERSION

__version__ = VERSION

if TYPE_CHECKING:
    from ticketry import methods as methods
    from ticketry.core.meters import Budget as Budget
    from ticketry.data import from_arrays as from_arrays
    from ticketry.experiment import Experiment as Experiment
    from ticketry.experiment import Lock as Lock
    from ticketry.experiment import Search as Search
    from ticketry.runs.find import Run as Run
    from ticketry.runs.find import find as find
    from ticketry.ticket.module import Ticket as Ticket
    from ticketry.ticket.module import load as load

_HOMES = {
    "Budget": "core.meters",
    "Experiment": "experiment",
    "Lock": "experiment",
    "Search": "experiment",
    "Run": "runs.find",
    "from_arrays": "data",
    "find": "runs.find",
    "Ticket": "ticket.module",
    "load": "ticket.module",
}
__all__ = [*_HOMES, "methods"]


def __getattr__(name: str) -> object:
    if name == "methods":
        return import_module("ticketry.methods")
    if name in _HOMES:
        return getattr(import_module(f"ticketry.{_HOMES[name]}"), name)
    raise AttributeError(f"ticketry has no {name}; its public names are {', '.join(__all__)}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
