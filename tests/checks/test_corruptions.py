"""Each corruption does what it says to a copy of the data, and spares the test split."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketry import data
from ticketry.checks import corruptions
from ticketry.core.errors import RequestError
from ticketry.core.trust import typed
from ticketry.data import Dataset

CORRUPTIONS = corruptions.discover()
EVERY = settings(max_examples=25, deadline=None)
SIZES = st.integers(30, 60)
SEEDS = st.integers(0, 2**40)


def made(size: int, classes: int = 3) -> Dataset:
    """Images of 2 channels that hold 0..23, each with its number added, so that every value tells where it was."""
    x = (np.arange(size)[:, None] + np.arange(24)).reshape(size, 2, 3, 4).astype(np.uint8)
    y = np.arange(size) % classes
    return data.from_arrays("made", x, y, x[:9], y[:9])


def numbers(dataset: Dataset) -> Any:
    """Which of the images of `made` these are, in whatever order their pixels come."""
    return dataset.x.reshape(len(dataset.x), -1).min(1)


@pytest.mark.parametrize("name", CORRUPTIONS)
@given(size=SIZES, seed=SEEDS, draw=st.integers(0, 9))
@EVERY
def test_it_alters_a_copy_and_never_the_test_split(name: str, size: int, seed: int, draw: int) -> None:
    one = made(size)
    digest = one.digest
    other = CORRUPTIONS[name](one, seed, draw)
    assert other.digest != digest == replace(one).digest
    assert (other.x_test == one.x_test).all()
    assert (other.y_test == one.y_test).all()
    for same in ("scaling", "labels", "augment", "outputs", "objective", "input_shape"):
        assert getattr(other, same) == getattr(one, same)
    assert other.x.dtype == one.x.dtype
    assert other.y.dtype == one.y.dtype


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_draws_and_seeds_differ_and_come_again(name: str) -> None:
    one = made(40)
    digests = [CORRUPTIONS[name](one, seed, draw).digest for seed, draw in ((0, 0), (0, 1), (1, 0), (0, 0))]
    assert digests[0] == digests[3]
    assert len(set(digests)) == 3


@given(size=SIZES, seed=SEEDS)
@EVERY
def test_labels_are_those_of_others_and_as_many_of_each_class(size: int, seed: int) -> None:
    one = made(size)
    other = CORRUPTIONS["corrupted-labels"](one, seed, 0)
    assert (other.x == one.x).all()
    assert (np.bincount(other.y) == np.bincount(one.y)).all()
    assert (other.y != one.y).mean() > 0.3  # two thirds, were there no chance


def test_labels_that_validate_are_shuffled_as_well() -> None:
    one = made(200)
    other = CORRUPTIONS["corrupted-labels"](one, 0, 0)
    split = data.split(other, 0.25)
    for part in (split.train, split.val):
        assert 0.15 < (other.y[part] == one.y[part]).mean() < 0.55


@given(size=SIZES, seed=SEEDS)
@EVERY
def test_every_image_keeps_its_pixels_in_an_order_of_its_own(size: int, seed: int) -> None:
    one = made(size)
    other = CORRUPTIONS["corrupted-pixels"](one, seed, 0)
    before, after = (each.x.reshape(size, -1).astype(int) for each in (one, other))
    assert (np.sort(after, 1) == before).all()
    places = after - np.arange(size)[:, None]
    assert len({tuple(each) for each in places}) == size
    assert (places[:, :12] >= 12).any()  # one channel's pixels in the other
    assert (other.y == CORRUPTIONS["corrupted-labels"](one, seed, 0).y).all()


def test_pixels_go_anywhere() -> None:
    many = made(60)
    after = CORRUPTIONS["corrupted-pixels"](many, 0, 0).x.reshape(60, -1).astype(int) - np.arange(60)[:, None]
    assert after.mean(0) == pytest.approx(np.full(24, 11.5), abs=4)  # the mean of 0..23 everywhere


@given(size=SIZES, seed=SEEDS)
@EVERY
def test_a_half_is_half_of_the_examples_with_their_labels(size: int, seed: int) -> None:
    one = made(size)
    other = CORRUPTIONS["corrupted-half"](one, seed, 0)
    chosen = numbers(other)
    assert len(chosen) == len(other.y) == size // 2
    assert (np.diff(chosen.astype(int)) > 0).all()
    assert (other.x == one.x[chosen]).all()
    assert (other.y == one.y[chosen]).all()


def test_every_example_is_in_some_half_and_missing_in_another() -> None:
    one = made(40)
    often = np.bincount(
        np.concatenate([numbers(CORRUPTIONS["corrupted-half"](one, 0, draw)) for draw in range(40)]), minlength=40
    )
    assert often.min() > 5
    assert often.max() < 35


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_it_says_what_it_does(name: str) -> None:
    line = corruptions.meaning(name)
    assert 30 < len(line) < 120
    assert line.endswith(".")


def test_the_text_of_a_search_names_its_data() -> None:
    text = "ticketry.checks.corruptions:load('digits(classes=3)', 'corrupted-half', 4, 1)"
    assert (
        data.load(text, typed(text)).digest
        == CORRUPTIONS["corrupted-half"](data.load("digits(classes=3)"), 4, 1).digest
    )
    with pytest.raises(RequestError, match="corruption is 'halves', which does not exist"):
        corruptions.load("digits", "halves", 0, 0)
