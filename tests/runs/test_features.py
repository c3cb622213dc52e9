"""Features far from unit scale are told, and `standardise` mends them by the training split alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ticketry as tk
from ticketry.cli.main import main
from ticketry.core.nets.feed import Feed
from ticketry.core.scaling import AS_IS
from ticketry.data import from_arrays, split
from ticketry.experiment import Experiment, from_json
from ticketry.methods.edge_popup import EdgePopup
from ticketry.methods.random import Random
from ticketry.report import reproduce
from ticketry.runs.features import far_from_unit_scale
from ticketry.runs.problem import problem_of_experiment

DRAW = np.random.default_rng(0)
UNIT = DRAW.normal(size=(300, 4)).astype(np.float32)


def warned(x: np.ndarray) -> list[str]:  # type: ignore[type-arg]
    return far_from_unit_scale(Feed(torch.from_numpy(x.astype(np.float32)), torch.zeros(len(x), dtype=torch.long)))


@pytest.mark.parametrize("x", [UNIT, UNIT * 3, UNIT + 1, UNIT > 0, UNIT * [1, 1, 1, 0], DRAW.random((50, 8, 8))])
def test_what_is_near_unit_scale_is_fine(x: np.ndarray) -> None:  # type: ignore[type-arg]
    assert warned(x) == []


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (UNIT * [1, 1, 100, 1], "1 of 4 features are far from unit scale, 2 ("),
        (UNIT + np.array([0, 6, 0, 0]), "1 of 4 features are far from unit scale, 1 (5.95 +- 0.94): "),
        (UNIT * 1000, "4 of 4 features are far from unit scale, "),
        (UNIT * 0.01, "inputs are far from unit scale, with a root mean square of 0.0098: "),
        (DRAW.random((50, 8, 8)) * 250, "inputs are far from unit scale, 12"),
        (DRAW.random((50, 3, 4, 4)) * [[[1]], [[255]], [[1]]], "1 of 3 channels are far from unit scale, 1 ("),
    ],
)
def test_what_is_far_is_named(x: np.ndarray, says: str) -> None:  # type: ignore[type-arg]
    (said,) = warned(x)
    assert said.startswith(says)
    assert said.endswith(
        "--standardise scales by the training part, and the ticket keeps that; or scale them yourself."
    )


def experiment(**given: Any) -> Experiment:
    return Experiment(method=Random(), data="x", model="mlp:5", val=0.2, **given)


def test_statistics_are_those_of_the_training_split_alone() -> None:
    x, y = (UNIT * [1, 10, 100, 1000] + np.array([0, 0, 500, 0])).astype(np.float32), np.arange(300) % 2
    data = from_arrays("x", x[:200], y[:200], x[200:], y[200:])
    parts = split(data, 0.2)
    plain, scaled = (problem_of_experiment(experiment(standardise=on), dataset=data) for on in (False, True))
    assert (plain.header.scaling, plain.split.digest) == (None, scaled.split.digest)
    assert scaled.header.scaling is not None
    train = data.x[parts.train].astype(np.float64)
    for k, (gain, shift) in enumerate(scaled.header.scaling.pairs):
        mean, deviation = train[:, k].mean(), train[:, k].std()
        assert (gain, shift) == pytest.approx((1 / deviation, -mean / deviation), rel=1e-5, abs=1e-5)
    assert torch.equal(scaled.task.train.x.double().mean(0).abs() < 1e-4, torch.ones(4, dtype=torch.bool))
    assert not np.allclose(scaled.task.validation.x.mean(0), 0, atol=1e-4)
    assert far_from_unit_scale(scaled.task.train) == []
    assert far_from_unit_scale(plain.task.train) != []


def test_it_decides_the_digest_only_where_it_is_asked_for() -> None:
    without, with_it = experiment(), experiment(standardise=True)
    assert "standardise" not in without.resolved
    assert without.digest != with_it.digest
    assert [from_json(one.resolved).standardise for one in (without, with_it)] == [False, True]
    assert "--standardise" in reproduce.command(with_it.resolved, "out")
    assert "standardise=True" in reproduce.python(with_it.resolved, "out")
    assert "standardise" not in reproduce.command(without.resolved, "out") + reproduce.python(without.resolved, "out")


def test_unscaled_tables_are_told_and_mended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = "sklearn.datasets:load_breast_cancer"
    line = ["find", "edge-popup", "--data", data, "--model", "mlp:50", "--budget.epochs", "30"]
    assert main([*line, "--out", str(tmp_path / "raw")]) == 0
    raw = json.loads((tmp_path / "raw/result.json").read_text())
    assert len(raw["warnings"]) == 1
    assert "of 30 features are far from unit scale, 23 (" in raw["warnings"][0]
    assert f"ticketry: warning: {raw['warnings'][0]}\n" in capsys.readouterr().err
    assert "far from unit scale" in (tmp_path / "raw/report.html").read_text()
    assert main([*line, "--standardise", "--out", str(tmp_path / "scaled")]) == 0
    scaled = json.loads((tmp_path / "scaled/result.json").read_text())
    assert scaled["warnings"] == []
    assert scaled["accuracy"]["test"] > 0.95 > 0.75 > raw["accuracy"]["test"]
    found = tk.evaluate(tmp_path / "scaled/ticket.tkt", "sklearn.datasets:load_breast_cancer")
    assert found.quality == scaled["accuracy"]["test"]
    assert found.result["same_data"]


def test_a_landscape_is_measured_with_the_scaling_of_the_ticket(tmp_path: Path) -> None:
    x, y = (UNIT * 50).astype(np.float32), (UNIT[:, 0] > 0).astype(int)
    data = from_arrays("x", x[:200], y[:200], x[200:], y[200:])
    run = tk.find(
        EdgePopup(batch=32), data=data, model="mlp:8", budget=tk.Budget(epochs=2), out=tmp_path / "r", standardise=True
    )
    small = tk.LandscapeSettings(directions=1, points=2, grid=3)
    found = tk.landscape(run, small, data=data).result
    assert found["ticket"]["accuracy"] == pytest.approx(run.result["accuracy"]["val"])


def test_a_comparison_takes_it_and_keeps_names(tmp_path: Path) -> None:
    x, y = (UNIT * 50).astype(np.float32), np.arange(300) % 2
    brief = tk.Training(epochs=1, batch=32)
    data = from_arrays("x", x[:200], y[:200], x[200:], y[200:], labels=["even", "odd"])
    table = tk.compare(
        ["random"], [0.5], data=data, model="mlp:4", seeds=1, training=brief, standardise=True, out=tmp_path / "c"
    )
    assert "--standardise" in json.loads((tmp_path / "c/recipe.json").read_text())["command"]
    trained = tk.load(next((tmp_path / "c").glob("*/s0/trained/ticket.tkt"))).content
    assert trained.scaling is not None
    assert trained.labels == ("even", "odd")
    assert table.result["cells"]
    own = from_arrays("x", x[:200], y[:200], x[200:], y[200:], mean=(1.0,), std=(50.0,))
    assert own.scaling != AS_IS
    with pytest.raises(tk.RequestError, match="a Dataset with scaling of its own"):
        tk.compare(["random"], [0.5], data=own, model="mlp:4", out=tmp_path / "d")


def test_a_run_does_not_go_on_with_data_of_another_scaling(tmp_path: Path) -> None:
    x, y = (UNIT * 50).astype(np.float32), np.arange(300) % 2
    four = (x[:200], y[:200], x[200:], y[200:])
    plain, scaled, named = from_arrays("x", *four), from_arrays("x", *four, mean=(0.0,), std=(50.0,)), ["even", "odd"]
    tk.find(Random(), data=plain, model="mlp:4", out=tmp_path / "r")
    tk.find(Random(), data=plain, model="mlp:4", out=tmp_path / "r")
    for other in (scaled, from_arrays("x", *four, labels=named)):
        with pytest.raises(tk.RequestError, match=r"with scaling digest \w{8}, but the run in .* began with \w{8}"):
            tk.find(Random(), data=other, model="mlp:4", out=tmp_path / "r")
    record = tmp_path / "r/experiment.json"
    older = {name: value for name, value in json.loads(record.read_text()).items() if name != "scaling"}
    record.write_text(json.dumps(older))
    tk.find(Random(), data=plain, model="mlp:4", out=tmp_path / "r")  # as older versions left it
