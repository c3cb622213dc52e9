from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from ticketry.core.masks import space
from ticketry.core.masks.initial import inside, outside
from ticketry.core.seed import weights
from ticketry.core.seed.weights import KINDS, Kind


@pytest.fixture(autouse=True)
def _generator_restored() -> Iterator[None]:
    """These tests draw modules from the global generator; the library never does."""
    with torch.random.fork_rng(devices=[]):
        yield


class Odd(nn.Module):
    """Parameters of every sort: a norm, an embedding, a gain of its own, a tied weight, a vector named weight."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, groups=2)
        self.norm = nn.BatchNorm2d(4)
        self.table = nn.Embedding(5, 3)
        self.gain = nn.Parameter(torch.randn(4))
        self.first, self.second = nn.Linear(6, 6), nn.Linear(6, 6)
        self.second.weight = self.first.weight


class Drawn(NamedTuple):
    base: dict[str, NDArray[np.float32]]
    rest: dict[str, NDArray[np.float32]]
    drawn: tuple[tuple[str, tuple[int, ...], int], ...]


def of(module: nn.Module, kind: Kind = "torch-default", seed: int = 3, **search: list[str]) -> Drawn:
    base = inside(space.find(module, **search), kind, seed)
    rest = outside(module, base, kind, seed)
    return Drawn(base, rest.values, rest.drawn)


def test_every_parameter_has_a_value_of_its_shape() -> None:
    module = Odd()
    values = of(module)
    assert list(values.base) == ["conv.weight", "first.weight"]
    shapes = {name: tuple(p.shape) for name, p in module.named_parameters()}
    assert {name: v.shape for name, v in (values.base | values.rest).items()} == shapes
    assert all(v.dtype == np.float32 for v in (values.base | values.rest).values())


def test_each_parameter_follows_its_rule() -> None:
    rest = of(Odd()).rest
    assert np.array_equal(rest["norm.weight"], np.ones(4))
    assert np.array_equal(rest["norm.bias"], np.zeros(4))
    assert np.array_equal(rest["gain"], np.zeros(4))
    assert np.array_equal(rest["table.weight"], weights.weight("torch-default", 3, "table.weight", (5, 3)))
    assert np.array_equal(
        rest["conv.bias"], weights.bias("torch-default", 3, "conv.bias", (4,), 9)
    )  # 1 channel x 3 x 3
    assert np.array_equal(rest["second.bias"], weights.bias("torch-default", 3, "second.bias", (6,), 6))


@pytest.mark.parametrize("kind", KINDS)
def test_drawn_lists_exactly_what_is_random(kind: Kind) -> None:
    values = of(Odd(), kind)
    tables = {("table.weight", (5, 3), 0)}
    biases = {("conv.bias", (4,), 9), ("first.bias", (6,), 6), ("second.bias", (6,), 6)}
    assert set(values.drawn) == (tables | biases if weights.draws_bias(kind) else tables)
    for name, value in values.rest.items():
        constant = len(set(value.ravel().tolist())) == 1
        assert constant == (name not in {drawn for drawn, _, _ in values.drawn})


def test_unmasked_weights_follow_the_recipe_too() -> None:
    module = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    whole, part = of(module, "kaiming-normal"), of(module, "kaiming-normal", exclude=["1.*"])
    assert list(part.base) == ["0.weight"]
    assert np.array_equal(part.rest["1.weight"], whole.base["1.weight"])


def test_the_modules_own_values_the_order_and_the_neighbours_do_not_matter() -> None:
    torch.manual_seed(0)
    first = of(nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)))
    second = of(nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2), nn.Linear(2, 2)))
    assert np.array_equal(first.base["0.weight"], second.base["0.weight"])
    assert np.array_equal(first.rest["1.bias"], second.rest["1.bias"])


def test_seeds_differ() -> None:
    assert not np.array_equal(of(Odd(), seed=1).base["first.weight"], of(Odd(), seed=2).base["first.weight"])


def test_the_global_generators_are_left_alone() -> None:
    module = Odd()
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    of(module)
    assert torch.equal(torch.get_rng_state(), torch_before)
    assert np.array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002
