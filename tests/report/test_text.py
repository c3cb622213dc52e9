from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ticketry.experiment import Experiment, Lock
from ticketry.methods import get
from ticketry.report import text
from ticketry.ticket import file
from ticketry.ticket.file import Check

EDGE = Experiment(method=get("edge-popup")(density=0.25), data="digits", model="mlp:30", seed=5)
ODD = Experiment(method=get("random")(), data="[bold]d.npz[/bold]", model="m:net(sizes=[1, 2], name=':smile:')")


def captured(function: Callable[..., None], *arguments: object, width: int = 300, terminal: bool = False) -> str:
    console = Console(
        file=io.StringIO(), width=width, force_terminal=terminal, markup=False, emoji=False, highlight=False
    )
    function(*arguments, console=console)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


def fields(printed: str) -> dict[str, str]:
    """The right side of each line of a table of two columns."""
    return {line[:13].strip(): line[13:].strip() for line in printed.splitlines()[2:] if line}


def test_result_says_every_number(make_run: Callable[..., Any]) -> None:
    directory, result = make_run(EDGE)
    printed = captured(text.print_result, directory, result)
    assert printed.splitlines()[0] == text.headline(result)
    found = fields(printed)
    assert found["method"] == "edge-popup"
    assert found["density"] == "25.0 %: 555 of 2,220 weights kept"
    assert found["accuracy"] == "train 98.71 %, validation 96.54 %, test 96.12 %"
    assert found["loss"] == "train 0.1234, validation 0.2345, test 0.3456"
    assert found["ticket size"] == f"{result['ticket_bytes']} bytes"
    assert found["dense size"].startswith("8,880 bytes as float32, ")
    assert found["examples"] == "123,456 forward, 98,765 backward"
    assert (found["epochs"], found["time"], found["peak memory"]) == ("3", "1 min 23 s", "512 MB")
    assert found["ticket"] == str(directory.ticket)
    assert found["report"] == str(directory.report)
    assert "evaluations" not in found


def test_headlines(make_run: Callable[..., Any]) -> None:
    _, strong = make_run(EDGE, ticket_bytes=15512)
    assert text.headline(strong) == (
        "25.0 % of the random weights of mlp:30 classify digits with 96.1 % test accuracy, in a file of 15,512 bytes."
    )
    _, trainable = make_run(ODD)
    assert "still untrained" in text.headline(trainable)
    assert "MNIST" in text.headline(strong | {"data": "mnist"})


def test_locked_weights_and_missing_losses_are_named(make_run: Callable[..., Any]) -> None:
    locked = Experiment(method=get("edge-popup")(density=0.5), data="d", model="m", lock=Lock(off=0.35, on=0.35))
    directory, result = make_run(locked, loss={"train": None, "val": 0.5, "test": float("nan")})
    found = fields(captured(text.print_result, directory, result))
    assert found["searched"] == "666 weights, 1,554 locked"
    assert found["loss"] == "train not finite, validation 0.5000, test not finite"


def test_names_are_printed_as_they_are(make_run: Callable[..., Any]) -> None:
    directory, result = make_run(ODD)
    found = fields(captured(text.print_result, directory, result))
    assert found["data"] == ODD.data
    assert found["model"] == ODD.model


def test_a_pipe_gets_plain_unfolded_ascii(
    make_run: Callable[..., Any], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    directory, result = make_run(ODD, layers=[("x" * 150, (2, 3))])
    text.print_result(directory, result)
    text.print_ticket(directory.ticket, file.summary(file.read(directory.ticket)))
    text.print_checks(directory.ticket, file.verify(file.load(directory.ticket)), ", and the model builds")
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert "\x1b" not in printed
    assert text.headline(result) in printed
    assert f"model          {ODD.model}" in printed
    assert re.search(r"^x{150}  2 x 3 ", printed, re.MULTILINE)


def test_ticket_lists_layers_parts_and_totals(make_run: Callable[..., Any]) -> None:
    directory, _ = make_run(EDGE)
    summary = file.summary(file.read(directory.ticket))
    printed = captured(text.print_ticket, directory.ticket, summary)
    rows = {line.split()[0]: line.split()[1:] for line in printed.splitlines() if line}
    assert rows["fc1.weight"][:6] == ["30", "x", "64", "1,920", "480", "25.0"]
    for value in (*summary.digests.values(), summary.run, "signed-constant", "edge-popup", "digits", "8 x 8", "mlp:30"):
        assert value in printed
    totals = [line.split()[1:] for line in printed.splitlines() if line.startswith("total")]
    assert totals[0][:3] == ["2,220", "555", "25.0"]
    assert totals[1][0] == str(directory.ticket.stat().st_size)
    assert f"{summary.entropy_bytes:,.1f}" in totals[0]
    assert "locked" not in printed
    assert "values" not in rows


def test_ticket_shows_locks_where_there_are_any(make_run: Callable[..., Any]) -> None:
    experiment = Experiment(method=get("edge-popup")(density=0.5), data="d", model="m", lock=Lock(off=0.3, on=0.2))
    directory, _ = make_run(experiment)
    printed = captured(text.print_ticket, directory.ticket, file.summary(file.read(directory.ticket)))
    head, total = (next(line for line in printed.splitlines() if line.startswith(word)) for word in ("layer", "total"))
    columns = dict(zip(re.split(" {2,}", head)[2:], re.split(" {2,}", total)[1:], strict=True))
    assert (columns["weights"], columns["locked off"], columns["locked on"]) == ("2,220", "666", "444")


def test_checks_say_which_digest_differs() -> None:
    checks = [Check("weights", "a" * 64, "b" * 64, False), Check("mask", "c" * 64, "c" * 64, True)]
    printed = captured(text.print_checks, Path("t.tkt"), checks, ", and the model builds")
    lines = printed.splitlines()
    assert lines[1].split() == ["weights", "DIFFERS", "a" * 64, "b" * 64]
    assert lines[2].split() == ["mask", "ok", "c" * 64, "c" * 64]
    assert lines[-1].startswith("t.tkt: FAILED: what the file says of its weights is not")


def test_checks_that_hold_say_so() -> None:
    checks = [Check("mask", "c" * 64, "c" * 64, True)]
    assert (
        captured(text.print_checks, Path("t"), checks, ", and the model builds")
        .splitlines()[-1]
        .endswith("and the model builds.")
    )
    assert "model" not in captured(text.print_checks, Path("t"), checks, "")


def test_a_terminal_gets_digests_that_fit() -> None:
    checks = [Check("mask", "c" * 64, "c" * 64, True)]
    printed = captured(text.print_checks, Path("t"), checks, ", and the model builds", width=80, terminal=True)
    assert "c" * 20 in printed
    assert "c" * 21 not in printed


def test_a_summary_is_json_too(make_run: Callable[..., Any]) -> None:
    directory, _ = make_run(EDGE)
    summary = file.summary(file.read(directory.ticket))
    assert json.loads(json.dumps(asdict(summary)))["kept"] == 555


def test_text_needs_neither_torch_nor_matplotlib() -> None:
    program = "import sys, ticketry.report.page; print({'torch', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
