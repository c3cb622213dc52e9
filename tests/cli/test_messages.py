"""Whatever a flag, a file or an exception holds: one sentence of bounded length, and never an end without a result."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from ticketry.cli import flags
from ticketry.cli.main import main
from ticketry.cli.verbs import BOX, VERBS
from ticketry.core import errors

HUGE = "x" * 2**20
FIND = ("find", "random", "--data", "moons(train=200, test=100)", "--out", "run", "--quiet")
OWN = """
import sys
from torch import nn


class Net(nn.Module):
    def __init__(self, calls, error):
        super().__init__()
        self.only, self.left, self.error = nn.Linear(2, 2), calls, error

    def forward(self, x):
        self.left -= 1
        if self.left < 0:
            errors = {"exit": SystemExit(0), "text": ValueError("a b\\n" * 10**6), "torch": RuntimeError(TORCH)}
            raise errors[self.error]
        return self.only(x)


TORCH = "sizes differ\\nException raised from check at x.cpp:1 (most recent call first):\\n" + "frame #0: f\\n" * 10**5


def quits():
    sys.exit(0)


def raises():
    raise ValueError("y" * 10**6)
"""


@pytest.fixture(autouse=True)
def _own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "exits.py").write_text(OWN)
    (tmp_path / "quits_at_once.py").write_text("import sys\nsys.exit(0)\n")
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("exits", None)


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(words) == 2
    printed, error = capsys.readouterr()
    assert printed == ""
    assert error.count("\n") == 1
    assert len(error) <= errors.LONGEST + len("ticketry: \n")
    return error


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("exits:quits", "SystemExit: 0"),
        ("quits_at_once:net", "SystemExit: 0"),
        ("exits:raises", "ValueError: yyy"),
        ("exits:Net(0, 'exit')", "SystemExit: 0"),
        ("exits:Net(0, 'text')", "ValueError: a b a b"),
        ("exits:Net(0, 'torch')", "RuntimeError: sizes differ)"),
        ("exits:Net(2, 'exit')", "model is one that raises SystemExit: 0, but it must"),
    ],
)
def test_what_code_of_the_user_raises(text: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert says in refused([*FIND, "--model", text], capsys)
    assert not Path("run", "result.json").exists()


def test_data_that_exit(capsys: pytest.CaptureFixture[str]) -> None:
    assert "SystemExit: 0" in refused([*FIND, "--model", "mlp:4", "--data", "exits:quits"], capsys)


@pytest.mark.parametrize("verb", VERBS)
def test_a_megabyte_in_any_place(verb: str, finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kind: Any = getattr(flags, verb.capitalize())
    first = {"find": "random", "recipe": "genetic-moons"}.get(verb)
    names = [f"--{field.name}" for field in fields(kind) if get_type_hints(kind)[field.name] is not bool]
    for words in ([HUGE], *([*([first] if first else []), name, HUGE] for name in names)):
        try:
            code: object = main([verb, *words])
        except SystemExit as stop:  # of the parser
            code = stop.code
        printed, error = capsys.readouterr()
        assert code == 2, words[0][:20]
        assert len(error) <= BOX + 1
        assert len(printed) <= BOX


def test_a_megabyte_as_a_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert "verb is 'xxx" in refused([HUGE], capsys)


@pytest.mark.parametrize(
    "text",
    [
        f"mlp('{HUGE}')",
        f"mlp({'[' * 2**19}",
        f"mlp({'9' * 2**20})",
        f"mlp(0x{'f' * 9000})",
        f"mlp({'9' * 4000})",
        f"mlp({'-' * 9000}1)",
        f"mlp({'-' * 900}1)",
        f"mlp({'[' * 150}{']' * 150})",
        "mlp(10**10**10)",
        f"mlp({','.join('1' for _ in range(4000))})",
        f"{HUGE}:f",
        HUGE,
    ],
)
@pytest.mark.parametrize("flag", ["--model", "--data"])
def test_a_text_that_is_too_much(flag: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    refused([*FIND, "--model", "mlp:4", flag, text], capsys)
