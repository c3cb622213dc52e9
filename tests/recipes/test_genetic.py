from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from ticketry import data
from ticketry.cli.main import main
from ticketry.methods.edge_popup import EdgePopup
from ticketry.recipes import Scale, discover
from ticketry.recipes.backprop import Backprop
from ticketry.recipes.perform import perform
from ticketry.recipes.plan import Cell
from ticketry.recipes.searched import Searched
from ticketry.runs.executor import ThisProcess

NAMES = ["genetic-blobs", "genetic-circles", "genetic-digits", "genetic-moons"]
SCALES: tuple[Scale, ...] = get_args(Scale)


def groups(cells: tuple[Cell, ...]) -> list[str]:
    return list(dict.fromkeys(cell.group for cell in cells))


def test_the_recipes_are_found() -> None:
    assert sorted(name for name in discover() if name.startswith("genetic-")) == NAMES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", SCALES)
def test_a_plan_can_be_followed_in_its_order(name: str, scale: Scale) -> None:
    recipe = discover()[name](scale)
    assert (recipe.name, recipe.scale, len(recipe.seeds)) == (name, scale, {"smoke": 2, "cpu": 5, "paper": 25}[scale])
    done: dict[Path, Cell] = {}
    for job in recipe.runs:
        assert job.path not in done
        if job.needs is not None:
            assert done[job.needs].group == job.cell.group
        done[job.path] = job.cell
    assert len(done) == len(recipe.cells) * len(recipe.seeds)


@pytest.mark.parametrize("name", NAMES)
def test_the_published_settings_are_those_of_the_papers(name: str) -> None:
    recipe = discover()[name]("paper")
    batch = 250 if name == "genetic-digits" else 1000
    found = set()
    for cell in recipe.cells:
        if isinstance(cell.work, Searched) and cell.series.startswith("edge-popup"):
            method: Any = cell.work.search.method
            found.add((method.weights, method.scale))
            assert method == EdgePopup(
                *(0.5, "layer", 0.0),
                learning_rate=0.1,
                momentum=0.9,
                weight_decay=1e-4,
                batch=batch,
                weights=method.weights,
                scale=method.scale,
            )
            assert cell.work.search.budget.epochs == 100
    assert found == {("kaiming-normal", "static"), ("signed-constant", "static"), ("uniform", "none")}
    assert all(cell.work.draws == 20 for cell in recipe.cells if isinstance(cell.work, Backprop))


@pytest.mark.parametrize(
    ("name", "sparsity"), [("moons", [73.2, 59.2, 56.1, 54.6]), ("circles", [66.3, 62.3, 53.9, 58.1])]
)
def test_the_published_sparsities_stand_beside_the_search_that_reached_them(name: str, sparsity: list[float]) -> None:
    recipe = discover()[f"genetic-{name}"]("cpu")
    published = [cell for cell in recipe.cells if cell.published is not None]
    assert [100 * (1 - cell.published) for cell in published] == pytest.approx(sparsity)  # type: ignore[operator]
    assert [cell.group for cell in published] == groups(recipe.cells)
    assert all(cell.series.startswith("genetic as published") for cell in published)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_named_exists(name: str) -> None:
    for cell in discover()[name]("smoke").cells[::11]:
        assert data.load(cell.work.data).outputs == cell.classes or cell.classes is None


def test_fewer_points_have_the_same_centres_and_test_set() -> None:
    few, all_ = data.load("blobs(classes=3, each=100)"), data.load("blobs(classes=3)")
    assert few.x.shape == (300, 2)
    np.testing.assert_array_equal(few.x, all_.x[:300])
    np.testing.assert_array_equal(few.x_test, all_.x_test)


def test_one_group_comes_to_an_end(tmp_path: Path) -> None:
    recipe = discover()["genetic-digits"]("smoke")
    cells = tuple(cell for cell in recipe.cells if cell.group == groups(recipe.cells)[0])
    outcome = perform(replace(recipe, cells=cells, seeds=(0,)), tmp_path, executor=ThisProcess())
    assert len(outcome["cells"]) == len(cells) == 15
    genetic, before, as_many, alone, *others = outcome["cells"]
    assert [cell["series"] for cell in (before, as_many, alone)] == [
        *("genetic, before its walk", "hill-climbing, evaluations of genetic", "hill-climbing")
    ]
    evaluations = genetic["cost"]["evaluations"]
    assert 0.5 * evaluations < as_many["cost"]["evaluations"] <= evaluations
    asked = [cell["runs"][0]["kept"] for cell in others if cell["like"]]
    assert asked == [genetic["runs"][0]["kept"]] * 5
    notes = read(tmp_path / genetic["runs"][0]["directory"])["notes"]
    ended = read(tmp_path / before["runs"][0]["directory"])
    assert ended["loss"]["train"] == pytest.approx(notes["loss_before_sparsifier"], rel=1e-5)  # the very same mask
    assert ended["density"] == notes["density_before_sparsifier"]


def read(directory: Path) -> Any:
    return json.loads((directory / "result.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_smoke_recipe_ends_in_a_table(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipe", name, "--scale", "smoke", "--out", str(tmp_path)]) == 0
    assert "back-propagation, dense" in capsys.readouterr().out
    assert (tmp_path / "report.html").stat().st_size > 10_000
