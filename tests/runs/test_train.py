"""`ticketry train`: a ticket trained under its mask, resumable, as a ticket file."""

from __future__ import annotations

import json
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
from tests.laws import tiny

from ticketry.core.errors import RequestError
from ticketry.core.training.recipe import Training
from ticketry.experiment import Lock
from ticketry.methods.edge_popup import EdgePopup
from ticketry.methods.gem_miner import GemMiner
from ticketry.runs import checkpoint, job, train
from ticketry.ticket import file
from ticketry.ticket.module import Ticket

TRAINING = Training(epochs=3, batch=32)


class Killed(BaseException):
    pass


@pytest.fixture(params=["trainable", "strong and locked"])
def ticket(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    method, lock = (GemMiner(density=0.2), None)
    if request.param != "trainable":
        method, lock = EdgePopup(density=0.2), Lock(off=0.3, on=0.1)  # type: ignore[assignment]
    return tiny.execute(tiny.experiment(method, lock=lock), tmp_path / "found").directory.ticket


def test_a_trained_ticket_is_a_network_with_the_same_mask_that_does_better(ticket: Path, tmp_path: Path) -> None:
    done = train.train(ticket, data=tiny.dataset(), out=tmp_path / "out", training=TRAINING, val=0.25)
    before, after = Ticket.load(ticket), Ticket.load(done.directory.ticket)
    assert (before.content.mask == after.content.mask).all()
    assert after.content.kind == "trainable"
    assert all(check.ok for check in file.verify(after.content))
    cut = torch.cat([~mask.flatten() for mask in before.mask().values()])
    net = dict(after.module().named_parameters())
    flat = torch.cat([net[name].flatten() for name in before.mask()])
    assert (flat[cut] == 0).all()
    data = tiny.dataset()
    right = after.module()(torch.from_numpy(data.x_test)).argmax(1) == torch.from_numpy(data.y_test)
    assert right.float().mean().item() == pytest.approx(done.result["accuracy"]["test"])
    assert done.result["accuracy"]["val"] > done.result["untrained"]["val_accuracy"]
    assert done.result["cost"]["epochs"] == 3


def test_stopped_and_started_again_it_ends_with_the_same_bytes(ticket: Path, tmp_path: Path) -> None:
    def go(out: Path) -> bytes:
        return train.train(
            ticket, data=tiny.dataset(), out=out, training=TRAINING, val=0.25
        ).directory.ticket.read_bytes()

    whole = go(tmp_path / "whole")
    real, calls = checkpoint.save, [0]

    def deadly(*args: object) -> None:
        real(*args)  # type: ignore[arg-type]
        calls[0] += 1
        if calls[0] == 2:
            raise Killed

    with patch.object(job, "CHECKPOINT_EVERY", -1.0):
        with patch.object(checkpoint, "save", deadly), pytest.raises(Killed):
            go(tmp_path / "cut")
        assert not (tmp_path / "cut" / "result.json").exists()
        assert go(tmp_path / "cut") == whole
    lines = [json.loads(line)["step"] for line in (tmp_path / "cut" / "log.jsonl").read_text().splitlines()]
    assert lines == [1, 2, 3]
    assert go(tmp_path / "cut") == whole  # finished: returned at once


def test_another_training_in_its_directory_is_refused(ticket: Path, tmp_path: Path) -> None:
    train.train(ticket, data=tiny.dataset(), out=tmp_path / "out", training=TRAINING, val=0.25)
    with pytest.raises(RequestError, match=r"holds a run with training.epochs 3, not 4"):
        train.train(ticket, data=tiny.dataset(), out=tmp_path / "out", training=Training(epochs=4, batch=32), val=0.25)


def test_data_of_another_kind_are_refused(ticket: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="data is moons"):
        train.train(ticket, data="moons", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
