"""A result, a ticket and its checks as text: tables in a terminal, plain columns in a file or a pipe."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

from ticketry import objectives
from ticketry.core.objective import Measure
from ticketry.paths import RunDirectory
from ticketry.report.contents import ticket_rows
from ticketry.report.coverage import outside, outside_rows, searched
from ticketry.report.numerals import count, decimal, duration, percent, quality, shape, times
from ticketry.ticket.file import Check
from ticketry.ticket.summary import Summary

Result = dict[str, Any]
Rows = list[tuple[str, str]]

FLOAT = 4  # bytes of a float32
SPLITS = {"train": "train", "validation": "val", "test": "test"}
PARTS = {
    "header": "names, shapes, seed and lock counts",
    "digests": "of weights, mask and file",
    "mask": "which of the searched weights are kept",
    "values": "values of the kept weights",
    "rest": "trained values of the other parameters",
    "fixed": "values of the model's constructor",
    "buffers": "running statistics of norm layers",
}
DATA = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}


def print_result(directory: RunDirectory, result: Result, console: Console | None = None) -> None:
    """The end of `ticketry find`: the headline, the numbers of `result.json`, and where ticket and report are.

    Warnings go to standard error.
    """
    rows = [*result_rows(result), *cost_rows(result)]
    rows += [("ticket", str(directory.ticket)), ("report", str(directory.report))]
    _print(console or _console(), headline(result), _table((), rows))
    for warning in result.get("warnings", ()):
        print(f"ticketry: warning: {warning}", file=sys.stderr)


def print_ticket(path: Path, summary: Summary, console: Console | None = None) -> None:
    """What `ticketry show` says: provenance, layers, and the bytes of each part of the file."""
    layers = layer_columns(summary)
    _print(
        console or _console(),
        _table((), [("ticket", str(path)), *ticket_rows(summary), *outside_rows(summary)]),
        _table(tuple(layers), zip(*layers.values(), strict=True), numbers=range(2, len(layers)), total=True),
        _table(("part", "bytes", "what it is"), part_rows(summary), numbers=(1,), total=True),
    )


def print_checks(path: Path, checks: Iterable[Check], model: str, console: Console | None = None) -> None:
    """What `ticketry verify` says: each digest of the file beside the one computed anew; `model`: what became of that.

    In a terminal the digests are shortened to fit.
    """
    console, checks = console or _console(), list(checks)
    digits = 20 if console.is_terminal else None
    rows = [(c.what, "ok" if c.ok else "DIFFERS", c.stored[:digits], c.recomputed[:digits]) for c in checks]
    wrong = [c.what for c in checks if not c.ok]
    verdict = f"FAILED: what the file says of its {' and '.join(wrong)} is not what comes out here."
    if not wrong:
        verdict = "ok: weights and mask come out again bit for bit" + f"{model}."
    _print(console, _table(("digest", "", "stored", "recomputed"), rows), f"{path}: {verdict}")


def headline(result: Result) -> str:
    """The result in one sentence of plain words."""
    share, model = percent(result["density"]), result["model"]
    data = DATA.get(result["data"], result["data"])
    measure, size = objectives.measure(result), f"{count(result['ticket_bytes'])} bytes"
    reached = on_test(measure, result[measure.name]["test"])
    if result["kind"] == "strong":
        found = f"{share} of the {searched(result)}random weights of {model} {measure.does} {data} with {reached}"
        return f"{found}, in a file of {size}."
    return (
        f"{share} of the {searched(result)}weights of {model} are chosen for training on {data}, in a file of {size};"
        f" still untrained, they reach {reached}."
    )


def on_test(measure: Measure, value: float, least: int = 1) -> str:
    """A quality on test data in a sentence: `97.3 % test accuracy`, `test R2 0.912`."""
    number = quality(measure, value, least)
    return f"{number} test {measure.title}" if measure.fraction else f"test {measure.title} {number}"


def trained(directory: RunDirectory, result: Result) -> str:
    """The end of `ticketry train`: what was trained, how well it does, and where it is."""
    measure, epochs = objectives.measure(result), result["training"]["epochs"]
    data = DATA.get(result["data"], result["data"])
    reached, before = result[measure.name], result["untrained"][f"val_{measure.name}"]
    return (
        f"{percent(result['density'])} of the {searched(result)}weights of {result['model']}, trained for"
        f" {count(epochs)} epoch{'' if epochs == 1 else 's'}, {measure.does} {data} with"
        f" {on_test(measure, reached['test'], 2)} (validation {quality(measure, reached['val'], 2)}, before training"
        f" {quality(measure, before, 2)}), in {duration(result['cost']['seconds'])}:"
        f" {directory.ticket}, {count(result['ticket_bytes'])} bytes."
    )


def note_rows(result: Result) -> Rows:
    """What is wrong with the ticket, if anything, and what the method says of its search."""
    warnings = [("warning", warning) for warning in result.get("warnings", ())]
    return [*warnings, *((name.replace("_", " "), f"{value:,.6g}") for name, value in result["notes"].items())]


def result_rows(result: Result) -> Rows:
    """What was searched, and what was found."""
    kept, maskable, free = (result[name] for name in ("kept", "maskable", "searched"))
    measure = objectives.measure(result)
    reached = (f"{name} {quality(measure, result[measure.name][key], 2)}" for name, key in SPLITS.items())
    loss = (f"{name} {decimal(result['loss'][key])}" for name, key in SPLITS.items())
    left = result.get("trained")
    locked = f", {count(maskable - free)} locked" if free < maskable else ""
    return [
        ("method", result["method"]),
        ("data", result["data"]),
        ("model", result["model"]),
        ("seed", str(result["seed"])),
        ("kind", result["kind"]),
        ("density", f"{percent(result['density'])}: {count(kept)} of {count(maskable)} {searched(result)}weights kept"),
        ("searched", f"{count(free)} weights{locked}{outside(result)}"),
        (measure.title, ", ".join(reached)),
        (measure.loss, ", ".join(loss)),
        ("ticket size", f"{count(result['ticket_bytes'])} bytes"),
        ("entropy bound", f"{count(math.ceil(result['entropy_bytes']))} bytes for the mask"),
        *([("trained on the way", _left(measure, left))] if left else []),
        ("dense size", f"{count(FLOAT * maskable)} bytes as float32, {ratio(result)} times the ticket"),
    ]


def _left(measure: Measure, left: Result) -> str:
    reached = quality(measure, left[f"val_{measure.name}"], 2)
    return f"validation {reached}, {count(left['ticket_bytes'])} bytes with values: {left['file']}"


def cost_rows(result: Result) -> Rows:
    """What the search spent."""
    cost = result["cost"]
    rows = [(name, cost[name]) for name in ("epochs", "steps", "evaluations") if cost.get(name)]
    return [
        *((name, count(value)) for name, value in rows),
        ("examples", f"{count(cost['examples_forward'])} forward, {count(cost['examples_backward'])} backward"),
        ("time", duration(cost["seconds"])),
        ("peak memory", f"{cost['peak_rss_bytes'] / 1e6:,.0f} MB"),
    ]


def layer_columns(summary: Summary) -> dict[str, list[str]]:
    """The columns of the layer table by their heading, totals last; those of the locks only where there are any."""
    layers = summary.layers
    off, on = [layer.locked_off for layer in layers], [layer.locked_on for layer in layers]
    columns = {
        "layer": [*(layer.name for layer in layers), "total"],
        "shape": [*(shape(layer.shape) for layer in layers), ""],
        "weights": _summed(layer.size for layer in layers),
        "kept": _summed(layer.kept for layer in layers),
        "density": [*(percent(layer.density) for layer in layers), percent(summary.density)],
    }
    if any(off) or any(on):
        columns |= {"locked off": _summed(off), "locked on": _summed(on)}
    bounds = [*(layer.entropy_bytes for layer in layers), summary.entropy_bytes]
    return columns | {"entropy, bytes": [f"{bound:,.1f}" for bound in bounds]}


def part_rows(summary: Summary) -> list[tuple[str, ...]]:
    """Bytes by part of the file, those it has, and their sum beside the entropy bound and the dense weights."""
    parts = [(name, count(summary.bytes[name]), what) for name, what in PARTS.items() if summary.bytes[name]]
    total, bound = summary.bytes["total"], summary.entropy_bytes
    note = f"mask {summary.bytes['mask'] / bound:.3f} times its bound of {bound:,.1f} bytes; " if bound else ""
    return [*parts, ("total", count(total), f"{note}{count(FLOAT * summary.maskable)} bytes as dense float32")]


def ratio(result: Result) -> str:
    """How many times larger than the ticket its weights are as float32."""
    return times(FLOAT * result["maskable"] / result["ticket_bytes"])


def _summed(numbers: Iterable[int]) -> list[str]:
    numbers = list(numbers)
    return [count(number) for number in [*numbers, sum(numbers)]]


def _console() -> Console:
    """Standard output without markup, which names may hold by chance; never folded where it is not a terminal."""
    console = Console(markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = 10_000
    return console


def _print(console: Console, *parts: str | Table) -> None:
    """The parts, an empty line between them."""
    for number, part in enumerate(parts):
        if number:
            console.print()
        console.print(part)


def _table(
    head: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int] = (), total: bool = False
) -> Table:
    """Columns under their heading, if any; `numbers`: those to align right; `total`: the last row is a sum."""
    cells = list(rows)
    table = Table(box=None, show_header=bool(head), pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for place in range(len(cells[0])):
        align: Literal["left", "right"] = "right" if place in numbers else "left"
        table.add_column(
            head[place] if head else "", justify=align, overflow="fold", style="" if head or place else "dim"
        )
    for row in cells:
        table.add_row(*row, style="bold" if total and row is cells[-1] else None)
    return table
