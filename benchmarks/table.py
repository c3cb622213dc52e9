"""One row a promise: what was asked, what came out, what it must reach."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Row(NamedTuple):
    question: str
    measured: str
    target: str
    ok: bool


def at_most(question: str, value: float, limit: float, unit: str = "", digits: int = 2) -> Row:
    return Row(question, f"{value:.{digits}f}{unit}", f"<= {limit:g}{unit}", value <= limit)


def at_least(question: str, value: float, limit: float, unit: str = "", digits: int = 2, spread: float = 0.0) -> Row:
    note = f" (sd {spread:.{digits}f})" if spread else ""
    return Row(question, f"{value:.{digits}f}{unit}{note}", f">= {limit:g}{unit}", value >= limit)


def show(title: str, rows: Iterable[tuple[str, str, str, bool]]) -> None:
    print(f"\n{title}")
    for question, measured, target, ok in rows:
        print(f"  {'ok  ' if ok else 'MISS'} {question:58} {measured:>22}  target {target}", flush=True)
