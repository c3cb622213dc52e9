"""A recipe's numbers as a table in the terminal and as one HTML page that needs nothing beside itself."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from markupsafe import Markup
from rich.console import Console
from rich.table import Table

from ticketry import objectives
from ticketry.core.objective import Measure
from ticketry.report.comparison_figures import against_classes, against_density, against_sparsity
from ticketry.report.html import render
from ticketry.report.numerals import count, duration

Outcome = Mapping[str, Any]
"""What `recipe.json` holds."""

COLUMNS = {
    "paper": "the sparsity it reports",
    "minus the first": "on test data, beyond the first row of the group, from differences seed by seed",
    "untrained": "on test data, the ticket before training",
    "bytes": "of the ticket",
    "epochs": "of search and training",
}


def print_comparison(outcome: Outcome, report: str, console: Console | None = None) -> None:
    """The end of `ticketry recipe`: what was compared, the table, its notes, and where the page is."""
    console = console or Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = 10_000
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    head = heads(outcome["cells"])
    for place, name in enumerate(head):
        table.add_column(name, justify="right" if place else "left", overflow="fold")
    for name, cells in grouped(outcome):
        table.add_row(name, style="bold")
        for cell in cells:
            table.add_row(*(row(cell).get(name, "") for name in head))
    console.print(outcome["title"], table, legend(outcome), *outcome["notes"], f"report: {report}", sep="\n\n")


def page(outcome: Outcome) -> str:
    """The page of a finished recipe."""
    groups, head = grouped(outcome), heads(outcome["cells"])
    trained = [cell for cell in outcome["cells"] if cell.get("untrained") is not None]
    plain = [(name, cells) for name, cells in groups if cells[0]["classes"] is None and not trained]
    counted = [cell for _, cells in groups for cell in cells if cell["classes"] is not None]
    figures = [
        *(against_density(list(cells)) for _, cells in groupby(trained, lambda cell: (cell["data"], cell["model"]))),
        *([against_classes(counted)] if counted else []),
        *([against_sparsity(plain)] if plain else []),
    ]
    seconds = [run["cost"]["seconds"] for cell in outcome["cells"] for run in cell["runs"]]
    return render(
        "comparison.html",
        {
            "outcome": outcome,
            "figures": [Markup(figure) for figure in figures],
            "head": head,
            "groups": [
                (name, [[row(cell).get(each, "") for each in head] for cell in cells], cells) for name, cells in groups
            ],
            "legend": legend(outcome),
            "command": outcome["command"],
            "environment": ", ".join(f"{name} {value}" for name, value in outcome["environment"].items()),
            "runs": len(seconds),
            "took": duration(sum(seconds)),
        },
    )


def csv_of(outcome: Outcome) -> str:
    """All runs as comma-separated values, a line each, under their names; fractions as they are."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    splits, costs = ("train", "val", "test"), tuple(outcome["cells"][0]["runs"][0]["cost"])
    names = ("group", "series", "method", "data", "model", "seed", "density", "kept", "maskable", "ticket_bytes")
    measures = list(dict.fromkeys(objectives.measure(cell).name for cell in outcome["cells"]))
    heads = [
        *(f"{split}_{name}" for name in measures for split in splits),
        *(f"untrained_test_{name}" for name in measures),
    ]
    writer.writerow([*names, *heads, *costs])
    for cell in outcome["cells"]:
        for run in cell["runs"]:
            first = [run.get(name, cell.get(name)) for name in names]
            reached = [run.get(name, {}).get(split) for name in measures for split in splits]
            untrained = (run.get("untrained") or {}).get("test")
            before = [untrained if name == objectives.measure(cell).name else None for name in measures]
            writer.writerow([*first, *reached, *before, *(run["cost"].get(name) for name in costs)])
    return out.getvalue()


def grouped(outcome: Outcome) -> list[tuple[str, list[dict[str, Any]]]]:
    """The cells by group, in their order."""
    return [(name, list(cells)) for name, cells in groupby(outcome["cells"], lambda cell: cell["group"])]


def row(cell: Mapping[str, Any]) -> dict[str, str]:
    """A table's line by the heads of its columns."""
    measure = objectives.measure(cell)
    cost, quality, density = cell["cost"], cell[measure.name], cell["density"]
    published, beyond, size = cell["published"], cell["difference"], cell.get("ticket_bytes")
    untrained = cell.get("untrained")
    return {
        "": cell["series"],
        "sparsity": interval(1 - density["mean"], density["half"]),
        "paper": "" if published is None else f"{100 * (1 - published):.1f}",
        f"test {measure.title}": written(measure, quality["mean"], quality["half"], 2),
        "minus the first": "" if beyond is None else written(measure, beyond["mean"], beyond["half"], 2, "+"),
        "untrained": "" if untrained is None else written(measure, untrained, None),
        "bytes": "" if size is None else count(round(size)),
        "epochs": f"{cost['epochs']:,.0f}" if cost.get("epochs") else "",
        "evaluations": count(round(cost["evaluations"])) if cost["evaluations"] else "",
        "forward": f"{cost['examples_forward'] / 1000:,.0f}",
        "backward": f"{cost['examples_backward'] / 1000:,.0f}",
        "seconds": f"{cost['seconds']:.1f}",
    }


def heads(cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """The columns that say something about any of the cells."""
    rows = [row(cell) for cell in cells]
    names = dict.fromkeys(name for line in rows for name in line)
    return [name for name in names if any(line.get(name) for line in rows)]


def interval(mean: float, half: float | None, digits: int = 1, sign: str = "") -> str:
    """Fractions in per cent: `93.41 ± 0.80`; a single run has no interval."""
    return f"{100 * mean:{sign}.{digits}f}" + ("" if half is None else f" ± {100 * half:.{digits}f}")


def written(measure: Measure, mean: float, half: float | None, digits: int = 1, sign: str = "") -> str:
    """Qualities: accuracy as `interval`, others as they are."""
    if measure.fraction:
        return interval(mean, half, digits, sign)
    digits += measure.decimals
    return f"{mean:{sign}.{digits}f}" + ("" if half is None else f" ± {half:.{digits}f}")


def legend(outcome: Outcome) -> str:
    """What the columns are."""
    seeds: Sequence[int] = outcome["seeds"]
    over = f"seeds {seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"seed {seeds[0]} alone"
    head = heads(outcome["cells"])
    said = [f"{name}: {what}." for name, what in COLUMNS.items() if name in head]
    measures = dict.fromkeys(objectives.measure(cell) for cell in outcome["cells"])
    fractions = "".join(f" and {measure.title}" for measure in measures if measure.fraction)
    first = f"Sparsity{fractions} in per cent: mean over {over} and its 95 % t-interval."
    last = "forward, backward: examples, in thousands. Costs are means of one run, on one thread."
    return " ".join([first, *said, last])
