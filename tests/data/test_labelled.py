"""Labelled examples to evaluate on: what a search would refuse is fine here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ticketry.core.errors import RequestError
from ticketry.core.trust import typed
from ticketry.data import Dataset, from_arrays, load
from ticketry.data.labelled import Labelled, labelled

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
Y = np.arange(40) % 4
WHOLE = from_arrays("mine", X, Y)
FOUND_ON = WHOLE.digest[:8]


def found(given: object, part: str = "test", objective: str = "classification") -> Labelled:
    return labelled(given, part, objective, FOUND_ON)  # type: ignore[arg-type]


def test_undivided_data_that_a_ticket_was_found_on_are_divided_as_they_were() -> None:
    test, train, both = (found((X, Y), part) for part in ("test", "train", "all"))
    np.testing.assert_array_equal(test.x, WHOLE.x_test)
    np.testing.assert_array_equal(train.y, WHOLE.y)
    assert (len(both.y), test.known, train.known, both.known) == (40, True, True, True)
    assert found(WHOLE).known
    assert found((WHOLE.x, WHOLE.y, WHOLE.x_test, WHOLE.y_test)).known


@pytest.mark.parametrize("count", [1, 3, 5, 39])
def test_undivided_others_are_a_test_set_as_a_whole_however_few(count: int) -> None:
    one = found((X[:count], Y[:count]))
    assert (len(one.y), one.known) == (count, False)
    with pytest.raises(RequestError, match="split is train, but it must be test or all for arrays, which has no train"):
        found((X[:count], Y[:count]), "train")


def test_files_with_a_test_part_alone(tmp_path: Path) -> None:
    path = tmp_path / "test.npz"
    np.savez(path, X_test=X[:1], y_test=[3])
    assert (found(str(path)).y, found(str(path), "all").known) == (3, False)
    with pytest.raises(RequestError, match="X_test and y_test alone, but it must be one with X and y"):
        load(str(path))


def test_names_of_classes_come_along(tmp_path: Path) -> None:
    path = tmp_path / "named.npz"
    np.savez(path, X=X, y=Y, class_names=["a", "b", "c", "d"])
    assert load(str(path)).labels == found(str(path)).labels == ("a", "b", "c", "d")
    np.savez(path, X=X[:2], y=Y[:2], labels=["a", "b", "c", "d"])
    assert found(str(path)).labels == ("a", "b", "c", "d")
    np.savez(path, X=X, y=Y, labels=Y)  # numbers are no names

    def typed_in(text: str) -> Dataset:
        return load(text, typed(text))

    assert load(str(path)).labels == found(str(path)).labels == ()
    assert typed_in("sklearn.datasets:load_iris").labels == (
        "setosa",
        "versicolor",
        "virginica",
    )
    assert typed_in("sklearn.datasets:load_digits").labels == load("digits").labels == ()
    assert typed_in("sklearn.datasets:load_diabetes").objective == "regression"


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (["a", "b", "c"], "of 3 names, but it must be one for each of 4 classes"),
        (["a", "b", "c", "a"], "'a' for class 0"),
        (["a", "b", "c", ""], "'' for class 3"),
        (["a", "b", "c", "d\n"], "printable names"),
        (["a", "b", "c", "d" * 65], "1 to 64 characters"),
        ([["a", "b", "c", "d"]], "a list of texts"),
        ([0.0, 1.0, 2.0, 3.0], "a list of texts"),
    ],
)
def test_names_that_no_ticket_could_keep_are_refused(labels: object, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        from_arrays("mine", X, Y, labels=labels)


def test_names_of_quantities_are_refused() -> None:
    with pytest.raises(RequestError, match="left out: its y is quantities"):
        from_arrays("mine", X, Y.astype(float), labels=["a"])


@pytest.mark.parametrize(
    ("given", "part", "says"),
    [
        ((X, Y[:3]), "test", "as long as its labels"),
        ((X[:0], Y[:0]), "test", "at least one number"),
        ((X, Y, X), "test", "a tuple"),
        (7, "test", "a int"),
        ((X, Y, X[:, :2], Y), "all", "of one shape and type for split all"),
        ((X, np.full(40, np.nan)), "test", "y is nan"),
    ],
)
def test_what_is_wrong_is_one_sentence(given: object, part: str, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        found(given, part)


def test_the_kind_of_the_ticket_decides_what_targets_are() -> None:
    assert found((X, Y.astype(float))).y.dtype == np.int64
    assert found((X, Y), "test", "regression").y.shape == (40, 1)
    with pytest.raises(RequestError, match="for classification, but it must be for regression"):
        found(WHOLE, "test", "regression")
