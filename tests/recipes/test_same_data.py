"""Runs on other data, or with another split, are not compared: one sentence with both digests, exit code 2."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from tests.recipes import stub

from ticketry import data
from ticketry.cli.main import main
from ticketry.core.errors import RequestError
from ticketry.experiment import Experiment
from ticketry.methods.random import Random
from ticketry.recipes.backprop import Backprop
from ticketry.recipes.perform import perform
from ticketry.recipes.plan import Cell, Recipe
from ticketry.recipes.searched import Searched
from ticketry.runs import executor
from ticketry.runs.executor import ThisProcess

WORDS = "compare --methods random --densities 0.5 0.2 --data own.npz --model mlp:4 --training.epochs 1 --seeds 1"
COMPARE = [*WORDS.split(), "--workers", "1", "--quiet"]


def own(seed: int, path: str = "own.npz") -> str:
    """Write data and return the first digits of its split's digest."""
    draw = np.random.default_rng(seed)
    np.savez(path, X=draw.normal(size=(60, 3)).astype(np.float32), y=np.arange(60) % 2)
    return data.split(data.load(path)).digest[:8]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def stopped_after(count: int) -> Any:
    """The executor, stopped when so many runs are done."""
    done: list[Any] = []
    compute = executor.compute

    def limited(call: Any) -> Any:
        if len(done) == count:
            raise KeyboardInterrupt
        done.append(call)
        return compute(call)

    return patch.object(executor, "compute", limited)


def test_a_comparison_does_not_go_on_with_other_data(capsys: pytest.CaptureFixture[str]) -> None:
    first = own(0)
    with stopped_after(1):
        assert main([*COMPARE, "--out", "out"]) == 130
    second = own(1)
    capsys.readouterr()
    assert main([*COMPARE, "--out", "out"]) == 2
    error = capsys.readouterr().err
    assert f"data is own.npz with split digest {second}, but the run in out/0.5-random/s0 began with {first}" in error
    assert error.count("\n") == 1
    assert not Path("out/recipe.json").exists()
    assert not Path("out/0.2-random").exists(), "refused before the next run"
    assert own(0) == first
    assert main([*COMPARE, "--out", "out"]) == 0
    runs = [run["digest"] for cell in json.loads(Path("out/recipe.json").read_text())["cells"] for run in cell["runs"]]
    assert {run["split"][:8] for run in runs} == {first}
    assert {run["data"] for run in runs} == {data.load("own.npz").digest}


def test_a_run_that_is_not_finished_is_refused_too(capsys: pytest.CaptureFixture[str]) -> None:
    own(0)
    with stopped_after(1):
        assert main([*COMPARE, "--out", "out"]) == 130
    Path("out/0.5-random/s0/result.json").unlink()
    own(1)
    assert main([*COMPARE, "--out", "out"]) == 2
    assert "with split digest" in capsys.readouterr().err


def test_data_that_change_between_two_runs_of_a_group_are_noticed_at_the_end() -> None:
    first = own(0)
    compute, made = executor.compute, []

    def changing(call: Any) -> Any:
        result = compute(call)
        made.append(own(len(made) + 1))
        return result

    def cell(density: float) -> Cell:
        work = Searched(search=Experiment(method=Random(density=density), data="own.npz", model="mlp:4"))
        return Cell(name=f"{density}", group="all", series="random", work=work)

    recipe = Recipe(name="two", scale="own", title="", notes=(), cells=(cell(0.5), cell(0.2)), seeds=(0,))
    said = r"^all compares runs on different data, 0\.5/s0 on own\.npz with data digest \w{8} and 0\.2/s0 .* \w{8}; "
    with patch.object(executor, "compute", changing), pytest.raises(RequestError, match=said):
        perform(recipe, "out", executor=ThisProcess())
    assert made[0] != first
    assert not Path("out/recipe.json").exists()


def _other_data(work: Any) -> Any:
    return changed(work, data="moons(train=220, test=150)")


def _other_split(work: Any) -> Any:
    return changed(work, val=0.2)


def changed(work: Any, **fields: Any) -> Any:
    """A search, or back-propagation, with other values of these fields that both have."""
    if isinstance(work, Searched):
        return replace(work, search=replace(work.search, **fields))
    return replace(work, **fields)


@pytest.mark.parametrize(("change", "what"), [(_other_data, "data"), (_other_split, "split")])
@pytest.mark.parametrize("place", [1, 3])  # a search and back-propagation, which has a split of its own
def test_a_plan_that_compares_different_data_is_refused_at_once(
    change: Callable[[Any], Any], what: str, place: int
) -> None:
    plan = stub.recipe(epochs=1)
    cells = list(plan.cells)
    cells[place] = replace(cells[place], work=change(cells[place].work))
    plan = replace(plan, cells=tuple(cells))
    if (place, what) == (3, "split"):
        with stopped_after(0), pytest.raises(KeyboardInterrupt):
            perform(plan, "out", executor=ThisProcess())
        return
    with pytest.raises(RequestError, match=rf"with {what} digest (\w{{8}}) and \S+/s\d on moons.* with (?!\1)\w{{8}};"):
        perform(plan, "out", executor=ThisProcess())
    assert not Path("out").exists()


def test_two_names_of_the_same_data_are_the_same() -> None:
    plan = stub.recipe(epochs=1)
    other = replace(plan.cells[1], work=changed(plan.cells[1].work, data="moons(test=150, train=200)"))
    with stopped_after(0), pytest.raises(KeyboardInterrupt):
        perform(replace(plan, cells=(plan.cells[0], other)), "out", executor=ThisProcess())


def test_back_propagation_is_not_returned_for_other_data() -> None:
    own(0)
    work = Backprop(data="own.npz", model="mlp:4", epochs=2)
    cells = tuple(Cell(name=name, group="all", series=name, work=work) for name in "ab")
    recipe = Recipe(name="two", scale="own", title="", notes=(), cells=cells, seeds=(0,))
    with stopped_after(1), pytest.raises(KeyboardInterrupt):
        perform(recipe, "out", executor=ThisProcess())
    own(1)
    with pytest.raises(RequestError) as refused:
        perform(recipe, "out", executor=ThisProcess())
    assert re.search(r"data is own\.npz with data digest \w{8}, but the run in out/a/s0 began with", str(refused.value))
