"""The corruptions: each takes from the data something that a search should need to find its ticket.

A corruption is a module here with a function `corrupt(dataset, seed, draw)`; its first line says what the ticket must
beat. It alters all examples but the test split's, those that validate included: validation chooses among the masks of
many searches, and true labels there would find their way into the ticket. Nothing is registered. Su et al. 2020 (arXiv
2009.11094): several pruning methods find tickets as good on such data, and so owe nothing to the data.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from ticketry import data
from ticketry.checks.members import first_line, members
from ticketry.core.errors import unknown
from ticketry.core.trust import typed
from ticketry.data import Dataset

Corruption = Callable[[Dataset, int, int], Dataset]
"""The corrupted data of a seed and draw 0, 1, ...; the test split as it was."""

_PREFIX = "corrupted-"


@cache
def discover() -> dict[str, Corruption]:
    """Every corruption by the name of its control, in the order of their names."""
    return {name: module.corrupt for name, module in members(__name__, __path__, _PREFIX).items()}


def meaning(name: str) -> str:
    """What a corruption does, in a line."""
    return first_line(members(__name__, __path__, _PREFIX)[name])


def load(source: str, name: str, seed: int, draw: int) -> Dataset:
    """The data set of a text, corrupted: `--data "ticketry.checks.corruptions:load('mnist', 'corrupted-half', 0, 0)"`.

    Raises RequestError where there are no such data or no such corruption. An import path in it is run: no file's text
    leads here, see core/trust.py.
    """
    if name not in discover():
        raise unknown("corruption", name, discover())
    return discover()[name](data.load(source, typed(source)), seed, draw)
