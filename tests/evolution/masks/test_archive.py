"""The archive holds exactly the masks that no other beats, and drops the crowded ones first."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketry.core.masks import bits
from ticketry.evolution.masks.archive import Front, merge
from ticketry.evolution.masks.population import ScoredPopulation

D = 70
NONE = Front(np.zeros((0, 2), np.uint64), np.zeros(0))
POINTS = st.lists(st.tuples(st.integers(0, 9), st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5, np.inf, np.nan])), max_size=12)


def masks(points: list[tuple[int, float]], first: int = 0) -> ScoredPopulation:
    """One mask a point, with so many ones; no two are equal."""
    rows = np.zeros((len(points), D), np.bool_)
    for i, (ones, _) in enumerate(points):
        rows[i, (np.arange(ones) + 7 * (first + i)) % D] = True
    loss = np.array([loss for _, loss in points], np.float64)
    return ScoredPopulation(bits.pack(rows), loss, np.zeros(len(points)))


def beaten(point: tuple[int, float], points: list[tuple[int, float]]) -> bool:
    return any(o[0] <= point[0] and o[1] <= point[1] and o != point for o in points)


@settings(max_examples=80, deadline=None)
@given(POINTS, POINTS)
def test_nothing_that_is_kept_is_beaten_and_nothing_else_is_dropped(
    a: list[tuple[int, float]], b: list[tuple[int, float]]
) -> None:
    front = merge(merge(NONE, masks(a)), masks(b, first=len(a)))
    points = [p for p in a + b if np.isfinite(p[1])]
    kept = list(zip(bits.count(front.words).tolist(), front.loss.tolist(), strict=True))
    assert kept == sorted({p for p in points if not beaten(p, points)}, reverse=True)
    rows = [(m.tobytes(), p) for m, p in zip(masks(a + b).words, a + b, strict=True)]
    assert all((w.tobytes(), p) in rows for w, p in zip(front.words, kept, strict=True))


def test_of_equals_the_first_stays() -> None:
    first = merge(NONE, masks([(3, 0.1)]))
    assert np.array_equal(merge(first, masks([(3, 0.1)], first=5)).words, first.words)
    assert merge(first, masks([(3, 0.1), (9, 0.4)], first=5)) is first


def test_crowded_masks_go_first_and_the_ends_stay() -> None:
    front = merge(NONE, masks([(60, 0.1), (59, 0.2), (40, 0.3), (20, 0.4), (19, 0.5), (2, 0.6)]), capacity=4)
    assert bits.count(front.words).tolist() == [60, 40, 20, 2]
    assert front.loss.tolist() == [0.1, 0.3, 0.4, 0.6]


def test_a_front_survives_being_tensors() -> None:
    front = merge(NONE, masks([(60, 0.1), (2, 0.6)]))
    again = Front.of(*front.tensors)
    assert np.array_equal(again.words, front.words)
    assert np.array_equal(again.loss, front.loss)
