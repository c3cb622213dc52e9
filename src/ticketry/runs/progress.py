"""A progress bar with the time left, on standard error; silent when that is not a terminal or when asked to be."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ticketry.core.meters import Budget, Meters


class SearchProgress:
    """Shows how far a search is: in epochs, generations, evaluations or seconds, whichever its budget names first."""

    def __init__(self, title: str, budget: Budget, meters: Meters, quiet: bool) -> None:
        self._budget, self._meters = budget, meters
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
            disable=quiet or not sys.stderr.isatty(),
            transient=True,
        )
        self._line = self._bar.add_task(title, total=1.0, note="")

    def __enter__(self) -> SearchProgress:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def update(self, inside: float) -> None:
        """Redraw; `inside` is the fraction of the step under way that is done."""
        budget, meters = self._budget, self._meters
        done = [
            (meters.steps - 1 + inside) / limit if name in ("epochs", "generations") else spent / limit
            for name, limit, spent in (
                ("epochs", budget.epochs, meters.epochs),
                ("generations", budget.generations, meters.steps),
                ("evaluations", budget.evaluations, meters.evaluations),
                ("seconds", budget.seconds, meters.seconds),
            )
            if limit is not None
        ]
        self._bar.update(self._line, completed=min(1.0, max(done, default=0.0)))

    def note(self, text: str) -> None:
        """A few words at the end of the line."""
        self._bar.update(self._line, note=text)
