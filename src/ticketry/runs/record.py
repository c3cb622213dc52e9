"""What a job's directory holds before and after: the record of what it is for, written first, and the result."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ticketry.core.atomic import is_leftover, write
from ticketry.core.errors import RequestError, TicketError, refuse
from ticketry.core.lazy import torch
from ticketry.core.sealed import read_object, read_sealed
from ticketry.core.version import VERSION
from ticketry.paths import Directory
from ticketry.runs.lock import LOCK
from ticketry.ticket import file
from ticketry.ticket.limits import UNBOUNDED


class Recorded(Protocol):
    """What decides a result: an Experiment, the training of a ticket, a recipe."""

    @property
    def resolved(self) -> dict[str, Any]:
        """As JSON-ready data."""

    @property
    def digest(self) -> str:
        """Of `resolved`."""


def begun(directory: Directory, wanted: Recorded) -> bool:
    """Whether this was begun in the directory before; refuses a directory that is anything else's."""
    root = directory.root
    if not root.exists():
        return False
    if not root.is_dir():
        raise refuse("out", root, "a directory", "name another path")
    if not directory.record.exists():
        if not is_fresh(root):
            raise refuse("out", root, "a new or empty directory, or one of ticketry's", "name another path")
        return False
    there = read_object(directory.record)
    if there is None or not isinstance(there.get("digest"), str):
        damaged = f"one of ticketry's, but its {directory.record.name} is damaged"
        raise refuse("out", root, damaged, "name another path")
    if there["digest"] != wanted.digest:
        here, others = _flat(wanted.resolved), _flat(there)
        differs = ((k, v) for k, v in others.items() if k in here and here[k] != v)
        name, value = next(differs, ("digest of all settings", there["digest"]))
        mine = here.get(name, wanted.digest)
        raise RequestError(
            f"out is {root}, which holds a run with {name} {value!r}, not {mine!r}; name another directory, or delete"
            " that one."
        )
    return True


def is_fresh(root: Path) -> bool:
    """Whether a directory holds nothing, or nothing but what a kill left behind."""
    return all(path.name == LOCK or is_leftover(path.name) for path in root.iterdir())


def begin(directory: Directory, wanted: Recorded, digests: Mapping[str, str], handed: Sequence[str]) -> None:
    """Write the record into the existing directory: the first thing there.

    `digests`: of its data. `handed`: what was handed over as objects, which no text names.
    """
    record = {
        **wanted.resolved,
        "digest": wanted.digest,
        "environment": {
            "ticketry": VERSION,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "machine": platform.machine(),
            "threads": torch.get_num_threads(),
        },
        **digests,
        **({"handed": list(handed)} if handed else {}),
    }
    try:
        write(directory.record, json.dumps(record, indent=2) + "\n")
    except OSError as error:
        raise refuse("out", directory.root, f"writable ({error.strerror})", "name another path") from None


def check_data(directory: Directory, source: str, digests: Mapping[str, str]) -> None:
    """Refuse to go on with other data than the job began with. `source`: what they are called.

    Older records do not say how data were scaled.
    """
    there = {name: digest for name, digest in digests.items() if name == "scaling"}
    there |= read_object(directory.record) or {}
    for name, digest in digests.items():
        if there.get(name) != digest:
            raise RequestError(
                f"data is {source} with {name} digest {digest[:8]}, but the run in {directory.root} began with"
                f" {str(there.get(name))[:8]}; give it the data it began with, or name another directory."
            )


def result(directory: Directory, wanted: Recorded | None = None) -> dict[str, Any]:
    """What a finished job wrote; RequestError where that is damaged, or its ticket is another.

    `wanted`: whose result it must be.
    """
    found = read_sealed(directory.result)
    digests = None if found is None else found.get("digest")
    owner = digests.get("experiment") if isinstance(digests, dict) else digests
    if found is None or not isinstance(owner, str) or (wanted and owner != wanted.digest):
        raise _incomplete(directory, f"{directory.result.name} is damaged")
    stated = digests.get("ticket") if isinstance(digests, dict) else None
    ticket = directory.ticket
    if ticket is not None and stated is not None and stated != _digest(ticket):
        raise _incomplete(directory, f"{ticket.name} is not the one that {directory.result.name} speaks of")
    return found


def _incomplete(directory: Directory, what: str) -> RequestError:
    return RequestError(
        f"out is {directory.root}, whose {what}; delete {directory.result} and give the same command to write it anew."
    )


def _digest(ticket: Path) -> str | None:
    try:
        return file.digests(file.read(ticket, UNBOUNDED), UNBOUNDED)["ticket"]
    except (RequestError, TicketError):
        return None


def _flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in data.items():
        flat.update(_flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value})
    return flat
