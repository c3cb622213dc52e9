from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketry.analysis.slices import TARGETS, along, beside, departures, lines, places, plane
from ticketry.core.seed.streams import Stream, stream

SEGMENTS = ((0, 40), (40, 40), (40, 47), (47, 60))  # the second layer is locked as a whole
SCOPES = ((0, 60), *SEGMENTS)


def streams(*words: int | str) -> list[Stream]:
    return [stream(0, "test", *words, layer) for layer in range(len(SEGMENTS))]


def counts(mask: np.ndarray) -> list[int]:
    return [int(mask[start:stop].sum()) for start, stop in SEGMENTS]


masks = st.lists(st.booleans(), min_size=60, max_size=60).map(np.array)


@settings(max_examples=50, deadline=None)
@given(masks, masks, st.floats(0, 1))
def test_a_line_leads_from_the_mask_to_its_target_and_never_back(
    mask: np.ndarray, target: np.ndarray, t: float
) -> None:
    order = departures(mask, target, SEGMENTS, streams("line"))
    assert np.array_equal(along(mask, order, 0), mask)
    assert np.array_equal(along(mask, order, 1), target)
    some, more = along(mask, order, t / 2), along(mask, order, t)
    assert not ((some != mask) & (more == mask)).any()
    for start, stop in SEGMENTS:
        for kept in (False, True):
            moves = (mask[start:stop] == kept) & (target[start:stop] != kept)
            moved = moves & (more[start:stop] != kept)
            assert moved.sum() == sum(j / moves.sum() < t for j in range(moves.sum()))


@settings(max_examples=20, deadline=None)
@given(masks, st.integers(0, 1000))
def test_lines_to_a_random_mask_keep_the_count_of_every_layer(mask: np.ndarray, seed: int) -> None:
    t = np.arange(5) / 4
    there = list(lines(mask, SEGMENTS, SCOPES, t, 2, seed))
    assert len(there) == len(TARGETS) * 2 * len(SCOPES) * 4
    for one in there[: len(there) // 2]:
        assert counts(one) == counts(mask)
    for one in there[len(there) // 2 :: len(SCOPES) * 4]:
        assert (one != mask).sum() == sum(
            math.ceil(n / 4) for (a, b), on in zip(SEGMENTS, counts(mask), strict=True) for n in (on, b - a - on)
        )


def test_lines_of_a_layer_move_only_that_layer() -> None:
    mask = stream(0, "mask").bits(60)
    for number, one in enumerate(lines(mask, SEGMENTS, SCOPES, np.array([0, 0.5, 1.0]), 3, 0)):
        start, stop = SCOPES[number // 2 % len(SCOPES)]
        moved = np.flatnonzero(one != mask)
        assert ((moved >= start) & (moved < stop)).all()
        assert len(moved) > 0 or stop - start < 8


def test_directions_differ_and_seeds_decide() -> None:
    mask, t = stream(0, "mask").bits(60), np.array([0, 0.5, 1.0])
    there = [np.array(list(lines(mask, SEGMENTS, SCOPES[:1], t, 2, seed))) for seed in (0, 0, 1)]
    assert np.array_equal(there[0], there[1])
    ends = [there[0][1], there[0][3], there[2][1]]  # of two directions, and of another seed
    assert all((ends[i] != ends[j]).any() for i, j in ((0, 1), (0, 2), (1, 2)))
    assert np.array_equal(there[0][5], ~mask)
    assert np.array_equal(there[0][7], ~mask)
    assert (there[0][4] != there[0][6]).any()


@pytest.mark.parametrize("part", [0.25, 0.5, 1.0])
def test_beside_adds_and_takes_away_in_a_part_of_each_layer(part: float) -> None:
    mask, other = stream(0, "mask").bits(60), stream(1, "mask").bits(60)
    place = places(SEGMENTS, streams("place"))
    for start, stop in SEGMENTS:
        assert (place[start:stop] < part).sum() == math.ceil(part * (stop - start))
    more, less = beside(mask, other, place, part), beside(mask, other, place, -part)
    assert np.array_equal(more, np.where(place < part, mask | other, mask))
    assert np.array_equal(less, np.where(place < part, mask & other, mask))
    assert (more & ~mask).any()
    assert (mask & ~less).any()
    assert np.array_equal(beside(mask, other, place, 0.0), mask)


def test_a_plane_is_row_by_row_and_leaves_the_ticket_out() -> None:
    mask, at = stream(0, "mask").bits(60), np.array([-1.0, 0.0, 1.0])
    cells = [*list(plane(mask, SEGMENTS, at, 0))[:4], mask, *list(plane(mask, SEGMENTS, at, 0))[4:]]
    grid = np.array(cells).reshape(3, 3, 60)
    first, second = (stream(0, "landscape", "axis", axis).bits(60) for axis in (0, 1))
    assert np.array_equal(grid[1, 2], mask | first)
    assert np.array_equal(grid[1, 0], mask & first)
    assert np.array_equal(grid[2, 1], mask | second)
    assert np.array_equal(grid[0, 1], mask & second)
    assert np.array_equal(grid[0, 2], (mask | first) & second)
    assert np.array_equal(grid[2, 0], (mask & first) | second)
