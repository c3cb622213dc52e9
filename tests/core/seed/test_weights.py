"""The recipes: their bits, against a second implementation and against recorded digests, and their statistics."""

from __future__ import annotations

import math
import random
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketry.core.errors import RequestError
from ticketry.core.seed import philox, quantile, weights
from ticketry.core.seed.weights import KINDS, Kind, WeightRecipe

SHAPE = (6, 4, 3, 3)  # fan-in 36, fan-out 54
SPREAD = {
    "signed-constant": math.sqrt(2 / 36),
    "kaiming-uniform": math.sqrt(6 / 36),
    "kaiming-normal": math.sqrt(2 / 36),
    "xavier-uniform": math.sqrt(6 / 90),
    "xavier-normal": math.sqrt(2 / 90),
    "uniform": 1.0,
    "torch-default": math.sqrt(1 / 36),
}


@pytest.mark.parametrize("kind", KINDS)
def test_values_follow_the_formula(kind: Kind) -> None:
    got = weights.weight(kind, 5, "conv.weight", SHAPE)
    key, s = philox.key(5, "weight", "conv.weight"), SPREAD[kind]
    assert got.dtype == np.float32
    assert got.shape == SHAPE
    if kind == "signed-constant":
        wanted = [s if bit else -s for bit in philox.bits(key, got.size)]
    elif kind.endswith("normal"):
        wanted = [quantile.normal(np.array([w], np.uint32))[0] * s for w in philox.words32(key, got.size)]
    else:
        exact = [Fraction(2 * (int(w) >> 8) + 1 - 2**24, 2**24) for w in philox.words32(key, got.size)]
        wanted = [float(x) * s for x in exact]
    assert got.ravel().tolist() == [float(np.float32(x)) for x in wanted]


@pytest.mark.parametrize("kind", KINDS)
def test_statistics(kind: Kind) -> None:
    shape = (300, 784)
    w = weights.weight(kind, 0, "fc1.weight", shape).astype(np.float64)
    fan = 784 if "xavier" not in kind else (784 + 300) / 2
    deviation = {"uniform": math.sqrt(1 / 3), "torch-default": math.sqrt(1 / 3 / 784)}.get(
        kind, math.sqrt((2 if "xavier" not in kind else 1) / fan)
    )
    n = w.size
    assert abs(w.mean()) < 5 * deviation / math.sqrt(n)
    assert w.std() == pytest.approx(deviation, rel=0.01)
    neighbours = np.corrcoef(w.ravel()[:-1], w.ravel()[1:])[0, 1]
    assert abs(neighbours) < 5 / math.sqrt(n)


DIGESTS: dict[Kind, str] = {
    "signed-constant": "80b38a3e22fc6c32ae716f43d07ed903f198f404c5031050e60efe5e2660048e",
    "kaiming-uniform": "9f7adeb9b59f06f76392f71a1e9712bd6fddbc4d020d2e1050acb45e09d761ba",
    "kaiming-normal": "9d341aa86997530af815ced738f3c1157b886dd38942ed6601464869b7e3264f",
    "xavier-uniform": "aba8b666b8b4dae430b85bff70f5874365b71fe56d9cfd58190a0a6b35bf09fa",
    "xavier-normal": "124a01a195582f2941561443dc4c98f68508be9d2542bb62e090147731259142",
    "uniform": "c6e17312b1e5ff460f7465df18adb9ff41e49cd069b6db02db8bf83104a864e2",
    "torch-default": "7162f39f4c5c6675bcc3043cd7d0d0eac358f87b8de093b194ca5549a3511f2b",
}


@pytest.mark.parametrize("kind", KINDS)
def test_bits_never_change(kind: Kind) -> None:
    drawn = [weights.weight(kind, 0, "fc1.weight", (30, 70)), weights.bias(kind, 0, "fc1.bias", (30,), 70)]
    assert weights.digest(drawn) == DIGESTS[kind]


def test_every_parameter_stands_alone() -> None:
    a = weights.weight("uniform", 0, "a", (4, 5))
    assert not np.array_equal(a, weights.weight("uniform", 0, "b", (4, 5)))
    assert not np.array_equal(a, weights.weight("uniform", 1, "a", (4, 5)))
    assert np.array_equal(a, weights.weight("uniform", 0, "a", (4, 5)))


def test_nothing_is_drawn_from_the_global_generators() -> None:
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    weights.weight("kaiming-normal", 0, "a", (40, 50))
    assert before == (random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002


@pytest.mark.parametrize(("shape", "fan"), [((7,), 7), ((), 1)])
def test_few_dimensions_have_their_size_as_fan(shape: tuple[int, ...], fan: int) -> None:
    assert np.abs(weights.weight("signed-constant", 0, "scale", shape)).max() == np.float32(math.sqrt(2 / fan))
    assert weights.weight("xavier-normal", 0, "scale", shape).shape == shape


def test_biases() -> None:
    for kind in KINDS:
        drawn = weights.bias(kind, 0, "fc1.bias", (1000,), 16)
        bound = {"uniform": 1.0, "torch-default": 0.25}.get(kind, 0.0)
        assert weights.draws_bias(kind) == (bound > 0)
        assert bound * 0.98 <= np.abs(drawn).max() <= bound


def test_quantile_is_that_of_the_normal_distribution() -> None:
    ends = np.concatenate([np.arange(500), 2**32 - 1 - np.arange(500)])
    words = np.concatenate([ends, np.arange(0, 2**32, 2**32 // 20011)]).astype(np.uint32)
    exact = [NormalDist().inv_cdf((int(w) + 0.5) / 2**32) for w in words]
    assert np.abs(quantile.normal(words) - exact).max() < 1e-6


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_quantile_is_odd_and_rises(w: int) -> None:
    z = quantile.normal(np.array([w, 2**32 - 1 - w, min(w + 4096, 2**32 - 1)], np.uint32))
    assert z[0] == -z[1]
    assert z[2] >= z[0]


def test_quantile_does_not_depend_on_its_neighbours() -> None:
    words = philox.words32((8, 9), 3001)
    whole = quantile.normal(words)
    assert [quantile.normal(words[i : i + 1])[0] for i in range(0, 3001, 50)] == whole[::50].tolist()


def test_factors() -> None:
    sizes, kept = [100, 400, 50], [25, 100, 0]
    assert weights.factors("none", sizes, kept).tolist() == [1, 1, 1]
    assert weights.factors("static", sizes, kept).tolist() == [np.float32(math.sqrt(550 / 125))] * 3
    assert weights.factors("dynamic", sizes, kept).tolist() == [2, 2, 1]
    assert weights.factors("static", [10], [0]).tolist() == [1]


def test_digest_covers_values_and_order() -> None:
    a, b = np.array([1.0], np.float32), np.array([[2.0]], np.float32)
    # sha256 of 0000803f 00000040
    assert weights.digest([a, b]) == "b9c80b5adeca450753a16950c3cc655d271f7bef7a485bc83f112b72fef21d37"
    assert weights.digest([b, a]) != weights.digest([a, b])


def test_unknown_recipes_are_refused() -> None:
    with pytest.raises(RequestError, match="did you mean kaiming-normal"):
        WeightRecipe("kaiming-normla")
    with pytest.raises(RequestError, match="scale"):
        WeightRecipe("uniform", "statically")
