"""A recipe's numbers as a table in the terminal and as one HTML page that needs nothing beside itself."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from markupsafe import Markup
from rich.console import Console
from rich.table import Table

from ticketry.report.comparison_figures import against_classes, against_sparsity
from ticketry.report.html import render
from ticketry.report.numerals import count, duration

Outcome = Mapping[str, Any]
"""What `recipe.json` holds."""

HEAD = ("", "sparsity", "paper", "test accuracy", "minus the first", "evaluations", "forward", "backward", "seconds")
LEGEND = (
    "Sparsity and accuracy in per cent: mean over {seeds} and its 95 % t-interval. paper: the sparsity it reports."
    " minus the first: points of test accuracy beyond the first row of the group, from differences seed by seed."
    " forward, backward: examples, in thousands. Costs are means of one run, on one thread."
)


def print_comparison(outcome: Outcome, report: str, console: Console | None = None) -> None:
    """The end of `ticketry recipe`: what was compared, the table, its notes, and where the page is."""
    console = console or Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = 10_000
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for place, name in enumerate(HEAD):
        table.add_column(name, justify="right" if place else "left", overflow="fold")
    for name, cells in grouped(outcome):
        table.add_row(name, style="bold")
        for cell in cells:
            table.add_row(*row(cell))
    console.print(outcome["title"], table, legend(outcome), *outcome["notes"], f"report: {report}", sep="\n\n")


def page(outcome: Outcome) -> str:
    """The page of a finished recipe."""
    groups = grouped(outcome)
    plain = [(name, cells) for name, cells in groups if cells[0]["classes"] is None]
    counted = [cell for _, cells in groups for cell in cells if cell["classes"] is not None]
    figures = [*([against_classes(counted)] if counted else []), *([against_sparsity(plain)] if plain else [])]
    seconds = [run["cost"]["seconds"] for cell in outcome["cells"] for run in cell["runs"]]
    return render(
        "comparison.html",
        {
            "outcome": outcome,
            "figures": [Markup(figure) for figure in figures],
            "head": HEAD,
            "groups": [(name, [row(cell) for cell in cells], cells) for name, cells in groups],
            "legend": legend(outcome),
            "command": shlex.join(
                ["ticketry", "recipe", outcome["recipe"], "--scale", outcome["scale"], "--out", "again"]
            ),
            "environment": ", ".join(f"{name} {value}" for name, value in outcome["environment"].items()),
            "runs": len(seconds),
            "took": duration(sum(seconds)),
        },
    )


def grouped(outcome: Outcome) -> list[tuple[str, list[dict[str, Any]]]]:
    """The cells by group, in their order."""
    return [(name, list(cells)) for name, cells in groupby(outcome["cells"], lambda cell: cell["group"])]


def row(cell: Mapping[str, Any]) -> tuple[str, ...]:
    """The cells of a table's line, under `HEAD`."""
    cost, accuracy, density = cell["cost"], cell["accuracy"], cell["density"]
    published = cell["published"]
    return (
        cell["series"],
        interval(1 - density["mean"], density["half"]),
        "" if published is None else f"{100 * (1 - published):.1f}",
        interval(accuracy["mean"], accuracy["half"], 2),
        "" if cell["difference"] is None else interval(cell["difference"]["mean"], cell["difference"]["half"], 2, "+"),
        count(round(cost["evaluations"])),
        *(f"{cost[name] / 1000:,.0f}" for name in ("examples_forward", "examples_backward")),
        f"{cost['seconds']:.1f}",
    )


def interval(mean: float, half: float | None, digits: int = 1, sign: str = "") -> str:
    """Fractions in per cent: `93.41 ± 0.80`; a single run has no interval."""
    return f"{100 * mean:{sign}.{digits}f}" + ("" if half is None else f" ± {100 * half:.{digits}f}")


def legend(outcome: Outcome) -> str:
    """What the columns are."""
    seeds: Sequence[int] = outcome["seeds"]
    return LEGEND.format(seeds=f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]} alone")
