"""Search and training as one cell: cost of both, commands that repeat it, and the gem-miner recipes as plans."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from unittest.mock import patch

import pytest

from ticketry.cli import main
from ticketry.core.meters import Budget
from ticketry.core.training import Training
from ticketry.experiment import Experiment
from ticketry.methods.gem_miner import GemMiner
from ticketry.methods.imp import Imp
from ticketry.recipes import discover
from ticketry.recipes.fitted import Fitted
from ticketry.recipes.perform import command, perform
from ticketry.recipes.plan import Cell, Recipe, Scale

NAMES = ["gem-miner-fashion", "gem-miner-mnist"]
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
    with patch("ticketry.run.execute", side_effect=AssertionError("it is finished")):
        assert fitted().execute(tmp_path / "run") == result


def test_the_command_repeats_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = fitted().seeded(1).execute(Path("run"))
    first, second = command(fitted().seeded(1), "again").split(" && ")
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
    outcome = perform(recipe, tmp_path / "out", workers=1)
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
    trainings = {cell.work.training for cell in recipe.cells if isinstance(cell.work, Fitted)}
    assert len(trainings) == 1  # every ticket is trained alike
    for cell in recipe.cells:
        assert isinstance(cell.work, Fitted)
        asked = cell.work.search.budget.epochs
        assert asked in (None, recipe.cells[0].work.training.epochs) or isinstance(cell.work.search.method, Imp)  # type: ignore[union-attr]
