from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketry.core.fitness import sharing
from ticketry.core.fitness.sharing import distinct


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 6), st.integers(1, 9), st.integers(1, 200), st.integers(0, 5), st.integers(0, 2**30))
def test_rows_are_found_again(p: int, h: int, d: int, flips: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    masks = np.repeat(draw.random((1, h, d)) < 0.5, p, 0)
    for _ in range(flips):
        masks[draw.integers(p), draw.integers(h), draw.integers(d)] ^= True
    found = distinct(torch.from_numpy(masks))
    different = sum(len(np.unique(masks[:, unit], axis=0)) for unit in range(h))
    if found is None:
        assert different > 0.3 * p * h
        return
    first, which = (part.numpy() for part in found)
    assert len(first) == different
    rows = masks.reshape(p * h, d)
    assert np.array_equal(rows[first][which], masks)
    assert np.array_equal(first[which] % h, np.broadcast_to(np.arange(h), (p, h)))


def test_nothing_in_common_is_not_worth_it() -> None:
    draw = np.random.default_rng(0)
    assert distinct(torch.from_numpy(draw.random((8, 20, 64)) < 0.5)) is None
    assert distinct(torch.ones(1, 20, 64, dtype=torch.bool)) is None


def test_rows_that_only_seem_alike_are_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "_ODD", np.uint64(0))  # every row has the same key
    masks = torch.ones(4, 3, 5, dtype=torch.bool)
    assert distinct(masks) is None
    masks[0, 0, 0] = False
    assert distinct(masks) is None
