"""Masks: every selection equals a naive one by stable sort; shuffles permute; the straight-through gradient is one."""

from __future__ import annotations

import math
from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketry.core.errors import RequestError
from ticketry.core.masks import select
from ticketry.core.masks.mask import (
    masked,
    shuffle,
    top_k,
    top_k_floor,
    top_k_layers,
)
from ticketry.core.seed.streams import stream

EVERY = settings(max_examples=150, deadline=None)
SCORE = st.one_of(
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0, math.inf, -math.inf, math.nan]), st.floats(-2, 2, width=32)
)
VECTORS = st.lists(SCORE, min_size=1, max_size=120).map(lambda x: torch.tensor(x, dtype=torch.float32))


def order(scores):
    """Positions from the largest score to the smallest, ties from the lowest index: a full stable sort."""
    numbers = scores.numpy().astype(np.float64)
    return np.argsort(-np.where(np.isnan(numbers), -np.inf, numbers), kind="stable")


def naive(scores, k):
    mask = torch.zeros(len(scores), dtype=torch.bool)
    mask[torch.from_numpy(order(scores)[:k])] = True
    return mask


def naive_floor(scores, k, segments, floor):
    mask = torch.zeros(len(scores), dtype=torch.bool)
    for (start, stop), least in zip(segments, floor, strict=True):
        mask[start:stop] = naive(scores[start:stop], least)
    rest = [i for i in order(scores) if not mask[i]]
    mask[rest[: k - sum(floor)]] = True
    return mask


def sampled():
    """Makes vectors of any length take the way of long ones, in many blocks."""
    return mock.patch.multiple(select, SAMPLED_FROM=1, BLOCK=16)


def cut(data, size):
    """Random segments that cover 0..size, some of them empty."""
    ends = sorted(data.draw(st.lists(st.integers(0, size), max_size=5)))
    return list(zip([0, *ends], [*ends, size], strict=True))


def structured(n=40_000):
    """Long score vectors that are hard for a sample: ties, order, periods, values that are no numbers."""
    normal = torch.from_numpy(np.random.default_rng(0).standard_normal(n).astype(np.float32))
    place = torch.arange(n)
    seen = torch.zeros(n)
    seen[np.arange(0.0, n, n // n ** (2 / 3) + select.GOLDEN).astype(np.intp)] = 1  # where the sample looks
    return {
        "normal": normal,
        "half zeros": normal.relu(),
        "zeros above": normal.clamp(max=0),
        "all equal": torch.full((n,), 0.5),
        "signed constant": normal.sign(),
        "ascending": place.float(),
        "descending": -place.float(),
        "period 20": (place % 20).float() + 1e-3 * normal,
        "one layer far above": torch.where(place > n - 200, normal + 50, normal),
        "sample sees the low ones": normal + (1 - seen) * 99,
        "sample sees the high ones": normal + seen * 99,
        "with nan": torch.where(place % 7 == 0, math.nan, normal),
        "mostly -inf": torch.where(place % 9 == 0, normal, -math.inf),
        "with +inf": torch.where(place % 3 == 0, math.inf, normal),
    }


@given(scores=VECTORS, data=st.data())
@EVERY
def test_top_k_is_the_stable_sort(scores, data):
    k = data.draw(st.integers(0, len(scores)))
    expected = naive(scores, k)
    assert int(expected.sum()) == k
    assert torch.equal(top_k(scores, k), expected)
    assert torch.equal(select.select_on_device(scores, k), expected)
    with sampled():
        assert torch.equal(top_k(scores, k), expected)


@pytest.mark.parametrize("name", structured())
def test_top_k_of_long_vectors(name):
    scores = structured()[name]
    n = len(scores)
    for k in (0, 1, 7, n // 100, n // 9, n // 2, n // 2 + 1, n - n // 7, n - 1, n):
        expected = naive(scores, k)
        assert torch.equal(top_k(scores, k), expected)
        assert torch.equal(select.select_on_device(scores, k), expected)


@pytest.mark.parametrize(
    "name", [name for name in structured() if not any(word in name for word in ("inf", "nan", "sees"))]
)
@pytest.mark.parametrize("part", [0.01, 0.1, 0.495, 0.505, 0.9])
def test_the_sample_leaves_little_to_partition(name, part):
    scores = structured(200_000)[name]
    with mock.patch.object(select, "_partition", wraps=select._partition) as partition:
        top_k(scores, int(part * len(scores)))
    assert sum(len(call.args[0]) for call in partition.call_args_list) < 0.1 * len(scores)


@pytest.mark.parametrize("name", [name for name in structured() if "sees" not in name])
def test_what_the_last_selection_left_changes_no_mask(name):
    scores, near = structured()[name], select.Near()
    drift = np.random.default_rng(1).standard_normal(len(scores)).astype(np.float32)
    for k in (9_000, 9_001, 9_300, 20_000, 20_050):
        assert torch.equal(top_k(scores, k, near=near), naive(scores, k))
        scores = scores + 1e-3 * torch.from_numpy(drift)


def test_the_last_bracket_saves_the_sample():
    scores, near = structured()["normal"], select.Near()
    top_k(scores, 9_000, near=near)
    with mock.patch.object(select, "_bracket", side_effect=AssertionError("sampled again")):
        for k in (9_000, 9_020, 9_040):
            top_k(scores * 1.001, k, near=near)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_other_float_types(dtype):
    scores = structured()["half zeros"].to(dtype)
    assert torch.equal(top_k(scores, 25_000), naive(scores.double(), 25_000))


def test_rows_are_selected_apart_and_out_is_filled():
    scores = structured()["normal"].view(2, 4, 5000)
    out = torch.ones(2, 4, 5000, dtype=torch.bool)
    assert top_k(scores, 100, out=out) is out
    assert all(torch.equal(out[i, j], naive(scores[i, j], 100)) for i in range(2) for j in range(4))


def test_scores_are_left_alone():
    scores = structured()["with nan"].requires_grad_()
    before = scores.detach().clone()
    assert not top_k(scores, 1000).requires_grad
    assert torch.equal(scores.detach().nan_to_num(9.0), before.nan_to_num(9.0))


@given(scores=VECTORS, data=st.data())
@EVERY
def test_layers_keep_their_own_best(scores, data):
    segments = cut(data, len(scores))
    ks = [data.draw(st.integers(0, stop - start)) for start, stop in segments]
    expected = torch.cat([naive(scores[a:b], k) for (a, b), k in zip(segments, ks, strict=True)])
    assert torch.equal(top_k_layers(scores, segments, ks), expected)


@given(scores=VECTORS, data=st.data())
@EVERY
def test_floor_is_each_layers_best_then_the_rest_by_order(scores, data):
    segments = cut(data, len(scores))
    floor = [data.draw(st.integers(0, stop - start)) for start, stop in segments]
    k = data.draw(st.integers(sum(floor), len(scores)))
    expected = naive_floor(scores, k, segments, floor)
    assert int(expected.sum()) == k
    assert torch.equal(top_k_floor(scores, k, segments, floor), expected)
    with sampled():
        assert torch.equal(top_k_floor(scores, k, segments, floor), expected)


def test_a_floor_that_binds_pulls_another_layer_below_its_own():
    scores = torch.tensor([5.0, 4.0, 3.0, 2.5, 2.0, 1.0, 0.5, 0.4, 0.3])
    segments = [(0, 3), (3, 6), (6, 9)]
    # the plain top 5 is 3 + 2 + 0; filling the third layer takes from the second, which then is below its floor too
    assert top_k_floor(scores, 5, segments, [0, 2, 2]).tolist() == [1, 0, 0, 1, 1, 0, 1, 1, 0]


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda s: top_k(s, 4), "k"),
        (lambda s: top_k(s, -1), "k"),
        (lambda s: top_k(s, 1, out=torch.zeros(4, dtype=torch.bool)), "out"),
        (lambda s: top_k(s, 1, out=torch.zeros(3)), "out"),
    ],
)
def test_wrong_requests_are_refused(call, field):
    with pytest.raises(RequestError, match=f"^{field} is"):
        call(torch.tensor([1.0, 2.0, 3.0]))


def test_masked_is_zero_where_the_mask_is_off():
    weights = structured()["normal"]
    mask = weights > 0.3
    out = torch.full_like(weights, math.nan)
    assert masked(weights, mask, out) is out
    assert torch.equal(out, torch.where(mask, weights, 0.0))
    assert torch.equal(masked(weights, mask), out)


def test_shuffle_permutes_every_layer_and_keeps_its_count():
    segments = [(0, 60), (60, 160), (160, 400)]
    mask = torch.arange(400) % 3 == 0
    before = mask.clone()
    one, again, other = (shuffle(mask, segments, [stream(seed, "shuffle", i) for i in range(3)]) for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert torch.equal(mask, before)
    for start, stop in segments:
        assert int(one[start:stop].sum()) == int(mask[start:stop].sum())
        assert not torch.equal(one[start:stop], mask[start:stop])
        assert not torch.equal(one[start:stop], other[start:stop])


def test_shuffle_sends_kept_weights_everywhere_alike():
    mask = torch.arange(10) < 5
    kept = torch.stack([shuffle(mask, [(0, 10)], [stream(seed, "shuffle")]) for seed in range(400)]).sum(0)
    assert kept.tolist() == pytest.approx([200] * 10, abs=50)  # five standard deviations


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("name", structured())
def test_masks_on_cuda_are_equal(name):
    scores = structured()[name]
    n = len(scores)
    segments, floor = [(0, n // 2), (n // 2, n - 100), (n - 100, n)], [3, 9000, 50]
    for k in (10_000, n // 2, n):
        assert torch.equal(top_k(scores.cuda(), k).cpu(), top_k(scores, k))
        there = top_k_floor(scores.cuda(), k, segments, floor)
        assert torch.equal(there.cpu(), top_k_floor(scores, k, segments, floor))
    mask = top_k(scores, n // 2)
    assert torch.equal(masked(scores.nan_to_num().cuda(), mask.cuda()).cpu(), masked(scores.nan_to_num(), mask))
