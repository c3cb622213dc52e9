"""Small files that ask for much are refused at once, in little memory; honest large ones need no flag."""

from __future__ import annotations

import json
import subprocess
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.ticket.test_attacks import Fields, inner
from tests.ticket.test_c99 import compiled

from ticketry import models
from ticketry.cli.main import main
from ticketry.core.errors import RequestError, TicketError
from ticketry.core.seed.weights import WeightRecipe
from ticketry.ticket import file
from ticketry.ticket.content import FixedParameter, LayerShape, TicketFile
from ticketry.ticket.module import Ticket

MANY = 10_000  # rows
HUNGRY: dict[str, tuple[Callable[[Fields], object], str]] = {
    "weights": (lambda f: f["layers"][0].__setitem__(1, 1 << 24), "weights, more than max_weights 16777216"),
    "drawn parameters": (lambda f: f.update(rest=[["b", 0, 1 << 13, 1 << 12]]), "weights"),
    "fixed parameters": (lambda f: f.update(fixed=[["b", "00000000", 1 << 25]]), "weights"),
    "outputs": (lambda f: f.update(classes=(1 << 31) - 1), "outputs, more than max_weights 16777216 allows"),
    "inputs": (lambda f: f.update(input=[1 << 30, 1 << 30]), "inputs"),
    "layers": (lambda f: f["layers"].extend([f"l{n}", 1] for n in range(MANY)), "parameters and tensors"),
    "rows of rest": (lambda f: f.update(rest=[[f"l{n}", 0, 1] for n in range(MANY)]), "parameters and tensors"),
    "zeros": (lambda f: f.update(zeros=[["b", n, n + 1] for n in range(MANY)]), "parameters and tensors"),
    "labels": (lambda f: f.update(labels=[str(n) for n in range(1 << 18)]), "bytes of header"),
    "a long name": (lambda f: f["layers"][0].__setitem__(0, "n" * 256), "255"),
    "a long text": (lambda f: f.update(model="m" * 4097), "4097 characters"),
    "layers of nothing": (lambda f: f.update(layers=[[]] * 300_000), "lists in its header"),
}


@pytest.mark.parametrize("what", HUNGRY)
def test_what_asks_for_much_is_refused_at_once(make, what: str, tmp_path: Path) -> None:
    change, message = HUNGRY[what]
    data = inner(change)(file.encode(make(0.3)))
    (tmp_path / "t").write_bytes(data)
    for read in (file.load, file.inspect):
        start = time.process_time()
        with pytest.raises(TicketError, match=message):
            read(tmp_path / "t")
        assert time.process_time() - start < 1
        tracemalloc.start()
        with pytest.raises(TicketError) as refusal:
            read(tmp_path / "t")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 4_000_000 + 20 * len(data)
        assert len(str(refusal.value).removeprefix(str(tmp_path))) < 300
    program = compiled(tmp_path, "-O2")
    if program is not None:
        run = subprocess.run([program, "t"], cwd=tmp_path, capture_output=True, timeout=5)
        assert run.returncode == 1


def locked(n: int) -> TicketFile:
    """One layer, all of whose weights are locked off."""
    return TicketFile(
        model="mlp",
        input_shape=(n // 2,),
        outputs=2,
        layers=(LayerShape("fc.weight", (2, n // 2)),),
        seed=0,
        recipe=WeightRecipe(),
        mask=np.zeros(n, np.bool_),
        locks=((n, 0),),
    )


def test_locks_cost_what_the_limit_allows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.save(tmp_path / "t", locked(1 << 16))
    assert (tmp_path / "t").stat().st_size < 500
    tight = ["--max-weights", str((1 << 16) - 1)]
    for verb in (["show"], ["verify", "--digest"], ["eval", "--data", "moons(train=20, test=10)"]):
        code = main([verb[0], str(tmp_path / "t"), *verb[1:], *tight])
        assert code == (1 if verb[0] == "verify" else 2)
        assert "65536 weights, more than max_weights 65535; raise that (--max-weights)" in capsys.readouterr().err
    assert main(["show", str(tmp_path / "t"), "--max-weights", str(1 << 16)]) == 0
    assert Ticket.load(tmp_path / "t", max_weights=1 << 16).content.mask.sum() == 0


def test_honest_large_networks_need_no_flag() -> None:
    layers = (LayerShape("features.weight", (15_000_000,)), *(LayerShape(f"l{n}", (100,)) for n in range(500)))
    mask = np.arange(15_050_000) % 97 == 0
    ticket = replace(locked(2), layers=layers, locks=None, mask=mask)
    assert file.summary(file.encode(ticket)).kept == mask.sum()


@pytest.mark.parametrize("text", ["mlp:20000,20000", "mlp:16,20000,20000,16", "conv6(width=16)"])
def test_a_model_of_other_sizes_is_refused_before_it_takes_memory(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = replace(locked(64), model=text, input_shape=(3, 32, 32), layers=(LayerShape("fc1.weight", (2, 32)),))
    monkeypatch.setattr("torch.zeros", lambda *size, **where: pytest.fail(f"{size} were allocated"))
    with pytest.raises((TicketError, RequestError), match="model of the ticket"):
        Ticket(ticket).module()


def test_a_matrix_that_the_file_lacks_is_refused_before_it_takes_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = LayerShape("fc1.weight", (20_000, 4))
    ticket = replace(locked(80_000), model="mlp:20000,20000", input_shape=(4,), layers=(layer,))
    monkeypatch.setattr("torch.zeros", lambda *size, **where: pytest.fail(f"{size} were allocated"))
    with pytest.raises(TicketError, match=r"fc2\.weight missing"):
        Ticket(ticket).module()


def test_every_built_in_still_builds_and_is_checked() -> None:
    for name in models.names():
        seen: list[bool] = []
        models.build(name, (3, 32, 32), 10, before=lambda net, seen=seen: seen.append(next(net.parameters()).is_meta))
        assert seen == [True]


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RequestError, match="it is a pipe"):
        file.load(tmp_path / "pipe")


def test_a_file_of_too_many_bytes_is_not_read(tmp_path: Path) -> None:
    with open(tmp_path / "large", "wb") as stream:
        stream.truncate((1 << 27) + 1)
    tracemalloc.start()
    with pytest.raises(TicketError, match="134217729 bytes"):
        file.digests(file.read(tmp_path / "large"))
    tracemalloc.stop()


def test_a_long_table_is_cut_but_json_is_not(make, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layers = tuple(LayerShape(f"l{n}", (2,)) for n in range(300))
    file.save(tmp_path / "t", replace(make(), layers=layers, rest=(), mask=np.arange(600) % 3 == 0))
    assert main(["show", str(tmp_path / "t")]) == 0
    shown = capsys.readouterr().out
    assert "and 101 more, all with --json" in shown
    assert "l198" in shown
    assert "l199" not in shown
    assert main(["show", str(tmp_path / "t"), "--json"]) == 0
    assert "l299" in capsys.readouterr().out


def test_a_fixed_parameter_counts(make) -> None:
    with pytest.raises(TicketError, match="weights"):
        file.decode(file.encode(replace(make(), fixed=(FixedParameter("a", (1 << 24,), 0.0),))))


def test_an_overflowing_network_is_judged_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every number of the file is finite, those that come out are not."""
    huge = np.float32(3e38)
    layers = (LayerShape("fc1.weight", (50, 2)), LayerShape("fc2.weight", (2, 50)))
    ticket = replace(
        locked(2), model="mlp:50", input_shape=(2,), layers=layers, locks=None, mask=np.ones(200, np.bool_)
    )
    file.save(tmp_path / "t", replace(ticket, values=np.full(200, huge)))
    assert main(["eval", str(tmp_path / "t"), "--data", "moons(train=20, test=10)", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(name))
    assert shown["loss"] is None
