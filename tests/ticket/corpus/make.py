"""Writes the corpus: small files, each right or wrong in one way, and `manifest.json` with the verdict on each.

    python -m tests.ticket.corpus.make

Every rule of FORMAT.md has a file here that breaks it and, where it is a bound, one that just keeps it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tests.ticket.forge import LOCKS, Parts, Tensor, compact, floats, put_together, taken_apart

from ticketry.core.seed.weights import KINDS, SCALES, WeightRecipe
from ticketry.ticket import file
from ticketry.ticket.content import DrawnParameter, FixedParameter, LayerShape, Scaling, TicketFile, ZeroRange
from ticketry.ticket.presets import PRESETS

HERE = Path(__file__).parent
NAN, INFINITE = b"\0\0\xc0\x7f", b"\0\0\x80\xff"
SMALL = TicketFile(
    model="mlp:3",
    input_shape=(4,),
    outputs=2,
    layers=(LayerShape("a.weight", (3, 4)), LayerShape("b.weight", (2, 3))),
    seed=5,
    recipe=WeightRecipe("torch-default"),
    method="random",
    data="moons:01234567",
    run="0123456789abcdef",
    mask=np.arange(18) % 3 == 0,
)
ROWS = np.array([[1, 2], [3, 4]], np.float32)
FULL = replace(
    SMALL,
    kind="trainable",
    rest=(DrawnParameter("a.bias", (3,), 4), DrawnParameter("e", (3, 2), 0)),
    fixed=(FixedParameter("gain", (), 1.5), FixedParameter("scale", (3,), -0.0)),
    zeros=(ZeroRange("e", 4, 6),),
    built="0123456789abcdef",
    labels=("yes", "no"),
    scaling=Scaling("u8", ((0.5, -1.0),)),
    objective="regression",
    target=((0.5, 2.0), (-1.0, 0.25)),
    values=np.arange(6, dtype=np.float32),
    fixed_values={"table": ROWS},
    rest_values={"e": np.array([[1, 2], [3, 4], [0, 0]], np.float32), "bias": np.zeros(2, np.float32)},
    buffers={"n.mean": np.zeros(3, np.float32)},
)


def right() -> dict[str, TicketFile]:
    """Tickets that keep every rule, some of them just."""
    texts = {
        "plain": "~ !/<>",
        "escapes": '"\\"\\\\',
        "letters": "é\u00a0\u2010\u2029"[:3],
        "astral": "\U0001f3ab",
        "empty": "",
    }
    found = {
        "small": SMALL,
        "full": FULL,
        "full strong": replace(FULL, kind="strong"),
        **{
            f"text {name}": replace(SMALL, model=text, method=text, data=text, run=text) for name, text in texts.items()
        },
        **{f"text U+{c:04X}": replace(SMALL, model=chr(c)) for c in (0xA0, 0x200A, 0x2010, 0x2027, 0x202F, 0x205F)},
        **{f"text U+{c:04X}": replace(SMALL, model=chr(c)) for c in (0x2070, 0xD7FF, 0xE000, 0xFEFE, 0xFF00, 0xFFEF)},
        **{f"text U+{c:04X}": replace(SMALL, model=chr(c)) for c in (0x10000, 0x10FFFF)},
        "text of 4096": replace(SMALL, model="\U0001f3ab" + "m" * 4095),
        "name of 255": replace(SMALL, layers=(LayerShape("n" * 255, (18,)),)),
        "name of odd characters": replace(SMALL, layers=(LayerShape("!#$%&'()*+,-./:;<=>?@[]^_`{}~", (18,)),)),
        "shape of 8": replace(SMALL, layers=(LayerShape("a", (1, 2, 1, 3, 1, 3, 1, 1)),)),
        "layers without dimensions": replace(SMALL, layers=(LayerShape("a", ()), LayerShape("b", (17,)))),
        "seed 0": replace(SMALL, seed=0),
        "seed 2^63-1": replace(SMALL, seed=(1 << 63) - 1),
        "one output": replace(SMALL, outputs=1),
        "65536 outputs": replace(SMALL, outputs=1 << 16),
        "input of none": replace(SMALL, input_shape=()),
        "input of 8": replace(SMALL, input_shape=(1, 2, 1, 2, 1, 2, 1, 2)),
        "input of 2^22": replace(SMALL, input_shape=(1 << 11, 1 << 11)),
        "kept none": replace(SMALL, mask=np.zeros(18, np.bool_)),
        "kept all": replace(SMALL, mask=np.ones(18, np.bool_)),
        "locked all": replace(SMALL, mask=np.ones(18, np.bool_), locks=((0, 12), (0, 6))),
        "locked none": replace(SMALL, locks=((0, 0), (0, 0))),
        "objective": replace(SMALL, objective="counting"),
        "label of 64": replace(SMALL, labels=("\U0001f3ab" * 64, "é")),
        "scaling f32": replace(SMALL, scaling=Scaling("f32", ((1.0, 1.0),))),
        "scaling negative": replace(SMALL, scaling=Scaling("u8", ((-1.0, 0.0),))),
        "scaling u8 identity": replace(SMALL, scaling=Scaling("u8", ((1.0, 0.0),))),
        "scaling of a vector": replace(SMALL, scaling=Scaling("f32", ((1.0, 0.0),) * 3 + ((2.0**-149, 0.0),))),
        "scaling of channels": replace(SMALL, input_shape=(2, 1, 1), scaling=Scaling("u8", ((1.0, 0.0), (1.0, 1.0)))),
        "half a preset": replace(SMALL, outputs=10, scaling=Scaling("u8", ((1.0, 0.0),)), labels=tuple("abcdefghij")),
        "labels of a preset": replace(SMALL, outputs=10, labels=PRESETS["cifar-10"].labels),
        "scaling of a preset": replace(SMALL, scaling=PRESETS["fashion-mnist"].scaling),
        "target subnormal": replace(SMALL, target=((-0.0, 2.0**-149), (3.4028234663852886e38, 1.0))),
        "fixed": replace(SMALL, fixed=(FixedParameter("A", (1, 2), 2.0**-149), FixedParameter("a", (), -0.0))),
        "zeros of many": replace(
            SMALL,
            rest=(DrawnParameter("z", (9,), 0), DrawnParameter("Z", (2,), 0)),
            zeros=(ZeroRange("z", 0, 1), ZeroRange("z", 2, 3), ZeroRange("Z", 0, 2)),
        ),
        "trained minus zero": replace(FULL, rest_values={"e": np.array([[1, 2], [3, 4], [-0.0, 0]], np.float32)}),
        "trained fixed": replace(FULL, rest_values={"gain": np.float32(2).reshape(()), "table": 2 * ROWS}),
    }
    for name, (scaling, labels) in PRESETS.items():
        shape = (3, 1, 1) if name == "cifar-10" else (2, 2)
        found[f"preset {name}"] = replace(SMALL, input_shape=shape, outputs=10, scaling=scaling, labels=labels)
    for kind in KINDS:
        for scale in SCALES:
            found[f"weights {kind} {scale}"] = replace(SMALL, recipe=WeightRecipe(kind, scale))
    return found


Change = Callable[[Parts], object]


def key(**values: Any) -> Change:
    return lambda parts: parts.fields.update(values)


def spelled(old: str, new: str) -> Change:
    """Another spelling of the header."""

    def change(parts: Parts) -> None:
        text = compact(parts.fields)
        assert old in text, old
        parts.text = text.replace(old, new, 1)

    return change


def laid_out(old: str, new: str) -> Change:
    """Another spelling of the layout."""

    def change(parts: Parts) -> None:
        data = put_together(parts)
        layout = data[8 : 8 + int.from_bytes(data[:8], "little")].rstrip(b" ")
        assert old.encode() in layout, old
        parts.layout = layout.replace(old.encode(), new.encode(), 1)

    return change


def tensor(name: str, shape: list[int], data: bytes | None = None, dtype: str = "F32") -> Change:
    """One tensor more, in its place."""

    def change(parts: Parts) -> None:
        parts.tensors.append(Tensor(name, shape, floats(shape) if data is None else data, dtype))
        parts.tensors.sort(key=lambda one: one.name)

    return change


def poisoned(name: str, number: bytes) -> Change:
    def change(parts: Parts) -> None:
        found = next(one for one in parts.tensors if one.name == name)
        found.data = found.data[:-4] + number

    return change


def blob(at: int, value: bytes) -> Change:
    def change(parts: Parts) -> None:
        parts.blob[at : at + len(value)] = value

    return change


def reshaped(name: str, shape: list[Any]) -> Change:
    return lambda parts: setattr(next(one for one in parts.tensors if one.name == name), "shape", shape)


WRONG: dict[str, Change] = {
    **{
        f"without {name}": (lambda p, name=name: p.fields.pop(name))
        for name in ("classes", "data", "input", "layers", "method", "model", "run", "seed", "version", "weights")
    },
    **{
        f"type of {name}": key(**{name: {"a": 1}})
        for name in (
            "built",
            "classes",
            "data",
            "fixed",
            "input",
            "kind",
            "labels",
            "layers",
            "method",
            "model",
            "objective",
            "preset",
            "rest",
            "run",
            "scaling",
            "seed",
            "target",
            "version",
            "weights",
            "zeros",
        )
    },
    **{f"{name} null": key(**{name: None}) for name in ("built", "classes", "data", "fixed", "seed", "target")},
    **{
        f"{name} left empty": key(**{name: []})
        for name in ("fixed", "labels", "layers", "rest", "scaling", "target", "zeros")
    },
    **{f"{name} left empty": key(**{name: ""}) for name in ("built", "kind", "objective", "preset")},
    **{
        f"hidden U+{c:04X}": key(model=f"m{chr(c)}")
        for c in (
            0,
            9,
            10,
            0x1F,
            0x7F,
            0x9F,
            0x200B,
            0x200F,
            0x2028,
            0x202E,
            0x2060,
            0x206F,
            0xFEFF,
            0xFFF0,
            0xFFFD,
            0xFFFF,
        )
    },
    "unknown key": key(coats=1),
    "half a pair": spelled("mlp:3", "\\ud83c"),
    "the other half": spelled("mlp:3", "\\udfab"),
    "pair the wrong way": spelled("mlp:3", "\\udfab\\ud83c"),
    "upper-case escape": spelled("mlp:3", "\\u00E9"),
    "escape of a letter": spelled("mlp:3", "\\u0041"),
    "escape of a slash": spelled("mlp:3", "\\/"),
    "escape of a line": spelled("mlp:3", "\\n"),
    "raw letter": spelled("mlp:3", "é"),
    "raw DEL": spelled("mlp:3", "\x7f"),
    "space after colon": spelled('"seed":5', '"seed": 5'),
    "space at the end": lambda p: setattr(p, "text", compact(p.fields) + " "),
    "two objects": lambda p: setattr(p, "text", compact(p.fields) * 2),
    "keys out of order": lambda p: setattr(p, "text", compact(dict(reversed(p.fields.items())), False)),
    "repeated key": spelled('"seed":5', '"seed":5,"seed":5'),
    "leading zero": spelled('"seed":5', '"seed":05'),
    "plus": spelled('"seed":5', '"seed":+5'),
    "minus zero": spelled('"seed":5', '"seed":-0'),
    "fraction": spelled('"seed":5', '"seed":5.0'),
    "exponent": spelled('"seed":5', '"seed":5e0'),
    "seed as text": key(seed="5"),
    "seed true": key(seed=True),
    "seed negative": key(seed=-1),
    "seed 2^63": key(seed=1 << 63),
    "seed 2^64+5": key(seed=(1 << 64) + 5),
    "version 2": key(version=2),
    "version 0": key(version=0),
    "version 1.0": spelled('"version":1', '"version":1.0'),
    "no outputs": key(classes=0),
    "65537 outputs": key(classes=65537),
    "input of 9": key(input=[1] * 9),
    "input of 0": key(input=[0]),
    "input of 2^22+1": key(input=[(1 << 22) + 1]),
    "text of 4097": key(model="m" * 4097),
    "kind strong spelled out": key(kind="strong"),
    "kind other": key(kind="weak"),
    "objective spelled out": key(objective="classification"),
    "weights unknown": key(weights="gauss"),
    "weights none spelled out": key(weights="torch-default/none"),
    "weights other scale": key(weights="torch-default/staticx"),
    "weights upper-case": key(weights="Torch-default"),
    "built short": key(built="0123456789abcde"),
    "built upper-case": key(built="0123456789ABCDEF"),
    "layer without name": lambda p: p.fields["layers"].append([]),
    "layer named twice": lambda p: p.fields["layers"].append(["a.weight", 1]),
    "layer name empty": lambda p: p.fields["layers"].append(["", 1]),
    "layer name with space": lambda p: p.fields["layers"].append(["a b", 1]),
    "layer name with bar": lambda p: p.fields["layers"].append(["a|b", 1]),
    "layer name with quote": lambda p: p.fields["layers"].append(['a"b', 1]),
    "layer name with backslash": lambda p: p.fields["layers"].append(["a\\b", 1]),
    "layer name not ASCII": lambda p: p.fields["layers"].append(["é", 1]),
    "layer name of 256": lambda p: p.fields["layers"].append(["n" * 256, 1]),
    "layer of 9 dimensions": lambda p: p.fields["layers"].append(["c", *[1] * 9]),
    "layer dimension 0": lambda p: p.fields["layers"].append(["c", 0]),
    "layer dimension text": lambda p: p.fields["layers"].append(["c", "1"]),
    "layer dimension true": lambda p: p.fields["layers"].append(["c", True]),
    "layer dimension 2^31": lambda p: p.fields["layers"].append(["c", 1 << 31]),
    "layer of 2^24": lambda p: p.fields["layers"].append(["c", 1 << 24]),
    "one layer more": lambda p: p.fields["layers"].append(["c", 1]),
    "rest without fan-in": key(rest=[["c"]]),
    "rest fan-in 2^31": key(rest=[["c", 1 << 31, 1]]),
    "rest named as a layer": key(rest=[["a.weight", 0, 1]]),
    "rest not in the digest": key(rest=[["c", 0, 1]]),
    "rest biases not drawn": key(rest=[["c", 4, 1]], weights="kaiming-normal"),
    "fixed without value": key(fixed=[["c"]]),
    "fixed upper-case": key(fixed=[["c", "3F800000"]]),
    "fixed of 7 digits": key(fixed=[["c", "3f80000"]]),
    "fixed NaN": key(fixed=[["c", "7fc00000"]]),
    "fixed infinite": key(fixed=[["c", "ff800000"]]),
    "fixed as number": key(fixed=[["c", 1]]),
    "fixed out of order": key(fixed=[["d", "00000000"], ["c", "00000000"]]),
    "fixed twice": key(fixed=[["c", "00000000"], ["c", "00000000"]]),
    "fixed named as a layer": key(fixed=[["a.weight", "00000000"]]),
    "fixed of 2^25": key(fixed=[["c", "00000000", 1 << 25]]),
    "labels too few": key(labels=["a"]),
    "labels too many": key(labels=["a", "b", "c"]),
    "labels equal": key(labels=["a", "a"]),
    "labels empty": key(labels=["a", ""]),
    "label of 65": key(labels=["a", "b" * 65]),
    "label hidden": key(labels=["a", "b\u202e"]),
    "preset unknown": key(preset="imagenet"),
    "preset without its classes": key(preset="fashion-mnist"),
    "preset without its channels": key(preset="cifar-10", classes=10),
    "preset and scaling": key(preset="mnist", scaling=["u8", ["3f800000", "00000000"]]),
    "preset and labels": key(preset="mnist", labels=["a", "b"]),
    "preset spelled out": key(scaling=["u8", ["3c508a14", "bed93270"]]),
    "scaling without pairs": key(scaling=["u8"]),
    "scaling of another unit": key(scaling=["u16", ["3f800000", "00000000"]]),
    "scaling identity": key(scaling=["f32", ["3f800000", "00000000"]]),
    "scaling gain 0": key(scaling=["u8", ["00000000", "00000000"]]),
    "scaling gain -0": key(scaling=["u8", ["80000000", "00000000"]]),
    "scaling shift -0": key(scaling=["u8", ["3f800000", "80000000"]]),
    "scaling NaN": key(scaling=["u8", ["3f800000", "7fc00000"]]),
    "scaling infinite": key(scaling=["u8", ["7f800000", "00000000"]]),
    "scaling of one number": key(scaling=["u8", ["3f800000"]]),
    "scaling of 2 for 4": key(scaling=["u8", ["3f800000", "00000000"], ["40000000", "00000000"]]),
    "scaling of equal pairs": key(scaling=["u8", *[["3f800000", "00000000"]] * 4]),
    "scaling of rows": key(input=[2, 2], scaling=["u8", ["3f800000", "00000000"], ["40000000", "00000000"]]),
    "target too short": key(target=[["00000000", "3f800000"]]),
    "target too long": key(target=[["00000000", "3f800000"]] * 3),
    "target scale 0": key(target=[["00000000", "00000000"]] * 2),
    "target scale negative": key(target=[["00000000", "bf800000"]] * 2),
    "target infinite": key(target=[["7f800000", "3f800000"]] * 2),
    "target upper-case": key(target=[["00000000", "3F800000"]] * 2),
    "zeros of a layer": key(zeros=[["a.weight", 0, 1]]),
    "zeros of nothing": key(zeros=[["c", 0, 1]]),
    "metadata more": lambda p: p.metadata.update(more="x"),
    "metadata absent": laid_out('"__metadata__"', '"__metadatas_"'),
    "layout spaced": laid_out('"mask":{', '"mask": {'),
    "layout key order": laid_out('"dtype":"U8","shape"', '"shape":[1],"dtype":"U8","shape"'),
    "layout escaped name": laid_out('"mask"', '"m\\u0061sk"'),
    "layout escaped header": laid_out("mlp:3", "mlp\\u003a3"),
    "layout slash": laid_out("mlp:3", "mlp\\/3"),
    "layout leading zero": laid_out('"data_offsets":[0', '"data_offsets":[00'),
    "layout in another type": laid_out('"U8"', '"I8"'),
    "layout repeated": laid_out('"mask":{', '"mask":{"dtype":"U8","shape":[32],"data_offsets":[0,32]},"mask":{'),
    "layout NUL": laid_out('"mask"', '"mas\0k"'),
    "layout brace more": laid_out('"mask"', '"mask"}'),
    "padding of 8": lambda p: setattr(p, "padding", b" " * (8 + padded(p))),
    "padding of tabs": lambda p: (
        p.fields.update(model="mlp:" + "3" * (padded(p) < 1)),
        setattr(p, "padding", b"\t" * padded(p) or b"\t" * 8),
    ),
    "padding missing": lambda p: (p.fields.update(run="1" * (1 + (padded(p) == 1))), setattr(p, "padding", b"")),
    "length too long": lambda p: setattr(p, "length", 1 << 40),
    "length 2^63": lambda p: setattr(p, "length", 1 << 63),
    "length too short": lambda p: setattr(p, "length", 8),
    "mask of two dimensions": lambda p: p.mask.update(shape=[1, len(p.blob) + 32]),
    "mask of none": lambda p: p.mask.update(shape=[]),
    "mask of 0": lambda p: p.mask.update(shape=[0]),
    "mask of floats": lambda p: p.mask.update(dtype="F32"),
    "mask offset": lambda p: p.mask.update(data_offsets=[1, len(p.blob) + 33]),
    "mask shape text": lambda p: p.mask.update(shape=[str(len(p.blob) + 32)]),
    "bytes behind": lambda p: setattr(p, "tail", b"\0"),
    "tensor unknown": tensor("x", [2]),
    "tensor of no name": tensor("rest.", [2]),
    "tensor values more": tensor("values.a", [2]),
    "tensor valuesx": tensor("valuesx", [2]),
    "tensor rest": tensor("rest", [2]),
    "tensor as bytes": tensor("buffers.x", [8], bytes(8), "U8"),
    "tensor as F64": tensor("buffers.x", [1], bytes(8), "F64"),
    "tensor of 9": tensor("buffers.x", [1] * 8 + [2]),
    "tensor of 0": tensor("buffers.x", [0], b""),
    "tensor name with space": tensor("buffers.a b", [2]),
    "tensor name of 256": tensor("buffers." + "n" * 248, [2]),
    "tensor of a layer": tensor("rest.a.weight", [3, 4]),
    "buffers of a layer": tensor("buffers.a.weight", [3, 4]),
    "fixed tensor of a layer": tensor("fixed.a.weight", [3, 4]),
    "fixed tensor of one number": tensor("fixed.x", [3], bytes(12)),
    "fixed tensor without dimensions": tensor("fixed.x", [], bytes(4)),
    "values of another size": tensor("values", [5]),
    "values of two dimensions": tensor("values", [6, 1]),
    "values NaN": tensor("values", [6], floats([5]) + NAN),
    "tensors out of order": lambda p: p.tensors.extend(
        [Tensor("rest.x", [2], floats([2])), Tensor("buffers.x", [2], floats([2]))]
    ),
    "tensor twice": lambda p: p.tensors.extend([Tensor("rest.x", [2], floats([2]))] * 2),
    "tensors that overlap": lambda p: p.tensors.append(Tensor("rest.x", [2], floats([2]), offsets=[4, 12])),
    "weights digest": blob(0, bytes(32)),
    "mask digest": blob(32, bytes(32)),
    "lock flag 2": blob(LOCKS, b"\2"),
    "locks missing": blob(LOCKS, b"\1"),
    "count above size": blob(LOCKS + 1, b"\x0d"),
    "count too long": blob(LOCKS + 1, b"\x84\x00"),
    "count of six bytes": blob(LOCKS + 1, b"\xff\xff\xff\xff\xff\xff"),
    "mask cut": lambda p: p.blob.pop(),
    "mask longer": lambda p: p.blob.append(0),
    "blob of digests": lambda p: p.blob.__delitem__(slice(LOCKS, None)),
    "blob short": lambda p: p.blob.__delitem__(slice(30, None)),
}
WRONG_FULL: dict[str, Change] = {
    "NaN in buffers": poisoned("buffers.n.mean", NAN),
    "NaN in fixed": poisoned("fixed.table", NAN),
    "infinite in rest": poisoned("rest.bias", INFINITE),
    "infinite in values": poisoned("values", INFINITE),
    "trained against zeros": poisoned("rest.e", b"\0\0\x80?"),
    "trained of another shape": reshaped("rest.e", [2, 3]),
    "trained fixed of another shape": tensor("rest.gain", [1], floats([1])),
    "trained table of another shape": tensor("rest.table", [4], floats([4])),
    "trained buffer": tensor("rest.n.mean", [3]),
    "fixed in key and tensor": tensor("fixed.gain", [2]),
    "fixed in rest and tensor": tensor("fixed.e", [3, 2]),
    "buffer in fixed": tensor("buffers.scale", [3]),
    "zeros of size": key(zeros=[["e", 4, 7]]),
    "zeros empty": key(zeros=[["e", 4, 4]]),
    "zeros negative": key(zeros=[["e", -1, 4]]),
    "zeros touching": key(zeros=[["e", 4, 5], ["e", 5, 6]]),
    "zeros out of order": key(zeros=[["e", 4, 6], ["e", 0, 1]]),
    "zeros of others first": key(zeros=[["e", 4, 6], ["a.bias", 0, 1]]),
    "zeros of four": key(zeros=[["e", 4, 6, 1]]),
    "zeros not in the digest": key(zeros=[["e", 5, 6]]),
    "rest in another order": lambda p: p.fields["rest"].reverse(),
}


def padded(parts: Parts) -> int:
    """How many spaces the layout ends with."""
    layout = put_together(replace(parts, padding=b""))
    return -int.from_bytes(layout[:8], "little") % 8


def corpus() -> dict[str, tuple[bool, bytes]]:
    """Every file by its name, with whether it is right."""
    files = {name: (True, file.encode(ticket)) for name, ticket in right().items()}
    for ticket, changes in ((SMALL, WRONG), (FULL, WRONG_FULL)):
        original = file.encode(ticket)
        for name, change in changes.items():
            parts = taken_apart(original)
            change(parts)
            assert name not in files, name
            files[name] = (False, put_together(parts))
            assert files[name][1] != original, name
    seal = bytearray(file.encode(SMALL))
    seal[-1] ^= 1
    files["seal"] = (False, bytes(seal))
    files["empty"] = (False, b"")
    files["cut"] = (False, file.encode(SMALL)[:-1])
    return files


def file_name(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-+." else "_" for c in name) + ".tkt"


def main() -> None:
    files = corpus()
    assert len({file_name(name).lower() for name in files}) == len(files)
    for old in HERE.glob("*.tkt"):
        old.unlink()
    for name, (_, data) in files.items():
        (HERE / file_name(name)).write_bytes(data)
    verdicts = {file_name(name): "right" if valid else "wrong" for name, (valid, _) in files.items()}
    (HERE / "manifest.json").write_text(json.dumps(verdicts, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
