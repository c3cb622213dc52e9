"""Random changes to ticket files that know what a ticket file is, each sealed anew so that it gets past the seal."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

import numpy as np
from tests.ticket.forge import LOCKS, Parts, Tensor, compact, floats, put_together

from ticketry.core.errors import TicketError
from ticketry.core.seed.weights import KINDS, digest
from ticketry.ticket import codec, file, rebuild
from ticketry.ticket.header import NEEDED, OPTIONAL, from_json
from ticketry.ticket.limits import MAX_WEIGHTS
from ticketry.ticket.opened import PARTS, open_ticket
from ticketry.ticket.presets import PRESETS

KEYS = sorted(NEEDED | OPTIONAL)
NUMBERS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 24, 255, 256, 1 << 12, 1 << 24, (1 << 31) - 1, 1 << 31, 1 << 62, 1 << 63, -1]
WORDS = [
    *("", "a", "a.weight", "b.weight", "e", "gain", "table", "n.mean", "a b", "a|b", 'a"b', "a\\b", "é", "\U0001f3ab"),
    *(
        "\u2028",
        "\u200f",
        "\x7f",
        "\0",
        "n" * 255,
        "n" * 256,
        "m" * 4097,
        "3f800000",
        "3F800000",
        "7fc00000",
        "ff800000",
    ),
    *(
        "80000000",
        "00000000",
        "00000001",
        "0123456789abcdef",
        "strong",
        "trainable",
        "weak",
        "classification",
        "counting",
    ),
    *("u8", "f32", *PRESETS, *KINDS, "uniform/static", "xavier-normal/dynamic", "uniform/none", "mask", "rest.a"),
]
ODD: list[Any] = [None, True, False, 1.0, 1e300, {}, [], {"a": 1}, [[]], [["a"]], [1, 2], float("nan")]
BYTES = b'\0\1\x7f\x80\xff{}[]",:\\ 0129aAeEu-+.'


def value(draw: random.Random) -> Any:
    return draw.choice([draw.choice(NUMBERS), draw.choice(WORDS), copy.deepcopy(draw.choice(ODD))])


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Every list and object inside, with each of its indices or keys."""
    inner = list(tree.items()) if isinstance(tree, dict) else list(enumerate(tree)) if isinstance(tree, list) else []
    return [(tree, key) for key, _ in inner] + [place for _, child in inner for place in places(child)]


def change_field(parts: Parts, draw: random.Random) -> None:
    tree, key = draw.choice(places(parts.fields))
    how = draw.randrange(6)
    if how == 0:
        del tree[key]
    elif how == 1 and isinstance(tree, list):
        tree.insert(draw.randrange(len(tree) + 1), copy.deepcopy(draw.choice([tree[key], value(draw)])))
    elif how == 2 and isinstance(tree, list):
        draw.shuffle(tree)
    elif isinstance(tree[key], int) and how < 5:
        tree[key] += draw.choice([-1, 1, 2])
    else:
        tree[key] = value(draw)


def add_key(parts: Parts, draw: random.Random) -> None:
    name = draw.choice([*KEYS, "coats"])
    number = draw.randrange
    rows: dict[str, Any] = {
        "fixed": [[draw.choice(WORDS), draw.choice(WORDS[22:30]), number(4)] for _ in range(number(3))],
        "rest": [[draw.choice(WORDS), number(3), number(5)] for _ in range(number(3))],
        "zeros": [[draw.choice(["e", "a.bias", "rest"]), number(4), number(8)] for _ in range(number(3))],
        "labels": [draw.choice(WORDS) for _ in range(number(4))],
        "scaling": [draw.choice(["u8", "f32"]), *[[draw.choice(WORDS[22:30]), "3f800000"] for _ in range(number(5))]],
        "target": [[draw.choice(WORDS[22:30]), draw.choice(WORDS[22:30])] for _ in range(2)],
        "preset": draw.choice(list(PRESETS)),
        "built": "0123456789abcdef",
        "kind": "trainable",
        "objective": draw.choice(["regression", "classification"]),
        "seed": number(1 << 63),
    }
    parts.fields[name] = rows.get(name, value(draw))


def respell(parts: Parts, draw: random.Random) -> None:
    text = compact(parts.fields)
    at = draw.randrange(len(text))
    old = text[at]
    other = draw.choice(
        ["", old * 2, f"\\u{ord(old):04x}", f"\\u{ord(old):04X}", "\\" + old, " " + old, *map(chr, BYTES)]
    )
    parts.text = text[:at] + other + text[at + 1 :]


def change_tensor(parts: Parts, draw: random.Random) -> None:
    name = (
        draw.choice(PARTS) + draw.choice(["", "."]) + draw.choice(["", "x", "e", "gain", "table", "a.bias", "a.weight"])
    )
    shape = [draw.randrange(1, 4) for _ in range(draw.randrange(3))]
    if not parts.tensors or draw.random() < 0.4:
        parts.tensors.append(Tensor(name, shape, floats(shape)))
        if draw.random() < 0.9:
            parts.tensors.sort(key=lambda one: one.name)
        return
    at = draw.randrange(len(parts.tensors))
    one = parts.tensors[at]
    how = draw.randrange(7)
    if how == 0:
        one.name = name
        if draw.random() < 0.9:
            parts.tensors.sort(key=lambda one: one.name)
    elif how == 1:
        one.shape = draw.choice([shape, list(reversed(one.shape)), [*one.shape, 1], [*one.shape, 0], [value(draw)]])
    elif how == 2:
        del parts.tensors[at]
    elif how == 3:
        parts.tensors.insert(at, copy.deepcopy(one))
    elif how == 4 and one.data:
        place = 4 * draw.randrange(len(one.data) // 4) if len(one.data) >= 4 else 0
        word = draw.choice([bytes(4), b"\0\0\0\x80", b"\0\0\xc0\x7f", b"\0\0\x80\x7f", draw.randbytes(4), one.data[:4]])
        one.data = one.data[:place] + word + one.data[place + 4 :]
    elif how == 5:
        one.dtype = draw.choice(["F64", "U8", "f32", "F16"])
    else:
        one.data = draw.choice([one.data[:-4], one.data + bytes(4), one.data[:4] * (len(one.data) // 4)])


def change_blob(parts: Parts, draw: random.Random) -> None:
    start = draw.choice([0, LOCKS, LOCKS, LOCKS])
    if len(parts.blob) <= start:
        return
    at = draw.randrange(start, len(parts.blob))
    how = draw.randrange(5)
    if how == 0:
        parts.blob[at] ^= 1 << draw.randrange(8)
    elif how == 1:
        parts.blob[at] = draw.choice(BYTES)
    elif how == 2:
        del parts.blob[at : at + draw.randrange(1, 4)]
    elif how == 3:
        parts.blob[at:at] = draw.randbytes(draw.randrange(1, 4))
    else:
        parts.blob[at] = draw.randrange(256)


def change_layout(parts: Parts, draw: random.Random) -> None:
    data = put_together(parts)
    layout = bytearray(data[8 : 8 + int.from_bytes(data[:8], "little")])
    at = draw.randrange(len(layout) + 1)
    how = draw.randrange(6)
    if how == 0:
        parts.length = draw.choice([0, 7, len(layout) - 8, len(layout) + 8, 1 << 40, (1 << 64) - 1])
    elif how == 1:
        parts.padding = b" " * draw.randrange(17)
    elif how == 2:
        parts.mask = draw.choice(
            [{"shape": value(draw)}, {"dtype": value(draw)}, {"data_offsets": value(draw)}, {"a": 1}]
        )
    elif how == 3:
        parts.tail = draw.randbytes(draw.randrange(1, 9))
    else:
        layout[at : at + draw.choice([0, 1])] = bytes([draw.choice(BYTES)])
        parts.layout = bytes(layout)


CHANGES: list[Callable[[Parts, random.Random], None]] = [
    *([change_field] * 4),
    *([add_key] * 3),
    *([change_tensor] * 3),
    *([change_blob] * 2),
    respell,
    change_layout,
]


def mutated(parts: Parts, draw: random.Random) -> bytes:
    """A file of one to three changes; half of them with digests that are those of their own weights and mask."""
    parts = copy.deepcopy(parts)
    for _ in range(draw.choice([1, 1, 1, 2, 3])):
        if parts.fields:
            draw.choice(CHANGES)(parts, draw)
    if draw.random() < 0.7:
        redigest(parts)
    return put_together(parts)


def redigest(parts: Parts) -> None:
    """Correct the digests of weights and mask, where header and blob say which they are."""
    try:
        header = from_json(compact(parts.fields) if parts.text is None else parts.text)
        if sum(p.size for p in header.layers) + sum(p.size for p in header.rest) < 100_000:
            parts.blob[:32] = bytes.fromhex(digest(rebuild.weights(header).values()))
        opened = open_ticket(put_together(parts), MAX_WEIGHTS)
        if opened.locks is None and sum(opened.searched) < 100_000:
            bits = codec.decode(opened.coded, opened.searched)
            parts.blob[32:64] = bytes.fromhex(file.mask_digest(np.concatenate(bits)))
    except (TicketError, ValueError, json.JSONDecodeError):
        return
