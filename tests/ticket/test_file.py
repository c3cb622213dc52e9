"""Ticket files: what goes in comes out, the same bytes every time, few of them, and none but their own."""

from __future__ import annotations

import hashlib
import json
import struct
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import numpy as safetensors

from ticketry.core.errors import RequestError, TicketError
from ticketry.core.seed import weights
from ticketry.ticket import codec, file
from ticketry.ticket.file import DrawnParameter, LayerShape, TicketFile

LENET = (
    LayerShape("fc1.weight", (300, 784)),
    LayerShape("fc2.weight", (100, 300)),
    LayerShape("fc3.weight", (10, 100)),
)


def test_golden_files_never_change(golden: tuple[TicketFile, Path]) -> None:
    ticket, path = golden
    assert file.encode(ticket) == path.read_bytes()


def test_golden_files_are_read(golden: tuple[TicketFile, Path]) -> None:
    ticket, path = golden
    got = file.load(path)
    for name in ("model", "input_shape", "outputs", "objective", "target", "layers", "rest", "seed", "recipe", "kind"):
        assert getattr(got, name) == getattr(ticket, name), name
    for name in ("method", "data", "run", "locks"):
        assert getattr(got, name) == getattr(ticket, name), name
    for name in ("scaling", "labels", "built"):
        assert getattr(got, name) == getattr(ticket, name), name
    assert (got.fixed, got.zeros) == (tuple(sorted(ticket.fixed)), tuple(sorted(ticket.zeros)))
    assert np.array_equal(got.mask, ticket.mask)
    wanted = dict(ticket.tensors())
    assert wanted.keys() == dict(got.tensors()).keys()
    assert all(array.dtype == np.float32 and np.array_equal(array, wanted[name]) for name, array in got.tensors())
    assert all(check.ok for check in file.verify(got))
    assert file.encode(got) == path.read_bytes()


@pytest.mark.parametrize("p", [0.5, 0.3, 0.1, 0.05, 0.01])
@pytest.mark.parametrize("lock", [0, 0.3])
def test_bytes_of_a_whole_file(make, p: float, lock: float) -> None:
    data = file.encode(make(p, layers=LENET, lock=lock, scale="static"))
    assert len(data) <= 1.01 * file.summary(data).entropy_bytes + 512


def test_locked_weights_are_not_stored(make) -> None:
    whole, frozen = (len(file.encode(make(0.5, layers=LENET, lock=lock))) for lock in (0, 0.35))
    assert whole >= 3.2 * frozen


def test_any_safetensors_reader_opens_it(make, tmp_path: Path) -> None:
    ticket = make(kind="uniform", trained=True, buffers=True)
    data = file.encode(ticket)
    tensors = safetensors.load(data)
    assert {name for name, _ in ticket.tensors()} == tensors.keys() - {"mask"}
    assert np.array_equal(tensors["values"], ticket.values)
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    again = safetensors.save({k: tensors[k] for k in tensors}, metadata=header["__metadata__"])
    assert again == data
    assert json.loads(header["__metadata__"]["ticket"])["version"] == 1


def test_every_flipped_bit_is_noticed(make) -> None:
    data = file.encode(make(0.1))
    for at in range(len(data)):
        bad = bytearray(data)
        bad[at] ^= 1 << at % 8
        with pytest.raises(TicketError, match="bytes do not match its digest"):
            file.decode(bytes(bad))


def test_every_truncation_is_noticed(make) -> None:
    data = file.encode(make(0.1))
    for end in range(len(data)):
        with pytest.raises(TicketError):
            file.decode(data[:end])
    with pytest.raises(TicketError):
        file.decode(data + b"\0")


def test_digests(make) -> None:
    ticket = make(kind="torch-default")
    data = file.encode(ticket)
    base = file.weights(ticket)
    assert list(base) == ["0.weight", "3.weight", "3.bias"]
    assert file.digests(data) == {
        "weights": hashlib.sha256(b"".join(base[name].tobytes() for name in base)).hexdigest(),
        "mask": hashlib.sha256(ticket.mask.tobytes()).hexdigest(),
        "ticket": hashlib.sha256(data[:-32]).hexdigest(),
    }
    assert bytes.fromhex(file.digests(data)["ticket"]) == data[-32:]


def test_verify_finds_other_weights(make, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = file.decode(file.encode(make(kind="uniform")))
    draw = weights.weight
    monkeypatch.setattr(weights, "weight", lambda *args: np.nextafter(draw(*args), np.float32(2)))
    checks = {check.what: check.ok for check in file.verify(ticket)}
    assert checks == {"weights": False, "mask": True, "ticket": False}
    with pytest.raises(TicketError, match="ticketry verify"):
        file.effective(ticket)


@pytest.mark.parametrize("scale", ["none", "static", "dynamic"])
def test_effective_weights(make, scale: str) -> None:
    ticket = make(kind="uniform", scale=scale, lock=0.2)
    network, base, at = file.effective(ticket), file.weights(ticket), 0
    sizes = [layer.size for layer in ticket.layers]
    kept = [int(part.sum()) for part in np.split(ticket.mask, [sizes[0]])]
    for layer, factor in zip(ticket.layers, weights.factors(ticket.recipe.scale, sizes, kept), strict=True):
        mask = ticket.mask[at : at + layer.size].reshape(layer.shape)
        at += layer.size
        assert np.array_equal(network[layer.name][mask], base[layer.name][mask] * factor)
        assert network[layer.name].dtype == np.float32
        assert network[layer.name][~mask].tobytes() == bytes(4 * int((~mask).sum()))  # +0, not -0
    assert np.array_equal(network["3.bias"], base["3.bias"])


def test_trained_values_replace_untrained_ones(make) -> None:
    ticket = make(kind="torch-default", trained=True, scale="dynamic")
    network = file.effective(ticket)
    flat = np.concatenate([network[layer.name].ravel() for layer in ticket.layers])
    assert np.array_equal(flat[ticket.mask], ticket.values)
    assert not flat[~ticket.mask].any()
    assert network["3.bias"].tolist() == [0.5] * 10
    assert network["1.scale"].tolist() == 2


def test_a_strong_ticket_may_have_values_of_its_own(make) -> None:
    """Evolved ones: it is judged with them as it is."""
    ticket = make(density=0.2, trained=True)
    strong = file.decode(file.encode(replace(ticket, kind="strong")))
    assert strong.kind == "strong"
    assert strong.values is not None
    for name, value in file.effective(strong).items():
        assert (value == file.effective(ticket)[name]).all()


def test_summary(make) -> None:
    ticket = make(0.3, lock=0.2, kind="uniform", trained=True, buffers=True)
    data = file.encode(ticket)
    found = file.summary(data)
    assert found.layers[1].locked_off == found.layers[1].locked_on == 48
    assert [layer.kept for layer in found.layers] == [int(part.sum()) for part in np.split(ticket.mask, [162])]
    assert (found.maskable, found.searched, found.kept) == (402, 402 - 4 * 8 * 5, int(ticket.mask.sum()))
    assert found.density == found.kept / 402
    searched = [162 - 64, 240 - 96]
    kept = [layer.kept - layer.locked_on for layer in found.layers]
    assert found.entropy_bytes == pytest.approx(codec.entropy_bytes(searched, kept))
    assert found.bytes["total"] == len(data) == sum(found.bytes.values()) - len(data)
    assert found.bytes["buffers"] == 48
    assert found.bytes["values"] == 4 * found.kept
    assert found.bytes["rest"] == 44
    assert found.digests == file.digests(data)
    assert json.loads(json.dumps(asdict(found)))["kind"] == "trainable"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mask": np.zeros(5, np.bool_)}, "its layers have 402 weights"),
        ({"layers": (LayerShape("a b", (402,)),)}, "parameter name 'a b'"),
        ({"layers": (LayerShape("a", (402,)), LayerShape("a", (1,)))}, "two of its parameters have one name"),
        ({"layers": (LayerShape("a", (402, 0)),)}, "shape"),
        ({"layers": ()}, "no maskable parameter"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 1 << 63}, "seed is"),
        ({"outputs": 0}, "outputs is 0"),
        ({"target": ((0.0, 1.0),)}, "targets for 1 outputs of 10"),
        ({"target": ((0.0, 0.0),) * 10}, "scale not above 0"),
        ({"target": ((float("nan"), 1.0),) * 10}, "finite float32"),
        ({"target": ((0.1, 1.0),) * 10}, "not a finite float32"),
        ({"model": "a\x1b[2J"}, "unprintable"),
        ({"locks": ((0, 0),)}, "1 lock counts for 2 layers"),
        ({"locks": ((100, 100), (0, 0))}, "0.weight has 162 weights, but locks 100 off and 100 on"),
        ({"locks": ((0, 60), (60, 0))}, "contradicts its locks"),
        ({"values": np.zeros(3, np.float32)}, "values of shape"),
        ({"buffers": {"b": np.zeros(3)}}, "float64"),
        ({"buffers": {'"': np.zeros(3, np.float32)}}, "printable ASCII"),
        ({"rest": (DrawnParameter("3.bias", (10,), 24),)}, "draws biases"),
    ],
)
def test_tickets_against_the_rules_are_not_written(make, change, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        file.encode(replace(make(), **change))


def test_a_parameter_outside_the_mask_can_be_drawn_as_a_weight(make) -> None:
    ticket = replace(make(kind="kaiming-normal"), rest=(DrawnParameter("embedding.weight", (7, 5), 0),))
    again = file.decode(file.encode(ticket))
    expected = weights.weight("kaiming-normal", 3, "embedding.weight", (7, 5))
    assert np.array_equal(file.effective(again)["embedding.weight"], expected)


def test_reading_needs_no_torch() -> None:
    program = "import sys; import ticketry.ticket.file; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_save_and_load(make, tmp_path: Path) -> None:
    path = tmp_path / "ticket.tkt"
    path.write_bytes(b"old")
    ticket = make()
    file.save(path, ticket)
    assert file.read(path) == file.encode(ticket)
    assert np.array_equal(file.load(path).mask, ticket.mask)
    assert list(tmp_path.iterdir()) == [path]


def test_paths_that_cannot_be_used(make, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="No such file"):
        file.load(tmp_path / "none.tkt")
    with pytest.raises(RequestError, match="directory"):
        file.load(tmp_path)
    with pytest.raises(RequestError, match="No such file"):
        file.save(tmp_path / "none" / "ticket.tkt", make())
    with pytest.raises(RequestError, match="directory"):
        file.save(tmp_path, make())
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "x").write_bytes(struct.pack("<Q", 3) + b"{}")
    with pytest.raises(TicketError, match=r"x: the ticket is damaged"):
        file.load(tmp_path / "x")
