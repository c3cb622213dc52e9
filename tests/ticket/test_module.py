"""A ticket in somebody else's training loop: what the mask cuts is zero after every step, whatever one does."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_model, save_model
from tests.laws import tiny
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrize

from ticketry.core.masks.candidate import Candidate
from ticketry.core.seed.streams import stream
from ticketry.core.trust import typed
from ticketry.experiment import Experiment, Lock
from ticketry.methods.magnitude import Magnitude
from ticketry.runs.problem import problem_of_experiment
from ticketry.ticket.module import Ticket

STEPS = 4


class Twice(nn.Module):
    """One weight in two places, a norm, a convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(16, 16), nn.Linear(16, 16)
        self.second.weight = self.first.weight
        self.conv = nn.Conv2d(1, 6, 3)
        self.norm = nn.BatchNorm2d(6)
        self.head = nn.Linear(24, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.second(functional.relu(self.first(x)))
        return self.head(functional.relu(self.norm(self.conv(x.view(-1, 1, 4, 4)))).flatten(1))


def twice() -> nn.Module:
    return Twice()


@pytest.fixture(scope="module", params=["free", "locked"])
def ticket(request: pytest.FixtureRequest) -> Ticket:
    lock = Lock(off=0.3, on=0.1) if request.param == "locked" else Lock()
    wanted = Experiment(method=Magnitude(), data="tiny", model="tests.ticket.test_module:twice", val=0.25, lock=lock)
    problem = problem_of_experiment(wanted, dataset=tiny.dataset(), trust=typed(wanted.model))
    mask = torch.from_numpy(stream(0, "mask").uniform(problem.task.space.size)) < 0.3
    content = problem.ticket(Candidate(mask), problem.task.norms(problem.task.effective(mask)))
    return Ticket(content, typed(wanted.model))


OPTIMISERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.1),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.1, nesterov=True, foreach=False),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=0.1),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
}


def step(net: nn.Module, optimiser: torch.optim.Optimizer, number: int, bfloat16: bool = False) -> float:
    data = tiny.dataset()
    part = slice(64 * number, 64 * (number + 1))
    x, y = torch.from_numpy(data.x[part]), torch.from_numpy(data.y[part])
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        logits = net(x)
    loss = functional.cross_entropy(logits.float(), y)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()


def cut(ticket: Ticket, net: nn.Module) -> torch.Tensor:
    """The cut weights as the layers see them, wherever they are used."""
    masks = ticket.mask()
    masks["second.weight"] = masks["first.weight"]
    weights = {name: net.get_submodule(name.removesuffix(".weight")).weight for name in masks}
    return torch.cat([weights[name][~mask] for name, mask in masks.items()])


def check(ticket: Ticket, net: nn.Module) -> None:
    assert (cut(ticket, net) == 0).all()
    for name, value in net.state_dict().items():  # what is stored is zero, too
        if name.endswith("original"):
            assert (value[~net.state_dict()[name.replace("original", "0.mask")]] == 0).all()


@pytest.mark.parametrize(
    ("way", "name"),
    [
        *(("plain", name) for name in OPTIMISERS),
        *((way, name) for way in ("copied", "eager", "aot_eager", "autocast") for name in ("sgd", "adam")),
    ],
)
def test_cut_weights_are_zero_after_every_step(ticket: Ticket, way: str, name: str) -> None:
    net = ticket.module(trainable=True)
    assert net.training
    assert all(parameter.requires_grad for parameter in net.parameters())
    if way == "copied":
        net = copy.deepcopy(net)
    before = {key: value.clone() for key, value in net.named_parameters()}
    optimiser = OPTIMISERS[name](net.parameters())
    called = torch.compile(net, backend=way, fullgraph=True) if "eager" in way else net
    losses = []
    for number in range(STEPS):
        losses.append(step(called, optimiser, number, way == "autocast"))
        check(ticket, net)
    assert losses[-1] < losses[0]
    for key, value in net.named_parameters():
        assert (value != before[key])[value != 0].float().mean() > 0.7, key  # dead units stay where they are
    assert net.first.weight is not net.second.weight
    assert torch.equal(net.first.weight, net.second.weight)


def test_without_masks_they_come_back(ticket: Ticket) -> None:
    net = ticket.module().train().requires_grad_()
    step(net, OPTIMISERS["sgd"](net.parameters()), 0)
    assert (cut(ticket, net) != 0).any()


@pytest.mark.parametrize("how", ["torch", "safetensors"])
def test_training_goes_on_from_a_saved_state(ticket: Ticket, how: str, tmp_path: Path) -> None:
    whole, half = ticket.module(trainable=True), ticket.module(trainable=True)
    first = OPTIMISERS["sgd"](whole.parameters())
    for number in range(STEPS):
        step(whole, first, number)
    second = OPTIMISERS["sgd"](half.parameters())
    for number in range(STEPS // 2):
        step(half, second, number)
    other = ticket.module(trainable=True)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.fill_(7.0)
    third = OPTIMISERS["sgd"](other.parameters())
    torch.save(second.state_dict(), tmp_path / "optimiser")
    third.load_state_dict(torch.load(tmp_path / "optimiser", weights_only=True))
    if how == "torch":
        torch.save(half.state_dict(), tmp_path / "net")
        other.load_state_dict(torch.load(tmp_path / "net", weights_only=True))
    else:
        save_model(half, str(tmp_path / "net"))
        load_model(other, str(tmp_path / "net"))
    for number in range(STEPS // 2, STEPS):
        step(other, third, number)
        check(ticket, other)
    for key, value in whole.state_dict().items():
        assert torch.equal(value, other.state_dict()[key]), key


def test_it_computes_what_the_plain_module_does_and_can_be_made_one(ticket: Ticket) -> None:
    plain, net = ticket.module(), ticket.module(trainable=True)
    x = torch.from_numpy(tiny.dataset().x_test)
    assert torch.equal(plain(x), net.eval()(x))
    step(net.train(), OPTIMISERS["adam"](net.parameters()), 0)
    trained = net.eval()(x)
    for part in list(net.modules()):
        if parametrize.is_parametrized(part):
            for name in list(part.parametrizations):  # type: ignore[arg-type, call-overload]
                parametrize.remove_parametrizations(part, name)
    assert torch.equal(net(x), trained)
    assert type(net) is Twice
    assert net.first.weight is net.second.weight
    assert net.state_dict().keys() == plain.state_dict().keys()
    assert (cut(ticket, net) == 0).all()


def test_no_gradient_reaches_a_cut_weight_even_when_it_is_not_a_number(ticket: Ticket) -> None:
    net = ticket.module(trainable=True)
    net(torch.full((8, 16), torch.inf)).sum().backward()
    assert not all(parameter.grad.isfinite().all() for parameter in net.parameters())  # type: ignore[union-attr]
    torch.optim.SGD(net.parameters(), lr=0.1).step()
    check(ticket, net)


def test_an_assigned_weight_is_masked(ticket: Ticket) -> None:
    net = ticket.module(trainable=True)
    net.head.weight = torch.ones(4, 24)  # type: ignore[assignment]
    assert torch.equal(net.head.weight, ticket.mask()["head.weight"].float())
    check(ticket, net)
