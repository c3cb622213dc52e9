"""`ticketry predict` writes what the network says."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import ticketry as tk
from ticketry.cli.main import main

X = np.random.default_rng(0).normal(size=(30, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    data = tk.from_arrays("mine", X, Y, labels=["left", 'right, "far"'])
    tk.find(tk.methods.Random(), data=data, model="mlp:4", out=tmp_path / "run")
    return tmp_path / "run/ticket.tkt"


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "named.npz", "test.npz"])
def test_every_file_of_examples(path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    file = path.with_name(name)
    if name == "x.npy":
        np.save(file, X)
    else:
        arrays = {"x.npz": {"any": X}, "named.npz": {"X": X, "y": Y}, "test.npz": {"X_test": X, "X": X[:3]}}
        np.savez(file, **arrays[name])  # type: ignore[arg-type]
    wanted = tk.load(path).predict(X)
    out = path.with_name("said.csv")
    assert main(["predict", str(path), "--data", str(file), "--out", str(out)]) == 0
    assert capsys.readouterr().out == ""
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [row["label"] for row in rows] == wanted.labels
    assert [int(row["example"]) for row in rows] == list(range(30))
    assert main(["predict", str(path), "--data", str(file)]) == 0
    assert capsys.readouterr().out == out.read_text()
    assert main(["predict", str(path), "--data", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert wanted.classes is not None
    assert [row["class"] for row in found["predictions"]] == wanted.classes.tolist()
    np.testing.assert_allclose(np.sum(found["probabilities"], 1), 1, atol=1e-6)


def test_data_by_name(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(path), "--data", "sklearn.datasets:load_iris"]) == 2
    assert "x is of shape (150, 4), but it must be of shape (B, 3)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "out", "says"),
    [
        ("none.npy", "said.csv", "does not exist"),
        ("two.npz", "said.csv", "which holds a, b"),
        ("text.npy", "said.csv", "which is not one"),
        ("x.npy", "said.txt", "a .csv or .json file"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    path: Path, data: str, out: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(path.with_name("two.npz"), a=X, b=X)
    path.with_name("text.npy").write_text("text")
    np.save(path.with_name("x.npy"), X)
    where = str(path.with_name(out))
    assert main(["predict", str(path), "--data", str(path.with_name(data)), "--out", where]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
    assert not Path(where).exists()
