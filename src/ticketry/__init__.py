"""ticketry finds, checks, compares and ships lottery tickets. Public names only; torch is imported when one is used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ticketry.core.version import VERSION as __version__  # noqa: F401

if TYPE_CHECKING:
    from ticketry import methods as methods
    from ticketry.analysis.settings import LandscapeSettings as LandscapeSettings
    from ticketry.api import check as check
    from ticketry.api import compare as compare
    from ticketry.api import evaluate as evaluate
    from ticketry.api import landscape as landscape
    from ticketry.api import recipe as recipe
    from ticketry.core.errors import RequestError as RequestError
    from ticketry.core.errors import TicketError as TicketError
    from ticketry.core.errors import TicketryError as TicketryError
    from ticketry.core.meters import Budget as Budget
    from ticketry.core.training.recipe import Training as Training
    from ticketry.data import Dataset as Dataset
    from ticketry.data import from_arrays as from_arrays
    from ticketry.experiment import Experiment as Experiment
    from ticketry.experiment import Lock as Lock
    from ticketry.experiment import Search as Search
    from ticketry.runs.find import find as find
    from ticketry.runs.run import Run as Run
    from ticketry.runs.train import train as train
    from ticketry.ticket.module import Ticket as Ticket
    from ticketry.ticket.module import load as load

_HOMES = {
    "Budget": "core.meters",
    "Dataset": "data",
    "Experiment": "experiment",
    "LandscapeSettings": "analysis.settings",
    "Lock": "experiment",
    "RequestError": "core.errors",
    "Run": "runs.run",
    "Search": "experiment",
    "Ticket": "ticket.module",
    "TicketError": "core.errors",
    "TicketryError": "core.errors",
    "Training": "core.training.recipe",
    "check": "api",
    "compare": "api",
    "evaluate": "api",
    "find": "runs.find",
    "from_arrays": "data",
    "landscape": "api",
    "load": "ticket.module",
    "recipe": "api",
    "train": "runs.train",
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
