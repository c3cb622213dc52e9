from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ticketry.core.errors import RequestError
from ticketry.recipes.backprop import Backprop

TINY = Backprop(data="moons(train=200, test=150)", model="mlp:6", epochs=10)


def test_equal_trainings_give_equal_networks() -> None:
    assert TINY.result()["digest"] == TINY.result()["digest"]
    assert TINY.result()["digest"]["weights"] != replace(TINY, seed=1).result()["digest"]["weights"]


def test_it_learns_what_can_be_learnt() -> None:
    result = Backprop(data="digits(classes=2)", model="mlp:20", epochs=50).result()
    assert result["accuracy"]["test"] > 0.97
    assert (result["density"], result["kept"], result["maskable"]) == (1.0, 1300, 1300)  # one logistic output


def test_the_cost_counts_examples_each_epoch() -> None:
    cost = TINY.result()["cost"]
    assert cost["epochs"] == 10
    assert (cost["examples_backward"], cost["examples_forward"]) == (10 * 180, 10 * 200)


def test_a_search_costs_what_its_trainings_cost() -> None:
    """Two settings on three folds of 200 points: six trainings of 133 or 134 points, then one of all."""
    result = replace(TINY, draws=2).result()
    assert result["setting"] != TINY.result()["setting"]
    assert result["cost"]["examples_forward"] == pytest.approx(10 * (6 * 134 + 200), abs=60)


def test_a_training_that_is_done_is_not_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = TINY.execute(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(Backprop, "result", None)
        assert TINY.execute(tmp_path) == first
    with pytest.raises(RequestError, match="holds a run with seed 0, not 3"):
        replace(TINY, seed=3).execute(tmp_path)
