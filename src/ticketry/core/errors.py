"""The exceptions a user can meet: one sentence each, with the field, its value, what is allowed and what to do.

Values, names and the texts of other exceptions may come from anywhere, a megabyte long and full of control characters:
whatever they hold, a sentence is one line of at most LONGEST printable characters.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

LONGEST = 2000  # characters of a sentence
VALUE = 500  # of a value in it
REASON = 200  # of what another exception says
_BACKTRACE = "Exception raised from"  # what begins one of C++ in the text of an exception of torch


class TicketryError(Exception):
    """Base of every error that ticketry raises on purpose; the command line prints it without a traceback."""

    def __init__(self, sentence: str = "") -> None:
        super().__init__(shorten(sentence, LONGEST))


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
    return RequestError(f"{shorten(field)} is {shorten(value)}, but it must be {allowed}; {remedy}.")


def shorten(value: object, most: int = VALUE) -> str:
    """A value on one line of printable characters, at most so many: what is too long loses its middle."""
    text = str(value)
    text = text if len(text) <= 8 * most else f"{text[: 4 * most]} {text[-4 * most :]}"
    text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in " ".join(text.split()))
    half = (most - 5) // 2
    return text if len(text) <= most else f"{text[:half]} ... {text[-half:]}"


def told(error: BaseException) -> str:
    """What another exception says, for a sentence: its kind and text, without a backtrace, in REASON characters."""
    try:
        said = str(error).partition(_BACKTRACE)[0]
    except Exception:  # an exception of the user's own, whose text raises another
        said = ""
    said = " ".join(said[: 8 * REASON].split())
    kind = type(error).__name__
    return shorten(f"{kind}: {said}" if said else kind, REASON)


@contextmanager
def unended(what: str) -> Iterator[None]:
    """Code of the user's own that calls exit does not end the process as if all were done: RequestError."""
    try:
        yield
    except SystemExit as error:
        found = f"stopped by code that calls exit ({told(error)})"
        raise refuse(what, found, "left to come to its end", "take that call out of the model or the data") from error


def unknown(field: str, value: str, known: Iterable[str], also: str = "") -> RequestError:
    """The sentence for a name that does not exist, with the nearest existing ones."""
    names, value = sorted(known), value[:VALUE]
    begun = [name for name in names if value and name.startswith(value)]
    near = begun or difflib.get_close_matches(value, names, 1, 0.5)
    hint = f"did you mean {near[0]}?" if near else "choose one of these."
    return RequestError(f"{field} is {value!r}, which does not exist; known are {', '.join(names)}{also}: {hint}")
