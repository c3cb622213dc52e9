"""The whole trial: good tickets pass, tickets of nothing but layer densities fail, kills lose nothing."""

from __future__ import annotations

import json
from pathlib import Path
from unittest.mock import patch

import pytest
from tests.laws import tiny

from ticketry.checks.court import check
from ticketry.core.errors import RequestError
from ticketry.core.meters import Budget
from ticketry.core.training.recipe import Training
from ticketry.methods.edge_popup import EdgePopup
from ticketry.methods.gradual import Gradual
from ticketry.methods.magnitude import Magnitude
from ticketry.methods.random import Random
from ticketry.runs import checkpoint, job
from ticketry.runs.train import train

TRAINING = Training(epochs=4, batch=32)


class Killed(BaseException):
    pass


def run(method: object, out: Path) -> Path:
    return tiny.execute(tiny.experiment(method, budget=Budget(epochs=8)), out).directory.root  # type: ignore[arg-type]


def test_a_random_mask_fails_its_own_shuffle_or_stays_open_and_a_trained_one_does_better(tmp_path: Path) -> None:
    given = {"data": tiny.dataset(), "training": TRAINING, "val": 0.25}
    found = {
        name: check(run(method, tmp_path / name), **given)  # type: ignore[arg-type]
        for name, method in (("random", Random(density=0.1)), ("gradual", Gradual(density=0.1, every=2)))
    }
    words = {n: {c["control"]: c for c in outcome["controls"]} for n, outcome in found.items()}
    assert words["random"]["shuffle"]["word"] in ("fail", "inconclusive")
    assert abs(words["random"]["shuffle"]["difference"]) < 0.15
    assert words["gradual"]["shuffle"]["word"] == "pass"
    assert words["gradual"]["inversion"]["word"] == "pass"
    assert "searched-shuffle" not in words["gradual"]
    assert found["gradual"]["judged"] == "trained"
    assert "The checks" in (tmp_path / "gradual" / "report.html").read_text()


def test_a_ticket_that_is_dead_has_collapsed_whatever_its_controls_do(tmp_path: Path) -> None:
    where = run(Magnitude(density=0.0021, floor=0), tmp_path / "run")  # one weight, and so one empty layer
    assert check(where, data=tiny.dataset(), training=TRAINING, val=0.25, seeds=3)["verdict"] == "collapsed"


def test_a_strong_ticket_is_judged_as_it_is(tmp_path: Path) -> None:
    where = run(EdgePopup(density=0.3), tmp_path / "strong")
    outcome = check(where, data=tiny.dataset(), val=0.25, seeds=3)
    assert outcome["judged"] == "untrained"
    assert outcome["training"] is None
    assert outcome["verdict"] == "pass"
    assert outcome["accuracy"] == [outcome["untrained"]] * 3
    result = json.loads((where / "result.json").read_text())
    assert outcome["untrained"] == pytest.approx(result["accuracy"]["test"], abs=0.01)


@pytest.mark.parametrize("save", [2, 5])
def test_killed_and_started_again_it_ends_alike(tmp_path: Path, save: int) -> None:
    ticket = run(Gradual(density=0.1), tmp_path / "run") / "ticket.tkt"
    given = {"data": tiny.dataset(), "training": TRAINING, "val": 0.25, "seeds": 3}
    whole = check(ticket, out=tmp_path / "whole", **given)  # type: ignore[arg-type]
    real, calls = checkpoint.save, [0]

    def deadly(*args: object) -> None:
        real(*args)  # type: ignore[arg-type]
        calls[0] += 1
        if calls[0] == save:
            raise Killed

    with patch.object(job, "CHECKPOINT_EVERY", -1.0):
        with patch.object(checkpoint, "save", deadly), pytest.raises(Killed):
            check(ticket, out=tmp_path / "cut", **given)  # type: ignore[arg-type]
        again = check(ticket, out=tmp_path / "cut", **given)  # type: ignore[arg-type]
    for outcome in (whole, again):
        outcome["cost"].pop("seconds")
    assert again == whole
    assert check(ticket, out=tmp_path / "cut", **given)["accuracy"] == whole["accuracy"]  # type: ignore[arg-type]


def test_a_trained_ticket_is_tried_from_its_untrained_weights(tmp_path: Path) -> None:
    where = run(Gradual(density=0.1), tmp_path / "run")
    given = {"data": tiny.dataset(), "training": TRAINING, "val": 0.25}
    trained = train(where / "ticket.tkt", out=tmp_path / "trained", **given).directory.root  # type: ignore[arg-type]
    outcomes = [check(path, seeds=3, **given) for path in (where, trained)]  # type: ignore[arg-type]
    for outcome in outcomes:
        assert outcome["judged"] == "trained"
    assert outcomes[0]["accuracy"] == outcomes[1]["accuracy"]


def test_too_few_seeds_and_other_settings_are_refused(tmp_path: Path) -> None:
    where = run(Random(density=0.2), tmp_path / "run")
    with pytest.raises(RequestError, match="seeds is 2, but it must be at least 3"):
        check(where, data=tiny.dataset(), seeds=2)
    check(where, data=tiny.dataset(), seeds=3, training=TRAINING, val=0.25)
    with pytest.raises(RequestError, match=r"holds a run with seeds 3, not 4"):
        check(where, data=tiny.dataset(), seeds=4, training=TRAINING, val=0.25)
