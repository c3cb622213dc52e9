"""Arrays from outside, checked and brought to one form: inputs uint8 or float32; targets int64 from 0 to C-1 where they
are classes, float64 where they are quantities. Their type says which: whole numbers of type float are quantities too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ticketry.core.errors import refuse

Inputs = NDArray[np.uint8] | NDArray[np.float32]
Targets = NDArray[np.int64] | NDArray[np.float64]


def inputs(field: str, given: object) -> Inputs:
    """X of shape (N, ...) as uint8 (kept; means 0..255 and is divided by 255 on use) or float32.

    Floats of any width and booleans become float32. Other integers are refused, because they may be pixels or
    features, which are treated differently. Raises RequestError for these, and for NaN, infinity and emptiness.
    """
    x = _array(field, given)
    if x.dtype != np.uint8 and x.dtype.kind not in "fb":
        raise refuse(field, f"an array of {x.dtype}", "uint8 (pixels 0..255) or float", "convert it with .astype")
    if x.ndim < 2 or x.size == 0:
        raise refuse(field, f"of shape {x.shape}", "of shape (N, ...) with at least one number in it", "reshape it")
    if x.dtype == np.uint8:
        return np.require(x, np.uint8, ["C", "W"])
    with np.errstate(over="ignore"):
        floats = np.require(x, np.float32, ["C", "W"])
    if not np.isfinite(floats).all():
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(floats))[0])
        raise refuse(field, f"{floats[at]} at index {at}", "finite as float32", "remove or replace such values")
    return floats


def labels(field: str, given: object) -> NDArray[np.int64]:
    """y of shape (N,) or (N, 1) as int64. Whole numbers of any type are taken; others raise RequestError."""
    y = _array(field, given)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1 or y.size == 0:
        raise refuse(field, f"of shape {y.shape}", "of shape (N,), one class for each example", "pass class numbers")
    if y.dtype.kind not in "buif":
        raise refuse(field, repr(y[0].item()) if y.dtype.kind in "US" else f"an array of {y.dtype}", *_LABELS)
    most = np.float64(2**31)  # with a type, for float16 ends at 65,504
    wrong = np.flatnonzero(~((y >= 0) & (y < most) & (y == np.floor(y))))
    if wrong.size:
        raise refuse(field, f"{y[wrong[0]]} at index {wrong[0]}", *_LABELS)
    return y.astype(np.int64)


def quantities(field: str, given: object) -> NDArray[np.float64]:
    """y of shape (N,) or (N, K) as float64 (N, K). Raises RequestError where a number is not finite."""
    y = _array(field, given)
    if y.ndim not in (1, 2) or y.size == 0:
        raise refuse(field, f"of shape {y.shape}", "of shape (N,) or (N, K)", "pass K numbers for each example")
    if y.dtype.kind not in "buif":
        raise refuse(field, f"an array of {y.dtype}", "numbers", "convert it with .astype")
    y = y.reshape(len(y), -1).astype(np.float64)
    wrong = np.argwhere(~(np.abs(y) <= np.finfo(np.float32).max))
    if len(wrong):
        raise refuse(field, f"{y[tuple(wrong[0])]} at index {wrong[0][0]}", "finite as float32", "remove such examples")
    return y


def measured(*given: object) -> bool:
    """Whether some targets, those that are not None, are quantities: floats of any width."""
    return any(one is not None and _array("y", one).dtype.kind == "f" for one in given)


def pair(field: str, x: object, y: object, measured: bool, part: str = "") -> tuple[Inputs, Targets]:
    """Inputs and targets of one part of the data, as many of the one as of the other."""
    images, field_y = inputs(f"{field}: X{part}", x), f"{field}: y{part}"
    targets: Targets = quantities(field_y, y) if measured else labels(field_y, y)
    if len(images) != len(targets):
        lengths = f"of {len(images)} inputs with {len(targets)} labels"
        raise refuse(f"{field}: X{part}", lengths, "as long as its labels", "pass one label for each input")
    return images, targets


def check(field: str, x: Inputs, y: Targets, x_test: Inputs, y_test: Targets) -> int:
    """The number of outputs: classes, or quantities of an example.

    Raises RequestError where training and test set do not belong together, a class is missing or a quantity constant.
    """
    if x.shape[1:] != x_test.shape[1:] or x.dtype != x_test.dtype:
        both = f"{x.dtype} {x.shape[1:]} to train and {x_test.dtype} {x_test.shape[1:]} to test"
        raise refuse(field, both, "of one shape and type in training and test", "make them alike")
    if y.ndim == 2:
        if y.shape[1] != y_test.shape[1]:
            both = f"{y.shape[1]} numbers to train and {y_test.shape[1]} to test"
            raise refuse(f"{field}: y", both, "as many for each example in training and test", "make them alike")
        alike = np.flatnonzero((y == y[0]).all(0))
        if len(alike):
            same = f"{y[0, alike[0]]} for every training example"
            raise refuse(f"{field}: y", same, "different from example to example", "leave out such a target")
        return int(y.shape[1])
    present = np.unique(y)
    count = max(int(y.max()), int(y_test.max())) + 1
    if count < 2:
        raise refuse(field, "of one class only", "of at least two classes", "add the others")
    if len(present) < count:
        gaps = np.flatnonzero(present != np.arange(len(present)))
        missing = gaps[0] if gaps.size else len(present)
        absent = f"without any training example of class {missing}, while class {count - 1} exists"
        remedy = "number the classes without gaps, or take more examples"
        raise refuse(field, absent, "complete from class 0 to C-1", remedy)
    return count


def class_names(field: str, given: object, classes: int) -> tuple[str, ...]:
    """Names of classes 0 to classes - 1 as text; none for None, and where they are only the numbers of the classes.

    Raises RequestError unless there is one for each class, printable, of 1 to 64 characters and unlike the others.
    """
    if given is None:
        return ()
    every = np.asarray(given)
    if every.ndim != 1 or every.dtype.kind not in "USOiu":
        raise refuse(field, f"an array of {every.dtype} {every.shape}", "a list of texts", "pass one for each class")
    if not classes:
        raise refuse(field, f"of {len(every)} names", "left out: its y is quantities, not classes", "leave them out")
    names = tuple(one.decode() if isinstance(one, bytes) else str(one) for one in every.tolist())
    if len(names) != classes:
        raise refuse(field, f"of {len(names)} names", f"one for each of {classes} classes", "name every class")
    for name in names:
        if not (name.isprintable() and 1 <= len(name) <= 64) or names.count(name) > 1:
            allowed = "printable names of 1 to 64 characters, each of one class alone"
            raise refuse(field, f"{name[:80]!r} for class {names.index(name)}", allowed, "choose another name")
    return () if names == tuple(map(str, range(classes))) else names


_LABELS = ("whole numbers 0..C-1", "number the classes from 0")


def _array(field: str, given: object) -> NDArray[Any]:
    try:
        return np.asarray(given)
    except (ValueError, TypeError, RuntimeError) as error:
        raise refuse(field, f"no array ({error})", "a NumPy array or what becomes one", "convert it first") from error
