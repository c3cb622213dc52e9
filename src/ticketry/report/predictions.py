"""Predictions as CSV or JSON."""

from __future__ import annotations

import csv
import io
import json as encoder
from pathlib import Path
from typing import Literal

from ticketry.core.atomic import write
from ticketry.core.errors import refuse
from ticketry.core.trust import Trusted
from ticketry.data.unlabelled import unlabelled
from ticketry.ticket.module import Ticket
from ticketry.ticket.predict import Predictions

Kind = Literal["csv", "json"]


def predict(
    file: Path,
    data: str,
    out: Path | None,
    device: str,
    json: bool,
    model: str | None,
    trust: Trusted,
    max_weights: int,
) -> str:
    """What `ticketry predict` prints; nothing where it goes into the file `out`. Raises RequestError, TicketError."""
    wanted = kind(out, json)
    ticket = Ticket.load(file, max_weights=max_weights)
    said = text(ticket.predict(unlabelled(data), device=device, model=model, trust=trust), wanted)
    if out is None:
        return said
    write(out, said)
    return ""


def kind(out: Path | None, asked: bool) -> Kind:
    """Which of the two a file is to be, by its name; `asked`: whether JSON was asked for."""
    if out is None:
        return "json" if asked else "csv"
    if out.suffix not in (".csv", ".json") or (asked and out.suffix != ".json"):
        allowed = "a .json file" if asked else "a .csv or .json file"
        raise refuse("out", out, allowed, "name it so")
    return "json" if out.suffix == ".json" else "csv"


def text(found: Predictions, kind: Kind) -> str:
    """One row for each example, in their order; what is no number is empty, or null."""
    rows = found.rows
    if kind == "json":
        whole = {"examples": len(rows), "predictions": rows}
        if found.probabilities is not None:
            chances = found.probabilities.astype(float).tolist()
            whole["probabilities"] = [None if row["class"] is None else c for row, c in zip(rows, chances, strict=True)]
        return encoder.dumps(whole, indent=1, allow_nan=False) + "\n"
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["example", *rows[0]])
    writer.writerows([number, *row.values()] for number, row in enumerate(rows))
    return out.getvalue()
