"""How it is said that a mask covers some of a network's weights only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ticketry.report.numerals import count
from ticketry.ticket.summary import Summary

NAMES, NAME = 6, 60  # names in a row, and letters of each


def searched(result: Mapping[str, Any]) -> str:
    """The word that a count of weights under the mask needs where there are weights outside it."""
    return "searched " if _outside(result) else ""


def outside(result: Mapping[str, Any]) -> str:
    """How many weights of `result.json` are outside the mask; nothing where none are."""
    left = _outside(result)
    return f"; {count(left)} of {count(result['weights'])} are outside the mask" if left else ""


def outside_rows(summary: Summary) -> list[tuple[str, str]]:
    """Which drawn weights of a ticket the mask does not cover; nothing where it covers all."""
    if not summary.outside:
        return []
    total = sum(size for _, size in summary.outside)
    names = [name if len(name) <= NAME else f"{name[: NAME - 3]}..." for name, _ in summary.outside[:NAMES]]
    more = len(summary.outside) - len(names)
    which = ", ".join(names) + (f" and {count(more)} more" if more else "")
    return [("not searched", f"{count(total)} of {count(summary.maskable + total)} weights, all kept: {which}")]


def _outside(result: Mapping[str, Any]) -> int:
    """Weights outside the mask; a result of before they were counted says of none."""
    return int(result.get("weights", result["maskable"])) - int(result["maskable"])
