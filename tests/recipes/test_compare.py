"""`ticketry compare`: a plan from flags, refused where it makes no sense, with a table for spreadsheets."""

from __future__ import annotations

import csv
import json
import shlex
from pathlib import Path

import pytest

from ticketry.cli.main import main
from ticketry.core.errors import RequestError
from ticketry.core.training.recipe import Training
from ticketry.recipes import Scale, discover
from ticketry.recipes.compare import comparison
from ticketry.recipes.fitted import Fitted

HERE = {"data": "digits", "model": "mlp:8"}


def test_every_method_at_every_density_is_trained_alike() -> None:
    plan = comparison(["gem-miner", "snip"], [0.5, 0.1], **HERE, epochs=7, training=Training(epochs=3))
    assert [cell.name for cell in plan.cells] == ["0.5-gem-miner", "0.5-snip", "0.1-gem-miner", "0.1-snip"]
    works = [cell.work for cell in plan.cells if isinstance(cell.work, Fitted)]
    assert [work.training.epochs for work in works] == [3, 3, 3, 3]
    assert [work.search.budget.epochs for work in works] == [7, None, 7, None]
    assert "comparison" not in discover()


def test_a_method_of_its_own_density_is_run_once() -> None:
    plan = comparison(["dense", "snip"], [0.5, 0.1], **HERE)
    assert [(cell.name, cell.group) for cell in plan.cells] == [
        ("0.5-snip", "density 0.5"),
        ("0.1-snip", "density 0.1"),
        ("dense", "own density"),
    ]


@pytest.mark.parametrize("name", ["gem-miner-mnist", "gem-miner-fashion"])
@pytest.mark.parametrize("scale", ["smoke", "cpu", "paper"])
def test_recipes_of_trained_tickets_have_each_method_at_each_density_and_the_dense_network_once(
    name: str, scale: Scale
) -> None:
    cells = discover()[name](scale).cells
    assert len({cell.name for cell in cells}) == len(cells)
    for model in {cell.work.model for cell in cells}:
        ours = [cell for cell in cells if cell.work.model == model]
        groups = {group: {c.series for c in ours if c.group == group} for group in dict.fromkeys(c.group for c in ours)}
        own = [group for group in groups if group.endswith("own density")]
        assert all(groups.pop(group) == {"dense"} for group in own)
        assert all({"gem-miner", "gradual", "random, erk"} <= series for series in groups.values())
        several = scale == "cpu" and model == "lenet-300-100"  # fewer rows at other densities, or for more epochs
        assert len({frozenset(series) for series in groups.values()}) == (2 if several else 1)
        if model == "lenet-300-100":
            assert len(own) == (2 if several and name == "gem-miner-fashion" else 1)
            assert {"gem-miner, published rule", "imp", "one-shot"} <= set.union(*groups.values())


@pytest.mark.parametrize(
    ("methods", "densities", "changes", "says"),
    [
        (["gem-minor"], [0.5], {}, "did you mean gem-miner"),
        (["gem-miner"], [1.5], {}, "densities is 1.5"),
        ([], [0.5], {}, "methods is empty"),
        (["snip"], [], {}, "densities is empty"),
        (["snip", "snip"], [0.5], {}, "without repetitions"),
        (["snip"], [0.5], {"seeds": 0}, "seeds is 0"),
    ],
)
def test_what_makes_no_sense_is_refused(
    methods: list[str], densities: list[float], changes: dict[str, int], says: str
) -> None:
    with pytest.raises(RequestError, match=says):
        comparison(methods, densities, **HERE, **changes)  # type: ignore[arg-type]


def test_the_command_line_ends_in_a_table_a_page_and_a_csv_and_its_command_makes_them_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    line = "compare --methods snip dense random --densities 0.5 0.2 --data digits --model mlp:8 --seeds 2"
    words = shlex.split(line + " --training.epochs 2 --training.momentum 0.5 --workers 1 --out one")
    assert main(words) == 0
    assert "density 0.2" in capsys.readouterr().out
    outcome = json.loads(Path("one/recipe.json").read_text())
    rows = list(csv.DictReader(Path("one/runs.csv").read_text().splitlines()))
    assert len(rows) == 10
    assert {round(float(row["density"]), 2) for row in rows} == {0.5, 0.2, 1.0}
    assert float(rows[0]["test_accuracy"]) == outcome["cells"][0]["runs"][0]["accuracy"]["test"]
    assert "ticketry compare" in Path("one/report.html").read_text()
    again = shlex.split(outcome["command"])
    assert main([*again[1:], "--workers", "1", "--json"]) == 0
    other = json.loads(capsys.readouterr().out)
    for mine, its in zip(outcome["cells"], other["cells"], strict=True):
        assert mine["accuracy"] == its["accuracy"]
    assert main([*words, "--seeds", "3"]) == 2  # another comparison in the same directory
