"""Lock patterns against a sort, and where they meet ties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketry.core.seed import locks, philox


@given(st.integers(0, 200), st.floats(0, 1), st.floats(0, 1), st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_pattern_follows_the_sorting_order(n: int, p: float, r: float, seed: int) -> None:
    off = int(p * n)
    on = int(r * (n - off))
    order = np.argsort(philox.words64(philox.key(seed, "lock", "a.weight"), n), kind="stable")
    expected = np.zeros(n, np.int8)
    expected[order[:off]] = -1
    expected[order[off : off + on]] = 1
    pattern = locks.pattern(seed, "a.weight", n, off, on)
    assert pattern.dtype == np.int8
    assert np.array_equal(pattern, expected)


def test_many_words_are_sorted_out_by_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    words = philox.words64((1, 2), 5000)
    words[100:200] = words[7]
    whole = {m: locks._smallest(words, m).tobytes() for m in (1, 17, 2500, 4999, 5000)}
    monkeypatch.setattr(locks, "_CHUNK", 600)
    assert {m: locks._smallest(words, m).tobytes() for m in whole} == whole


def test_patterns_differ_by_seed_and_name() -> None:
    a, b, c = (locks.pattern(*who, 400, 100, 100) for who in ((0, "a"), (0, "b"), (1, "a")))
    assert all(350 > np.count_nonzero(x == y) > 50 for x, y in ((a, b), (a, c), (b, c)))


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(0, 30))
@settings(max_examples=50, deadline=None)
def test_equal_words_are_taken_from_the_lowest_index(words: list[int], m: int) -> None:
    m = min(m, len(words))
    chosen = locks._smallest(np.array(words, np.uint64), m)
    assert np.flatnonzero(chosen).tolist() == sorted(np.argsort(words, kind="stable")[:m].tolist())


def test_pattern_never_changes() -> None:
    assert locks.pattern(0, "fc1.weight", 20, 5, 4).tolist() == [
        -1,
        -1,
        0,
        1,
        0,
        0,
        -1,
        0,
        0,
        0,
        1,
        0,
        1,
        -1,
        1,
        0,
        0,
        -1,
        0,
        0,
    ]
