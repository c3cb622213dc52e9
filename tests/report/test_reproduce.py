"""The printed command and program, run through the real parser, must give the experiment back."""

from __future__ import annotations

import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ticketry.runs.find
from ticketry.cli import main as cli
from ticketry.core.meters import Budget
from ticketry.experiment import Experiment, Lock, Search
from ticketry.methods import get
from ticketry.report import text
from ticketry.report.reproduce import command, python

NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12).filter(
    lambda name: not name.startswith("-")
)
METHODS = st.one_of(
    st.builds(
        get("edge-popup"),
        density=st.floats(0.01, 1),
        scope=st.sampled_from(["global", "layer"]),
        floor=st.integers(0, 9),
        learning_rate=st.sampled_from([0.1, 1e-7, 3.0]),
    ),
    st.builds(get("random"), layers=st.sampled_from(["erk", "igq"]), scale=st.sampled_from(["none", "static"])),
)
EXPERIMENTS = st.builds(
    Experiment,
    method=METHODS,
    data=NAMES,
    model=NAMES,
    seed=st.integers(0, 2**63 - 1),
    budget=st.builds(Budget, epochs=st.none() | st.integers(1, 99), seconds=st.none() | st.floats(0.5, 1e9)),
    lock=st.builds(Lock, off=st.sampled_from([0.0, 0.35]), split=st.sampled_from(["sparsity", "density"])),
    search=st.builds(Search, include=st.lists(NAMES, max_size=3).map(tuple)),
    val=st.sampled_from([0.1, 0.25]),
    device=st.sampled_from(["cpu", "cuda"]),
)


class Finder:
    """Stands for `find` and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: Experiment | None = None
        self.out = ""

    def __call__(self, method: Any, *, out: object, quiet: bool = True, **settings: Any) -> Any:
        self.asked, self.out = Experiment(method=method, **settings), str(out)
        return SimpleNamespace(directory=None, result=None, ticket=SimpleNamespace(module=lambda: None))


@settings(deadline=None, max_examples=25)
@given(EXPERIMENTS)
def test_both_give_the_experiment_back(experiment: Experiment) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ticketry.runs.find, "find", finder := Finder())
        patch.setattr(text, "print_result", lambda directory, result: None)
        words = shlex.split(command(experiment.resolved, "runs/new one").replace("\\\n", ""))
        assert words[0] == "ticketry"
        assert cli.main(words[1:]) == 0
        assert finder.asked is not None
        assert finder.asked.resolved == experiment.resolved
        assert Path(finder.out) == Path("runs/new one")
        finder.asked = None
        exec(python(experiment.resolved, "new"), {})
        assert finder.asked is not None
        assert finder.asked.digest == experiment.digest
        assert finder.asked.search == experiment.search


def test_defaults_are_left_out() -> None:
    experiment = Experiment(method=get("edge-popup")(density=0.05), data="mnist", model="conv2")
    assert command(experiment.resolved, "a") == (
        "ticketry find edge-popup --data mnist --model conv2 --seed 0 --density 0.05 --out a"
    )
    assert "tk.methods.EdgePopup(density=0.05)" in python(experiment.resolved, "a")
    assert "Budget" not in python(experiment.resolved, "a")


@pytest.mark.parametrize("name", ["model", "data"])
def test_a_text_of_a_record_does_not_leave_its_line(name: str) -> None:
    """The program on a page may be copied: what a forged `experiment.json` says stays a text in it."""
    text = "x\nimport os\nos.system('true')\n#'"
    method = get("random")()
    record = Experiment(method=method, data="moons", model="mlp").resolved | {"handed": [name], name: text}
    lines = python(record, "out").splitlines()
    assert not any(line.startswith(("import os", "os.")) for line in lines)
    assert command(record | {"handed": []}, "out").count("os.system(") == 1
    assert shlex.split(command(record | {"handed": []}, "out")).count(text) == 1
