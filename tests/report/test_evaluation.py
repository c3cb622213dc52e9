"""What classes are taken for what, in text of bounded size."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketry.report.evaluation import MATRIX, ROWS, lines
from ticketry.ticket.confusion import MISTAKES, WHOLE, confusion


@given(st.integers(2, 300), st.integers(1, 400), st.booleans(), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_counts_are_right_and_text_is_bounded(outputs: int, n: int, named: bool, seed: int) -> None:
    draw = np.random.default_rng(seed)
    y, predicted = draw.integers(0, outputs, n), draw.integers(-1, outputs, n)
    labels = [f"{'class' * 12}{k}" for k in range(outputs)] if named else []
    found = confusion(y, predicted, outputs, labels)
    assert sum(one["examples"] for one in found["classes"]) == n
    right = sum(one["examples"] * one["accuracy"] for one in found["classes"])
    assert round(right) == int((y == predicted).sum())
    assert found["undecided"] == int((predicted < 0).sum())
    if outputs <= WHOLE:
        wanted = np.zeros((outputs, outputs), int)
        np.add.at(wanted, (y[predicted >= 0], predicted[predicted >= 0]), 1)
        assert found["confusion"] == wanted.tolist()
    else:
        assert found["confusion"] is None
    assert len(found["mistakes"]) <= MISTAKES
    assert [n for *_, n in found["mistakes"]] == sorted((n for *_, n in found["mistakes"]), reverse=True)
    said = lines(found)
    assert len(said) <= max(MATRIX + 3, 2 * ROWS + 5)
    assert max(map(len, said)) <= 120


def test_a_matrix_of_few_classes() -> None:
    found = confusion(np.array([0, 0, 1, 2]), np.array([0, 1, 1, -1]), 3, ["a", "bb", "c"])
    assert lines(found) == [
        "rows are true classes, columns predicted ones",
        "class  examples  accuracy  0  1  2",
        "0 a           2    50.0 %  1  1  .",
        "1 bb          1   100.0 %  .  1  .",
        "2 c           1     0.0 %  .  .  .",
        "without an answer: 1",
    ]


def test_nothing_is_said_of_quantities() -> None:
    assert lines({"r2": 0.5}) == []
