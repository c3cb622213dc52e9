"""What a ticket says of inputs, outputs and parameters outside the mask: written shortly, read back, shown."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.ticket.conftest import everything

from ticketry.core.errors import RequestError, TicketError
from ticketry.report.contents import ticket_rows
from ticketry.ticket import file, rebuild
from ticketry.ticket.content import DrawnParameter, FixedParameter, Scaling, TicketFile, ZeroRange
from ticketry.ticket.header import NEEDED, OPTIONAL, to_json
from ticketry.ticket.presets import PRESETS, Meaning

FORMAT = (Path(__file__).parents[2] / "FORMAT.md").read_text()
STATISTICS = {  # mean and deviation, as `ticketry.data` has them
    "mnist": ((0.1307,), (0.3081,)),
    "fashion-mnist": ((0.2860,), (0.3530,)),
    "cifar-10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
}


def again(ticket: TicketFile) -> TicketFile:
    return file.decode(file.encode(ticket))


def text(ticket: TicketFile) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(to_json(ticket))
    return fields


def test_every_key_is_in_the_golden_file_and_in_the_specification() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", FORMAT[FORMAT.index("## 2.") : FORMAT.index("BITS is a text")], re.MULTILINE)
    assert set(rows) == NEEDED | OPTIONAL
    assert rows == sorted(rows)
    ticket = everything()
    keys = text(ticket).keys() | text(replace(ticket, scaling=PRESETS["mnist"].scaling, labels=())).keys()
    assert keys == NEEDED | OPTIONAL
    assert {name.partition(".")[0] for name, _ in ticket.tensors()} == {"buffers", "fixed", "rest", "values"}


def test_keys_that_say_nothing_are_left_out(make) -> None:
    assert text(make()).keys() == NEEDED
    assert text(replace(make(), scaling=Scaling("f32", ((1.0, -0.0),)))).keys() == NEEDED
    assert again(replace(make(), scaling=Scaling("f32", ((1.0, 0.0),)))).scaling is None


@pytest.mark.parametrize("name", PRESETS)
def test_presets(make, name: str) -> None:
    meaning = PRESETS[name]
    assert meaning.scaling is not None
    mean, std = (np.array(numbers) for numbers in STATISTICS[name])
    wanted = np.float32(np.stack([1 / (255 * std), -mean / std], 1))
    assert np.array_equal(np.float32(meaning.scaling.pairs), wanted)
    ticket = replace(make(), input_shape=(3, 32, 32), scaling=meaning.scaling, labels=meaning.labels)
    fields = text(ticket)
    assert fields["preset"] == name
    assert not {"scaling", "labels"} & fields.keys()
    got = again(ticket)
    assert Meaning(got.scaling, got.labels) == meaning
    row = next(line for line in FORMAT.splitlines() if line.startswith(f"| `{name}` |"))
    other = text(replace(ticket, labels=tuple("abcdefghij"), run="x"))
    assert json.dumps(other["scaling"], separators=(",", ":")) in row
    assert (json.dumps(meaning.labels, separators=(",", ":")) if meaning.labels else "| none |") in row
    assert "preset" not in other


def test_a_preset_that_does_not_fit_the_ticket_is_refused(make) -> None:
    with pytest.raises(RequestError, match="scaling has 3 pairs"):
        file.encode(replace(make(), scaling=PRESETS["cifar-10"].scaling))


def test_an_image_and_its_floats_are_one_input() -> None:
    """float32(byte / 255) * 255 is the byte, whichever way it was divided."""
    byte = np.arange(256, dtype=np.float32)
    for divided in (byte / np.float32(255), (np.arange(256) / 255).astype(np.float32)):
        assert np.array_equal(divided * np.float32(255), byte)


def test_scalings_have_one_spelling(make) -> None:
    same = replace(make(), input_shape=(3,), scaling=Scaling("u8", ((0.5, -0.0), (0.5, 0.0), (0.5, 0.0))))
    assert text(same)["scaling"] == ["u8", ["3f000000", "00000000"]]
    assert again(same).scaling == Scaling("u8", ((0.5, 0.0),))


def test_values_outside_the_mask() -> None:
    ticket = again(everything())
    untrained, network = rebuild.weights(ticket), file.effective(ticket)
    assert list(untrained) == ["0.weight", "3.weight", "3.bias", "embedding.weight", "other"]
    flat = untrained["embedding.weight"].ravel()
    assert (flat[:2] == 0).all()
    assert (flat[16:] == 0).all()
    assert flat[2:16].all()
    assert untrained["other"].astype(bool).tolist() == [True, True, True, False, False]
    assert list(network) == [*untrained, "gain", "scale", "table", "1.scale"]
    assert network["gain"] == 3  # trained
    assert (network["scale"] == np.full((2, 3), 1.5, np.float32)).all()
    assert np.array_equal(network["table"], everything().fixed_values["table"])
    assert np.array_equal(network["other"], untrained["other"])
    strong = again(replace(everything(), kind="strong", rest_values=None))
    assert np.signbit(file.effective(strong)["gain"])


def test_show_lists_them_with_what_they_cost() -> None:
    summary = file.summary(file.encode(everything()))
    assert summary.bytes["fixed"] == 48
    assert [(p.name, p.value) for p in summary.fixed] == [("gain", -0.0), ("scale", 1.5), ("table", None)]
    rows = dict(ticket_rows(summary))
    assert rows["inputs"] == "0.25 x + -1, -0.5 x + 0, 7.34684e-40 x + 3 (x is 0..255)"
    assert rows["labels"] == 'Käfer, a "b"'
    assert rows["fixed"] == "gain = -0, scale 2 x 3 = 1.5, table 3 x 4"
    assert rows["zeros"] == "embedding.weight 0..1, embedding.weight 16..19, other 3..4"
    assert rows["built"] == "0123456789abcdef"
    assert json.loads(json.dumps(asdict(summary)))["labels"] == ["Käfer", 'a "b"']
    many = replace(everything(), target=(), outputs=25, labels=tuple(f"class {n}" for n in range(25)))
    assert dict(ticket_rows(file.summary(file.encode(many))))["labels"].endswith("class 19 and 5 more")


def everything_but(**changes: Any) -> TicketFile:
    ticket = everything()
    merged = {
        name: {**getattr(ticket, name), **value} if isinstance(value, dict) else value
        for name, value in changes.items()
    }
    return replace(ticket, **merged)


ONE = np.ones(2, np.float32)
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"scaling": Scaling("u16", ((1.0, 0.0),))}, "unit"),  # type: ignore[arg-type]
    ({"scaling": Scaling("u8", ())}, "0 pairs"),
    ({"scaling": Scaling("u8", ((1.0, 0.0), (2.0, 0.0)))}, "2 pairs"),
    ({"scaling": Scaling("u8", ((0.0, 1.0),))}, "gain"),
    ({"scaling": Scaling("u8", ((0.1, 1.0),))}, "float32"),
    ({"scaling": Scaling("u8", ((1.0, float("inf")),))}, "finite"),
    ({"input_shape": (4, 5), "scaling": Scaling("u8", ((1.0, 0.0),) * 4)}, "4 pairs"),
    ({"labels": ("a",)}, "labels for 1 classes of 2"),
    ({"labels": ("a", "a")}, "equal"),
    ({"labels": ("a", "")}, "empty"),
    ({"labels": ("a", "b" * 65)}, "65 characters"),
    ({"labels": ("a", "b\n")}, "unprintable"),
    ({"labels": ("a", "b\u202e")}, "unprintable"),
    ({"model": "m" * 4097}, "4097 characters"),
    ({"built": "0123456789ABCDEF"}, "built"),
    ({"fixed": (FixedParameter("0.weight", (), 1.0),)}, "one name"),
    ({"fixed": (FixedParameter("table", (), 1.0),)}, "one name"),
    ({"fixed": (FixedParameter("a", (), float("nan")),)}, "finite"),
    ({"fixed": (FixedParameter("a", (), 0.1),)}, "float32"),
    ({"fixed": (FixedParameter("a", (0,), 1.0),)}, "shape"),
    ({"fixed_values": {"a": ONE}}, "one number everywhere"),
    ({"fixed_values": {"1.running_var": np.arange(2, dtype=np.float32)}}, "one name"),
    ({"fixed_values": {"a": np.array([1, np.nan], np.float32)}}, "infinite or none"),
    ({"zeros": (ZeroRange("3.weight", 0, 1),)}, "not a part"),
    ({"zeros": (ZeroRange("other", 2, 6),)}, "not a part"),
    ({"zeros": (ZeroRange("other", 2, 2),)}, "not a part"),
    ({"zeros": (ZeroRange("other", 0, 1), ZeroRange("other", 1, 2))}, "too closely"),
    ({"rest_values": {"other": np.ones(5, np.float32)}}, "not 0 from 3 to 4"),
    ({"rest_values": {"other": ONE}}, "shape"),
    ({"rest_values": {"gain": ONE}}, "shape"),
    ({"rest_values": {"table": ONE}}, "shape"),
    ({"rest_values": {"0.weight": ONE}}, "in the mask"),
    ({"rest_values": {"1.running_mean": ONE}}, "in the mask, or of a buffer"),
]


@pytest.mark.parametrize(("changes", "message"), WRONG)
def test_what_breaks_a_rule_is_not_written(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        file.encode(everything_but(**changes))


def test_an_unknown_key_may_be_of_a_newer_format(make) -> None:
    data = file.encode(make())
    from tests.ticket.test_attacks import inner

    with pytest.raises(TicketError, match="'coats', unknown to this ticketry; a newer one may read it"):
        file.decode(inner(lambda fields: fields.update(coats=[]))(data))


def test_a_drawn_parameter_of_no_dimensions(make) -> None:
    ticket = replace(make(kind="uniform"), rest=(DrawnParameter("temperature", (), 0),))
    assert file.effective(again(ticket))["temperature"].shape == ()
