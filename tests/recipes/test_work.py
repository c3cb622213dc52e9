"""What every kind of work answers, and a kind that ticketry does not know in a recipe beside one that it does."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.recipes.guess import Guess

from ticketry.core.errors import RequestError
from ticketry.core.training.recipe import Training
from ticketry.experiment import Experiment
from ticketry.methods.dense import Dense
from ticketry.methods.random import Random
from ticketry.recipes.backprop import Backprop
from ticketry.recipes.fitted import Fitted
from ticketry.recipes.perform import perform
from ticketry.recipes.plan import Cell, Recipe
from ticketry.recipes.searched import Searched
from ticketry.recipes.work import Work
from ticketry.runs.executor import ThisProcess

DATA = "moons(train=200, test=150)"
SEARCH = Experiment(method=Random(density=0.3), data=DATA, model="mlp:6", val=0.2)
KINDS: dict[str, Work] = {
    "searched": Searched(search=SEARCH),
    "fitted": Fitted(search=SEARCH, training=Training(epochs=1)),
    "backprop": Backprop(data=DATA, model="mlp:6"),
    "guess": Guess(data=DATA),
}


def recipe(guess: Work) -> Recipe:
    cells = (
        Cell(name="random", group="A", series="random", work=Searched(search=replace(SEARCH, val=0.1))),
        Cell(name="guess", group="A", series="guess", work=guess, like="random"),
    )
    return Recipe(name="two", scale="own", title="Two kinds", notes=(), cells=cells, seeds=(0, 1))


@pytest.mark.parametrize("work", KINDS.values(), ids=KINDS)
def test_works_are_values_that_can_be_sent(work: Work) -> None:
    assert pickle.loads(pickle.dumps(work)) == work
    assert work.seeded(3) == work.seeded(2).seeded(3) != work.seeded(2)
    assert work.seeded(3).resolved != work.resolved
    assert work.on("cpu") == work
    assert (work.data, work.on("cuda").data) == (DATA, DATA)
    assert "\n" not in work.command("a")


@pytest.mark.parametrize("kind", ["searched", "fitted", "guess"])
def test_a_density_is_asked_for(kind: str) -> None:
    assert "0.125" in str(KINDS[kind].with_density(0.125).resolved)


def test_evaluations_are_a_budget_of_a_search_and_nothing_to_one_that_takes_none() -> None:
    for kind in ("searched", "fitted"):
        given: Any = KINDS[kind].with_evaluations(777)
        assert given.search.budget == replace(KINDS[kind].search.budget, evaluations=777)  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="takes no fitness evaluations"):
        KINDS["backprop"].with_evaluations(777)


@pytest.mark.parametrize(
    ("work", "says"),
    [
        (KINDS["backprop"], "trains all weights"),
        (Searched(search=replace(SEARCH, method=Dense())), "Dense takes no density"),
    ],
    ids=["backprop", "dense"],
)
def test_not_where_there_is_none_to_ask_for(work: Work, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        work.with_density(0.5)


def test_another_kind_of_work_needs_its_own_file_alone(tmp_path: Path) -> None:
    plan = recipe(Guess(data=DATA)).on("cpu")
    assert plan.digest != recipe(Guess(data=DATA, density=0.5)).digest
    outcome = perform(plan, tmp_path / "out", executor=ThisProcess())
    random, guess = outcome["cells"]
    assert guess["density"]["mean"] == pytest.approx(random["density"]["mean"], abs=1e-3)
    assert [run["command"] for run in guess["runs"]] == ["guess 0 guess/s0", "guess 1 guess/s1"]
    zeros, ones = (run["accuracy"]["test"] for run in guess["runs"])
    assert zeros + ones == 1
    assert "guess" in (tmp_path / "out" / "report.html").read_text()


def test_it_is_compared_on_the_same_data_alone(tmp_path: Path) -> None:
    for other, what in (
        (Guess(data="circles(train=200, test=150)"), "data"),
        (Guess(data=DATA, shared_val=0.3), "split"),
    ):
        with pytest.raises(RequestError, match=f"compares runs on different data, .* with {what} digest"):
            perform(recipe(other), tmp_path / "out", executor=ThisProcess())
    assert not (tmp_path / "out").exists()


def test_it_does_not_go_on_with_other_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The split that it began with is read where its layout has it, though it never ended."""
    monkeypatch.chdir(tmp_path)

    def own(seed: int) -> None:
        draw: Any = np.random.default_rng(seed)
        np.savez("own.npz", X=draw.normal(size=(60, 3)).astype(np.float32), y=np.arange(60) % 2)

    plan = replace(recipe(Guess(data="own.npz")), seeds=(0,))
    plan = replace(plan, cells=(replace(plan.cells[1], like=None),))
    own(0)
    with monkeypatch.context() as patch:
        patch.setattr("ticketry.recipes.perform.write", stop)
        with pytest.raises(KeyboardInterrupt):
            perform(plan, "out", executor=ThisProcess())
    Path("out/guess/s0/result.json").unlink()
    own(1)
    with pytest.raises(RequestError, match=r"with split digest .* but the run in out/guess/s0 began with"):
        perform(plan, "out", executor=ThisProcess())


def stop(*_: object) -> None:
    raise KeyboardInterrupt
