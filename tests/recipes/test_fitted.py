"""Search and training as one cell: cost of both, commands that repeat it, and the gem-miner recipes as plans."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from unittest.mock import patch

import pytest
import torch

from ticketry.cli.main import main
from ticketry.core.errors import RequestError
from ticketry.core.meters import Budget
from ticketry.core.task import Task
from ticketry.core.training import engine
from ticketry.core.training.recipe import Training
from ticketry.experiment import Experiment
from ticketry.methods.gem_miner import GemMiner
from ticketry.methods.imp import Imp
from ticketry.recipes import discover
from ticketry.recipes.fitted import Fitted
from ticketry.recipes.perform import perform
from ticketry.recipes.plan import Cell, Recipe, Scale
from ticketry.recipes.trainable import LATE, PUBLISHED, UNTRAINED
from ticketry.runs.executor import ThisProcess
from ticketry.runs.problem import problem_of_experiment

NAMES = ["gem-miner-cifar10", "gem-miner-fashion", "gem-miner-mnist"]
TRAINING = Training(epochs=2, batch=32, rewind=3)


def fitted(density: float = 0.3) -> Fitted:
    search = Experiment(method=GemMiner(density=density), data="digits", model="mlp:8", budget=Budget(epochs=2))
    return Fitted(search=search, training=TRAINING)


def test_the_cost_is_that_of_search_and_training(tmp_path: Path) -> None:
    result = fitted().execute(tmp_path / "run")
    search, trained = (
        json.loads((tmp_path / "run" / part / "result.json").read_text()) for part in ("search", "trained")
    )
    assert result["cost"]["epochs"] == 4
    for name in ("examples_forward", "examples_backward", "seconds"):
        assert result["cost"][name] == pytest.approx(search["cost"][name] + trained["cost"][name])
    assert result["accuracy"] == trained["accuracy"]
    assert result["untrained"] == search["accuracy"]
    assert result["ticket_bytes"] == search["ticket_bytes"]
    with patch("ticketry.runs.find.execute", side_effect=AssertionError("it is finished")):
        assert fitted().execute(tmp_path / "run") == result


@pytest.mark.parametrize("val", [0.1, 0.2])
def test_the_command_repeats_both(val: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    work = replace(fitted(), search=replace(fitted().search, seed=1, val=val))
    result = work.execute(Path("run"))
    first, second = work.command("again").split(" && ")
    for line in (first, second):
        words = shlex.split(line)
        assert words.pop(0) == "ticketry"
        assert main([*words, "--quiet"]) == 0
    again = json.loads(Path("again/trained/result.json").read_text())
    assert again["digest"]["ticket"] == result["digest"]["ticket"]


def test_a_comparison_of_two_has_their_picture(tmp_path: Path) -> None:
    cells = [
        Cell(name=f"{density}", group=f"density {density}", series="gem-miner", work=fitted(density))
        for density in (0.3, 0.1)
    ]
    recipe = Recipe(name="two", scale="smoke", title="Two", notes=(), cells=tuple(cells), seeds=(0, 1))
    outcome = perform(recipe, tmp_path / "out", executor=ThisProcess())
    assert [cell["cost"]["epochs"] for cell in outcome["cells"]] == [4, 4]
    assert all(0 < cell["untrained"] < 1 for cell in outcome["cells"])
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Density against test accuracy of 1 methods" in page
    assert "untrained" in page


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", ["smoke", "cpu", "paper"])
def test_the_plans_are_fair(name: str, scale: Scale) -> None:
    recipe = discover()[name](scale)
    assert (recipe.name, recipe.scale) == (name, scale)
    assert len({cell.name for cell in recipe.cells}) == len(recipe.cells)
    works = [cell.work for cell in recipe.cells if isinstance(cell.work, Fitted)]
    assert len(works) == len(recipe.cells)
    for cell, work in zip(recipe.cells, works, strict=True):
        epochs = 20 if "20 epochs" in cell.group else works[0].training.epochs
        alike = replace(work.training, learning_rate=0.1, rewind=0, warmup=0.0)
        assert work.training.warmup == (1.0 if "conv2" in work.model else 0.0)
        assert alike == Training(epochs=epochs, schedule=alike.schedule)  # every ticket is trained alike
        found = name == "gem-miner-cifar10" and cell.series in UNTRAINED
        assert work.training.learning_rate == (0.01 if found else 0.1)
        assert work.search.budget.epochs in (None, epochs) or isinstance(work.search.method, Imp)
    for group, cells in groupby(recipe.cells, lambda cell: cell.group):
        sources = [(cell.work.data, cell.work.model) for cell in cells]
        assert len(set(sources)) == 1
        assert len(sources) == 1 if group.endswith("own density") else len(sources) >= 3


@pytest.mark.parametrize("name", ["equal-weights-mnist", "equal-weights-fashion"])
@pytest.mark.parametrize("scale", ["smoke", "cpu", "paper"])
def test_equal_weights_are_equal(name: str, scale: Scale) -> None:
    """Whatever the method: the same draws, the same training but where it rewinds, and seeds of no tuning."""
    recipe = discover()[name](scale)
    assert min(recipe.seeds) >= 10
    methods = [cell.work.search.method for cell in recipe.cells if isinstance(cell.work, Fitted)]
    assert len({(method.weights, method.scale) for method in methods}) == 1
    steps = {"smoke": 15, "cpu": 422, "paper": 422}[scale]
    for cell in recipe.cells:
        assert isinstance(cell.work, Fitted)
        rewinds = getattr(cell.work.search.method, "rewind", 0)
        assert cell.work.training.rewind == max(rewinds, 0)
        assert (rewinds >= steps) == (cell.series == LATE), "beyond the first epoch"
        assert replace(cell.work.training, rewind=0) == replace(recipe.cells[0].work.training, rewind=0)


def test_gem_miner_on_cifar10_is_as_published_but_where_the_notes_say_so() -> None:
    recipe = discover()["gem-miner-cifar10"]("paper")
    published = [cell.work for cell in recipe.cells if cell.series == PUBLISHED]
    found = [work for work in published if isinstance(work, Fitted)]
    shared = GemMiner(
        layers="global", pull="always", period=5, lowest=0, optimiser="sgd", learning_rate=0.1, batch=128, scale="none"
    )
    assert [work.search.method for work in found] == [
        replace(shared, density=density, regulariser=pull)
        for density, pull in ((0.5, 0.0), (0.1334, 1e-5), (0.0372, 3e-5), (0.0144, 1e-4), (0.0059, 1e-4))
    ]
    for work in found:
        assert work.search.budget == Budget(epochs=150)
        assert work.training == Training(epochs=150, learning_rate=0.01, schedule="multistep", weight_decay=1e-4)
        assert (work.data, work.model) == ("cifar10", "resnet20(bias=False)")
    imp = [cell.work for cell in recipe.cells if cell.series == "imp" and isinstance(cell.work, Fitted)]
    assert [work.search.budget.epochs for work in imp] == [150 * rounds for rounds in (4, 10, 15, 20, 24)]
    assert {work.training.rewind for work in imp} == {1000}


@pytest.mark.parametrize("scale", ["smoke", "paper"])
def test_cifar10_is_cropped_and_flipped_in_searches_and_trainings(scale: Scale, real_data: Path) -> None:
    cell = discover()["gem-miner-cifar10"](scale).cells[0]
    assert isinstance(cell.work, Fitted)
    tiny = re.sub(r"\(.*\)|$", "(train=40, test=10)", cell.work.data, count=1)
    task = problem_of_experiment(replace(cell.work.search, data=tiny, budget=Budget(epochs=3))).task
    plain = {image.numpy().tobytes() for image in task.train.batch(slice(None))[0]}
    first, second = ({x.numpy().tobytes() for x in next(task.batches(epoch, 40)).x} for epoch in (0, 1))
    assert len(plain) == len(first) == len(second) == 36
    assert len(first & second) + len(first & plain) <= 4  # both take their batches from here
    with patch.object(Task, "batches", autospec=True, side_effect=Task.batches) as used:
        engine.epoch(task, Training(epochs=1), engine.start(task, Training(epochs=1), ones(task)), ones(task), 0, 0)
    assert used.call_count == 1


def ones(task: Task) -> torch.Tensor:
    return torch.ones(1, task.space.size, dtype=torch.bool)


def test_small_scales_say_what_they_leave_out() -> None:
    for scale in ("smoke", "cpu"):
        fashion, cifar = (discover()[f"gem-miner-{name}"](scale) for name in ("fashion", "cifar10"))  # type: ignore[arg-type]
        assert "a quarter of its channels" in " ".join(fashion.notes)
        assert re.search(r"(600|4,000) training .* of 150 epochs", " ".join(cifar.notes))
    groups = {cell.group: cell.work.model for cell in discover()["gem-miner-fashion"]("cpu").cells}
    assert groups == {
        "LeNet-300-100, density 0.0144": "lenet-300-100",
        "LeNet-300-100, own density": "lenet-300-100",
        "LeNet-300-100, 20 epochs, density 0.0144": "lenet-300-100",
        "LeNet-300-100, 20 epochs, own density": "lenet-300-100",
        "Conv-2, density 0.0144": "conv2(width=0.25)",
        "Conv-2, own density": "conv2(width=0.25)",
    }


def test_another_device_is_that_of_every_search_and_training_and_of_the_commands() -> None:
    recipe = discover()["gem-miner-cifar10"]("paper")
    there = recipe.on("cuda")
    assert {cell.work.search.device for cell in there.cells if isinstance(cell.work, Fitted)} == {"cuda"}
    assert there.digest != recipe.digest == recipe.on("cpu").digest
    assert there.again.endswith("--scale paper --out again --device cuda")
    assert there.cells[0].work.command("a").count("--device cuda") == 2
    assert "--device" not in recipe.again + recipe.cells[0].work.command("a")


def test_the_command_line_has_the_device(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["recipe", "gem-miner-mnist", "--device", "abacus", "--scale", "smoke", "--workers", "1"]
    with patch("ticketry.recipes.perform.perform", side_effect=RequestError("here")) as performed:
        assert main([*words, "--out", str(tmp_path / "out")]) == 2
    assert performed.call_args.args[0].device == "abacus"
