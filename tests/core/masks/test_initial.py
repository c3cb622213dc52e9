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


def of(
    module: nn.Module, kind: Kind = "torch-default", seed: int = 3, other: nn.Module | None = None, **search: list[str]
) -> Drawn:
    base = inside(space.find(module, **search), kind, seed)
    rest = outside(module, base, kind, seed, other)
    return Drawn(base, rest.values, rest.drawn)


def test_every_parameter_has_a_value_of_its_shape() -> None:
    module = Odd()
    values = of(module)
    assert list(values.base) == ["conv.weight", "first.weight"]
    shapes = {name: tuple(p.shape) for name, p in module.named_parameters()}
    assert {name: v.shape for name, v in (values.base | values.rest).items()} == shapes
    assert all(v.dtype == np.float32 for v in (values.base | values.rest).values())


def test_each_parameter_follows_its_rule() -> None:
    rest = of(Odd(), other=Odd()).rest
    assert np.array_equal(rest["norm.weight"], np.ones(4))
    assert np.array_equal(rest["norm.bias"], np.zeros(4))
    assert np.array_equal(rest["gain"], weights.weight("torch-default", 3, "gain", (4,)))
    assert np.array_equal(rest["table.weight"], weights.weight("torch-default", 3, "table.weight", (5, 3)))
    assert np.array_equal(
        rest["conv.bias"], weights.bias("torch-default", 3, "conv.bias", (4,), 9)
    )  # 1 channel x 3 x 3
    assert np.array_equal(rest["second.bias"], weights.bias("torch-default", 3, "second.bias", (6,), 6))


@pytest.mark.parametrize("kind", KINDS)
def test_drawn_lists_exactly_what_is_random(kind: Kind) -> None:
    values = of(Odd(), kind, other=Odd())
    tables = {("table.weight", (5, 3), 0), ("gain", (4,), 0)}
    biases = {("conv.bias", (4,), 9), ("first.bias", (6,), 6), ("second.bias", (6,), 6)}
    assert set(values.drawn) == (tables | biases if weights.draws_bias(kind) else tables)
    for name, value in values.rest.items():
        constant = len(set(value.ravel().tolist())) == 1
        assert constant == (name not in {drawn for drawn, _, _ in values.drawn}) or name == "gain"


def test_what_two_builds_have_in_common_is_kept() -> None:
    """Layers of torch that are set by hand, but for biases of zero, which the bias rule is for."""

    def build() -> nn.Module:
        net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2), nn.Linear(2, 2))
        nn.init.zeros_(net[0].bias)
        nn.init.eye_(net[1].weight)
        nn.init.constant_(net[1].bias, -4.6)
        return net

    module, other = build(), build()
    found = outside(module, ("0.weight", "2.weight"), "torch-default", 3, other)
    assert np.array_equal(found.values["1.weight"], np.eye(2, 4))
    assert list(found.tensors) == ["1.weight"]
    assert found.fixed == (("1.bias", (2,), float(np.float32(-4.6))),)
    assert {name for name, _, _ in found.drawn} == {"0.bias", "2.bias"}


def test_one_build_tells_what_is_one_number_and_what_does_not_learn() -> None:
    module = Odd()
    nn.init.constant_(module.second.bias, 0.5)
    module.table.weight.requires_grad_(False)
    found = outside(module, ("conv.weight", "first.weight"), "torch-default", 3)
    assert found.fixed == (("second.bias", (6,), 0.5),)
    assert sorted(found.tensors) == ["gain", "table.weight"]
    assert all(np.array_equal(found.values[name], module.get_parameter(name).detach()) for name in found.tensors)
    assert found.held == {"table.weight"}
    assert {name for name, _, _ in found.drawn} == {"conv.bias", "first.bias"}


def test_builds_that_are_all_alike_tell_no_more_than_one() -> None:
    torch.manual_seed(1)
    module = Odd()
    torch.manual_seed(1)
    assert of(module, other=Odd()).drawn == of(module).drawn


def test_a_network_that_is_ready_for_use_learns_all_the_same() -> None:
    found = outside(Odd().requires_grad_(False), (), "torch-default", 3)
    assert found.held == frozenset()


def test_zeros_that_every_build_has_stay_and_too_many_are_kept_as_they_are() -> None:
    def build(step: int) -> nn.Module:
        net = nn.Sequential(nn.Linear(3, 4), nn.Embedding(900, 2))
        net[1].weight.data.view(-1)[::step] = 0
        net[1].weight.data[3:5] = 0
        return net

    found = outside(build(600), ("0.weight",), "uniform", 3, build(600))
    assert found.zeros == (("1.weight", 0, 1), ("1.weight", 6, 10), ("1.weight", 600, 601), ("1.weight", 1200, 1201))
    assert int((found.values["1.weight"] == 0).sum()) == 7
    alone = outside(build(600), ("0.weight",), "uniform", 3)
    assert alone.zeros == (("1.weight", 6, 10),)
    module = build(3)
    found = outside(module, ("0.weight",), "uniform", 3, build(3))
    assert list(found.tensors) == ["1.weight"]
    assert found.zeros == ()


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
