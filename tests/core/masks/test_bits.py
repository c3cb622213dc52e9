"""Packed genomes behave as the masks they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ticketry.core.masks import bits
from ticketry.core.seed.streams import stream

FEW = settings(max_examples=40, deadline=None)
LENGTHS = st.one_of(st.sampled_from([1, 63, 64, 65, 128]), st.integers(1, 300))


@st.composite
def populations(draw: st.DrawFn) -> NDArray[np.bool_]:
    p, d = draw(st.integers(0, 6)), draw(LENGTHS)
    return stream(draw(st.integers(0, 99)), "masks").bits(p * d).reshape(p, d)


@FEW
@given(populations())
def test_packing_loses_nothing_and_pads_with_zeros(masks: NDArray[np.bool_]) -> None:
    p, d = masks.shape
    words = bits.pack(masks)
    assert words.dtype == np.uint64
    assert words.shape == (p, bits.width(d))
    assert np.array_equal(bits.unpack(words, d), masks)
    assert not bits.unpack(words, 64 * bits.width(d))[:, d:].any()
    assert bits.count(words).tolist() == masks.sum(1).tolist()


def test_a_bit_is_where_it_is_said_to_be() -> None:
    mask = np.zeros(130, np.bool_)
    mask[[0, 65, 129]] = True
    assert bits.pack(mask).tolist() == [1, 2, 2]
    assert bits.unpack(bits.pack(mask), 130).shape == (130,)


@FEW
@given(populations(), st.integers(0, 99))
def test_flipping_changes_one_bit_of_a_copy(masks: NDArray[np.bool_], seed: int) -> None:
    p, d = masks.shape
    words, positions = bits.pack(masks), stream(seed, "flip").integers(p, d)
    changed = bits.unpack(bits.flip(words, positions), d) != masks
    assert np.array_equal(np.argwhere(changed), np.stack([np.arange(p), positions], 1))
    assert np.array_equal(words, bits.pack(masks))


@FEW
@given(populations(), st.integers(0, 99))
def test_crossing_takes_every_bit_from_the_parent_chosen(masks: NDArray[np.bool_], seed: int) -> None:
    d = masks.shape[1]
    others, choice = (stream(seed, name).bits(masks.size).reshape(masks.shape) for name in ("other", "choice"))
    crossed = bits.cross(bits.pack(masks), bits.pack(others), bits.pack(choice))
    assert np.array_equal(bits.unpack(crossed, d), np.where(choice, masks, others))


@FEW
@given(populations(), st.data())
def test_distinct_are_those_known_and_the_first_of_the_others(masks: NDArray[np.bool_], data: st.DataObject) -> None:
    masks = masks[:, :3]  # few bits: many are equal
    rows = data.draw(st.lists(st.integers(0, max(0, len(masks) - 1)), max_size=9)) if len(masks) else []
    words = bits.pack(masks[rows].reshape(len(rows), masks.shape[1]))
    known = data.draw(st.integers(0, len(words)))
    expected = [i for i in range(len(words)) if i < known or words[i].tolist() not in words[:i].tolist()]
    assert np.array_equal(bits.distinct(words, known), words[expected])


def test_equal_fingerprints_are_not_taken_for_equal_genomes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bits, "_odd", lambda n: np.zeros(n, np.uint64))  # every fingerprint is 0
    words = bits.pack(np.array([[0, 1, 1], [0, 1, 1], [1, 0, 1], [0, 1, 1], [1, 1, 1], [1, 0, 1]], np.bool_))
    assert np.array_equal(bits.distinct(words, known=2), words[[0, 1, 2, 4]])


@FEW
@given(populations(), populations())
def test_take_is_indexing_both(masks: NDArray[np.bool_], others: NDArray[np.bool_]) -> None:
    d = min(masks.shape[1], others.shape[1])
    first, second = bits.pack(masks[:, :d]), bits.pack(others[:, :d])
    order = stream(0, "order").permutation(len(first) + len(second))
    assert np.array_equal(bits.take(first, second, order), np.concatenate([first, second])[order])


@pytest.mark.parametrize("density", [0.0, 0.03, 0.25, 0.5, 0.7, 1.0])
def test_random_bits_are_independent_and_as_dense_as_asked(density: float) -> None:
    n, d = 300, 1000
    masks = bits.unpack(bits.random(stream(0, "random"), n, d, density), d)
    sigma = (density * (1 - density)) ** 0.5
    assert masks.mean() == pytest.approx(density, abs=4 * sigma / (n * d) ** 0.5 + 1e-9)
    assert masks.mean(0) == pytest.approx(density, abs=5 * sigma / n**0.5)
    assert masks.mean(1) == pytest.approx(density, abs=5 * sigma / d**0.5)
    agreement = (masks[1:] & masks[:-1]).mean()
    assert agreement == pytest.approx(density**2, abs=5 * sigma / (n * d) ** 0.5 + 1e-9)


def test_random_bits_are_those_of_the_stream() -> None:
    first, again, other = (bits.random(stream(0, name), 3, 100, 0.4) for name in ("a", "a", "b"))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.array_equal(bits.unpack(bits.random(stream(0, "a"), 1, 64, 0.5), 64)[0], stream(0, "a").bits(64))


def test_random_refuses_what_is_no_probability() -> None:
    with pytest.raises(ValueError, match="density is 2"):
        bits.random(stream(0, "a"), 1, 5, 2)
