from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ticketry.core.errors import RequestError
from ticketry.data import from_arrays

X = np.arange(40, dtype=np.float32).reshape(10, 4)
Y = np.array([0, 1] * 5)


def nan_at(value: float, dtype: type = np.float32) -> np.ndarray[Any, Any]:
    x = X.astype(dtype)
    x[3, 2] = value
    return x


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        (nan_at(np.nan), Y, r"X is nan at index \(3, 2\), but it must be finite"),
        (nan_at(-np.inf), Y, r"X is -inf at index \(3, 2\)"),
        (nan_at(1e300, np.float64), Y, r"inf at index \(3, 2\).*finite as float32"),
        (X.astype(np.int64), Y, "an array of int64, but it must be uint8"),
        (X.astype(np.uint16), Y, "an array of uint16"),
        (X.astype(complex), Y, "an array of complex128"),
        (X.astype(str), Y, "an array of <U"),
        (X.astype(object), Y, "an array of object"),
        ([[1.0], [1.0, 2.0]], [0, 1], "no array"),
        (X[:, 0], Y, r"of shape \(10,\)"),
        (X[:0], Y[:0], r"of shape \(0, 4\)"),
        (np.zeros((10, 0)), Y, r"of shape \(10, 0\)"),
        (None, Y, "object"),
        (X, Y[:9], "of 10 inputs with 9 labels"),
        (X, np.eye(2, dtype=int)[Y], r"y is of shape \(10, 2\)"),
        (X, [], r"of shape \(0,\)"),
        (X, np.where(Y == 1, np.nan, 0), "y is nan at index 1"),
        (X, np.where(Y == 1, np.inf, 0), "y is inf at index 1"),
        (X, np.where(Y == 1, 2**40, 0), "y is 1099511627776 at index 1"),
        (X, np.array(["cat", "dog"])[Y], "y is 'cat', but it must be whole numbers 0..C-1"),
        (X, Y.astype(object), "an array of object"),
        (X, Y * 0, "of one class only"),
        (X, Y + 1, "without any training example of class 0, while class 2 exists"),
        (X, Y * 2, "of class 1, while class 2 exists"),
        (X, Y * 2_000_000_000, "of class 1, while class 2000000000 exists"),
        (X[:3], Y[:3], "of 3 examples"),
    ],
)
def test_each_wrong_array_is_one_sentence(x: object, y: object, says: str) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        from_arrays("mine", x, y, x, y) if "of 3 examples" not in says else from_arrays("mine", x, y)
    assert str(caught.value).startswith("data mine")


@pytest.mark.parametrize(
    ("x_test", "y_test", "says"),
    [
        (X[:, :3], Y, "of one shape and type"),
        (X.astype(np.uint8), Y, "of one shape and type"),
        (X, Y[:5], "X_test is of 10 inputs with 5 labels"),
        (X, Y * 2, "without any training example of class 2, while class 2 exists"),
        (nan_at(np.nan), Y, "X_test is nan"),
        (X, None, "y_test"),
        (None, Y, "X_test"),
    ],
)
def test_the_test_set_is_checked_as_well(x_test: object, y_test: object, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        from_arrays("mine", X, Y, x_test, y_test)


@pytest.mark.parametrize(
    ("given_dtype", "kept_dtype"),
    [("uint8", "uint8"), ("bool", "float32"), ("float16", "float32"), ("float64", "float32"), (">f4", "float32")],
)
def test_types_of_inputs(given_dtype: str, kept_dtype: str) -> None:
    x = (X % 2).astype(given_dtype)
    kept = from_arrays("mine", x, Y, x, Y).x
    assert kept.dtype == kept_dtype
    np.testing.assert_array_equal(kept, x.astype(np.float32))


@pytest.mark.parametrize("labels", [Y.astype(bool), Y.astype(np.uint64), Y[:, None], list(Y)])
def test_types_of_labels(labels: object) -> None:
    y = from_arrays("mine", X, labels, X, Y).y
    assert y.dtype == np.int64
    np.testing.assert_array_equal(y, Y)


def test_read_only_and_strided_inputs_become_ordinary_ones() -> None:
    strided, read_only = np.zeros((10, 8), np.uint8)[:, ::2], np.zeros((10, 4), np.float32)
    read_only.flags.writeable = False
    for x in (strided, read_only):
        kept = from_arrays("mine", x, Y, x, Y).x
        assert kept.flags.writeable
        assert kept.flags.c_contiguous


@given(
    hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=9)),
    hnp.arrays(hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=9)),
)
@example(np.array([[False]]), np.array([0], np.float16))
@settings(max_examples=150, deadline=None)
def test_any_arrays_are_taken_or_refused(x: object, y: object) -> None:
    try:
        data = from_arrays("mine", x, y)
    except RequestError:
        return
    assert len(data.x) == len(data.y)
    assert np.isfinite(data.x).all()
    if data.objective == "regression":
        assert data.y.shape == (len(data.x), data.outputs)
        assert np.isfinite(data.y).all()
        assert all(np.ptp(column) > 0 for column in data.y.T)
    else:
        assert set(data.y) == set(range(data.outputs)) >= set(data.y_test)


@pytest.mark.parametrize("y", [Y + 0.5, Y.astype(np.float16), np.stack([Y, 3.0 - Y], 1), Y[:, None] / 7])
def test_floats_are_quantities_whole_numbers_too(y: np.ndarray[Any, Any]) -> None:
    found = from_arrays("mine", X, y, X, y)
    assert (found.objective, found.outputs, found.y.dtype) == ("regression", y.size // 10, np.float64)
    np.testing.assert_array_equal(found.y, y.reshape(10, -1))


def test_the_objective_may_be_told() -> None:
    assert from_arrays("mine", X, Y.astype(float), objective="classification").y.dtype == np.int64
    told = from_arrays("mine", X, Y, objective="regression")
    assert (told.objective, told.outputs) == ("regression", 1)
    other = from_arrays("mine", X, Y + 0.5, objective="other")
    assert other.objective == "other"
    assert other.digest != from_arrays("mine", X, Y + 0.5).digest


@pytest.mark.parametrize(
    ("y", "complaint"),
    [
        (np.full(10, 3.5), "y is 3.5 for every training example"),
        (np.where(Y > 0, np.inf, 0.5), "y is inf at index"),
        (np.where(Y > 0, 1e300, 0.5), "finite as float32"),
        (np.zeros((10, 2, 2)), r"y is of shape \(10, 2, 2\)"),
    ],
)
def test_each_wrong_quantity_is_one_sentence(y: np.ndarray[Any, Any], complaint: str) -> None:
    with pytest.raises(RequestError, match=complaint):
        from_arrays("mine", X, y, X, y)


@given(st.integers(5, 60))
@settings(max_examples=20, deadline=None)
def test_two_arrays_give_a_fifth_to_the_test_set(n: int) -> None:
    x, y = np.arange(n, dtype=np.float32)[:, None], np.arange(n) % 2
    data = from_arrays("mine", x, y)
    assert len(data.x_test) == n // 5
    assert sorted([*data.x[:, 0], *data.x_test[:, 0]]) == list(range(n))
    np.testing.assert_array_equal(data.x_test, from_arrays("other", x, y).x_test)
