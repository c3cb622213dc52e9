"""Bounds admit the masks that they should, after the number of tries that they should."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from ticketry.core.masks.bits import Words
from ticketry.evolution.masks import bound
from ticketry.evolution.masks.bound import Bound, Filter, fill


def endless(
    accuracies: Callable[[int], float],
) -> tuple[Callable[[int], Words], Callable[[Words], NDArray[np.float64]]]:
    """Masks numbered 0, 1, ... in chunks of 5, with the accuracy of their number."""

    def draw(chunk: int) -> Words:
        return np.arange(5 * chunk, 5 * chunk + 5, dtype=np.uint64)[:, None]

    return draw, lambda words: np.array([accuracies(int(word)) for word in words[:, 0]])


def found(words: list[Words]) -> list[int]:
    return [int(word[0]) for word in words]


@pytest.mark.parametrize("kind", ["static", "adaptive"])
def test_masks_that_reach_the_bound_are_taken_in_order(kind: Filter) -> None:
    taken, after = fill(3, Bound(0.5), kind, 10, 0.1, *endless(lambda i: 0.5 if i % 4 == 3 else 0.4))
    assert found(taken) == [3, 7, 11]
    assert after == Bound(0.5, 0, 0.5)


def test_a_static_bound_ends_after_the_tries_and_knows_the_best() -> None:
    taken, after = fill(2, Bound(0.9), "static", 7, 0.1, *endless(lambda i: 0.95 if i == 2 else 0.01 * i))
    assert found(taken) == [2]
    assert after.best == 0.95
    assert after.value == 0.9
    said = str(bound.refuse_static(Bound(0.9, best=0.625), 7))
    assert said.startswith("bound is static at 0.9, but none of 7 random masks in a row reached it")
    assert "0.625" in said


def test_an_adaptive_bound_falls_by_the_published_amounts_until_masks_pass() -> None:
    """0.85 - 0.1 = 0.75, then - 0.1^1.15 = 0.679, then - 0.1^1.3 = 0.629: 6 tries each, then mask 18 passes."""
    taken, after = fill(1, Bound(0.85), "adaptive", 6, 0.51, *endless(lambda i: 0.63))
    assert found(taken) == [18]
    assert after.failures == 3
    assert after.value == pytest.approx(0.85 - 0.1 - 0.1**1.15 - 0.1**1.3)


def test_an_adaptive_bound_falls_a_little_after_a_late_success() -> None:
    _, after = fill(1, Bound(0.8), "adaptive", 10, 0.51, *endless(lambda i: 0.8 if i == 8 else 0.1))
    assert after.value == pytest.approx(0.8 - 0.1 * (0.051 + 0.93 * math.exp(-9.36 * 9 / 2)))
    _, after = fill(1, Bound(0.8), "adaptive", 10, 0.51, *endless(lambda i: 0.8 if i == 7 else 0.1))
    assert after.value == 0.8


def test_at_the_floor_every_mask_is_taken() -> None:
    taken, after = fill(3, Bound(0.52), "adaptive", 4, 0.51, *endless(lambda i: 0.0))
    assert found(taken) == [4, 5, 6]
    assert after.value == 0.51


def test_no_masks_end_the_filling() -> None:
    taken, after = fill(
        3, Bound(0.5), "adaptive", 4, 0.51, lambda chunk: np.zeros((0, 1), np.uint64), lambda words: words
    )
    assert taken == []
    assert after == Bound(0.5)


@pytest.mark.parametrize(
    ("shapes", "first"),
    [
        (((20, 2), (2, 20)), 0.7),
        (((39, 2), (2, 39)), 0.7),
        (((40, 2), (2, 40)), 0.85),
        (((29, 2), (29, 29), (2, 29)), 0.7),
        (((50, 2), (20, 50), (2, 20)), 0.85),
        (((2, 2),), 0.85),
    ],
)
def test_the_first_bound_is_lower_for_small_networks(shapes: tuple[tuple[int, ...], ...], first: float) -> None:
    assert bound.start(shapes) == first


def test_a_bound_survives_being_numbers() -> None:
    assert Bound.of(Bound(0.6, 2, 0.75).numbers) == Bound(0.6, 2, 0.75)
