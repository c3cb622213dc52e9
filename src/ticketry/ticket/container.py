"""The outer shape of a ticket file: a safetensors file that ends with its own SHA-256.

Any safetensors reader opens it. This one is stricter: the header must be the bytes that `write` produces, which refuses
repeated keys, gaps, overlaps, unknown tensors and trailing bytes at once, and the last 32 bytes of the file, which
are the last of the tensor `mask`, must be the digest of all bytes before them.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from ticketry.core.errors import TicketError
from ticketry.ticket import limits
from ticketry.ticket.content import Floats
from ticketry.ticket.header import check_version, load
from ticketry.ticket.reader import damaged
from ticketry.ticket.rules import plain

SEAL = 32  # bytes of a SHA-256


class Entry(NamedTuple):
    """A tensor of the file: type, shape and its bytes."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes | memoryview


def write(header: str, floats: Iterable[tuple[str, Floats]], mask: bytes) -> bytes:
    """The file: the header as the one metadata entry, the float tensors in the order given, the mask and the seal."""
    entries = {name: Entry("F32", array.shape, array.astype("<f4").tobytes()) for name, array in floats}
    entries["mask"] = Entry("U8", (len(mask) + SEAL,), mask + bytes(SEAL))
    data = _head(header, entries) + b"".join(entry.data for entry in entries.values())
    return data[:-SEAL] + hashlib.sha256(data[:-SEAL]).digest()


def read(data: bytes, max_weights: int) -> tuple[str, dict[str, Entry]]:
    """The header, and the tensors without the seal. Raises TicketError for bytes that `write` does not produce."""
    limits.check_file(len(data), max_weights)
    if len(data) < 8 + SEAL:
        raise damaged("it ends too early")
    if hashlib.sha256(memoryview(data)[:-SEAL]).digest() != data[-SEAL:]:
        raise damaged("its bytes do not match its digest")
    length = int.from_bytes(data[:8], "little")
    if length > len(data) - 8:
        raise damaged("its header is longer than the file")
    limits.check_layout(length, max_weights)
    limits.check_lists(data.count(b"[", 8, 8 + length), max_weights)
    fields = load(data[8 : 8 + length])
    metadata = fields.pop("__metadata__", None)
    header = metadata.get("ticket") if isinstance(metadata, dict) else None
    if not isinstance(header, str):
        raise TicketError("the file is a safetensors file, but no ticket: it has no metadata entry `ticket`.")
    check_version(load(header))
    limits.check_rows(len(fields), max_weights)
    body = memoryview(data)[8 + length :]
    entries: dict[str, Entry] = {}
    at = 0
    for name, field in fields.items():
        entry = _entry(field, body, at)
        entries[name] = entry
        at += len(entry.data)
    kinds = {name: entry.dtype for name, entry in entries.items()}
    if kinds.pop("mask", "") != "U8" or set(kinds.values()) - {"F32"} or not all(map(plain, kinds)):
        raise damaged("its tensors are not those of a ticket")
    if len(entries["mask"].shape) != 1 or at < len(body) or data[: 8 + length] != _head(header, entries):
        raise damaged("its layout is not in canonical form")
    entries["mask"] = entries["mask"]._replace(data=body[-len(entries["mask"].data) : -SEAL])
    return header, entries


def _entry(field: object, body: memoryview, at: int) -> Entry:
    """A tensor's bytes, `at` being where the one before it ended."""
    if not isinstance(field, dict):
        raise damaged("its layout is not in canonical form")
    dtype, shape = field.get("dtype"), field.get("shape")
    if dtype not in ("F32", "U8") or not isinstance(shape, list) or not all(type(n) is int and n > 0 for n in shape):
        raise damaged("its tensors are not those of a ticket")
    size = math.prod(shape) * (4 if dtype == "F32" else 1)
    if len(shape) > 8 or size > len(body) - at:
        raise damaged("a tensor leads out of the file")
    return Entry(dtype, tuple(shape), body[at : at + size])


def _head(header: str, entries: Mapping[str, Entry]) -> bytes:
    """Length and header as the safetensors library writes them."""
    fields: dict[str, object] = {"__metadata__": {"ticket": header}}
    at = 0
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].dtype, item[0])):
        offsets = [at, at + len(entry.data)]
        fields[name] = {"dtype": entry.dtype, "shape": entry.shape, "data_offsets": offsets}
        at = offsets[1]
    text = json.dumps(fields, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def floats(entry: Entry) -> Floats:
    """A float tensor as an array of its own."""
    return np.frombuffer(entry.data, "<f4").reshape(entry.shape).astype(np.float32)
