"""Which classes a network takes for which, from true and predicted class numbers. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

WHOLE = 100  # classes up to which the matrix is given whole
MISTAKES = 20
Classes = NDArray[np.int64]


def confusion(y: Classes, predicted: Classes, outputs: int, labels: Sequence[str] = ()) -> dict[str, Any]:
    """What JSON has of it. `predicted`: -1 for an answer that is no number.

    `classes`: of each that has examples its number, name if it has one, `examples` and `accuracy`. `confusion`: for at
    most 100 classes [outputs][outputs] examples of a class (row) that were given another (column), else None.
    `mistakes`: the most frequent ones, [class, given, examples], at most 20. `undecided`: examples without an answer.
    """
    right = np.bincount(y[y == predicted], minlength=outputs)
    held = np.bincount(y, minlength=outputs)
    classes = [
        {
            "class": one,
            **({"label": labels[one]} if labels else {}),
            "examples": int(held[one]),
            "accuracy": float(right[one] / held[one]),
        }
        for one in np.flatnonzero(held).tolist()
    ]
    answered = predicted >= 0
    pairs, counts = np.unique(np.stack([y, predicted], 1)[answered], axis=0, return_counts=True)
    wrong = [(int(n), *pair) for pair, n in zip(pairs.tolist(), counts, strict=True) if pair[0] != pair[1]]
    matrix = None
    if outputs <= WHOLE:
        whole = np.zeros((outputs, outputs), np.int64)
        whole[pairs[:, 0], pairs[:, 1]] = counts
        matrix = whole.tolist()
    return {
        "classes": classes,
        "confusion": matrix,
        "mistakes": [[a, b, n] for n, a, b in sorted(wrong, key=lambda one: (-one[0], *one[1:]))[:MISTAKES]],
        "undecided": int(len(y) - answered.sum()),
    }
