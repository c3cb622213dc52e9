"""Hostile files: each is sealed with a right digest, so that only the checks behind it can stop it."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from ticketry.core.errors import TicketError
from ticketry.ticket import file

Fields = dict[str, Any]


def parts(data: bytes) -> tuple[Fields, bytes]:
    """The safetensors header and the bytes behind it, without the seal."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length : -32]


def sealed(head: str | bytes, body: bytes, length: int | None = None) -> bytes:
    text = head.encode() if isinstance(head, str) else head
    text += b" " * (-len(text) % 8)
    data = (len(text) if length is None else length).to_bytes(8, "little") + text + body
    return data + hashlib.sha256(data).digest()


def compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def outer(change: Callable[[Fields], object]) -> Callable[[bytes], bytes]:
    """An attack on the safetensors header."""

    def attack(data: bytes) -> bytes:
        head, body = parts(data)
        change(head)
        return sealed(compact(head), body)

    return attack


def inner(change: Callable[[Fields], object]) -> Callable[[bytes], bytes]:
    """An attack on the ticket's own header."""

    def rewrite(head: Fields) -> None:
        fields = json.loads(head["__metadata__"]["ticket"])
        change(fields)
        head["__metadata__"]["ticket"] = json.dumps(fields, sort_keys=True, separators=(",", ":"))

    return outer(rewrite)


def text(old: str, new: str) -> Callable[[bytes], bytes]:
    """An attack on the header's spelling."""

    def attack(data: bytes) -> bytes:
        head, body = parts(data)
        before = compact(head)
        assert old in before
        return sealed(before.replace(old, new, 1), body)

    return attack


def body(change: Callable[[bytearray], object]) -> Callable[[bytes], bytes]:
    """An attack on the tensors' bytes: the weights digest is at 0, the mask digest at 32, the lock flag at 64."""

    def attack(data: bytes) -> bytes:
        head, old = parts(data)
        new = bytearray(old)
        change(new)
        n = len(new) + 32
        head["mask"].update(shape=[n], data_offsets=[0, n])
        return sealed(compact(head), bytes(new))

    return attack


def put(at: int, value: bytes) -> Callable[[bytearray], None]:
    def change(data: bytearray) -> None:
        data[at : at + len(value)] = value

    return change


ATTACKS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda d: b"", "ends too early"),
    "only a digest": (lambda d: sealed("", b""), "not JSON"),
    "a header longer than the file": (lambda d: sealed("{}", b"", 1 << 63), "longer than the file"),
    "a header that is a list": (lambda d: sealed("[]", b""), "not a JSON object"),
    "a header nested deep": (lambda d: sealed("[" * 100_000, b""), "not JSON"),
    "a header that is not UTF-8": (lambda d: sealed(b'{"\xff":1}', b""), "not JSON"),
    "some other safetensors file": (lambda d: sealed('{"mask":{}}', b""), "no ticket"),
    "metadata of another type": (outer(lambda h: h.update(__metadata__=[])), "no ticket"),
    "more metadata": (outer(lambda h: h["__metadata__"].update(more="x")), "canonical"),
    "no mask": (outer(lambda h: h.pop("mask")), "not those of a ticket"),
    "an unknown tensor": (
        outer(lambda h: h.update(x={"dtype": "F32", "shape": [1], "data_offsets": [0, 4]})),
        "leads out|canonical|not those",
    ),
    "a mask of floats": (outer(lambda h: h["mask"].update(dtype="F32")), "leads out|not those"),
    "a mask of an unhashable type": (outer(lambda h: h["mask"].update(dtype=["U8"])), "not those"),
    "a mask of 2^62 bytes": (outer(lambda h: h["mask"].update(shape=[1 << 62])), "leads out"),
    "a mask of negative length": (outer(lambda h: h["mask"].update(shape=[-1, -9])), "not those"),
    "a mask of true length": (outer(lambda h: h["mask"].update(shape=[True])), "not those"),
    "offsets that overlap": (outer(lambda h: h["mask"].update(data_offsets=[4, 9])), "canonical"),
    "a repeated tensor": (
        text(',"mask":', ',"mask":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"mask":'),
        "canonical",
    ),
    "a space in the layout": (text('{"dtype"', '{ "dtype"'), "canonical"),
    "a hole at the end": (lambda d: sealed(compact(parts(d)[0]), parts(d)[1] + b"\0"), "canonical"),
    "another version": (inner(lambda f: f.update(version=2)), "version 2, but this ticketry reads version 1"),
    "a version of another type": (inner(lambda f: f.update(version="1")), "no version"),
    "version true": (inner(lambda f: f.update(version=True)), "no version"),
    "no version": (inner(lambda f: f.pop("version")), "no version"),
    "no seed": (inner(lambda f: f.pop("seed")), "lacks 'seed'"),
    "an unknown field": (inner(lambda f: f.update(more=1)), "has 'more', unknown to this ticketry; a newer one may"),
    "no scale spelled out": (inner(lambda f: f.update(weights="signed-constant/none")), "canonical"),
    "a default spelled out": (inner(lambda f: f.update(kind="strong")), "canonical"),
    "a repeated field": (text('\\"seed\\":3', '\\"seed\\":4,\\"seed\\":3'), "canonical"),
    "a space in the header": (text('\\"seed\\":3', '\\"seed\\": 3'), "canonical"),
    "a float seed": (inner(lambda f: f.update(seed=3.0)), "whole number"),
    "a seed of 10,000 digits": (text('\\"seed\\":3', '\\"seed\\":' + "9" * 10_000), "not JSON"),
    "a negative seed": (inner(lambda f: f.update(seed=-3)), "seed is -3"),
    "not a number": (text('\\"seed\\":3', '\\"seed\\":NaN'), "whole number"),
    "half a surrogate": (text("edge-popup", "\\\\ud800"), "unprintable"),
    "an unknown recipe": (inner(lambda f: f.update(weights="gauss")), "gauss"),
    "an unknown scale": (inner(lambda f: f.update(weights="uniform/much")), "much"),
    "an unknown kind": (inner(lambda f: f.update(kind="weak")), "weak"),
    "layers that are a text": (inner(lambda f: f.update(layers="fc1")), "list"),
    "a layer without a name": (inner(lambda f: f["layers"][0].clear()), "list"),
    "no layer": (inner(lambda f: f["layers"].clear()), "no maskable"),
    "two layers of one name": (inner(lambda f: f["layers"][0].__setitem__(0, "3.weight")), "one name"),
    "a name that would break the key": (inner(lambda f: f["layers"][0].__setitem__(0, "a|b")), "parameter name"),
    "a dimension of zero": (inner(lambda f: f["layers"][0].__setitem__(1, 0)), "shape"),
    "a dimension of 2^40": (inner(lambda f: f["layers"][0].__setitem__(1, 1 << 40)), "shape"),
    "2^60 weights": (inner(lambda f: f["layers"][0].extend([1 << 20] * 3)), "max_weights"),
    "nine dimensions": (inner(lambda f: f["layers"][0].extend([1] * 5)), "8 dimensions"),
    "2^60 drawn parameters": (inner(lambda f: f.update(rest=[["b", 0, 1 << 30, 1 << 30]])), "max_weights"),
    "drawn biases where none are": (inner(lambda f: f.update(rest=[["b", 9, 5]])), "draws biases"),
    "another layer size": (inner(lambda f: f["layers"][1].__setitem__(1, 11)), "damaged"),
    "a mask without room for its digests": (body(lambda b: b.__delitem__(slice(40, None))), "ends too early"),
    "another mask digest": (body(put(32, bytes(32))), "mask does not match"),
    "a lock flag of 2": (body(put(64, b"\2")), "count"),
    "locks that are not there": (body(put(64, b"\1")), "damaged"),
    "more locks than weights": (body(put(64, b"\1\xa2\1\1\0\0")), "locked than it has"),
    "more kept than weights": (body(put(65, b"\xff\x7f")), "count"),
    "a count too long": (body(put(65, b"\xff\xff\xff\xff\xff\xff")), "count"),
    "a count with a leading zero": (body(put(65, b"\x80\0")), "count"),
    "bytes behind the mask": (body(lambda b: b.extend(b"\0\0")), "does not end"),
    "an odd byte behind the mask": (body(lambda b: b.extend(b"\0")), "does not begin or end"),
    "a mask cut short": (body(lambda b: b.__delitem__(slice(-2, None))), "ends too early|does not"),
    "states of zero": (body(lambda b: b.__setitem__(slice(69, None), bytes(len(b) - 69))), "damaged"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_is_refused_in_one_sentence(make, name: str) -> None:
    attack, message = ATTACKS[name]
    data = attack(file.encode(make(0.3)))
    tracemalloc.start()
    with pytest.raises(TicketError, match=message) as refusal:
        file.decode(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000 + 10 * len(data)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        (text('"values":', '"valuez":'), "a tensor valuez, unknown"),
        (text('"values":', '"values.a":'), "a tensor values.a, unknown"),
        (text('"rest.1.scale":', '"rest":'), "a tensor rest, unknown"),
        (outer(lambda h: h["values"].update(shape=[1, *h["values"]["shape"]])), "values of shape"),
    ],
)
def test_attack_on_trained_values(make, attack: Callable[[bytes], bytes], message: str) -> None:
    with pytest.raises(TicketError, match=message):
        file.decode(attack(file.encode(make(kind="torch-default", trained=True))))


def test_the_attacks_are_built_on_a_good_file(make) -> None:
    data = file.encode(make(0.3))
    for untouched in (outer(lambda h: None), inner(lambda f: None), body(lambda b: None), text("seed", "seed")):
        assert untouched(data) == data


def test_a_smaller_limit_can_be_asked_for(make) -> None:
    data = file.encode(make())
    with pytest.raises(TicketError, match="402 weights, more than max_weights 401"):
        file.decode(data, max_weights=401)
    with pytest.raises(TicketError, match="max_weights"):
        file.summary(data, max_weights=401)
