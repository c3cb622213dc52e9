"""A result, a ticket and its checks as text: tables in a terminal, plain columns in a file or a pipe."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from ticketry.paths import RunDirectory
from ticketry.ticket.file import Check
from ticketry.ticket.summary import Summary

Result = dict[str, Any]
Rows = list[tuple[str, str]]

FLOAT = 4  # bytes of a float32
PARTS = {
    "header": "names, shapes, seed and lock counts",
    "digests": "of weights, mask and file",
    "mask": "which of the searched weights are kept",
    "values": "trained values of the kept weights",
    "rest": "trained values of the other parameters",
    "buffers": "running statistics of norm layers",
}
DATA = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST", "cifar10": "CIFAR-10"}


def print_result(directory: RunDirectory, result: Result, console: Console | None = None) -> None:
    """The end of `ticketry find`: the headline, the numbers of `result.json`, and where ticket and report are."""
    console = console or _console()
    rows = [*result_rows(result), *cost_rows(result)]
    rows += [("ticket", str(directory.ticket)), ("report", str(directory.report))]
    console.print(headline(result) + "\n", soft_wrap=not console.is_terminal)
    console.print(_table(console, ("", ""), rows, right=()))


def print_ticket(path: Path, summary: Summary, console: Console | None = None) -> None:
    """What `ticketry show` says: provenance, layers, and the bytes of each part of the file."""
    console = console or _console()
    console.print(_table(console, ("ticket", str(path)), ticket_rows(summary), right=()), end="\n\n")
    layers = layer_columns(summary)
    cells = zip(*layers.values(), strict=True)
    console.print(_table(console, tuple(layers), cells, right=range(2, 8), total=True), end="\n\n")
    console.print(_table(console, ("part", "bytes", "what it is"), part_rows(summary), right=(1,), total=True))


def print_checks(path: Path, checks: Iterable[Check], model: bool, console: Console | None = None) -> None:
    """What `ticketry verify` says: each digest of the file beside the one computed anew; `model`: it was built too."""
    console = console or _console()
    checks = list(checks)
    rows = [(c.what, "ok" if c.ok else "DIFFERS", c.stored, c.recomputed) for c in checks]
    console.print(_table(console, ("digest", "", "stored", "recomputed"), rows, right=()), end="\n\n")
    wrong = [c.what for c in checks if not c.ok]
    if wrong:
        verdict = f"FAILED: {', '.join(wrong)} cannot be regenerated from the file as it says."
    else:
        verdict = "ok: weights and mask are regenerated bit for bit" + (", and the model builds." if model else ".")
    console.print(f"{path}: {verdict}", soft_wrap=not console.is_terminal)


def headline(result: Result) -> str:
    """The result in one sentence of plain words."""
    share, model = percent(result["density"]), result["model"]
    data = DATA.get(result["data"], result["data"])
    accuracy, size = percent(result["accuracy"]["test"]), f"{count(result['ticket_bytes'])} bytes"
    if result["kind"] == "strong":
        found = f"{share} of the random weights of {model} classify {data} with {accuracy} test accuracy"
        return f"{found}, in a file of {size}."
    return (
        f"{share} of the weights of {model} are chosen for training on {data}, in a file of {size};"
        f" still untrained, they reach {accuracy} test accuracy."
    )


def result_rows(result: Result) -> Rows:
    """What was searched, and what was found."""
    dense = FLOAT * result["maskable"]
    splits = [
        (name, result["accuracy"][key]) for name, key in (("train", "train"), ("validation", "val"), ("test", "test"))
    ]
    losses = [
        (name, result["loss"][key]) for name, key in (("train", "train"), ("validation", "val"), ("test", "test"))
    ]
    return [
        ("method", result["method"]),
        ("data", result["data"]),
        ("model", result["model"]),
        ("seed", str(result["seed"])),
        ("kind", result["kind"]),
        (
            "density",
            f"{percent(result['density'])}: {count(result['kept'])} of {count(result['maskable'])} weights kept",
        ),
        ("searched", f"{count(result['searched'])} weights, {count(result['maskable'] - result['searched'])} locked"),
        ("accuracy", ", ".join(f"{name} {percent(value, 2)}" for name, value in splits)),
        ("loss", ", ".join(f"{name} {decimal(value)}" for name, value in losses)),
        ("ticket size", f"{count(result['ticket_bytes'])} bytes"),
        ("entropy bound", f"{count(math.ceil(result['entropy_bytes']))} bytes for the mask"),
        ("dense size", f"{count(dense)} bytes as float32, {dense / result['ticket_bytes']:.3g} times the ticket"),
    ]


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


def ticket_rows(summary: Summary) -> Rows:
    """Where a ticket comes from and what it is."""
    return [
        ("format", f"version {summary.version}"),
        ("kind", summary.kind),
        ("model", f"{summary.model}: input {shape(summary.input_shape)}, {summary.classes} classes"),
        ("method", summary.method),
        ("data", summary.data),
        ("run", summary.run),
        ("seed", str(summary.seed)),
        ("weights", f"{summary.weights}, scale {summary.scale}"),
        *((f"{name} digest", digest) for name, digest in summary.digests.items()),
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


def percent(fraction: float | None, least: int = 1) -> str:
    """A fraction as per cent with at least this many decimals, and two significant digits."""
    if fraction is None or not math.isfinite(fraction):
        return "n/a"
    digits = 1 - math.floor(math.log10(100 * fraction)) if fraction > 0 else 0
    return f"{100 * fraction:.{max(least, digits)}f} %"


def count(number: int) -> str:
    """A whole number with its thousands apart."""
    return f"{number:,}"


def decimal(number: float | None) -> str:
    """A loss to four digits after the point; one that is no number says so."""
    return "not finite" if number is None or not math.isfinite(number) else f"{number:.4f}"


def duration(seconds: float) -> str:
    """Seconds as a person would say them."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def shape(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes))


def _summed(numbers: Iterable[int]) -> list[str]:
    numbers = list(numbers)
    return [count(number) for number in [*numbers, sum(numbers)]]


def _console() -> Console:
    """Standard output without markup, which names may hold by chance; never folded where it is not a terminal."""
    console = Console(markup=False, emoji=False, highlight=False)
    return console if console.is_terminal else Console(markup=False, emoji=False, highlight=False, width=10_000)


def _table(
    console: Console, head: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int], total: bool = False
) -> Table:
    """Columns under a heading; those in `right` are of numbers. `total`: the last row is a sum."""
    rich = console.is_terminal
    table = Table(box=box.SIMPLE_HEAD if rich else None, show_header=any(head), pad_edge=False)
    for number, name in enumerate(head):
        table.add_column(name, justify="right" if number in right else "left", overflow="fold")
    rows = list(rows)
    for number, row in enumerate(rows):
        if total and number == len(rows) - 1:
            table.add_section()
        table.add_row(*row)
    return table
