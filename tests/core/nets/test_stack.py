from __future__ import annotations

import pytest
import torch
from torch import nn

from ticketry import models
from ticketry.core.masks import space
from ticketry.core.nets.stack import Stack, recognise


def found(module: nn.Module, **choice: list[str]) -> Stack | None:
    return recognise(module, space.find(module, **choice))


def relus(module: nn.Module) -> list[bool]:
    stack = found(module)
    assert stack is not None
    return [affine.relu for affine in stack.layers]


def test_the_order_of_layers_their_biases_and_relus() -> None:
    last = nn.Linear(2, 3, bias=False)
    body = nn.Sequential(nn.Linear(4, 5), nn.Dropout(0.5), nn.ReLU(), nn.Identity(), nn.Linear(5, 2))
    stack = found(nn.Sequential(nn.Flatten(), body, last))
    assert stack is not None
    assert [(a.weight, a.relu, a.bias is not None) for a in stack.layers] == [
        (0, True, True),
        (1, False, True),
        (2, False, False),
    ]
    assert torch.equal(stack.layers[1].bias, body[4].bias)


@pytest.mark.parametrize("name", ["mlp", "mlp:20", "mlp:50,50", "lenet-300-100"])
def test_the_built_in_ones(name: str) -> None:
    layers = relus(models.build(name, (28, 28), 10))
    assert layers == [True] * (len(layers) - 1) + [False]


def test_only_vectors_fit_unless_they_are_made() -> None:
    images, vectors = torch.zeros(2, 2, 2), torch.zeros(2, 4)
    flat, bare = found(nn.Sequential(nn.Flatten(), nn.Linear(4, 2))), found(nn.Linear(4, 2))
    assert flat is not None
    assert bare is not None
    assert (flat.fits(images), flat.fits(vectors), bare.fits(images), bare.fits(vectors)) == (True, True, False, True)
    assert not bare.fits(vectors.double())


class Doubled(nn.Linear):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(x)


def hooked() -> nn.Module:
    module = nn.Sequential(nn.Linear(4, 2))
    module[0].register_forward_hook(lambda module, given, out: -out)
    return module


@pytest.mark.parametrize(
    "module",
    [
        nn.Sequential(nn.Linear(4, 2), nn.Tanh()),
        nn.Sequential(nn.ReLU(), nn.Linear(4, 2)),
        nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2)),
        nn.Sequential(nn.Flatten(0), nn.Linear(4, 2)),
        nn.Sequential(nn.Conv1d(1, 1, 1), nn.Flatten(), nn.Linear(4, 2)),
        nn.Sequential(Doubled(4, 2)),
        nn.ModuleDict({"a": nn.Linear(4, 2)}),
        hooked(),
    ],
    ids=["tanh", "relu first", "norm", "flatten all", "convolution", "own linear", "not sequential", "hook"],
)
def test_anything_else_is_not_one(module: nn.Module) -> None:
    assert found(module) is None


def test_weights_all_masked_and_biases_not() -> None:
    module = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
    assert found(module) is not None
    assert found(module, exclude=["1.*"]) is None
    assert found(module, include=["*"]) is None
