"""Regression from end to end: every verb and every method on quantities, known answers, and refusals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import ticketry as tk
from ticketry import data, methods
from ticketry.cli.main import main
from ticketry.core.errors import RequestError
from ticketry.core.meters import Budget
from ticketry.core.training.recipe import Training
from ticketry.experiment import Lock
from ticketry.runs.find import find
from ticketry.runs.train import train
from ticketry.ticket import file

SINE = "sine(train=300, test=100)"
FITTED = Training(epochs=40, learning_rate=0.05, batch=32)


def linear(outputs: int = 1, n: int = 400) -> data.Dataset:
    """y = 100 + 30 x . w and a little noise, in 5 dimensions."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(n, 5)).astype(np.float32)
    y: NDArray[Any] = 100 + 30 * x @ draw.normal(size=(5, outputs)) + 0.5 * draw.normal(size=(n, outputs))
    return data.from_arrays("linear", x, y)


@pytest.mark.parametrize("name", methods.discover())
def test_every_method_works_on_quantities(name: str, tmp_path: Path) -> None:
    kind: Any = methods.get(name)
    small = {"population": 10, "tries": 5} if name == "genetic" else {}
    run = find(
        kind(**small), data=SINE, model="mlp:8", out=tmp_path, budget=Budget(epochs=2, generations=3), lock=Lock(on=0.1)
    )
    result = run.result
    assert result["measure"] == "r2"
    assert "accuracy" not in result
    assert all(-1000 <= value <= 1 for value in result["r2"].values())
    assert all(value is not None and value > 0 for value in result["loss"].values())
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert all("val_r2" in line and "val_accuracy" not in line for line in log)
    page = (tmp_path / "report.html").read_text()
    assert "accuracy" not in page.split("Cross-entropy")[0].split("<h2>Reproduce")[0]
    assert "test R2" in page


@pytest.mark.parametrize("name", ["dense", "gradual", "imp"])
@pytest.mark.parametrize("outputs", [1, 2])
def test_a_linear_target_is_fitted_in_its_own_units(name: str, outputs: int, tmp_path: Path) -> None:
    kind: Any = methods.get(name)
    dataset = linear(outputs)
    given: dict[str, Any] = {} if name == "dense" else {"density": 0.5, "learning_rate": 0.05, "batch": 32}
    run = find(kind(**given), data=dataset, model="mlp:16", out=tmp_path / "run", budget=Budget(epochs=20))
    done = train(run.directory.ticket, data=dataset, out=tmp_path / "trained", training=FITTED)
    assert done.result["r2"]["test"] > 0.9
    ticket = tk.load(done.directory.ticket)
    module = ticket.module()
    with torch.no_grad():
        answers = module(torch.from_numpy(dataset.x_test)).numpy()
    error = np.square(answers - dataset.y_test).mean()
    spread = np.square(dataset.y_test - dataset.y_test.mean(0)).mean()
    assert 1 - error / spread > 0.9
    assert abs(answers.mean() - 100) < 20
    if outputs == 1:
        assert done.result["r2"]["test"] == pytest.approx(1 - error / spread, abs=1e-4)
        assert done.result["loss"]["test"] == pytest.approx(error, rel=1e-3)
    trainable = ticket.module(trainable=True)
    assert torch.allclose(trainable(torch.from_numpy(dataset.x_test)).detach(), torch.from_numpy(answers), atol=1e-3)


def test_moments_in_time_are_fitted_in_milliseconds(tmp_path: Path) -> None:
    """Far from zero, and spread over a month: float32 has them to a minute."""
    near = linear()
    y, y_test = (1.7e12 + 1e8 * (part - 100) for part in (near.y, near.y_test))
    dataset = data.from_arrays("times", near.x, y, near.x_test, y_test)
    run = find(tk.methods.Dense(), data=dataset, model="mlp:16", out=tmp_path / "run")
    done = train(run.directory.ticket, data=dataset, out=tmp_path / "trained", training=FITTED)
    assert done.result["r2"]["test"] > 0.9
    with torch.no_grad():
        answers = tk.load(done.directory.ticket).module()(torch.from_numpy(near.x_test)).numpy().astype(np.float64)
    error = np.square(answers - y_test).mean() / y_test.var()
    assert done.result["r2"]["test"] == pytest.approx(1 - error, abs=1e-3)


def test_what_it_is_trained_on_later_does_not_change_its_units(tmp_path: Path) -> None:
    found = find(tk.methods.Random(), data=linear(), model="mlp:4", out=tmp_path / "run")
    other = linear()
    shifted = data.from_arrays("linear", other.x, other.y + 1000, other.x_test, other.y_test + 1000)
    done = train(found.directory.ticket, data=shifted, out=tmp_path / "trained", training=Training(epochs=1))
    assert file.load(done.directory.ticket).target == file.load(found.directory.ticket).target


def test_the_verbs(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("mine.npz", X=linear().x, y=linear().y[:, 0])

    def said(*words: str) -> str:
        code = main([*words])
        captured = capsys.readouterr()
        assert code in (0, 1)
        assert not captured.err or captured.err.endswith("mine.npz, which the file names\n")
        return captured.out

    find_it = ["find", "edge-popup", "--data", "mine.npz", "--model", "mlp:8", "--out", "run", "--budget.epochs", "2"]
    assert "of the random weights of mlp:8 fit mine.npz with test R2" in said(*find_it)
    assert "outputs of regression" in said("show", "run/ticket.tkt")
    assert json.loads(said("show", "run/ticket.tkt", "--json"))["objective"] == "regression"
    assert "the model builds" in said("verify", "run/ticket.tkt")
    told = json.loads(said("eval", "run/ticket.tkt", "--data", "mine.npz", "--json"))
    result = json.loads(Path("run/result.json").read_text())
    assert told["r2"] == pytest.approx(result["r2"]["test"], abs=1e-5)
    assert told["loss"] == pytest.approx(result["loss"]["test"], rel=1e-4)
    assert "R2" in said("eval", "run/ticket.tkt", "--data", "mine.npz")
    trained = said("train", "run/ticket.tkt", "--data", "mine.npz", "--out", "t", "--training.epochs", "2")
    assert "fit mine.npz with test R2" in trained
    small = ["--points", "3", "--grid", "3", "--directions", "1"]
    assert "R2 and loss" in said("landscape", "run", *small)
    checked = said("check", "run", "--seeds", "3", "--trained", "True", "--training.epochs", "2", "--corrupted")
    assert "R2" in checked
    assert "accuracy" not in checked.split("\n\n")[0]
    outcome = json.loads(Path("run/check-corrupted/result.json").read_text())
    assert outcome["measure"] == "r2"
    assert len(outcome["r2"]) == 3
    again = ["compare", "--methods", "random", "dense", "--densities", "0.5", "--data", "mine.npz", "--model", "mlp:4"]
    compared = said(*again, "--out", "c", "--seeds", "2", "--training.epochs", "2", "--workers", "1")
    assert "test R2" in compared
    assert "val_r2" in Path("c/runs.csv").read_text().splitlines()[0]


def test_classes_and_quantities_are_not_mixed(tmp_path: Path) -> None:
    found = find(tk.methods.Random(), data=linear(), model="mlp:4", out=tmp_path / "run")
    labels = linear()
    other = data.from_arrays("labels", labels.x, np.arange(len(labels.x)) % 2)
    with pytest.raises(
        RequestError, match=r"of 2 classes, but it must be of the ticket's kind, .*outputs for regression"
    ):
        train(found.directory.ticket, data=other, out=tmp_path / "trained")


def test_the_built_in_data() -> None:
    diabetes, sine = data.load("diabetes"), data.load("sine")
    assert (diabetes.x.shape, len(diabetes.x_test), diabetes.outputs) == ((331, 10), 111, 1)
    assert (sine.x.shape, len(sine.x_test), sine.objective) == ((1000, 1), 500, "regression")
    noise = sine.y[:, 0] - np.sin(3 * sine.x[:, 0].astype(np.float64))
    assert abs(noise.std() - 0.1) < 0.01
    assert not set(sine.x[:, 0]) & set(sine.x_test[:, 0])
