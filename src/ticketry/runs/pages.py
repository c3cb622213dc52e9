"""Pages of finished runs that have something new to show."""

from __future__ import annotations

from pathlib import Path

from ticketry.core.atomic import sweep, write
from ticketry.paths import RunDirectory
from ticketry.report.page import page
from ticketry.runs import record
from ticketry.runs.lock import hold


def renew(run: RunDirectory, shown: Path) -> None:
    """Write the page of a finished run anew where a file that it shows is newer."""
    with hold(run.root):
        sweep((run.root,))
        if not run.report.exists() or run.report.stat().st_mtime_ns < shown.stat().st_mtime_ns:
            write(run.report, page(run, record.result(run)))
