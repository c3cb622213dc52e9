"""Run: a finished search or training, in a program or a notebook."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from ticketry.core import regular
from ticketry.core.errors import refuse
from ticketry.core.trust import NOTHING, Trust
from ticketry.paths import RunDirectory
from ticketry.report import notebook, text
from ticketry.ticket.limits import UNBOUNDED
from ticketry.ticket.module import Ticket


@dataclass(frozen=True, repr=False)
class Run:
    """A finished search or training. `result`: what `result.json` holds. Printed, it says what was found."""

    directory: RunDirectory
    result: dict[str, Any]
    trust: Trust = NOTHING
    """What its texts may run: those that the user typed to make it."""

    def __repr__(self) -> str:
        if "training" in self.result:
            return text.trained(self.directory, self.result)
        return f"{text.headline(self.result)}\n{self.directory.root}"

    def _repr_html_(self) -> str:
        """For notebooks: the page of a search, the table of a training."""
        if self.directory.report.exists():
            return notebook.framed(regular.text(self.directory.report))
        return notebook.table(repr(self), text.result_rows(self.result))

    @cached_property
    def ticket(self) -> Ticket:
        """The ticket that was found."""
        return replace(Ticket.load(self.directory.ticket, max_weights=UNBOUNDED), trust=self.trust)


def place(run: str | Path | Run, part: Literal["root", "ticket"]) -> tuple[Path, Trust]:
    """The path of a run or of its ticket, or the one that is given, and what its texts may run.

    Raises RequestError for what is neither a run nor a path.
    """
    if isinstance(run, Run):
        return getattr(run.directory, part), run.trust
    if not isinstance(run, str | Path):
        raise refuse("ticket", f"a {type(run).__name__}", "a path, or the Run that tk.find returned", "pass one")
    return Path(run), NOTHING
