"""The header of a ticket as text: canonical JSON (ASCII, sorted keys, no spaces), every field checked on the way in."""

from __future__ import annotations

import json
from dataclasses import astuple
from typing import Any

from ticketry.core.canonical import canonical
from ticketry.core.errors import TicketError
from ticketry.ticket import fields as read
from ticketry.ticket.content import JUDGED, Header
from ticketry.ticket.limits import MAX_WEIGHTS, check_rows, check_sizes
from ticketry.ticket.presets import PRESETS, Meaning, name, normal
from ticketry.ticket.reader import damaged
from ticketry.ticket.rules import fault

VERSION = 1
NEEDED = frozenset({"classes", "data", "input", "layers", "method", "model", "run", "seed", "version", "weights"})
OPTIONAL = frozenset({"built", "fixed", "kind", "labels", "objective", "preset", "rest", "scaling", "target", "zeros"})


def to_json(header: Header) -> str:
    """The text of a header. What says nothing is left out; `preset` stands for scaling and labels that have a name."""
    fields: dict[str, Any] = {
        "classes": header.outputs,
        "data": header.data,
        "input": header.input_shape,
        "layers": [[layer.name, *layer.shape] for layer in header.layers],
        "method": header.method,
        "model": header.model,
        "run": header.run,
        "seed": header.seed,
        "version": VERSION,
        "weights": header.recipe.kind if header.recipe.scale == "none" else "/".join(astuple(header.recipe)),
    }
    meaning = Meaning(normal(header.scaling), header.labels)
    preset = name(meaning)
    optional: dict[str, Any] = {
        "built": header.built,
        "fixed": [[p.name, read.bits(p.value), *p.shape] for p in sorted(header.fixed)],
        "kind": header.kind if header.kind != "strong" else "",
        "labels": [] if preset else meaning.labels,
        "objective": header.objective if header.objective != "classification" else "",
        "preset": preset,
        "rest": [[p.name, p.fan_in, *p.shape] for p in header.rest],
        "scaling": read.from_scaling(meaning.scaling) if meaning.scaling and not preset else [],
        "target": [[read.bits(number) for number in pair] for pair in header.target],
        "zeros": sorted(header.zeros),
    }
    return canonical(fields | {key: value for key, value in optional.items() if value})


def from_json(text: str, max_weights: int = MAX_WEIGHTS) -> Header:
    """The header of a text. Raises TicketError for a version or a text that this format does not have."""
    fields = load(text)
    check_version(fields)
    for key in sorted(fields.keys() - NEEDED - OPTIONAL):
        raise TicketError(f"the ticket's header has {key!r:.60}, unknown to this ticketry; a newer one may read it.")
    lists = [fields.get(key) for key in ("fixed", "layers", "rest", "zeros")]
    check_rows(sum(len(rows) for rows in lists if isinstance(rows, list)), max_weights)
    try:
        preset = read.choice(fields.get("preset", ""), ("", *PRESETS))
        scaling = read.scaling(fields["scaling"]) if "scaling" in fields else None
        labels = tuple(map(read.text, read.items(fields.get("labels", []))))
        header = Header(
            model=read.text(fields["model"]),
            input_shape=tuple(map(read.integer, read.items(fields["input"]))),
            outputs=read.integer(fields["classes"]),
            layers=tuple(map(read.layer, read.items(fields["layers"]))),
            rest=tuple(map(read.drawn, read.items(fields.get("rest", [])))),
            seed=read.integer(fields["seed"]),
            recipe=read.recipe(fields["weights"]),
            kind=read.choice(fields.get("kind", "strong"), JUDGED),
            objective=read.text(fields.get("objective", "classification")),
            target=tuple(map(read.pair, read.items(fields.get("target", [])))),
            method=read.text(fields["method"]),
            data=read.text(fields["data"]),
            run=read.text(fields["run"]),
            **(PRESETS[preset] if preset else Meaning(scaling, labels))._asdict(),
            fixed=tuple(map(read.fixed, read.items(fields.get("fixed", [])))),
            zeros=tuple(map(read.zeros, read.items(fields.get("zeros", [])))),
            built=read.text(fields.get("built", "")),
        )
    except KeyError as error:
        raise damaged(f"its header lacks {error}") from None
    wrong = fault(header)
    if wrong:
        raise damaged(wrong)
    check_sizes(header, max_weights)
    if to_json(header) != text:
        raise damaged("its header is not in canonical form")
    return header


def check_version(fields: dict[str, Any]) -> None:
    """Raise TicketError where the header's fields are of another version of this format."""
    version = fields.get("version")
    if type(version) is not int:
        raise damaged("its header has no version")
    if version != VERSION:
        raise TicketError(
            f"the ticket has format version {version!s:.20}, but this ticketry reads version {VERSION};"
            " install the ticketry that wrote it, or a newer one."
        )


def load(text: str | bytes) -> dict[str, Any]:
    """A JSON object; TicketError for anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise damaged("its header is not JSON") from None
    if not isinstance(value, dict):
        raise damaged("its header is not a JSON object")
    return value
