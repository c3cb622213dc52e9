"""A ticket's own scaling and names decide what examples mean, whatever data it meets."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import ticketry as tk
from ticketry.cli.main import main
from ticketry.core.errors import RequestError
from ticketry.ticket.content import Header
from ticketry.ticket.module import Ticket

NAMES = ("low", "middle", "high", "other")


def images(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """uint8 (n, 5, 5), brighter in another part for each of four classes."""
    draw = np.random.default_rng(seed)
    y = np.arange(n) % 4
    x = draw.integers(0, 120, (n, 5, 5))
    for one in range(4):
        x[y == one, one] += 120
    return x.astype(np.uint8), y


X, Y = images(240)
X_TEST, Y_TEST = images(80, 1)


@pytest.fixture(scope="module")
def ticket(tmp_path_factory: pytest.TempPathFactory) -> Ticket:
    data = tk.from_arrays("mine", X, Y, X_TEST, Y_TEST, labels=NAMES)
    out = tmp_path_factory.mktemp("evaluate") / "run"
    return tk.find(
        tk.methods.EdgePopup(batch=32), data=data, model="mlp:16", budget=tk.Budget(epochs=8), out=out
    ).ticket


def score(ticket: Ticket, data: Any, split: Any = "test") -> dict[str, Any]:
    return tk.evaluate(ticket, data, split).result


def test_the_ticket_keeps_scaling_and_names(ticket: Ticket) -> None:
    data = tk.from_arrays("mine", X, Y, X_TEST, Y_TEST, labels=NAMES)
    assert (ticket.content.scaling, ticket.content.labels) == (data.scaling, NAMES)


def test_what_lies_beside_the_test_images_does_not_matter(ticket: Ticket) -> None:
    usual = score(ticket, (X, Y, X_TEST, Y_TEST))
    assert usual["same_data"]
    assert usual["accuracy"] > 0.6
    dim = (X // 5).astype(np.uint8)
    for beside in (dim, 255 - X, X[:8]):
        other = score(ticket, (beside, Y[: len(beside)], X_TEST, Y_TEST))
        assert {**other, "same_data": True} == usual


def test_dimmed_images_score_in_eval_what_the_module_scores(ticket: Ticket) -> None:
    dim = (X_TEST // 5).astype(np.uint8)
    net = ticket.module()
    right = float((net(ticket.preprocess(dim)).argmax(1) == torch.from_numpy(Y_TEST)).double().mean())
    both = [score(ticket, (x, Y[: len(x)], dim, Y_TEST))["accuracy"] for x in (X, (X // 5).astype(np.uint8))]
    assert both == [right, right]
    assert right < score(ticket, (X_TEST, Y_TEST))["accuracy"]


@pytest.mark.parametrize("form", ["float32", "float64", "tensor", "tensor of bytes", "list"])
def test_the_same_images_in_every_form_give_the_same_outputs_to_the_last_bit(ticket: Ticket, form: str) -> None:
    forms = {
        "float32": (X_TEST / np.float32(255)).astype(np.float32),
        "float64": X_TEST / 255,
        "tensor": torch.from_numpy(X_TEST) / 255,
        "tensor of bytes": torch.from_numpy(X_TEST),
        "list": (X_TEST / 255).tolist(),
    }
    wanted, found = ticket.predict(X_TEST), ticket.predict(forms[form])
    np.testing.assert_array_equal(found.outputs.view(np.uint32), wanted.outputs.view(np.uint32))
    if not form.startswith("tensor"):
        assert score(ticket, (forms[form], Y_TEST)) == score(ticket, (X_TEST, Y_TEST))


def test_a_bool_is_black_or_white(ticket: Ticket) -> None:
    white = X_TEST > 128
    assert torch.equal(ticket.preprocess(white), ticket.preprocess((255 * white).astype(np.uint8)))


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (X_TEST.astype(np.float32), r"floats from 0 to 239, but it must be uint8, or floats in \[0, 1\]"),
        (X_TEST.astype(np.int64), "an array of int64"),
        (X_TEST[0], r"\(5, 5\), but it must be of shape \(B, 5, 5\).*pass x\[None\]"),
        (X_TEST[:, None], r"of shape \(80, 1, 5, 5\)"),
        (X_TEST[:0], "at least one number"),
        (np.full((2, 5, 5), np.nan), "x is nan"),
    ],
)
def test_what_the_ticket_does_not_take_is_refused(ticket: Ticket, x: np.ndarray, says: str) -> None:  # type: ignore[type-arg]
    for take in (ticket.preprocess, ticket.predict):
        with pytest.raises(RequestError, match=says):
            take(x)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_few_examples_of_few_classes_will_do(ticket: Ticket, count: int) -> None:
    result = score(ticket, (X_TEST[:count], Y_TEST[:count]))
    named = [(one["class"], one["label"]) for one in result["classes"]]
    assert named == list(enumerate(NAMES))[: min(count, 4)]
    assert (result["examples"], np.array(result["confusion"]).sum()) == (count, count)
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_classes_are_counted_as_they_are(ticket: Ticket) -> None:
    result, predicted = score(ticket, (X_TEST, Y_TEST)), ticket.predict(X_TEST)
    assert predicted.classes is not None
    for one in range(4):
        row = np.bincount(predicted.classes[one == Y_TEST], minlength=4).tolist()
        assert result["confusion"][one] == row
        assert result["classes"][one] == {
            "class": one,
            "label": NAMES[one],
            "examples": 20,
            "accuracy": row[one] / 20,
        }
    assert result["accuracy"] == np.trace(result["confusion"]) / 80
    mistakes = [[a, b, n] for a in range(4) for b, n in enumerate(result["confusion"][a]) if a != b and n]
    assert sorted(result["mistakes"]) == sorted(mistakes)
    assert result["undecided"] == 0


def test_names_decide_where_both_have_them(ticket: Ticket, tmp_path: Path) -> None:
    usual = score(ticket, (X_TEST, Y_TEST))
    turned = tmp_path / "turned.npz"
    np.savez(turned, X=X_TEST, y=3 - Y_TEST, class_names=NAMES[::-1])
    assert score(ticket, str(turned)) == usual
    some = tmp_path / "some.npz"
    np.savez(some, X=X_TEST[Y_TEST == 3], y=[0] * 20, class_names=["other"])
    assert [one["class"] for one in score(ticket, str(some))["classes"]] == [3]
    np.savez(some, X=X_TEST[:1], y=[0], class_names=["strange"])
    with pytest.raises(RequestError, match="labels is 'strange', but it must be one of the ticket's, low, middle"):
        score(ticket, str(some))
    with pytest.raises(RequestError, match=r"y is 4 at index 1, but it must be 0\.\.3"):
        score(ticket, (X_TEST[:2], [0, 4]))


def test_bytes_are_refused_by_a_ticket_of_floats_and_of_an_older_writer(ticket: Ticket) -> None:
    older: Header = replace(ticket.content, scaling=None)
    with pytest.raises(RequestError, match="an array of uint8, but it must be floats"):
        score(Ticket(older), (X_TEST, Y_TEST))  # type: ignore[arg-type]


def test_training_and_checking_use_the_scaling_of_the_ticket(ticket: Ticket, tmp_path: Path) -> None:
    path = tmp_path / "a.tkt"
    ticket.save(path)
    dim = (X // 5).astype(np.uint8)
    brief = tk.Training(epochs=1, batch=32)
    runs = [
        tk.train(path, data=data, out=tmp_path / f"t{k}", training=brief)
        for k, data in enumerate([(dim, Y, X_TEST, Y_TEST), (dim / 255, Y, X_TEST / 255, Y_TEST)])
    ]
    assert [run.ticket.content.scaling for run in runs] == [ticket.content.scaling] * 2
    assert runs[0].ticket.content.labels == NAMES
    assert runs[0].result["accuracy"]["test"] == score(runs[0].ticket, (X_TEST, Y_TEST))["accuracy"]
    assert runs[1].result["accuracy"]["test"] == score(runs[1].ticket, (X_TEST, Y_TEST))["accuracy"]
    turned = tk.from_arrays("turned", dim, Y, X_TEST, Y_TEST, labels=NAMES[::-1])
    with pytest.raises(RequestError, match=r"with classes other, .* with those of the ticket, low, middle"):
        tk.train(path, data=turned, out=tmp_path / "refused", training=brief)
    checked = tk.check(path, data=(dim, Y, X_TEST, Y_TEST), seeds=3, trained=False, out=tmp_path / "c")
    assert checked.result["untrained"] == score(ticket, (X_TEST, Y_TEST))["accuracy"]


def test_the_command_line_says_and_writes_it(
    ticket: Ticket, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, data = tmp_path / "a.tkt", tmp_path / "test.npz"
    ticket.save(path)
    np.savez(data, X_test=X_TEST, y_test=Y_TEST)
    assert main(["eval", str(path), "--data", str(data)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "80 test examples" in said[0]
    assert "not the data that the ticket was found on" in said[0]
    assert said[2].split() == ["class", "examples", "accuracy", "0", "1", "2", "3"]
    assert said[3].split()[:3] == ["0", "low", "20"]
    assert main(["eval", str(path), "--data", str(data), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == score(ticket, (X_TEST, Y_TEST))


def test_regression_is_evaluated_as_before(tmp_path: Path) -> None:
    short = tk.Budget(epochs=2)
    run = tk.find(tk.methods.EdgePopup(), data="sine", model="mlp:10", budget=short, out=tmp_path / "run")
    whole = tk.evaluate(run, "sine").result
    assert whole["r2"] == pytest.approx(run.result["r2"]["test"])
    assert set(whole) == {"measure", "r2", "loss", "examples", "same_data"}
    one = tk.evaluate(run, (np.zeros((1, 1)), [0.5])).result
    assert json.loads(json.dumps(one, allow_nan=False))["examples"] == 1
    with pytest.raises(RequestError, match="2 numbers each, but it must be 1"):
        tk.evaluate(run, (np.zeros((1, 1)), [[0.5, 0.5]]))
    predicted = run.ticket.predict(np.zeros((2, 1)))
    assert predicted.classes is None
    assert predicted.rows == [{"y": value} for value in run.ticket.module()(torch.zeros(2, 1))[:, 0].tolist()]


def test_answers_that_are_no_number_are_misses_without_a_class(ticket: Ticket) -> None:
    values = np.full(int(ticket.content.mask.sum()), np.float32(3e38))
    broken = Ticket(replace(ticket.content, kind="trainable", values=values, rest_values={}, digests=None))
    result = score(broken, (X_TEST, Y_TEST))
    assert (result["accuracy"] < 1, result["loss"], result["undecided"] > 0) == (True, None, True)
    assert np.sum(result["confusion"]) + result["undecided"] == 80
    json.dumps(result, allow_nan=False)
    rows = broken.predict(X_TEST).rows
    assert sum(row["class"] is None for row in rows) == result["undecided"]
    assert {"class": None, "label": None, "probability": None} in rows
