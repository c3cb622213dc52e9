"""Layer budgets: known values worked out apart from the code, and what every budget must obey."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketry.core.errors import RequestError
from ticketry.core.masks.allocation import LockAllocation, Split, _quotas, layer_counts, lock_counts

LENET = [(300, 784), (100, 300), (10, 100)]
CONV6 = [
    *[(64, 3, 3, 3), (64, 64, 3, 3), (128, 64, 3, 3), (128, 128, 3, 3), (256, 128, 3, 3), (256, 256, 3, 3)],
    *[(256, 4096), (256, 256), (10, 256)],
]
BUDGETS = get_args(LockAllocation)
SHAPES = st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=4).map(tuple), min_size=1, max_size=7)
EVERY = settings(max_examples=60, deadline=None)


def sizes(shapes):
    return [math.prod(shape) for shape in shapes]


def layer_densities(budget, shapes, density):
    """Of every layer, before counts are rounded."""
    quotas = _quotas(budget, shapes, Fraction(density) * sum(sizes(shapes)))
    return [float(quota / size) for quota, size in zip(quotas, sizes(shapes), strict=True)]


def test_uniform_keeps_the_same_fraction_of_every_layer():
    assert layer_densities("uniform", CONV6, 0.1) == pytest.approx([0.1] * 9)


def test_erk_of_lenet_without_dense_layers():
    scale = 0.05 * 266_200 / (1084 + 400 + 110)
    expected = [scale * 1084 / 235_200, scale * 400 / 30_000, scale * 110 / 1000]
    assert layer_densities("erk", LENET, 0.05) == pytest.approx(expected)


def test_erk_of_lenet_solves_again_after_the_last_layer_became_dense():
    scale = (0.2 * 266_200 - 1000) / (1084 + 400)  # (10, 100) alone would get 0.2 * 266200 * 110 / 1594 > 1000
    expected = [scale * 1084 / 235_200, scale * 400 / 30_000, 1.0]
    assert layer_densities("erk", LENET, 0.2) == pytest.approx(expected)


def test_erk_of_conv6_counts_the_kernel_dimensions():
    dims = [73, 134, 198, 262, 390, 518, 4352, 512, 266]
    dense, scale = set(), 0.0
    for _ in dims:  # one layer at a time, the worst first, as in the published code
        left = [i for i in range(9) if i not in dense]
        scale = (0.1 * sum(sizes(CONV6)) - sum(sizes(CONV6)[i] for i in dense)) / sum(dims[i] for i in left)
        worst = max(left, key=lambda i: dims[i] / sizes(CONV6)[i])
        if scale * dims[worst] / sizes(CONV6)[worst] <= 1:
            break
        dense.add(worst)
    expected = [1.0 if i in dense else scale * dims[i] / sizes(CONV6)[i] for i in range(9)]
    assert dense == {0, 8}
    assert layer_densities("erk", CONV6, 0.1) == pytest.approx(expected)


def test_smart_ratio_of_lenet_by_hand():
    unit = (0.05 * 266_200 - 300) / (12 * 235_200 + 6 * 30_000)  # (10, 100) keeps 300; the others go by 12 to 6
    assert layer_densities("smart-ratio", LENET, 0.05) == pytest.approx([12 * unit, 6 * unit, 0.3])


@given(SHAPES, st.floats(0, 1))
@EVERY
def test_smart_ratio_shares_out_everything_and_no_more_than_there_is(shapes, density):
    total = round(density * sum(sizes(shapes)))
    counts = layer_counts("smart-ratio", shapes, total)
    assert sum(counts) == total
    assert all(0 <= count <= size for count, size in zip(counts, sizes(shapes), strict=True))


def test_epl_gives_equal_counts_and_splits_the_surplus_of_small_layers():
    # 0.05 * 266200 = 13310 kept: a third of it exceeds the 1000 of the last layer, the other two share 12310
    assert layer_counts("epl", LENET, 13_310) == [6155, 6155, 1000]
    # of 100000: thirds are 33333, so 30000 and 1000 are dense and the first layer takes the rest
    assert layer_counts("epl", LENET, 100_000) == [69_000, 30_000, 1000]


def test_igq_solves_for_one_constant():
    densities = layer_densities("igq", CONV6, 0.03)
    constants = [(1 / d - 1) / n for d, n in zip(densities, sizes(CONV6), strict=True)]
    assert constants == pytest.approx([constants[0]] * 9, rel=1e-9)
    kept = sum(d * n for d, n in zip(densities, sizes(CONV6), strict=True))
    assert kept == pytest.approx(0.03 * sum(sizes(CONV6)), rel=1e-12)


def test_equal_remainders_go_to_the_first_layers():
    assert layer_counts("uniform", [(5,), (5,), (5,)], 7) == [3, 2, 2]
    assert layer_counts("epl", [(9,), (8,), (7,)], 11) == [4, 4, 3]


@pytest.mark.parametrize("budget", BUDGETS)
@given(shapes=SHAPES, fraction=st.floats(0, 1))
@EVERY
def test_counts_are_exact_and_fit(budget, shapes, fraction):
    total = round(fraction * sum(sizes(shapes)))
    counts = layer_counts(budget, shapes, total)
    assert sum(counts) == total
    assert all(0 <= count <= size for count, size in zip(counts, sizes(shapes), strict=True))
    exact = layer_densities(budget, shapes, total / sum(sizes(shapes)))
    assert all(abs(c - d * n) < 1 for c, d, n in zip(counts, exact, sizes(shapes), strict=True))


@pytest.mark.parametrize("budget", BUDGETS)
@given(shapes=SHAPES, one=st.floats(0, 1), other=st.floats(0, 1))
@EVERY
def test_densities_grow_with_the_density(budget, shapes, one, other):
    low, high = (layer_densities(budget, shapes, d) for d in sorted((one, other)))
    assert all(0 <= a <= b <= 1 for a, b in zip(low, high, strict=True))


@pytest.mark.parametrize("budget", BUDGETS)
def test_nothing_and_everything(budget):
    assert layer_densities(budget, CONV6, 0) == [0.0] * 9
    assert layer_densities(budget, CONV6, 1) == [1.0] * 9
    assert layer_counts(budget, CONV6, sum(sizes(CONV6))) == sizes(CONV6)


@pytest.mark.parametrize("split", get_args(Split))
@pytest.mark.parametrize("budget", BUDGETS)
@given(shapes=SHAPES, off=st.floats(0, 1), rest=st.floats(0, 1))
@EVERY
def test_locks_have_exact_totals_and_never_overlap(budget, split, shapes, off, rest):
    on = rest * (1 - off)
    if off + on > 1:  # by rounding
        on = 0.0
    locked = lock_counts(budget, split, shapes, off, on)
    total = sum(sizes(shapes))
    assert sum(o for o, _ in locked) == round(off * total)
    assert sum(r for _, r in locked) == min(round(on * total), total - round(off * total))
    assert all(o >= 0 and r >= 0 and o + r <= n for (o, r), n in zip(locked, sizes(shapes), strict=True))


def test_the_two_splits_of_conv6_epl_differ_as_published():
    by_sparsity = lock_counts("epl", "sparsity", CONV6, 0.25, 0.25)
    by_density = lock_counts("epl", "density", CONV6, 0.25, 0.25)
    touched = [i for i, (off, on) in enumerate(by_sparsity) if off + on]
    assert touched == [4, 5, 6]  # only the three largest layers
    whole = [i for i, (_, on) in enumerate(by_density) if on == sizes(CONV6)[i]]
    assert whole == [0, 1, 2, 7, 8]  # small layers are locked on entirely


@pytest.mark.parametrize("split", get_args(Split))
def test_uniform_locks_are_the_asked_fractions(split):
    assert lock_counts("uniform", split, [(100,), (40, 10)], 0.35, 0.2) == [(35, 20), (140, 80)]


@pytest.mark.parametrize("budget", BUDGETS)
def test_sparsity_split_leaves_the_searched_weights_to_the_budget(budget):
    locked = lock_counts(budget, "sparsity", CONV6, 0.3, 0.2)
    free = [n - off - on for n, (off, on) in zip(sizes(CONV6), locked, strict=True)]
    expected = layer_densities(budget, CONV6, 0.5)
    assert all(abs(f - d * n) < 3 for f, d, n in zip(free, expected, sizes(CONV6), strict=True))


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: layer_counts("erk", LENET, -1), "total"),
        (lambda: layer_counts("erk", LENET, 266_201), "total"),
        (lambda: layer_counts("erdos", LENET, 10), "budget"),
        (lambda: lock_counts("epl", "sparsity", LENET, 0.6, 0.6), "lock"),
        (lambda: lock_counts("epl", "sparsity", LENET, -0.1, 0.6), "lock"),
        (lambda: lock_counts("epl", "half", LENET, 0.1, 0.1), "lock.split"),
    ],
)
def test_impossible_requests_are_one_sentence(call, field):
    with pytest.raises(RequestError, match=f"^{field}") as error:
        call()
    assert str(error.value).count("\n") == 0
