"""The one writer of tickets, and candidates with values of their own on their way to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.laws import tiny
from tests.methods import broken

from ticketry.core.masks.candidate import Candidate
from ticketry.core.task import Task
from ticketry.experiment import Lock
from ticketry.runs import outcome
from ticketry.ticket import file
from ticketry.ticket.module import Ticket


class Evolved(broken.Sound):
    """Answers with values that no seed draws, also in its front."""

    def step(self, task: Task, state: broken.State) -> broken.State:
        return broken.Sound(self.density).step(task, state)

    def mask(self, task: Task, state: broken.State) -> Candidate:  # type: ignore[override]
        mask = broken.Sound(self.density).mask(task, state)
        base = task.parameters.untrained(task.effective(mask))
        return Candidate(mask, base * 2 + 0.01 * (1 + state.epoch))

    def front(self, task: Task, state: broken.State) -> tuple[Sequence[Candidate], torch.Tensor]:
        return [self.mask(task, state)], torch.tensor([0.5], dtype=torch.float64)


@pytest.mark.parametrize("lock", [None, Lock(off=0.3, on=0.1)])
def test_values_of_a_search_are_validated_judged_and_in_the_ticket(lock: Lock | None, tmp_path: Path) -> None:
    with tiny.known(Evolved):
        done = tiny.execute(tiny.experiment(Evolved(), lock=lock), tmp_path / "run")
    ticket = done.ticket.content
    assert (ticket.kind, done.result["kept"]) == ("strong", 240)
    assert ticket.values is not None
    assert all(check.ok for check in file.verify(ticket))
    plain = file.effective(replace(ticket, values=None, rest_values=None))
    step = 0.01 * (1 + done.result["chosen_step"])
    whole = np.concatenate([plain[layer.name].ravel() for layer in ticket.layers])
    assert ticket.values == pytest.approx(2 * whole[ticket.mask] + np.float32(step), abs=1e-6)
    data = tiny.dataset()
    right = done.ticket.module()(torch.from_numpy(data.x_test)).argmax(1) == torch.from_numpy(data.y_test)
    assert right.float().mean().item() == pytest.approx(done.result["accuracy"]["test"])
    front = Ticket.load(done.directory.front_ticket(0)).content
    assert front.values is not None
    assert done.result["front"][0]["val_accuracy"] == pytest.approx(done.result["accuracy"]["val"], abs=0.3)


def test_what_the_mask_cuts_does_not_count(tmp_path: Path) -> None:
    """Neither in the judgement nor in the file."""
    task = tiny.problem(broken.Sound()).task
    mask = torch.arange(task.space.size) % 3 == 0
    values = task.parameters.untrained(task.effective(torch.ones_like(mask)))
    noisy = values + 100 * (1 - task.parameters.mask(task.space.full(mask)))
    assert task.validate(Candidate(mask, values)) == task.validate(Candidate(mask, noisy))


def test_the_test_split_is_judged_only_where_it_is_asked_for(tmp_path: Path) -> None:
    problem = tiny.problem(broken.Sound())
    problem = replace(problem, test=replace(problem.test, x=problem.test.x * torch.nan))
    mask = torch.arange(problem.task.space.size) % 2 == 0
    found = outcome.write(problem, Candidate(mask), tmp_path / "a.tkt", ["val"])
    assert set(found["accuracy"]) == set(found["loss"]) == {"val"}
    assert outcome.write(problem, Candidate(mask), tmp_path / "b.tkt", ["test"])["loss"]["test"] is None
    assert (tmp_path / "a.tkt").read_bytes() == (tmp_path / "b.tkt").read_bytes()
    assert found["digest"]["ticket"] == file.digests((tmp_path / "a.tkt").read_bytes())["ticket"]
