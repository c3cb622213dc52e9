"""A network with masks can be copied and saved, whatever it is made of, when it is new and when it was trained."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tests.laws import families, tiny
from torch.nn import functional
from torch.nn.utils import parametrize

from ticketry.core.masks.candidate import Candidate
from ticketry.core.seed.streams import stream
from ticketry.experiment import Experiment
from ticketry.methods.magnitude import Magnitude
from ticketry.models import text_of
from ticketry.runs.problem import problem_of_experiment
from ticketry.ticket.module import Ticket


@pytest.fixture(autouse=True)
def _older_forms() -> Iterator[None]:
    with warnings.catch_warnings():
        families.ignore_warnings_of_torch()
        yield


@pytest.fixture(scope="module", params=families.FAMILIES)
def ticket(request: pytest.FixtureRequest) -> Ticket:
    with warnings.catch_warnings():
        families.ignore_warnings_of_torch()
        wanted = Experiment(method=Magnitude(), data="tiny", model=families.text(request.param), val=0.25)
        problem = problem_of_experiment(wanted, dataset=tiny.dataset())
        mask = torch.from_numpy(stream(0, "mask").uniform(problem.task.space.size)) < 0.5
        return Ticket(problem.ticket(Candidate(mask), problem.task.norms(problem.task.effective(mask))))


def train(net: torch.nn.Module) -> None:
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=0.1)
    x, y = torch.from_numpy(tiny.dataset().x[:64]), torch.from_numpy(tiny.dataset().y[:64])
    for _ in range(2):
        optimiser.zero_grad()
        functional.cross_entropy(net.train()(x), y).backward()
        optimiser.step()


def test_copies_compute_the_same(ticket: Ticket, tmp_path: Path) -> None:
    x = torch.from_numpy(tiny.dataset().x_test[:20])
    plain, net = ticket.module(), ticket.module(trainable=True)
    torch.testing.assert_close(net.eval()(x), plain(x), atol=1e-5, rtol=1e-5)
    for _ in range(2):
        copied = copy.deepcopy(net)
        assert torch.equal(copied.eval()(x), net.eval()(x))
        train(net)
        other = ticket.module(trainable=True)
        other.load_state_dict(net.state_dict())
        torch.save(net.state_dict(), tmp_path / "state")
        third = ticket.module(trainable=True)
        third.load_state_dict(torch.load(tmp_path / "state", weights_only=True))
        for again in (other, third):
            assert torch.equal(again.eval()(x), net.eval()(x))
        assert not torch.equal(copied(x), net(x)), "the copy is trained with the original"


def test_what_is_cut_stays_cut_and_it_can_be_made_plain(ticket: Ticket) -> None:
    x = torch.from_numpy(tiny.dataset().x_test[:20])
    net = ticket.module(trainable=True)
    train(net)
    state = net.state_dict()
    masks = [name for name in state if name.endswith(".0.mask") and name.replace("0.mask", "original") in state]
    assert len(masks) >= len(ticket.content.layers)
    for name in masks:
        assert (state[name.replace("0.mask", "original")][~state[name]] == 0).all()
    before = net.eval()(x)
    for part in list(net.modules()):
        if parametrize.is_parametrized(part):
            for name in list(part.parametrizations):  # type: ignore[arg-type, call-overload]
                parametrize.remove_parametrizations(part, name)
    torch.testing.assert_close(net(x), before)
    assert not any(parametrize.is_parametrized(part) for part in net.modules())


def test_a_model_that_is_handed_over_is_left_as_it_was() -> None:
    with torch.random.fork_rng(devices=[]), torch.no_grad():  # a pass leaves it with weights that it computed
        own = families.build("weight norm of a recurrent layer").eval()
        x = torch.from_numpy(tiny.dataset().x_test[:20])
        before = own(x)
    wanted = Experiment(method=Magnitude(), data="tiny", model=text_of(own), val=0.25)
    problem = problem_of_experiment(wanted, dataset=tiny.dataset(), model=own)
    mask = torch.ones(problem.task.space.size, dtype=torch.bool)
    ticket = Ticket(problem.ticket(Candidate(mask), {}))
    first, second = (ticket.module(trainable=True, model=own).eval() for _ in range(2))
    train(first)
    with torch.no_grad():
        assert torch.equal(own(x), before)
        assert not torch.equal(first(x), second(x))
    assert not hasattr(type(own.body), "weight_ih_l0")
