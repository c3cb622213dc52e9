"""The gradient written out for plain stacks is the one that autograd finds."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ticketry.core.masks import space
from ticketry.core.meters import Meter
from ticketry.core.nets.backward import mask_gradient
from ticketry.core.nets.net import Net
from ticketry.core.nets.stack import recognise
from ticketry.objectives.classification import CrossEntropy

STACKS = {
    "one layer": lambda: nn.Linear(4, 3),
    "with and without biases": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5, bias=False), nn.ReLU(), nn.Linear(5, 3)
    ),
    "two in a row without a ReLU": lambda: nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 3)),
    "a ReLU at the end": lambda: nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3), nn.ReLU()),
}


@pytest.mark.parametrize("name", STACKS)
@pytest.mark.parametrize("n", [1, 7])
def test_both_ways_agree(name: str, n: int) -> None:
    torch.manual_seed(0)
    module = STACKS[name]()
    where = space.find(module)
    stack = recognise(module, where)
    assert stack is not None
    named = dict(module.named_parameters())
    rest = {name: value.detach() for name, value in named.items() if name not in {part.name for part in where.layers}}
    weights = {part.name: named[part.name].detach().clone().requires_grad_() for part in where.layers}
    net = Net(module, rest)
    x, y = torch.randn(n, 4), torch.randint(0, 3, (n,))
    scaled = [torch.randn_like(weight) for weight in weights.values()]
    found = []
    for shortcut in (stack, None):
        out = [torch.full_like(weight, torch.nan, requires_grad=False) for weight in weights.values()]
        found.append((mask_gradient(net, shortcut, weights, x, y, scaled, out, CrossEntropy(), Meter()), out))
    (by_hand, ours), (by_autograd, theirs) = found
    assert by_hand == pytest.approx(by_autograd, rel=1e-6)
    for mine, its in zip(ours, theirs, strict=True):
        assert torch.allclose(mine, its, rtol=1e-5, atol=1e-7)
        assert its.abs().sum() > 0
