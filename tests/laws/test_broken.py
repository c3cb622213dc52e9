"""Every law catches members that break it, and lets a sound one pass."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from tests.laws import tiny
from tests.laws.laws import LAWS, law_15
from tests.laws.tiny import MethodClass
from tests.methods import broken

from ticketry.core.masks.candidate import Candidate
from ticketry.core.meters import Meter
from ticketry.methods import random
from ticketry.methods.bernoulli_nes import BernoulliNes
from ticketry.methods.genetic import Genetic
from ticketry.objectives.classification import CrossEntropy
from ticketry.runs import find as run

CAUGHT: dict[int, list[type]] = {
    1: [broken.ReadsTheClock, broken.CountsInTheModule],
    2: [broken.KeepsMomentumOutsideTheState, broken.KeepsTheLastScoresInTheModule, broken.ReadsTheClock],
    3: [broken.IntMask, broken.RowMask, broken.WholeMask, broken.NumpyMask],
    4: [broken.OneTooFew, broken.CountsSearchedOnly, broken.Threshold, broken.SaysNothingOfItsDensity],
    5: [broken.UnlocksWhatIsOn, broken.SearchesLockedPositions],
    7: [broken.GoesOnWithoutBudget, broken.SpendsInSecret, broken.TurnsTheMeterBack],
    8: [broken.LooksAtTheTest],
    9: [broken.KeepsATuple, broken.KeepsIntegerKeys, broken.HidesAnAttribute],
    10: [broken.HasNoDefault, broken.HasATuple],
    11: [broken.DoesNotSearch, broken.SearchesBackwards],
    12: [
        broken.DrawsFromTorch,
        broken.DrawsFromNumpy,
        broken.DrawsFromPython,
        broken.WritesIntoItsState,
        broken.SortsItsState,
        broken.WritesIntoTheWeights,
        broken.WritesIntoTheData,
        broken.LeavesGradientsOff,
    ],
    13: [broken.TakesInNan, broken.StopsAtNan],
    15: [broken.BreaksTiesByAddress],
}


@pytest.fixture(autouse=True)
def _globals_restored() -> Iterator[None]:
    """Some members change global state on purpose."""
    with torch.random.fork_rng(devices=[]):
        yield
    torch.set_grad_enabled(True)
    tiny.dataset.cache_clear()
    gc.collect()


@pytest.mark.parametrize("number", [number for number in LAWS if number != 14])  # 14 is about files: see below
def test_a_sound_member_passes(number: int) -> None:
    LAWS[number](broken.Sound)


@pytest.mark.parametrize(
    ("number", "member"),
    [(number, member) for number, members in CAUGHT.items() for member in members],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_broken_member_is_caught(number: int, member: MethodClass) -> None:
    with pytest.raises(AssertionError):
        LAWS[number](member)


def test_law_6_catches_a_kernel_that_disagrees(monkeypatch: pytest.MonkeyPatch) -> None:
    real = CrossEntropy.sums
    monkeypatch.setattr(CrossEntropy, "sums", lambda *given: 2 * real(*given))
    with pytest.raises(AssertionError, match="kernels give different losses"):
        LAWS[6](broken.Sound)


def test_law_7_catches_a_task_that_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ticketry.core.meters.Meter.spend", lambda *args, **kwargs: None)
    with pytest.raises(AssertionError):
        LAWS[7](broken.Sound)


@pytest.mark.parametrize(
    ("kernel", "member"),
    [
        ("nets.backward.mask_gradient", broken.Sound),
        ("nets.natural.natural_gradient", BernoulliNes),
        ("fitness.kernels.score", Genetic),
    ],
)
def test_law_7_catches_a_kernel_that_does_not_spend(
    kernel: str, member: MethodClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its meter is another one, so that nobody hears of what it does."""
    room, _, name = f"ticketry.core.{kernel}".rpartition(".")
    real = getattr(importlib.import_module(room), name)
    monkeypatch.setattr(importlib.import_module(room), name, lambda *given: real(*given[:-1], Meter()))
    with pytest.raises(AssertionError, match="metered"):
        LAWS[7](member)


def test_law_8_catches_a_runner_that_judges_at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    real = run.SearchJob.step

    def peeking(search: run.SearchJob, state: run.SearchState) -> Any:
        search._task.judge(search._task._base, search._problem.test)
        return real(search, state)

    monkeypatch.setattr(run.SearchJob, "step", peeking)
    with pytest.raises(AssertionError, match="test split"):
        LAWS[8](broken.Sound)


def test_law_13_catches_a_runner_that_lets_nan_win(monkeypatch: pytest.MonkeyPatch) -> None:
    def trusting(task: Any, found: Candidate) -> run.Best:
        return run.Best(found, *task.validate(found), task.meters.steps)

    monkeypatch.setattr(run, "validated", trusting)
    with pytest.raises(AssertionError):
        LAWS[13](broken.Sound)


SOURCE = inspect.getsource(random)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda text: text.replace("arXiv", "see").replace("et al.", "and others"), "no paper is cited"),
        (lambda text: text.replace("Deviations:", "Beware:"), "deviations"),
        (
            lambda text: text.replace('"""How the kept weights are shared out over the layers."""', ""),
            "layers is not doc",
        ),
        (lambda text: text.replace(", in (0, 1]", ""), "density does not say its range"),
        (lambda text: text.replace("`scores`", "scores"), "State does not document"),
        (lambda text: text + "NUMBER = 1\n" * 150, "lines of code"),
    ],
)
def test_law_14_catches_a_file(
    change: Callable[[str], str], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert change(SOURCE) != SOURCE
    LAWS[14](_imported(SOURCE, tmp_path / "sound_file.py", monkeypatch).Random)
    with pytest.raises(AssertionError, match=complaint):
        LAWS[14](_imported(change(SOURCE), tmp_path / "broken_file.py", monkeypatch).Random)


def _imported(source: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, path.stem, module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.cuda
def test_law_15_catches_ties_broken_by_the_device() -> None:
    with pytest.raises(AssertionError, match="cuda gave another mask"):
        law_15(broken.BreaksTiesByDevice, "cuda")


def test_every_law_has_a_broken_member() -> None:
    assert set(CAUGHT) | {6, 14} == set(LAWS) == set(range(1, 16))
