"""JSON objects that say themselves whether they are whole: what a job ends with, and what a page shows later."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ticketry.core import regular
from ticketry.core.atomic import write
from ticketry.core.canonical import digest, pretty

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
SEAL = "seal"  # the key of the SHA-256 in hex over the canonical JSON of all else


def write_sealed(path: Path, content: Mapping[str, Any]) -> dict[str, Any]:
    """Write an object with its seal, and return what a reader will see: the object without it."""
    plain: dict[str, Any] = json.loads(pretty(content))
    write(path, pretty({**plain, SEAL: digest(plain)}) + "\n")
    return plain


def read_sealed(path: Path) -> dict[str, Any] | None:
    """The object in a file; None where there is none, or not the one that was written."""
    there = read_object(path)
    if there is None or there.pop(SEAL, None) != digest(there):
        return None
    return there


def read_object(path: Path) -> dict[str, Any] | None:
    """A JSON object in a file, with or without a seal; None where there is none that can be read.

    Its texts are printed, and a file may come from anybody: one with control characters, which a terminal would obey,
    is none of ours.
    """
    try:
        there = json.loads(regular.content(path))
        return there if isinstance(there, dict) and not any(map(_CONTROL.search, _texts(there))) else None
    except (OSError, ValueError, RecursionError):
        return None


def _texts(value: object) -> Iterator[str]:
    """Every text in JSON data, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _texts(inner)
