"""Ticket files taken apart and put together again, right or wrong, with a right seal."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field
from typing import Any

Fields = dict[str, Any]
LOCKS = 64  # where the blob's lock flag is, behind the digests of weights and mask


@dataclass
class Tensor:
    """One line of the layout with its bytes. `offsets`, `size`: other ones than those that follow."""

    name: str
    shape: list[Any]
    data: bytes
    dtype: str = "F32"
    offsets: list[Any] | None = None


@dataclass
class Parts:
    """A file in parts. `text`: the header's text in place of the fields'; `layout`: the whole JSON in place of all."""

    fields: Fields
    tensors: list[Tensor]
    blob: bytearray
    text: str | None = None
    layout: bytes | None = None
    metadata: Fields = field(default_factory=dict)
    length: int | None = None
    padding: bytes | None = None
    mask: dict[str, Any] = field(default_factory=dict)
    tail: bytes = b""


def taken_apart(data: bytes) -> Parts:
    """The parts of a right file."""
    size = int.from_bytes(data[:8], "little")
    layout, body = json.loads(data[8 : 8 + size]), data[8 + size :]
    tensors = []
    for name, line in layout.items():
        if name not in ("__metadata__", "mask"):
            start, stop = line["data_offsets"]
            tensors.append(Tensor(name, line["shape"], body[start:stop]))
    blob = bytearray(body[layout["mask"]["data_offsets"][0] : -32])
    return Parts(json.loads(layout["__metadata__"]["ticket"]), tensors, blob)


def compact(value: object, order: bool = True) -> str:
    return json.dumps(value, sort_keys=order, separators=(",", ":"))


def put_together(parts: Parts) -> bytes:
    """The file; equal to the one that was taken apart where nothing was changed."""
    text = compact(parts.fields) if parts.text is None else parts.text
    lines = [f'"__metadata__":{compact({"ticket": text, **parts.metadata}, False)}']
    at, body = 0, b""
    for tensor in parts.tensors:
        offsets = tensor.offsets or [at, at + len(tensor.data)]
        line = {"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": offsets}
        lines.append(f"{json.dumps(tensor.name)}:{compact(line, False)}")
        at, body = at + len(tensor.data), body + tensor.data
    size = len(parts.blob) + 32
    line = {"dtype": "U8", "shape": [size], "data_offsets": [at, at + size], **parts.mask}
    lines.append(f'"mask":{compact(line, False)}')
    layout = ("{" + ",".join(lines) + "}").encode() if parts.layout is None else parts.layout
    layout += b" " * (-len(layout) % 8) if parts.padding is None else parts.padding
    length = len(layout) if parts.length is None else parts.length
    data = length.to_bytes(8, "little") + layout + body + bytes(parts.blob) + parts.tail
    return data + hashlib.sha256(data).digest()


def floats(shape: list[int], value: bytes = b"\0\0\x80?\0\0\0@") -> bytes:
    """So many float32, 1 and 2 by turns."""
    return (value * math.prod(shape))[: 4 * math.prod(shape)]
