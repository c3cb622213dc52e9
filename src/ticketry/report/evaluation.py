"""What `ticketry eval` says: quality, loss, and which classes a network takes for which, as text of bounded size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ticketry import objectives
from ticketry.report.numerals import count, decimal, percent

MATRIX = 12  # classes up to which the whole matrix is shown
ROWS = 10  # lines of each list otherwise
_WIDTH = 24  # letters of a name


def text(file: Path, data: str, split: str, result: Mapping[str, Any]) -> str:
    """A sentence, and `lines`."""
    measure = objectives.measure(result)
    other = "" if result["same_data"] else "; these are not the data that the ticket was found on"
    examples = {"all": "", "test": " test", "train": " training"}[split]
    said = (
        f"{file} on {result['examples']}{examples} examples of {data}:"
        f" {measure.title} {result[measure.name]:.4f}, {measure.loss} {decimal(result['loss'])}{other}"
    )
    return "\n".join([said, *lines(result)])


def lines(result: Mapping[str, Any]) -> list[str]:
    """Accuracy of each class and what it was taken for; empty where the result speaks of no classes.

    Up to 12 classes as a matrix, rows true and columns predicted; of more the least accurate classes and the most
    frequent mistakes, ten of each.
    """
    classes, matrix = result.get("classes"), result.get("confusion")
    if not classes:
        return []
    names = {one["class"]: one.get("label", str(one["class"])) for one in classes}
    found = _matrix(classes, matrix, names) if matrix and len(matrix) <= MATRIX else _lists(result, names)
    if result.get("undecided"):
        found.append(f"without an answer: {count(result['undecided'])}")
    return found


def _matrix(
    classes: Sequence[Mapping[str, Any]], matrix: Sequence[Sequence[int]], names: Mapping[int, str]
) -> list[str]:
    rows = [["class", "examples", "accuracy", *map(str, range(len(matrix)))]]
    for one in classes:
        k = one["class"]
        cells = [count(n) if n else "." for n in matrix[k]]
        rows.append([_named(k, names), count(one["examples"]), percent(one["accuracy"]), *cells])
    return ["rows are true classes, columns predicted ones", *_aligned(rows)]


def _lists(result: Mapping[str, Any], names: Mapping[int, str]) -> list[str]:
    classes = sorted(result["classes"], key=lambda one: (one["accuracy"], -one["examples"], one["class"]))
    rows = [["class", "examples", "accuracy"]]
    for one in classes[:ROWS]:
        rows.append([_named(one["class"], names), count(one["examples"]), percent(one["accuracy"])])
    more = f"the {ROWS} least accurate of {count(len(classes))} classes" if len(classes) > ROWS else "classes"
    found = [more, *_aligned(rows)]
    mistakes = result["mistakes"][:ROWS]
    if mistakes:
        rows = [["class", "taken for", "examples"]]
        rows += [[_named(a, names), _named(b, names), count(n)] for a, b, n in mistakes]
        found += ["most frequent mistakes", *_aligned(rows, left=2)]
    return found


def _named(number: int, names: Mapping[int, str]) -> str:
    """A class by number and name, cut to a width."""
    name = names.get(number, str(number))
    whole = name if name == str(number) else f"{number} {name}"
    return whole if len(whole) <= _WIDTH else f"{whole[: _WIDTH - 3]}..."


def _aligned(rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Columns two spaces apart, the first ones aligned left and numbers right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if k < left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
