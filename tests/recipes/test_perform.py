from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.recipes import stub

from ticketry.cli.main import main
from ticketry.core.errors import RequestError
from ticketry.core.sealed import read_sealed
from ticketry.recipes.perform import perform
from ticketry.recipes.searched import Searched
from ticketry.runs import executor
from ticketry.runs.executor import LocalProcesses, ThisProcess


def timeless(value: Any) -> Any:
    """Without what the clock, the memory and the machine say."""
    if isinstance(value, dict):
        return {k: timeless(v) for k, v in value.items() if k not in ("seconds", "peak_rss_bytes", "environment")}
    return [timeless(each) for each in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The directory and outcome of a recipe that nothing interrupted."""
    out = tmp_path_factory.mktemp("whole") / "recipe"
    return out, perform(stub.recipe(), out, executor=ThisProcess())


def cell(outcome: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in outcome["cells"] if each["name"] == name)


def test_every_run_and_its_mean_is_in_the_outcome(whole: tuple[Path, dict[str, Any]]) -> None:
    out, outcome = whole
    assert read_sealed(out / "recipe.json") == outcome
    for each in outcome["cells"]:
        assert [run["seed"] for run in each["runs"]] == outcome["seeds"] == [0, 1]
        results = [json.loads((out / run["directory"] / "result.json").read_text()) for run in each["runs"]]
        for result, run in zip(results, each["runs"], strict=True):
            assert {name: result[name] for name in run if name in result} == {
                name: run[name] for name in run if name not in ("directory", "command") and name in result
            }
        assert each["accuracy"]["mean"] == pytest.approx(sum(r["accuracy"]["test"] for r in results) / 2)
        assert each["density"]["mean"] == pytest.approx(sum(r["density"] for r in results) / 2)
        for name, mean in each["cost"].items():
            assert mean == pytest.approx(sum(r["cost"][name] for r in results) / 2)


def test_a_cell_takes_the_density_of_another_seed_by_seed(whole: tuple[Path, dict[str, Any]]) -> None:
    asked, given = (cell(whole[1], name)["runs"] for name in ("like", "random"))
    assert [run["kept"] for run in asked] == [run["kept"] for run in given]
    assert all(run["kept"] != run["maskable"] / 2 for run in asked)


def test_differences_are_those_to_the_first_of_the_group(whole: tuple[Path, dict[str, Any]]) -> None:
    first, like = (cell(whole[1], name) for name in ("random", "like"))
    a, b = ([run["accuracy"]["test"] for run in each["runs"]] for each in (first, like))
    assert first["difference"] is None
    assert cell(whole[1], "two")["difference"] is None
    assert like["difference"]["mean"] == pytest.approx((b[0] - a[0] + b[1] - a[1]) / 2)
    assert like["difference"]["half"] == pytest.approx(12.7062 * abs(b[0] - a[0] - b[1] + a[1]) / 2, rel=1e-4)


def test_the_commands_repeat_the_runs(
    whole: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = cell(whole[1], "like")["runs"][1]
    words = shlex.split(run["command"])
    assert words[0] == "ticketry"
    assert main([*words[1:], "--quiet"]) == 0
    assert json.loads((tmp_path / run["directory"] / "result.json").read_text())["digest"] == run["digest"]


def test_the_command_of_back_propagation_prints_its_numbers(whole: tuple[Path, dict[str, Any]]) -> None:
    run = cell(whole[1], "dense")["runs"][1]
    python, flag, program = shlex.split(run["command"])
    assert (python, flag) == ("python", "-c")
    printed = subprocess.run([sys.executable, flag, program], capture_output=True, text=True, check=True).stdout
    assert run["digest"]["weights"] in printed


def test_a_finished_recipe_is_returned_at_once(
    whole: tuple[Path, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ticketry.recipes.perform.local", None)
    assert perform(stub.recipe(), whole[0]) == whole[1]


def test_interrupted_and_resumed_is_as_uninterrupted(
    whole: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute, done = executor.compute, []

    def limited(call: Any) -> Any:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.extend(call.args)
        return compute(call)

    monkeypatch.setattr(executor, "compute", limited)
    with pytest.raises(KeyboardInterrupt):
        perform(stub.recipe(), tmp_path, executor=ThisProcess())
    monkeypatch.undo()
    assert not (tmp_path / "recipe.json").exists()
    written = {path: (path / "result.json").stat().st_mtime_ns for path in done}
    assert timeless(perform(stub.recipe(), tmp_path, executor=ThisProcess())) == timeless(whole[1])
    assert written == {path: (path / "result.json").stat().st_mtime_ns for path in done}, "a run was done twice"


def test_processes_give_the_same_numbers(whole: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """And end with it, but for the one that multiprocessing itself keeps."""
    assert timeless(perform(stub.recipe(), tmp_path, executor=LocalProcesses(2))) == timeless(whole[1])
    assert len(processes(os.getpid())) <= 1


@pytest.mark.slow
def test_a_wrong_run_stops_the_recipe_with_its_sentence(tmp_path: Path) -> None:
    recipe = stub.recipe()
    right = recipe.cells[0].work
    assert isinstance(right, Searched)
    wrong = replace(recipe.cells[0], work=replace(right, search=replace(right.search, data="moons(train=1)")))
    with pytest.raises(RequestError, match="data moons: train is 1"):
        perform(replace(recipe, cells=(wrong, *recipe.cells[1:])), tmp_path, executor=LocalProcesses(2))


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_processes_end_with_the_one_that_started_them(how: signal.Signals, tmp_path: Path) -> None:
    """In silence, and what they had done is not lost. Ctrl-C reaches all of them."""
    words = [sys.executable, "-m", "tests.recipes.stub", str(tmp_path), "2000"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(words, cwd=root, stderr=subprocess.PIPE, text=True, start_new_session=True) as started:
        until(lambda: len(list(tmp_path.glob("*/*/checkpoint/*"))) >= 2)
        children = processes(started.pid)
        assert len(children) >= 2
        send = os.killpg if how == signal.SIGINT else os.kill
        send(started.pid, how)
        _, error = started.communicate(timeout=10)
    until(lambda: not any(Path(f"/proc/{child}").exists() for child in children), 5)
    assert "SpawnProcess" not in error
    assert error.count("Traceback") == (1 if how == signal.SIGINT else 0)
    saved = next(iter(tmp_path.glob("*/*/checkpoint/*")))
    digest = json.loads((saved.parents[1] / "experiment.json").read_text())["digest"]
    assert digest in saved.read_bytes().decode(errors="replace")


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def processes(parent: int) -> list[int]:
    """The children of a process that run Python code of the pool."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if f"PPid:\t{parent}\n" in (path / "status").read_text():
                found.append(int(path.name))
        except OSError:
            continue
    return found


class TestRequests:
    """Wrong ones: one sentence, exit code 2."""

    @pytest.fixture
    def refused(self, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
        def check(*words: str) -> str:
            assert main(["recipe", *words]) == 2
            error = capsys.readouterr().err
            assert error.startswith("ticketry: ")
            assert re.search(r"[.!?] +[A-Z]", error) is None
            assert error.count("\n") == 1
            return error

        return check

    def test_an_unknown_recipe(self, refused: Callable[..., str], tmp_path: Path) -> None:
        assert "did you mean genetic-moons?" in refused("genetic-mons", "--out", str(tmp_path / "a"))
        assert not (tmp_path / "a").exists()

    def test_no_recipe(self, refused: Callable[..., str]) -> None:
        assert "needs a name" in refused("--out", "a")

    def test_no_processes(self, refused: Callable[..., str], tmp_path: Path) -> None:
        assert "workers is 0" in refused("genetic-moons", "--workers", "0", "--out", str(tmp_path / "a"))
        assert not (tmp_path / "a").exists()

    def test_a_directory_of_something_else(self, refused: Callable[..., str], tmp_path: Path) -> None:
        (tmp_path / "mine.txt").write_text("")
        assert "a new or empty directory" in refused("genetic-moons", "--out", str(tmp_path))
        assert "it must be a directory" in refused("genetic-moons", "--out", str(tmp_path / "mine.txt"))

    def test_a_directory_that_cannot_be_written(self, refused: Callable[..., str], tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        assert "writable (Not a directory)" in refused("genetic-moons", "--out", str(tmp_path / "file" / "a"))

    def test_the_directory_of_another_recipe(
        self, whole: tuple[Path, dict[str, Any]], refused: Callable[..., str]
    ) -> None:
        before = sorted(whole[0].rglob("*"))
        assert "recipe 'stub', not 'genetic-moons'" in refused("genetic-moons", "--out", str(whole[0]))
        assert sorted(whole[0].rglob("*")) == before

    def test_the_directory_of_another_scale(self, whole: tuple[Path, dict[str, Any]]) -> None:
        with pytest.raises(RequestError, match="with scale 'smoke', not 'cpu'"):
            perform(stub.recipe(scale="cpu"), whole[0])

    def test_the_directory_of_other_settings(self, whole: tuple[Path, dict[str, Any]]) -> None:
        with pytest.raises(RequestError, match="with digest of all settings '"):
            perform(stub.recipe(epochs=3), whole[0])

    @pytest.mark.parametrize("text", ["{", "[]", "3"])
    def test_a_damaged_plan(self, text: str, tmp_path: Path) -> None:
        (tmp_path / "plan.json").write_text(text)
        with pytest.raises(RequestError, match=r"plan\.json is damaged"):
            perform(stub.recipe(), tmp_path, executor=ThisProcess())

    def test_a_damaged_outcome(self, whole: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
        (tmp_path / "plan.json").write_bytes((whole[0] / "plan.json").read_bytes())
        (tmp_path / "recipe.json").write_text("{")
        with pytest.raises(RequestError, match=r"recipe\.json is damaged; delete .*recipe\.json"):
            perform(stub.recipe(), tmp_path, executor=ThisProcess())


def test_an_unknown_scale(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["recipe", "genetic-moons", "--scale", "huge", "--out", str(tmp_path / "a")])
    assert stopped.value.code == 2
    assert "smoke" in capsys.readouterr().err


def test_help_lists_the_recipes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipe", "--help"]) == 0
    assert "genetic-circles" in capsys.readouterr().out
