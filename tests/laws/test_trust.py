"""Nothing that stands in a file is ever run without the user's word: every verb, every function, every place of a text.

Verbs and functions are discovered, and called with what their flags and parameters ask for, on files that an attacker
made whole: seals, digests and records fit.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

import pytest

import ticketry as tk
from ticketry.cli import flags
from ticketry.cli.main import main
from ticketry.cli.verbs import VERBS
from ticketry.core.sealed import read_sealed, write_sealed
from ticketry.experiment import from_json
from ticketry.paths import RunDirectory
from ticketry.ticket import file

DATA, MODEL = "moons(train=300, test=200)", "mlp:12"
EVIL = {
    "eval": "builtins:eval(\"open('canary', 'w')\")",
    "system": "os:system('touch canary')",
    "subprocess": "subprocess:check_output(['touch', 'canary'])",
    "exit": "os:_exit(0)",
    "write": "pathlib:Path('canary')",
    "beside": "beside:make()",
    "own": "ticketry.core.atomic:append('canary', 'x')",
    "nested": "ticketry.checks.corruptions:load('beside:make()', 'corrupted-half', 0, 0)",
}
BESIDE = """
import functools, os, sys
from os import system
from pathlib import Path
from torch import nn
open("canary", "w").close()
class Net(nn.Sequential):
    def __init__(self, *parts):
        super().__init__(*(parts or (nn.Flatten(), nn.Linear(2, 12), nn.ReLU(), nn.Linear(12, 2))))
    @classmethod
    def made(cls): open("called", "w").close(); return cls()
    def __call__(self, *x): open("called", "w").close(); return super().__call__(*x)
def make(): return Net()
def rows():
    import numpy as np
    x = np.linspace(-1, 1, 400, dtype=np.float32).reshape(200, 2)
    return x, (x[:, 0] > 0).astype(int)
def quits(): sys.exit(0)
def no_net(): return 3
made, instance, partial, cached = Net.made, Net(), functools.partial(system, "touch called"), functools.cache(make)
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A working directory with a module beside the files."""
    (tmp_path / "beside.py").write_text(BESIDE)
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("beside", None)


def forged(run: Path, out: Path, where: str, **texts: str) -> RunDirectory:
    """A copy of a run whose ticket, record (`experiment.json`) or both have other texts, and whose digests all fit."""
    shutil.copytree(run, out)
    there = RunDirectory(out)
    result = read_sealed(there.result)
    assert result is not None
    if where in ("ticket", "both"):
        ticket = file.load(there.ticket)
        said = {name: f"{text}:01234567" if name == "data" else text for name, text in texts.items()}
        encoded = file.encode(replace(ticket, **said))
        there.ticket.write_bytes(encoded)
        result["digest"].update(file.digests(encoded))
    if where in ("record", "both"):
        record = json.loads(there.record.read_text()) | texts
        record["digest"] = result["digest"]["experiment"] = from_json(record).digest
        there.record.write_text(json.dumps(record))
    write_sealed(there.result, result)
    return there


def sentence(capsys: pytest.CaptureFixture[str]) -> str:
    """What a refused command said: one sentence, and nothing printed."""
    printed, error = capsys.readouterr()
    assert printed == ""
    assert re.fullmatch(r"ticketry: [^\n]{1,2000}[.?]\n", error), error
    return error


GIVEN = {"data": DATA, "model": MODEL, "methods": "random", "densities": "0.5"}
FIRST = {"find": ["edge-popup", "--batch", "32"], "recipe": ["genetic-moons"]}


def commands(verb: str, there: RunDirectory) -> Iterator[list[str]]:
    """Ways to call a verb on a forged file or directory: what it asks for, alone and with each switch."""
    kind: Any = getattr(flags, verb.capitalize())
    hints = get_type_hints(kind)
    words, switches, opens = FIRST.get(verb, []), [[]], False
    for field in fields(kind):
        if field.default is MISSING and field.default_factory is MISSING:
            if hints[field.name] is Path and field.name != "out":
                opens = True
            else:
                words = [*words, f"--{field.name}", str(there.root) if field.name == "out" else GIVEN[field.name]]
        elif hints[field.name] is bool:
            switches.append([f"--{field.name}"])
    if opens and "--out" in words:
        words[words.index("--out") + 1] = str(there.root.parent / "out")
    for place in (there.ticket, there.root) if opens else (None,):
        for switch in switches:
            yield [verb, *([] if place is None else [str(place)]), *words, *switch]


@pytest.mark.parametrize("what", ["model", "data"])
@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_runs_a_text_of_a_file(
    verb: str, what: str, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, (name, text) in enumerate(EVIL.items()):
        there = forged(finished, tmp_path / f"{what}{number}", "both", **{what: text})
        for words in commands(verb, there):
            if what == "data" and verb in ("eval", "predict", "train"):  # whose data the user types: nothing is refused
                continue
            code = main(words)
            assert not (tmp_path / "canary").exists(), (name, words)
            if code == 0:
                assert verb in ("show", "verify"), words
                capsys.readouterr()
            else:
                assert code == 2, words
                said = sentence(capsys)
                if "data" in words or verb in ("eval", "train", "check", "landscape"):
                    expected = f"{what} is '" in said or "--corrupted" in said or "directory" in said
                    assert expected or str(there.root) in said, said


@pytest.mark.parametrize("text", EVIL.values(), ids=EVIL)
@pytest.mark.parametrize("what", ["model", "data"])
def test_a_forged_record_runs_nothing(
    what: str, text: str, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the ticket is honest, and `experiment.json` beside it is not."""
    there = forged(finished, tmp_path / "run", "record", **{what: text})
    verbs = [["landscape"]] if what == "data" else [["landscape"], ["check", "--corrupted", "--quiet"]]
    for verb, *switches in verbs:
        assert main([verb, str(there.root), *switches]) == 2
        assert f"{what} is '" in sentence(capsys)
    assert not (tmp_path / "canary").exists()


def test_a_command_that_is_given_again_runs_what_it_says_and_not_what_the_directory_says(
    finished: Path, tmp_path: Path
) -> None:
    there = forged(finished, tmp_path / "run", "record")
    record = json.loads(there.record.read_text()) | {"model": EVIL["system"], "data": EVIL["eval"]}
    there.record.write_text(json.dumps(record))  # with the digest of the honest one
    there.result.unlink()
    main(["find", "edge-popup", "--batch", "32", "--data", DATA, "--model", MODEL, "--out", str(there.root), "--quiet"])
    assert not (tmp_path / "canary").exists()


def test_a_comparison_that_goes_on_does_not_run_a_ticket_that_was_put_into_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compare", "--methods", "random", "--densities", "0.5", "--data", DATA, "--model", MODEL, "--seeds", "1"]
    words += ["--training.epochs", "1", "--workers", "1", "--out", "all", "--quiet"]
    assert main(words) == 0
    cell = tmp_path / "all" / "0.5-random" / "s0"
    honest = (cell / "search").rename(tmp_path / "honest")
    forged(honest, cell / "search", "ticket", model=EVIL["beside"])
    shutil.rmtree(cell / "trained")
    (cell / "result.json").unlink()
    (tmp_path / "all" / "recipe.json").unlink()
    capsys.readouterr()
    assert main(words) == 2
    assert "model is 'beside:make', code that a file names" in sentence(capsys)
    assert not (tmp_path / "canary").exists()


API = {
    name: function
    for name in tk.__all__
    if inspect.isfunction(function := getattr(tk, name))
    and {"ticket", "path", "run"} & set(inspect.signature(function).parameters)
}


def test_the_functions_that_open_files_are_known() -> None:
    assert set(API) >= {"check", "evaluate", "landscape", "load", "train"}
    assert all("trust" in inspect.signature(function).parameters for name, function in API.items() if name != "load")
    kinds: Any = (getattr(flags, verb.capitalize()) for verb in VERBS)
    opening = [kind for kind in kinds if Path in [get_type_hints(kind).get(name) for name in ("file", "ticket", "run")]]
    assert all("trust" in {f.name for f in fields(kind)} for kind in opening if kind is not flags.Show)


@pytest.mark.parametrize("text", EVIL.values(), ids=EVIL)
@pytest.mark.parametrize("name", API)
def test_no_function_runs_a_text_of_a_file(name: str, text: str, finished: Path, tmp_path: Path) -> None:
    there = forged(finished, tmp_path / "run", "both", model=text, data=text)
    function: Callable[..., Any] = API[name]
    asked = inspect.signature(function).parameters
    given = {"data": DATA, "out": tmp_path / "out", "seeds": 3}
    required = {n: given[n] for n, p in asked.items() if n in given and (p.default is p.empty or n == "seeds")}
    run = [] if name == "load" else [tk.Run(there, read_sealed(there.result) or {})]
    for place in (there.ticket, there.root, *run):
        for switch in [{}, *({n: True} for n, p in asked.items() if p.default is False)]:
            with suppress(tk.TicketryError):
                found = function(place, **required, **switch)
                assert name == "load", place
                for act in (found.module, found.network, lambda found=found: found.module(trainable=True)):
                    with pytest.raises(tk.RequestError, match="code that a file names"):
                        act()
                assert found.mask()
                assert repr(found)
            assert not (tmp_path / "canary").exists()


class TestVerify:
    def test_says_that_code_was_not_built(
        self, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        ticket = str(forged(finished, tmp_path / "run", "ticket", model="beside:make()").ticket)
        assert main(["verify", ticket]) == 0
        assert "the model was not built: 'beside:make' is code that the file names" in capsys.readouterr().out
        assert main(["verify", ticket, "--json"]) == 0
        said = json.loads(capsys.readouterr().out)
        assert (said["sound"], said["built"], said["model"]) == (True, False, "beside:make()")
        assert not (tmp_path / "canary").exists()
        assert main(["verify", ticket, "--trust", "other.module", "--trust", "another"]) == 0
        assert not (tmp_path / "canary").exists()
        capsys.readouterr()

    def test_builds_what_is_trusted(self, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        ticket = forged(finished, tmp_path / "run", "ticket", model="beside:make()").ticket
        assert main(["verify", str(ticket), "--trust", "beside", "--json"]) == 1  # whose parameters have other names
        assert "the model of the ticket is beside:make() with" in capsys.readouterr().err
        assert (tmp_path / "canary").exists()


class TestTrust:
    @pytest.fixture
    def honest(self) -> tk.Run:
        method = tk.methods.Random(density=0.5)
        return tk.find(method, data="beside:rows", model="beside:make()", out="own", budget=tk.Budget(epochs=1))

    def test_what_was_typed_needs_no_flag(self, honest: tk.Run, tmp_path: Path) -> None:
        assert honest.ticket.module()
        assert tk.evaluate(honest, "beside:rows").quality >= 0
        short = tk.Training(epochs=1)
        assert tk.train(honest, data="beside:rows", out="trained", training=short).ticket.module()
        assert tk.check(honest, seeds=3, trained=False).result["data"] == "beside:rows"
        again = ["find", "random", "--density", "0.5", "--data", "beside:rows", "--model", "beside:make()"]
        assert main([*again, "--budget.epochs", "1", "--out", "own", "--quiet"]) == 0

    def test_what_a_file_names_needs_one(
        self, honest: tk.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        capsys.readouterr()
        root, ticket = str(honest.directory.root), str(honest.directory.ticket)
        rows = ["--data", "beside:rows"]
        quick = ["--training.epochs", "1", "--quiet"]
        verbs = [
            ["eval", ticket, *rows],
            ["train", ticket, *rows, *quick, "--out", "trained"],
            ["check", root, "--seeds", "3", "--trained", "False", "--quiet"],
            ["landscape", root, "--directions", "1", "--points", "2", "--grid", "3"],
        ]
        for words in verbs:
            assert main(words) == 2
            assert "--trust beside (in Python trust=" in sentence(capsys)
            assert main([*words, "--trust", "beside.net"]) == 2
            sentence(capsys)
            assert main([*words, "--trust", "beside"]) in (0, 1), words
            capsys.readouterr()
        assert main(["eval", ticket, *rows, "--model", "beside:Net"]) == 0
        assert main(["verify", ticket, "--model", "beside:Net"]) == 0
        with pytest.raises(tk.RequestError, match=r"code that a file names.*--trust beside"):
            tk.load(ticket).module()
        assert tk.load(ticket).module(trust=("beside",))
        assert tk.load(ticket).module(model="beside:make")

    @pytest.mark.parametrize("name", ["system('touch called')", "Path('called')", "made", "instance", "partial"])
    def test_only_what_the_module_defines_is_called(
        self, name: str, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        there = forged(finished, tmp_path / "run", "both", model=f"beside:{name}")
        assert main(["eval", str(there.ticket), "--data", DATA, "--trust", "beside"]) == 2
        assert "which beside does not define itself" in sentence(capsys)
        with pytest.raises(tk.RequestError, match="does not define itself"):
            tk.load(there.ticket).module(trust=["beside"])
        assert not (tmp_path / "called").exists()

    @pytest.mark.parametrize(
        ("text", "says"), [("beside:no_net", "a int, but it must be a function that"), ("beside:quits", "SystemExit")]
    )
    def test_what_it_returns_is_a_network(
        self, text: str, says: str, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        ticket = forged(finished, tmp_path / "run", "ticket", model=text).ticket
        for words in (["verify", str(ticket)], ["eval", str(ticket), "--data", DATA]):
            assert main([*words, "--trust", "beside"]) == 2
            assert says in sentence(capsys)

    @pytest.mark.parametrize("module", ["os", "builtins", "os.path", "ticketry", "ticketry.cli.main", "a b", "", "a:b"])
    def test_what_nobody_can_trust(
        self, module: str, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        ticket = str(forged(finished, tmp_path / "run", "ticket", model=EVIL["system"]).ticket)
        assert main(["verify", ticket, "--trust", module]) == 2
        assert "trust is" in sentence(capsys)
        assert not (tmp_path / "canary").exists()

    def test_it_takes_a_tuple(self, finished: Path) -> None:
        for given in ("os", 3, None):
            with pytest.raises(tk.RequestError, match=r"trust is .* a tuple of names of modules"):
                tk.load(finished / "ticket.tkt").module(trust=given)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/dev/zero", "./pipe", "./pipe.npz", "/dev/stdin"])
def test_a_file_that_a_ticket_names_is_a_file(
    path: str, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("pipe", "pipe.npz"):
        os.mkfifo(tmp_path / name)
    there = forged(finished, tmp_path / "run", "both", data=path)
    assert main(["check", str(there.ticket), "--quiet"]) == 2
    assert f"data is {path.removeprefix('./')}, which" in sentence(capsys)
