"""The landscape of small runs, measured; wrong requests as the command line meets them."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.laws import tiny

from ticketry.analysis import finished as opening
from ticketry.analysis.finished import open_finished as opened
from ticketry.analysis.finished import problem_of_run
from ticketry.analysis.landscape import landscape
from ticketry.analysis.settings import LandscapeSettings
from ticketry.cli.main import main
from ticketry.core.errors import RequestError
from ticketry.core.meters import Budget
from ticketry.core.nets.feed import Feed
from ticketry.core.task import Batch, Task
from ticketry.core.trust import typed
from ticketry.experiment import Experiment, Lock
from ticketry.methods.edge_popup import EdgePopup
from ticketry.runs.find import execute

SMALL = LandscapeSettings(directions=2, points=3, grid=3)
FLAGS = ("--directions", "2", "--points", "3", "--grid", "3")
MOONS = "moons(train=300, test=100)"


def untimed(found: dict[str, Any]) -> dict[str, Any]:
    return found | {"cost": found["cost"] | {"seconds": 0}}


def fitness(root: Path, change: Callable[[torch.Tensor], torch.Tensor], split: str = "validation") -> list[float]:
    """What the task itself says of the changed ticket."""
    problem, mask = problem_of_run(opened(root))
    problem.task.meter.budget = Budget()
    feed: Feed = getattr(problem.task, split)
    score = problem.task.fitness(change(mask)[None], Batch(*feed.batch(slice(None))))
    return [score.quality.item(), score.loss.item()]


@pytest.fixture
def root(finished: Path, tmp_path: Path) -> Path:
    """A finished run on moons with mlp:12, ours to change."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """A finished run of an experiment on few data, one epoch long."""

    def make(model: str, data: str = MOONS, lock: Lock | None = None) -> Path:
        wanted = Experiment(method=EdgePopup(), data=data, model=model, lock=lock or Lock(), budget=Budget(epochs=1))
        return execute(wanted, tmp_path_factory.mktemp("runs") / "run").directory.root

    return make


class TestMeasure:
    @pytest.mark.parametrize("split", ["val", "train"])
    def test_every_line_begins_with_the_tickets_own_fitness(self, root: Path, split: str) -> None:
        found = landscape(root, replace(SMALL, split=split))
        own = fitness(root, lambda mask: mask, "train" if split == "train" else "validation")
        assert list(found["ticket"].values()) == own
        assert {(a[0], b[0]) for x in found["lines"] for a, b in zip(x["accuracy"], x["loss"], strict=True)} == {
            (*own,)
        }
        assert [found["plane"]["accuracy"][1][1], found["plane"]["loss"][1][1]] == own
        result = json.loads((root / "result.json").read_text())
        assert own == pytest.approx([result[score][split] for score in ("accuracy", "loss")])

    def test_lines_and_plane_are_the_fitness_of_their_masks(self, root: Path) -> None:
        found = landscape(root, SMALL)
        inverted = fitness(root, torch.logical_not)
        ends = [line for line in found["lines"] if line["toward"] == "complement" and line["layer"] is None]
        assert [(a[-1], b[-1]) for a, b in zip(ends[0]["accuracy"], ends[0]["loss"], strict=True)] == [
            (pytest.approx(inverted[0]), pytest.approx(inverted[1]))
        ] * 2
        start, stop = 24, 48

        def second(mask: torch.Tensor) -> torch.Tensor:
            return torch.cat([mask[:start], ~mask[start:stop]])

        (line,) = (x for x in found["lines"] if (x["toward"], x["layer"]) == ("complement", "fc2.weight"))
        assert [line["accuracy"][0][-1], line["loss"][0][-1]] == pytest.approx(fitness(root, second))
        assert [(line["toward"], line["layer"]) for line in found["lines"]] == [
            (toward, layer) for toward in ("shuffled", "complement") for layer in (None, "fc1.weight", "fc2.weight")
        ]
        assert np.shape([[line["loss"], line["accuracy"]] for line in found["lines"]]) == (6, 2, 2, 3)
        assert np.shape([found["plane"]["loss"], found["plane"]["accuracy"]]) == (2, 3, 3)
        assert (found["t"], found["plane"]["at"], found["examples"]) == ([0, 0.5, 1], [-1, 0, 1], 30)
        assert found["cost"]["evaluations"] == 2 * 2 * 3 * 2 + 9
        assert found["cost"]["examples_forward"] == 33 * 30

    def test_seed_and_settings_decide_and_nothing_else(self, root: Path) -> None:
        first = landscape(root, SMALL)
        opened(root).directory.landscape.unlink()
        assert untimed(landscape(root, SMALL)) == untimed(first)
        assert untimed(landscape(root, replace(SMALL, seed=1))) != untimed(first | {"settings": {"seed": 1}})
        assert landscape(root, replace(SMALL, seed=1))["lines"] != first["lines"]
        assert landscape(root, replace(SMALL, examples=20))["examples"] == 20
        assert landscape(root, replace(SMALL, examples=99))["examples"] == 30

    def test_locked_positions_never_move(self, runs: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
        root = runs("mlp:12", lock=Lock(off=0.2, on=0.2))
        problem, ticket = problem_of_run(opened(root))
        assert ticket.shape == (problem.task.space.size,) != (problem.task.space.total,)
        seen: list[torch.Tensor] = []
        real = Task.fitness

        def watched(task: Task, masks: torch.Tensor, *rest: Any) -> Any:
            seen.extend(task.effective(mask) for mask in masks)
            return real(task, masks, *rest)

        monkeypatch.setattr(Task, "fitness", watched)
        found = landscape(root, SMALL)
        whole = problem.task.space.full(ticket)
        locked = torch.ones(len(whole), dtype=torch.bool)
        locked[problem.task.space.index] = False
        assert len(seen) == found["cost"]["evaluations"]
        assert all(torch.equal((one != 0)[locked], whole[locked]) for one in seen)
        assert any(not torch.equal(one != 0, whole) for one in seen)

    def test_a_layer_that_is_locked_as_a_whole_has_no_line(self, runs: Callable[..., Path]) -> None:
        root = runs("mlp:20,2", lock=Lock(on=0.3, split="density"))  # takes all four weights of the last layer
        found = landscape(root, SMALL)
        assert {line["layer"] for line in found["lines"]} == {None, "fc1.weight", "fc2.weight"}

    @pytest.mark.parametrize(("model", "data"), [("mlp:8(norm='batch')", MOONS), ("conv2(width=0.05)", "digits")])
    def test_any_network(self, runs: Callable[..., Path], model: str, data: str) -> None:
        root = runs(model, data)
        found = landscape(root, LandscapeSettings(directions=1, points=2, grid=3))
        assert list(found["ticket"].values()) == fitness(root, lambda mask: mask)
        ends = found["lines"][len(found["lines"]) // 2]
        assert [ends["accuracy"][0][1], ends["loss"][0][1]] == pytest.approx(fitness(root, torch.logical_not), abs=1e-4)
        assert len(np.unique([line["loss"] for line in found["lines"]])) > len(found["lines"]) // 2

    def test_losses_that_are_not_finite_are_none(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        real = Task.fitness

        def broken(task: Task, masks: torch.Tensor, *rest: Any) -> Any:
            score = real(task, masks, *rest)
            if len(masks) > 1:
                score.loss[:] = torch.inf
            return score

        monkeypatch.setattr(Task, "fitness", broken)
        found = landscape(root, SMALL)
        assert found["plane"]["loss"][0] == [None] * 3
        assert "The landscape" in (root / "report.html").read_text()

    def test_the_test_split_is_not_touched(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        first = landscape(root, SMALL)
        opened(root).directory.landscape.unlink()
        real = opening.problem_of_experiment

        def poisoned(*words: Any) -> Any:
            return replace(real(*words), test=None)

        monkeypatch.setattr(opening, "problem_of_experiment", poisoned)
        assert untimed(landscape(root, SMALL)) == untimed(first)

    def test_the_budget_of_the_search_is_no_limit(self, tmp_path: Path) -> None:
        wanted = Experiment(method=EdgePopup(), data=MOONS, model="mlp:4", budget=Budget(epochs=1, evaluations=1))
        execute(wanted, tmp_path / "run")
        assert landscape(tmp_path / "run", SMALL)["cost"]["evaluations"] > 1


class TestFiles:
    def test_a_landscape_is_measured_once(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        first = landscape(root, SMALL)
        before = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in root.iterdir() if file.is_file()}

        def never(*words: Any) -> Any:
            raise AssertionError("measured again")

        monkeypatch.setattr(Task, "fitness", never)
        assert landscape(root, SMALL) == first
        assert {
            file: (file.stat().st_mtime_ns, file.read_bytes()) for file in root.iterdir() if file.is_file()
        } == before
        with pytest.raises(AssertionError, match="measured again"):
            landscape(root, replace(SMALL, seed=1))

    def test_the_page_gets_pictures_and_gets_them_back(self, root: Path) -> None:
        plain = (root / "report.html").read_text()
        assert "The landscape" not in plain
        landscape(root, SMALL)
        html = (root / "report.html").read_text()
        assert html.count("<svg") == plain.count("<svg") + 3
        assert "on 30 validation examples: 33 evaluations in" in html
        (root / "report.html").unlink()
        landscape(root, SMALL)
        assert (root / "report.html").read_text() == html

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 0}', '{"schema": 1, "digest": "of another ticket"}'])
    def test_a_landscape_that_is_not_of_this_ticket_is_replaced(self, root: Path, text: str) -> None:
        (root / "landscape.json").write_text(text)
        assert landscape(root, SMALL)["digest"] == opened(root).result["digest"]["ticket"]


class TestCommandLine:
    def test_a_table_and_where_the_pictures_are(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["landscape", str(root), *FLAGS]) == 0
        *table, empty, last = capsys.readouterr().out.splitlines()
        assert table[0].split() == ["towards", "layer", *("t", "=", "0"), *("t", "=", "0.5"), *("t", "=", "1")]
        assert [row.split()[:2] for row in table[1:4]] == [["shuffled", x] for x in ("all", "fc1.weight", "fc2.weight")]
        assert empty == ""
        assert last.endswith(f"pictures in {root / 'report.html'}")
        assert main(["landscape", str(root), *FLAGS, "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == landscape(root, SMALL)

    @pytest.mark.parametrize(
        ("flag", "value", "says"),
        [
            ("--directions", "0", "directions is 0, but it must be from 1 to 100"),
            ("--points", "1", "points is 1, but it must be from 2 to 101"),
            ("--points", "102", "points is 102"),
            ("--grid", "1", "grid is 1, but it must be from 3 to 101"),
            ("--grid", "6", "odd, so that the ticket is in its middle; choose 7"),
            ("--examples", "0", "examples is 0"),
            ("--seed", "-1", "seed is -1"),
            ("--device", "tpu", "device is 'tpu'"),
            ("--data", "moons(train=300, test=99)", "began with"),
            ("--data", "mnst", "did you mean mnist?"),
        ],
    )
    def test_flags_out_of_range(
        self, root: Path, capsys: pytest.CaptureFixture[str], flag: str, value: str, says: str
    ) -> None:
        self.refused(capsys, root, says, flag, value)

    def test_what_is_no_finished_run(self, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.refused(
            capsys, tmp_path / "absent", "which does not exist, but it must be the directory of a finished run"
        )
        self.refused(capsys, root / "ticket.tkt", "a file, but it must be the directory of a finished run")
        (tmp_path / "mine").mkdir()
        self.refused(capsys, tmp_path / "mine", "which ticketry did not make")
        result = (root / "result.json").read_text()
        (root / "result.json").unlink()
        self.refused(capsys, root, "which is unfinished")
        (root / "result.json").write_text("{")
        self.refused(capsys, root, "result.json is damaged")
        (root / "result.json").write_text(result)
        (root / "ticket.tkt").write_bytes(b"other")
        self.refused(capsys, root, "ticket.tkt is not the one that result.json speaks of")

    @pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"method": {"name": "edge-popup", "colour": 3}}'])
    def test_a_damaged_experiment(self, root: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
        (root / "experiment.json").write_text(text)
        self.refused(capsys, root, "experiment.json this version cannot read")

    def test_data_passed_as_arrays_are_named(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        data, root = tiny.dataset(), tmp_path / "run"
        execute(tiny.experiment(EdgePopup(batch=32)), root, dataset=data)
        self.refused(capsys, root, "data is 'tiny', which does not exist", says_too="data of the run with --data")
        np.savez(tmp_path / "d.npz", X_train=data.x, y_train=data.y, X_test=data.x_test, y_test=data.y_test)
        assert main(["landscape", str(root), *FLAGS, "--data", str(tmp_path / "d.npz")]) == 0

    def test_a_model_that_has_changed(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        source = "from torch import nn\ndef net():\n    return nn.Sequential(nn.Linear(2, {0}), nn.Linear({0}, 2))\n"
        (tmp_path / "changing.py").write_text(source.format(5))
        wanted = Experiment(method=EdgePopup(), data=MOONS, model="changing:net", budget=Budget(epochs=1))
        try:
            execute(wanted, tmp_path / "run", trust=typed(wanted.model))
            (tmp_path / "changing.py").write_text(source.format(55))
            sys.modules.pop("changing")
            says = "other parameters here than in its ticket"
            self.refused(capsys, tmp_path / "run", says, "--trust", "changing")
        finally:
            sys.modules.pop("changing", None)

    def refused(
        self, capsys: pytest.CaptureFixture[str], root: Path, says: str, *flags: str, says_too: str = ""
    ) -> None:
        """One sentence, exit code 2, nothing written."""
        before = sorted(root.iterdir()) if root.is_dir() else []
        assert main(["landscape", str(root), *FLAGS, *flags]) == 2
        printed, error = capsys.readouterr()
        assert printed == ""
        assert error.startswith("ticketry: ")
        assert error.count("\n") == 1
        assert says in error
        assert says_too in error
        assert (sorted(root.iterdir()) if root.is_dir() else []) == before

    def test_settings_refuse_in_python_too(self) -> None:
        with pytest.raises(RequestError, match="grid is 4"):
            LandscapeSettings(grid=4)
