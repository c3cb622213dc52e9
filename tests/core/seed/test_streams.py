from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketry.core.seed import philox
from ticketry.core.seed.streams import Stream, stream

seeds = st.integers(0, 2**63 - 1)


def test_the_words_are_those_of_the_published_generator() -> None:
    """The first block for a zero key at counter 1, from NumPy's own Philox, which the file format rests on."""
    assert philox.words64((0, 0), 5).tolist() == np.random.Philox(key=0).random_raw(5).tolist()
    assert stream(7, "mutation", 3).key == philox.key(7, "mutation", 3)


@given(seeds, st.integers(0, 200))
@settings(max_examples=30, deadline=None)
def test_every_kind_of_draw_has_its_range_and_repeats(seed: int, n: int) -> None:
    one = stream(seed, "test", n)
    uniform, integers, bits, order = one.uniform(n), one.integers(n, 10), one.bits(n), one.permutation(n)
    assert (uniform.dtype, integers.dtype, bits.dtype) == (np.float32, np.int64, np.bool_)
    assert ((uniform >= 0) & (uniform < 1)).all()
    assert (uniform * 2**24 == np.floor(uniform * 2**24)).all()
    assert ((integers >= 0) & (integers < 10)).all()
    assert sorted(order.tolist()) == list(range(n))
    again = stream(seed, "test", n)
    for first, second in ((uniform, again.uniform(n)), (order, again.permutation(n)), (bits, again.bits(n))):
        assert np.array_equal(first, second)


@given(seeds, st.integers(1, 50), st.integers(1, 50))
@settings(max_examples=20, deadline=None)
def test_a_longer_draw_begins_as_a_shorter_one(seed: int, n: int, more: int) -> None:
    one = stream(seed, "test")
    assert np.array_equal(one.uniform(n + more)[:n], one.uniform(n))
    assert np.array_equal(one.bits(n + more)[:n], one.bits(n))


def test_seed_purpose_and_index_each_make_a_stream_of_their_own() -> None:
    streams = [
        stream(0, "a"),
        stream(1, "a"),
        stream(0, "b"),
        stream(0, "a", 0),
        stream(0, "a", 1),
        stream(0, "a", 0, 1),
        stream(0, "a", "layer"),
    ]
    assert len({one.key for one in streams}) == len(streams)
    assert len({one.uniform(4).tobytes() for one in streams}) == len(streams)


def test_a_part_that_would_run_into_the_next_is_refused() -> None:
    with pytest.raises(ValueError, match=r"contains '\|'"):
        stream(0, "a|b")


def test_draws_are_even() -> None:
    """Five standard deviations of each count, on fixed keys: fails by chance once in a million keys."""
    one, n = Stream((1, 2)), 40_000
    assert abs(one.bits(n).mean() - 0.5) < 5 * 0.5 / n**0.5
    assert abs(one.uniform(n).mean() - 0.5) < 5 * (1 / 12 / n) ** 0.5
    counts = np.bincount(one.integers(n, 7), minlength=7)
    assert np.abs(counts - n / 7).max() < 5 * (n / 7) ** 0.5
    places = np.stack([stream(k, "p").permutation(4) for k in range(2000)])
    firsts = np.bincount(places[:, 0], minlength=4)
    assert np.abs(firsts - 500).max() < 5 * 500**0.5
