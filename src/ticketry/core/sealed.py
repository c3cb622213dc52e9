"""JSON objects that say themselves whether they are whole: what a job ends with, and what a page shows later."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ticketry.core.atomic import write
from ticketry.core.canonical import digest, pretty

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
    """A JSON object in a file, with or without a seal; None where there is none that can be read."""
    try:
        there = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return there if isinstance(there, dict) else None
