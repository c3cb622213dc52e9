"""The header of a ticket as text: canonical JSON (ASCII, sorted keys, no spaces), every field checked on the way in."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import astuple
from typing import Any, TypeVar

from ticketry.core.errors import TicketError
from ticketry.core.seed.weights import KINDS, SCALES, WeightRecipe
from ticketry.ticket.content import JUDGED, DrawnParameter, Header, LayerShape, fault
from ticketry.ticket.reader import damaged

VERSION = 1

T = TypeVar("T")


def to_json(header: Header) -> str:
    """The text of a header. Left out: kind strong, scale none, classification, an empty `rest` or `target`."""
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
    if header.kind != "strong":
        fields["kind"] = header.kind
    if header.objective != "classification":
        fields["objective"] = header.objective
    if header.target:
        fields["target"] = [[_hex(number) for number in pair] for pair in header.target]
    if header.rest:
        fields["rest"] = [[p.name, p.fan_in, *p.shape] for p in header.rest]
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def from_json(text: str) -> Header:
    """The header of a text. Raises TicketError for a version or a text that this format does not have."""
    fields = load(text)
    check_version(fields)
    try:
        header = Header(
            model=_text(fields["model"]),
            input_shape=tuple(_integer(n) for n in _list(fields["input"])),
            outputs=_integer(fields["classes"]),
            layers=tuple(_layer(row) for row in _list(fields["layers"])),
            rest=tuple(_drawn(row) for row in _list(fields.get("rest", []))),
            seed=_integer(fields["seed"]),
            recipe=_recipe(_text(fields["weights"])),
            kind=_choice(fields.get("kind", "strong"), JUDGED),
            objective=_text(fields.get("objective", "classification")),
            target=tuple(_pair(row) for row in _list(fields.get("target", []))),
            method=_text(fields["method"]),
            data=_text(fields["data"]),
            run=_text(fields["run"]),
        )
    except KeyError as error:
        raise damaged(f"its header lacks {error}") from None
    wrong = fault(header)
    if wrong:
        raise damaged(wrong)
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
            f"the ticket has format version {version}, but this ticketry reads version {VERSION};"
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


def _choice(value: object, allowed: tuple[T, ...]) -> T:
    for known in allowed:
        if value == known:
            return known
    raise damaged(f"its header has {value!r:.60} where one of {', '.join(map(str, allowed))} must be")


def _integer(value: object) -> int:
    if type(value) is not int:
        raise damaged(f"its header has {value!r:.60} where a whole number must be")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise damaged(f"its header has {value!r:.60} where a text must be")
    return value


def _list(value: object, least: int = 0) -> list[Any]:
    if not isinstance(value, list) or len(value) < least:
        raise damaged(f"its header has {value!r:.60} where a list must be")
    return value


def _recipe(text: str) -> WeightRecipe:
    kind, _, scale = text.partition("/")
    return WeightRecipe(_choice(kind, KINDS), _choice(scale or "none", SCALES))


def _hex(number: float) -> str:
    """The bits of a float32."""
    return struct.pack(">f", number).hex()


def _pair(row: object) -> tuple[float, float]:
    texts = [_text(text) for text in _list(row, 2)]
    if len(texts) != 2 or any(not re.fullmatch("[0-9a-f]{8}", text) for text in texts):
        raise damaged(f"its header has {row!r:.60} where the bits of two float32 must be")
    mean, scale = (struct.unpack(">f", bytes.fromhex(text))[0] for text in texts)
    return mean, scale


def _layer(row: object) -> LayerShape:
    name, *shape = _list(row, 1)
    return LayerShape(_text(name), tuple(map(_integer, shape)))


def _drawn(row: object) -> DrawnParameter:
    name, fan_in, *shape = _list(row, 2)
    return DrawnParameter(_text(name), tuple(map(_integer, shape)), _integer(fan_in))
