"""Ticket files: a TicketFile to bytes and back, in memory and on disk, every byte checked. FORMAT.md specifies them."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ticketry.core import regular
from ticketry.core.atomic import write
from ticketry.core.errors import RequestError, TicketError, refuse
from ticketry.core.seed.weights import digest
from ticketry.ticket import codec, container, rebuild
from ticketry.ticket.content import DrawnParameter, LayerShape, TicketFile
from ticketry.ticket.header import to_json
from ticketry.ticket.limits import MAX_WEIGHTS, UNBOUNDED, check_file, file_bytes
from ticketry.ticket.opened import PARTS, open_ticket
from ticketry.ticket.reader import damaged, varint
from ticketry.ticket.rebuild import effective, weights
from ticketry.ticket.rules import fault, fault_in_arrays
from ticketry.ticket.summary import Summary, summary

__all__ = [
    "Check",
    "DrawnParameter",
    "LayerShape",
    "TicketFile",
    "decode",
    "digests",
    "effective",
    "encode",
    "inspect",
    "load",
    "mask_digest",
    "read",
    "save",
    "summary",
    "verify",
    "weights",
]


def encode(ticket: TicketFile) -> bytes:
    """The bytes of a ticket; equal tickets give equal bytes. Raises RequestError for one that breaks a rule."""
    wrong = fault(ticket) or fault_in_arrays(ticket)
    if wrong:
        raise RequestError(f"the ticket cannot be written: {wrong}.")
    bits = np.split(ticket.mask, np.cumsum([layer.size for layer in ticket.layers])[:-1])
    counts = varint(ticket.locks is not None)
    if ticket.locks is not None:
        counts += b"".join(varint(off) + varint(on) for off, on in ticket.locks)
        patterns = rebuild.locked(ticket, ticket.locks)
        if any((layer[p < 0]).any() or not (layer[p > 0]).all() for layer, p in zip(bits, patterns, strict=True)):
            raise RequestError("the ticket cannot be written: its mask contradicts its locks.")
        bits = [layer[p == 0] for layer, p in zip(bits, patterns, strict=True)]
    named = bytes.fromhex(digest(weights(ticket).values()) + mask_digest(ticket.mask))
    return container.write(to_json(ticket), ticket.tensors(), named + counts + codec.encode(bits))


def decode(data: bytes, max_weights: int = MAX_WEIGHTS) -> TicketFile:
    """The ticket that the bytes hold. Raises TicketError for bytes that `encode` does not produce.

    Nothing is allocated before the file's digest, layout, header and sizes have been found right, nor for more than
    `max_weights` parameters. Whether this machine draws the writer's weights is left to `verify`.
    """
    opened = open_ticket(data, max_weights)
    bits = codec.decode(opened.coded, opened.searched, max_weights)
    if opened.locks is not None:
        patterns = rebuild.locked(opened.header, opened.locks)
        for layer, pattern in zip(bits, patterns, strict=True):
            pattern[pattern == 0] = layer
        bits = [pattern > 0 for pattern in patterns]
    mask = np.concatenate(bits)
    if mask_digest(mask) != opened.digests["mask"]:
        raise damaged("its mask does not match its digest")
    parts: dict[str, dict[str, NDArray[np.float32]]] = {part: {} for part in PARTS}
    for part, inner, entry in opened.floats():
        parts[part][inner] = container.floats(entry)
    ticket = TicketFile(
        **vars(opened.header),
        mask=mask,
        locks=opened.locks,
        buffers=parts["buffers"],
        values=parts["values"].get(""),
        rest_values=parts["rest"] or None,
        fixed_values=parts["fixed"],
        digests=opened.digests,
    )
    wrong = fault_in_arrays(ticket)
    if wrong:
        raise damaged(wrong)
    return ticket


def digests(data: bytes, max_weights: int = MAX_WEIGHTS) -> dict[str, str]:
    """The SHA-256, in hex, that a file states: `weights`, `mask` and `ticket` (of the file up to its last 32 bytes)."""
    return open_ticket(data, max_weights).digests


def mask_digest(mask: NDArray[np.bool_]) -> str:
    """SHA-256, in hex, over one byte, 0 or 1, for every maskable weight."""
    return hashlib.sha256(np.ascontiguousarray(mask).view(np.uint8).data).hexdigest()


class Check(NamedTuple):
    """One digest of a file against the same digest computed anew."""

    what: str
    stored: str
    recomputed: str
    ok: bool


def verify(ticket: TicketFile) -> list[Check]:
    """Draw the weights again, code the mask again, and compare all digests with those of the ticket's file."""
    fresh = digests(encode(ticket), UNBOUNDED)
    stored = ticket.digests or {}
    return [Check(what, stored.get(what, ""), fresh[what], stored.get(what) == fresh[what]) for what in fresh]


def read(path: str | Path, max_weights: int = MAX_WEIGHTS) -> bytes:
    """The bytes of a file. Raises RequestError where there is none to read, TicketError where it has too many bytes."""
    try:
        return regular.content(Path(path), file_bytes(max_weights))
    except OSError as error:
        if error.errno == errno.EFBIG:
            check_file(os.stat(path).st_size, max_weights)  # which says so
        raise refuse("ticket", path, f"a readable ticket file ({error.strerror})", "check the path") from None


def load(path: str | Path, max_weights: int = MAX_WEIGHTS) -> TicketFile:
    """The ticket in a file; RequestError where it cannot be read, TicketError where it is not as it must be."""
    with _named(path):
        return decode(read(path, max_weights), max_weights)


def inspect(path: str | Path, max_weights: int = MAX_WEIGHTS) -> Summary:
    """The summary of a file, without decoding it; errors as those of `load`."""
    with _named(path):
        return summary(read(path, max_weights), max_weights)


@contextmanager
def _named(path: str | Path) -> Iterator[None]:
    """Say which file an error is about."""
    try:
        yield
    except TicketError as error:
        raise TicketError(f"{path}: {error}") from None


def save(path: str | Path, ticket: TicketFile) -> None:
    """Write a ticket, whole or not at all. Raises RequestError where the path cannot be written."""
    try:
        write(Path(path), encode(ticket))
    except OSError as error:
        raise refuse("ticket", path, f"a path that can be written ({error.strerror})", "choose another") from None
