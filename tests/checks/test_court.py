"""The rule, and the whole trial: good tickets pass, tickets of nothing but layer densities fail, kills lose nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

import pytest
from tests.laws import tiny

from ticketry.checks.court import check
from ticketry.checks.verdict import Word, decide, lives, overall
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


@pytest.mark.parametrize(
    ("ticket", "control", "word"),
    [
        ((0.97, 0.971, 0.969), (0.95, 0.951, 0.949), "pass"),
        ((0.97, 0.971, 0.969), (0.969, 0.9705, 0.9685), "fail"),
        ((0.97, 0.971, 0.969), (0.98, 0.981, 0.979), "fail"),
        ((0.97, 0.971, 0.969), (0.92, 0.971, 0.95), "inconclusive"),
        ((0.97, 0.971, 0.969), (0.966, 0.967, 0.965), "fail"),  # certain, but less than the margin
        ((0.97, 0.971, 0.969), (0.963, 0.966, 0.963), "inconclusive"),  # better for certain, perhaps by less than that
        ((0.97, 0.971, 0.969), (0.1, 0.1, 0.1), "collapsed"),
    ],
)
def test_the_rule(ticket: Sequence[float], control: Sequence[float], word: Word) -> None:
    assert decide(ticket, control, whole=True, chance=0.11).word == word


def test_dead_controls_and_looks_have_no_say() -> None:
    good, bad = (0.97, 0.971, 0.969), (0.9, 0.901, 0.899)
    assert decide(good, bad, whole=False, chance=0.11).word == "collapsed"
    assert decide(good, bad, whole=True, chance=0.11, name="complement").word == "look"
    with pytest.raises(ValueError, match="too few"):
        decide(good[:2], bad[:2], whole=True, chance=0.11)
    assert overall(["pass", "collapsed", "look"]) == "pass"
    assert overall(["pass", "inconclusive"]) == "inconclusive"
    assert overall(["pass", "inconclusive", "fail"]) == "fail"
    assert overall(["collapsed", "look"]) == "inconclusive"
    assert overall(["pass"], lives(good, True, 0.11)) == "pass"
    assert overall(["pass"], lives(good, False, 0.11)) == overall(["pass"], lives(bad, True, 0.9)) == "collapsed"


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
