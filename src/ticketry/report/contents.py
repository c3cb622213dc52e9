"""What a ticket says of itself, in rows of a table."""

from __future__ import annotations

from collections.abc import Sequence

from ticketry.report.numerals import count, shape
from ticketry.ticket.summary import Summary

MANY = 20  # items of a list in a table; JSON has them all


def ticket_rows(summary: Summary) -> list[tuple[str, str]]:
    """Where a ticket comes from and what it is."""
    what = "classes" if summary.objective == "classification" else f"outputs of {summary.objective}"
    units = ", ".join(f"{mean:.6g} + {scale:.6g} x output" for mean, scale in summary.target)
    return [
        ("format", f"version {summary.version}"),
        ("kind", summary.kind),
        ("model", f"{summary.model}: input {shape(summary.input_shape)}, {summary.outputs} {what}"),
        *([("answer", units)] if units else []),
        *meaning_rows(summary),
        ("method", summary.method),
        ("data", summary.data),
        ("run", summary.run),
        ("seed", str(summary.seed)),
        ("weights", f"{summary.weights}, scale {summary.scale}"),
        *((f"{name} digest", digest) for name, digest in summary.digests.items()),
    ]


def meaning_rows(summary: Summary) -> list[tuple[str, str]]:
    """What inputs and classes mean, and what neither the seed nor the mask decides; nothing where there is nothing."""
    rows = [("preset", summary.preset)]
    if summary.scaling:
        unit, pairs = summary.scaling
        each = ", ".join(f"{gain:.6g} x + {shift:.6g}" for gain, shift in pairs[:MANY])
        bytes_too = " (x is 0..255)" if unit == "u8" else ""
        rows.append(("inputs", f"{each}{_more(pairs)}{bytes_too}"))
    rows.append(("labels", ", ".join(summary.labels[:MANY]) + _more(summary.labels)))
    constants = [
        f"{p.name}{' ' * bool(p.shape)}{shape(p.shape)}{'' if p.value is None else f' = {p.value:.6g}'}"
        for p in summary.fixed
    ]
    rows.append(("fixed", ", ".join(constants[:MANY]) + _more(constants)))
    zeros = [f"{name} {start}..{stop - 1}" for name, start, stop in summary.zeros]
    rows.append(("zeros", ", ".join(zeros[:MANY]) + _more(zeros)))
    rows.append(("built", summary.built))
    return [(name, value) for name, value in rows if value]


def _more(listed: Sequence[object]) -> str:
    return f" and {count(len(listed) - MANY)} more" if len(listed) > MANY else ""
