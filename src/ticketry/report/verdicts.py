"""The verdicts of `ticketry check` as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from ticketry import objectives
from ticketry.core.objective import Measure
from ticketry.core.sealed import read_sealed
from ticketry.paths import RunDirectory
from ticketry.report.numerals import count, duration, quality
from ticketry.report.statistics import estimate


def head(outcome: Mapping[str, Any]) -> tuple[str, ...]:
    """The headings of the columns of `rows`."""
    return "", objectives.measure(outcome).title, "ticket minus it", "untrained", "verdict"


def read(directory: RunDirectory, result: Mapping[str, Any]) -> dict[str, Any] | None:
    """The outcome of a run's check, the one with more controls of two, where there is one of its ticket."""
    for check in (directory.check_corrupted, directory.check):
        outcome = read_sealed(check.result)
        if outcome is not None and outcome.get("ticket") == result["digest"]["ticket"]:
            return outcome
    return None


def rows(outcome: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The ticket, then every control."""
    measure = objectives.measure(outcome)
    own = estimate(outcome[measure.name])
    table: list[tuple[str, ...]] = [
        (
            "the ticket",
            _spread(measure, own.mean, own.half),
            "",
            quality(measure, outcome["untrained"], 2),
            outcome["verdict"],
        )
    ]
    for control in outcome["controls"]:
        mine = estimate(control[measure.name])
        points = _spread(measure, control["difference"], control["half"], "+")
        untrained = quality(measure, control["untrained"], 2)
        table.append((control["control"], _spread(measure, mine.mean, mine.half), points, untrained, control["word"]))
    return table


def legend(outcome: Mapping[str, Any]) -> str:
    """What the columns say, and what was done."""
    done = "before training, as strong tickets are"
    if outcome["training"]:
        done = f"after {count(outcome['training']['epochs'])} epochs of training, in the same data order in each draw"
    measure = objectives.measure(outcome)
    unit, margin = (
        (", in per cent; differences in points", "half a point") if measure.fraction else ("", f"{measure.margin:g}")
    )
    return (
        f"Test {measure.title} {done}: mean of {outcome['seeds']} draws and its 95 % t-interval{unit}."
        f" pass: the whole interval lies above {margin}; fail: the whole of one that is wider, for all controls at once"
        " (Holm's procedure at 2.5 %), below; inconclusive: neither, more draws may tell;"
        " collapsed: dead, which for a control says nothing; look: another density, no verdict."
        f" {_cost(outcome)}"
    )


def print_verdicts(outcome: Mapping[str, Any], console: Console | None = None) -> None:
    """The end of `ticketry check`."""
    console = console or Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = 10_000
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for place, name in enumerate(head(outcome)):
        table.add_column(name, justify="right" if 0 < place < 4 else "left", overflow="fold")
    for row in rows(outcome):
        table.add_row(*row)
    meanings = "\n".join(f"{control['control']}: {control['meaning']}" for control in outcome["controls"])
    console.print(table, legend(outcome), meanings, f"verdict on the ticket: {outcome['verdict']}", sep="\n\n")


def _cost(outcome: Mapping[str, Any]) -> str:
    """What the check took, and how much of it searches on corrupted data."""
    searches = outcome.get("searches")
    part = (
        f" Of this, {count(searches['count'])} searches on corrupted data took {_work(searches)}." if searches else ""
    )
    return f"The check took {_work(outcome['cost'])}.{part}"


def _work(cost: Mapping[str, Any]) -> str:
    forward, backward = count(cost["examples_forward"]), count(cost["examples_backward"])
    return f"{duration(cost['seconds'])}, {forward} examples forward and {backward} backward"


def _spread(measure: Measure, mean: float, half: float | None, sign: str = "") -> str:
    factor, digits = measure.factor, 2 + measure.decimals
    return f"{factor * mean:{sign}.{digits}f}" + ("" if half is None else f" ± {factor * half:.{digits}f}")
