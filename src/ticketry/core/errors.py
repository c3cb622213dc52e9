"""The exceptions a user can meet: one sentence each, with the field, its value, what is allowed and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TicketryError(Exception):
    """Base of every error that ticketry raises on purpose; the command line prints it without a traceback."""


class RequestError(TicketryError, ValueError):
    """What was asked for is wrong, and so also a ValueError. The command line exits with 2."""


class TicketError(TicketryError):
    """A ticket file is damaged, of another version, or does not fit. `verify` exits with 1, everything else with 2."""


class SearchEnded(TicketryError):
    """Raised inside a step that will not be taken: the search is over and the runner keeps the last whole step.

    A method raises it when its state says that nothing is left to do (a stopping rule held, a walk came to its end).
    """


class BudgetSpent(SearchEnded):
    """Raised by a Task when the next piece of work would exceed the budget."""


def refuse(field: str, value: object, allowed: str, remedy: str) -> RequestError:
    """Build the one sentence: `refuse("density", 1.5, "a fraction in (0, 1]", "pass 0.05 for 5 %")`."""
    return RequestError(f"{field} is {value}, but it must be {allowed}; {remedy}.")


def told(error: BaseException) -> str:
    """An exception of the user's code in one line of at most 200 characters, with its kind."""
    text = f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")
    return text if len(text) <= 200 else f"{text[:197]}..."


def unknown(field: str, value: str, known: Iterable[str], also: str = "") -> RequestError:
    """The sentence for a name that does not exist, with the nearest existing ones."""
    names = sorted(known)
    begun = [name for name in names if value and name.startswith(value)]
    near = begun or difflib.get_close_matches(value, names, 1, 0.5)
    hint = f"did you mean {near[0]}?" if near else "choose one of these."
    return RequestError(f"{field} is {value!r}, which does not exist; known are {', '.join(names)}{also}: {hint}")
