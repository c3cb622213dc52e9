"""`trained.tkt`: the network that a search trained on the way, and training that goes on from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.laws import tiny

from ticketry.core.errors import RequestError
from ticketry.core.meters import Budget
from ticketry.core.training.recipe import Training
from ticketry.data import split
from ticketry.experiment import Lock
from ticketry.methods.edge_popup import EdgePopup
from ticketry.methods.gradual import Gradual
from ticketry.methods.imp import Imp
from ticketry.methods.one_shot import OneShot
from ticketry.runs.run import Run
from ticketry.runs.train import train
from ticketry.ticket import file
from ticketry.ticket.module import Ticket

TRAINING = Training(epochs=2, batch=32)
REWOUND = Imp(density=0.3, fraction=0.5, rewind=-1)


def found(method: Any, out: Path, lock: Lock | None = None) -> Run:
    return tiny.execute(replace(tiny.experiment(method, lock=lock), budget=Budget(epochs=4)), out)


@pytest.mark.parametrize("lock", [None, Lock(off=0.3, on=0.1)])
@pytest.mark.parametrize("method", [Gradual(density=0.3), OneShot(density=0.3), REWOUND])
def test_it_is_the_ticket_with_values_and_as_good_as_the_result_says(
    method: Any, lock: Lock | None, tmp_path: Path
) -> None:
    run = found(method, tmp_path, lock)
    left, said = Ticket.load(run.directory.trained), run.result["trained"]
    assert (left.content.mask == run.ticket.content.mask).all()
    assert left.content.locks == run.ticket.content.locks
    assert left.content.values is not None
    assert all(check.ok for check in file.verify(left.content))
    data, val = tiny.dataset(), split(tiny.dataset(), 0.25).val
    right = left.module()(torch.from_numpy(data.x[val])).argmax(1) == torch.from_numpy(data.y[val])
    assert right.float().mean().item() == pytest.approx(said["val_accuracy"])
    assert said["val_accuracy"] > run.result["accuracy"]["val"]
    assert said["ticket_bytes"] == run.directory.trained.stat().st_size
    assert said["digest"] == file.digests(run.directory.trained.read_bytes())["ticket"]


@pytest.mark.parametrize("method", [EdgePopup(density=0.3), Imp(density=0.3)])
def test_a_search_that_ends_with_untrained_weights_leaves_none(method: Any, tmp_path: Path) -> None:
    run = found(method, tmp_path)
    assert run.result["trained"] is None
    assert not run.directory.trained.exists()


def test_training_goes_on_from_its_values(tmp_path: Path) -> None:
    path = found(REWOUND, tmp_path / "found").directory.trained

    def go(out: str, start: Any, rate: float = 1e-9) -> Run:
        training = replace(TRAINING, learning_rate=rate)
        return train(path, data=tiny.dataset(), out=tmp_path / out, training=training, start=start, val=0.25)

    on, anew = go("on", "trained"), go("anew", "untrained")
    before, after, other = (Ticket.load(p).content for p in (path, on.directory.ticket, anew.directory.ticket))
    assert (before.mask == after.mask).all()
    assert before.values is not None
    assert other.values is not None
    assert after.values == pytest.approx(before.values, abs=1e-6)  # next to no rate moves next to nothing
    assert abs(other.values - before.values).max() > 0.01
    for name, values in (before.rest_values or {}).items():
        assert (after.rest_values or {})[name] == pytest.approx(values, abs=1e-6)
    assert go("further", "trained", 0.1).result["accuracy"]["val"] >= on.result["accuracy"]["val"] - 0.1
    assert file.digests(on.directory.ticket.read_bytes()) != file.digests(anew.directory.ticket.read_bytes())


def test_a_start_that_the_file_does_not_have_is_refused(tmp_path: Path) -> None:
    run = found(REWOUND, tmp_path / "found")
    here: dict[str, Any] = {"data": tiny.dataset(), "out": tmp_path / "out", "start": "trained", "val": 0.25}
    with pytest.raises(RequestError, match=r"start is trained.*without trained values"):
        train(run.directory.ticket, training=TRAINING, **here)
    with pytest.raises(RequestError, match=r"rewind is 3.*0 for a start"):
        train(run.directory.trained, training=replace(TRAINING, rewind=3), **here)
    assert not (tmp_path / "out").exists()
