"""Whatever a job was doing when it was killed, the same command ends with the bytes of an uninterrupted one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.laws import tiny
from tests.runs import kills

from ticketry.checks import controls, corruptions
from ticketry.checks.court import check
from ticketry.core.meters import Budget
from ticketry.core.training.recipe import Training
from ticketry.data import Dataset, from_arrays
from ticketry.experiment import Experiment
from ticketry.methods import discover
from ticketry.methods.gradual import Gradual
from ticketry.methods.random import Random
from ticketry.recipes.backprop import Backprop
from ticketry.recipes.fitted import Fitted
from ticketry.recipes.perform import perform
from ticketry.recipes.plan import Cell, Recipe
from ticketry.runs import job
from ticketry.runs.executor import ThisProcess
from ticketry.runs.train import train

WHOLE = ("edge-popup",)  # killed at every operation also where time is short
TRAINING = Training(epochs=2, batch=100)
DATA = "moons(train=200, test=150)"


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "CHECKPOINT_EVERY", -1.0)


def survives(work: Callable[[Path], object], root: Path, least: int, step: int = 1) -> None:
    """Killed at its operations, `least` of them or more, the work ends alike when it is done again."""
    work(root / "whole")
    whole, killed = kills.content(root / "whole"), 0
    for out in kills.every_kill(work, root, step):
        killed += 1
        work(out)
        assert kills.content(out) == whole, f"{out.name} and begun again, it ended otherwise"
    assert killed >= least // step, "it was not killed as often as it writes"


def search(method: str) -> Callable[[Path], object]:
    wanted = tiny.experiment(discover()[method](), Budget(epochs=2, generations=2))
    return lambda out: tiny.execute(wanted, out)


@pytest.mark.parametrize("method", discover())
def test_a_search(method: str, tmp_path: Path) -> None:
    least = 40 if discover()[method].budget.generations != 1 else 25
    survives(search(method), tmp_path, least, 1 if method in WHOLE else 8)


@pytest.mark.slow
@pytest.mark.parametrize("method", [method for method in discover() if method not in WHOLE])
def test_a_search_at_every_operation(method: str, tmp_path: Path) -> None:
    survives(search(method), tmp_path, 25)


def small() -> Dataset:
    """A part of the tiny data, for work on many networks."""
    d = tiny.dataset()
    return from_arrays("tiny", d.x[::2], d.y[::2], d.x_test[::2], d.y_test[::2])


@pytest.fixture(scope="module")
def ticket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    wanted = tiny.experiment(Gradual(density=0.1, batch=100), Budget(epochs=1))
    return tiny.execute(wanted, tmp_path_factory.mktemp("found") / "run").directory.ticket


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two controls in place of all."""
    known = {name: control for name, control in controls.discover().items() if name in ("redraw", "shuffle")}
    monkeypatch.setattr(controls, "discover", lambda: known)


@pytest.mark.parametrize("step", [2, pytest.param(1, marks=pytest.mark.slow)])
def test_a_training(ticket: Path, tmp_path: Path, step: int) -> None:
    given: dict[str, Any] = {"data": tiny.dataset(), "training": TRAINING, "val": 0.25}
    survives(lambda out: train(ticket, out=out, **given), tmp_path, 40, step)


@pytest.mark.parametrize(("trained", "step"), [(True, 3), (False, 2), pytest.param(True, 1, marks=pytest.mark.slow)])
def test_a_check(ticket: Path, tmp_path: Path, trained: bool, step: int, few: None) -> None:
    """Also between the line that tells of a draw and whatever is written next."""
    training = replace(TRAINING, epochs=1)
    given: dict[str, Any] = {"data": small(), "seeds": 3, "trained": trained, "training": training, "val": 0.25}
    survives(lambda out: check(ticket, out=out, **given), tmp_path, 40 if trained else 30, step)


@pytest.mark.slow
def test_a_check_with_searches(tmp_path: Path, few: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one corruption in place of all."""
    known = dict(list(corruptions.discover().items())[:1])
    monkeypatch.setattr(corruptions, "discover", lambda: known)
    run = tmp_path / "run"
    tiny.execute(tiny.experiment(Gradual(density=0.1, batch=100), Budget(epochs=1)), run)
    given: dict[str, Any] = {"data": tiny.dataset(), "seeds": 3, "trained": False, "val": 0.25}
    survives(lambda out: check(run, out=out, corrupted=True, **given), tmp_path, 100)


@pytest.mark.parametrize("step", [11, pytest.param(1, marks=pytest.mark.slow)])
def test_a_comparison(tmp_path: Path, step: int) -> None:
    """Searches, trainings, a baseline and the table over them; in one process, as every run of it is."""
    search = Fitted(
        search=Experiment(method=Random(density=0.3), data=DATA, model="mlp:6"), training=Training(epochs=1)
    )
    cells = (
        Cell(name="random", group="A", series="random", work=search),
        Cell(name="dense", group="A", series="dense", work=Backprop(data=DATA, model="mlp:6", epochs=1)),
    )
    recipe = Recipe(name="stub", scale="smoke", title="A stub", notes=(), cells=cells, seeds=(0,))
    survives(lambda out: perform(recipe, out, executor=ThisProcess()), tmp_path, 80, step)


def test_the_harness_sees_a_job_that_forgets(
    ticket: Path, tmp_path: Path, few: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A state that lacks what a draw found so far, as the log once was it."""
    from ticketry.checks.trial import TrialJob

    real = TrialJob.restored

    def forgetful(trial: TrialJob, fields: Any) -> Any:
        return replace(real(trial, fields), draws=[], line={}, weights=None)

    monkeypatch.setattr(TrialJob, "restored", forgetful)
    given: dict[str, Any] = {"data": small(), "seeds": 3, "trained": False, "val": 0.25}
    with pytest.raises(AssertionError, match="it ended otherwise"):
        survives(lambda out: check(ticket, out=out, **given), tmp_path, 30)


def test_a_kill_leaves_nothing_open(tmp_path: Path) -> None:
    """What stands for SIGKILL is one: nothing that Python does at its end is done."""
    path = tmp_path / "said"

    def work() -> None:
        try:
            (tmp_path / "first").write_text("")
        finally:
            path.write_text("cleaned up")

    assert kills.in_a_copy(work, lambda: kills.die_at(1, tmp_path)) == -9
    assert list(tmp_path.iterdir()) == []
    assert torch.get_num_threads() == 1
