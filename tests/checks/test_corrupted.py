"""Checks on corrupted data: the search of the run, on other data and in nothing else different, once for each draw."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from tests.laws import tiny

from ticketry.checks import corruptions, searches
from ticketry.checks.court import check
from ticketry.checks.parts import TicketParts
from ticketry.cli.main import main
from ticketry.core.errors import RequestError
from ticketry.core.meters import Budget, Meters
from ticketry.core.training.recipe import Training
from ticketry.experiment import Lock, from_json
from ticketry.methods._contract import Method
from ticketry.methods.edge_popup import EdgePopup
from ticketry.methods.gradual import Gradual
from ticketry.methods.imp import Imp
from ticketry.paths import RunDirectory
from ticketry.report import verdicts
from ticketry.runs import checkpoint, job, record
from ticketry.runs import find as run
from ticketry.runs.train import train

CORRUPTIONS = corruptions.discover()
TRAINING = Training(epochs=3, batch=32)
GIVEN: dict[str, Any] = {"data": tiny.dataset(), "training": TRAINING, "val": 0.25, "seeds": 3}


class Killed(BaseException):
    pass


def found(method: Method[Any], out: Path, lock: Lock | None = None) -> Path:
    return tiny.execute(tiny.experiment(method, Budget(epochs=6), lock), out).directory.root


def record_of(path: Path) -> run.Run:
    """The finished run in a directory."""
    return run.Run(RunDirectory(path), record.result(RunDirectory(path)))


def checked(path: Path, **given: Any) -> dict[str, Any]:
    with patch.object(run, "page", lambda *_: ""):
        return check(path, corrupted=True, **GIVEN | given)


def test_a_check_searches_again_and_says_what_that_cost(tmp_path: Path) -> None:
    where = found(Gradual(density=0.1, every=2), tmp_path / "run")
    outcome = checked(where)
    words = {control["control"]: control for control in outcome["controls"]}
    assert set(CORRUPTIONS) < set(words)
    assert words["corrupted-labels"]["difference"] > 0.1
    assert words["corrupted-pixels"]["difference"] > 0.1
    assert words["corrupted-half"]["meaning"] == corruptions.meaning("corrupted-half")

    again = sorted((where / "check-corrupted" / "searches").iterdir())
    assert [path.name for path in again] == [f"{name}-{draw}" for name in CORRUPTIONS for draw in range(3)]
    runs = [record_of(path) for path in (where, *again)]
    assert len({each.result["digest"]["mask"] for each in runs}) == 10
    assert len({each.result["digest"]["weights"] for each in runs}) == 1  # of the same density, hence one scale
    recorded = [from_json(json.loads(each.directory.record.read_text())) for each in runs]
    assert {replace(each, data="") for each in recorded} == {replace(recorded[0], data="")}
    assert len({each.data for each in recorded}) == 10

    lines = [json.loads(line) for line in (where / "check-corrupted" / "log.jsonl").read_text().splitlines()]
    for name in CORRUPTIONS:
        kept = [TicketParts.of(each.ticket.content).kept for each in runs if each.directory.root.name.startswith(name)]
        assert kept == [line["kept"][name] for line in lines]
        assert kept[0] != kept[1]
    assert outcome["searches"]["count"] == 9
    for name in (field.name for field in fields(Meters)):
        spent = sum(each.result["cost"][name] for each in runs[1:])
        assert outcome["searches"][name] == pytest.approx(spent)
        assert outcome["cost"][name] == pytest.approx(spent + lines[-1]["cost"][name])
    assert outcome["searches"]["epochs"] == 9 * 6
    page = (where / "report.html").read_text()
    assert "corrupted-pixels" in page
    assert "9 searches on corrupted data took" in page
    with patch.object(searches, "execute", side_effect=Killed):
        assert checked(where) == outcome


@pytest.mark.parametrize("method", [EdgePopup(density=0.3), Gradual(density=0.3)], ids=["strong", "trainable"])
def test_on_the_data_as_they_are_the_search_finds_the_ticket(method: Method[Any], tmp_path: Path) -> None:
    """So nothing but the data differs: not the locks, nor the seed, nor any setting."""
    where = found(method, tmp_path / "run", tiny.LOCK)
    with patch.object(corruptions, "discover", lambda: {"corrupted-labels": lambda dataset, *_: dataset}):
        outcome = checked(where)
    (own,) = [control for control in outcome["controls"] if control["control"] == "corrupted-labels"]
    assert own["accuracy"] == outcome["accuracy"]
    found_again = record_of(where / "check-corrupted" / "searches" / "corrupted-labels-2")
    assert (found_again.ticket.content.mask == record_of(where).ticket.content.mask).all()


@pytest.mark.parametrize(("save", "done"), [(30, 4), (56, 7)])
def test_killed_in_a_search_it_goes_on_there_and_ends_alike(tmp_path: Path, save: int, done: int) -> None:
    """A search of six steps saves seven times here: these are one of the fifth and the last of the eighth."""
    where = found(Gradual(density=0.1), tmp_path / "run")
    whole = checked(where, out=tmp_path / "whole")
    real, calls, asked = checkpoint.save, [0], []

    def deadly(*args: Any) -> None:
        real(*args)
        calls[0] += "best" in args[2]  # of a search
        if calls[0] == save:
            raise Killed

    always = patch.multiple(job, CHECKPOINT_EVERY=-1.0, PATIENCE=0)  # however slow the disk is
    with always, patch.object(checkpoint, "save", deadly):
        with pytest.raises(Killed):
            checked(where, out=tmp_path / "cut")
        there = (tmp_path / "cut" / "searches").iterdir()
        assert sorted((path / "result.json").exists() for path in there) == [False] + done * [True]
        prepare = run.problem_of_experiment

        def counted(*args: Any, **given: Any) -> Any:
            asked.append(args)
            return prepare(*args, **given)

        with patch.object(run, "problem_of_experiment", counted):
            again = checked(where, out=tmp_path / "cut")
    assert len(asked) == 9 - done
    assert calls[0] == 9 * 7
    for outcome in (whole, again):
        for cost in (outcome["cost"], outcome["searches"]):
            cost.pop("seconds")
    assert again == whole


@pytest.mark.parametrize("quiet", [True, False])
def test_searches_are_as_quiet_as_the_check(tmp_path: Path, quiet: bool) -> None:
    where = found(Gradual(density=0.1), tmp_path / "run")
    with patch.object(searches, "execute", side_effect=Killed) as execute, pytest.raises(Killed):
        checked(where, quiet=quiet)
    assert execute.call_args.kwargs["quiet"] is quiet
    assert execute.call_args.kwargs["title"] == "corrupted-half 1 of 3"


def test_without_being_asked_nothing_is_searched(tmp_path: Path) -> None:
    where = found(Gradual(density=0.1), tmp_path / "run")
    outcome = check(where, **GIVEN)
    assert outcome["searches"] is None
    assert not set(CORRUPTIONS) & {control["control"] for control in outcome["controls"]}
    assert not (where / "check" / "searches").exists()
    result = {"digest": {"ticket": outcome["ticket"]}}
    assert verdicts.read(RunDirectory(where), result) == outcome
    fuller = checked(where)  # beside the quick one, and what the page shows
    assert verdicts.read(RunDirectory(where), result) == fuller
    assert check(where, **GIVEN) == outcome


def test_what_cannot_be_searched_again_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    where, out = found(Gradual(density=0.1), tmp_path / "run"), tmp_path / "out"
    trained = train(
        where / "ticket.tkt", data=tiny.dataset(), out=tmp_path / "trained", training=TRAINING, val=0.25
    ).directory.root
    dataset = tiny.dataset()
    for path, other, sentence in (
        (where / "ticket.tkt", {}, "must be the directory of a run for --corrupted"),
        (trained, {}, "must be the directory of a `ticketry find` for --corrupted"),
        (where, {"data": replace(dataset, x=dataset.x + 1)}, "data is tiny, but it must be tiny as the run in"),
    ):
        with pytest.raises(RequestError, match=sentence):
            checked(path, out=out, **other)
        assert not out.exists()


def test_labels_of_one_class_are_refused(tmp_path: Path) -> None:
    one = replace(tiny.dataset(), y=np.zeros_like(tiny.dataset().y))
    wanted = tiny.experiment(Gradual(density=0.1), Budget(epochs=1))
    with patch.object(run, "page", lambda *_: ""):
        where = run.execute(wanted, tmp_path / "run", dataset=one).directory.root
    with pytest.raises(RequestError, match="tiny with labels that are all the same, but it must be of several labels"):
        checked(where, data=one)
    assert not (where / "check").exists()


def test_a_setting_that_half_the_data_cannot_meet_is_refused_with_the_name_of_its_search(tmp_path: Path) -> None:
    where = found(Imp(density=0.9, rewind=2 * 6, batch=128), tmp_path / "run")
    with pytest.raises(RequestError, match=r"in the search for corrupted-half, draw 0, rewind is 12, but"):
        checked(where)
    assert not (where / "check-corrupted").exists()


ONE_CLASS = """
import numpy as np


def plain():
    return np.zeros((40, 2), np.float32), np.zeros(40, int)
"""


def test_on_the_command_line(finished: Path, tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "page", lambda *_: "")
    (tmp_path / "one_class_of.py").write_text(ONE_CLASS)
    refused = ["check", str(finished), "--corrupted", "--out", "refused"]
    for words, sentence in (
        (["check", str(finished / "ticket.tkt"), "--corrupted"], "--corrupted, which repeats its search"),
        ([*refused, "--data", "one_class_of:plain"], "of one class only"),
        ([*refused, "--data", "moons(train=301, test=200)"], "as the run in"),
    ):
        assert main(words) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert sentence in captured.err
        assert captured.err.count("\n") == 1
    assert not (tmp_path / "refused").exists()

    words = ["check", str(finished), "--corrupted", "--out", "here", "--seeds", "3", "--trained", "True"]
    assert main([*words, "--training.epochs", "2"]) in (0, 1)
    shown = capsys.readouterr().out
    for name in CORRUPTIONS:
        assert f"{name}: {corruptions.meaning(name)}" in shown
    assert "Of this, 9 searches on corrupted data took" in shown
    searched = tmp_path / "here" / "searches" / "corrupted-half-1"
    record = json.loads((searched / "experiment.json").read_text())
    done = run.find(EdgePopup(batch=32), data=record["data"], model="mlp:12", out="again")  # by the text alone
    assert done.directory.ticket.read_bytes() == (searched / "ticket.tkt").read_bytes()
