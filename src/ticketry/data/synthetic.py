"""Small sets, most made by scikit-learn: those of the genetic search for tickets (arXiv 2411.04658 and 2508.08877)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ticketry.core.errors import refuse
from ticketry.core.seed.quantile import normal
from ticketry.core.seed.streams import stream
from ticketry.core.spec import whole
from ticketry.data.dataset import Dataset, from_arrays

_MOST = 1_000_000


def moons(train: int = 50_000, test: int = 16_000, noise: float = 0.07) -> Dataset:
    """Two interleaved half circles, two features; training and test set each scaled to [-0.7, 0.7]."""
    from sklearn.datasets import make_moons

    seeds = _seeds("moons", train, test, noise)
    (x, y), (x_test, y_test) = (
        make_moons(count, noise=noise, random_state=seed) for count, seed in zip((train, test), seeds, strict=True)
    )
    return from_arrays("moons", _scaled(x), y, _scaled(x_test), y_test)


def circles(train: int = 50_000, test: int = 16_000, noise: float = 0.07) -> Dataset:
    """A circle of radius 0.8 in one of radius 1, two features, not scaled."""
    from sklearn.datasets import make_circles

    seeds = _seeds("circles", train, test, noise)
    (x, y), (x_test, y_test) = (
        make_circles(count, noise=noise, random_state=seed) for count, seed in zip((train, test), seeds, strict=True)
    )
    return from_arrays("circles", x, y, x_test, y_test)


def blobs(classes: int = 5, each: int = 3750) -> Dataset:
    """5,000 points around each of 2 to 100 centres in (-20, 40)², not scaled; the last quarter is the test set.

    The papers use 2 to 10 classes; the default is ours. `each`, 10 to 3,750: training points for a class on average,
    the first ones; centres and test set stay the same.
    """
    from sklearn.datasets import make_blobs

    classes = whole("data blobs: classes", classes, 2, 100)
    each = whole("data blobs: each", each, 10, 3750)
    x, y = make_blobs(5000 * classes, centers=classes, center_box=(-20, 40), random_state=10)
    train, test = slice(each * classes), slice(3750 * classes, None)
    return from_arrays("blobs", x[train], y[train], x[test], y[test])


def digits(classes: int = 10) -> Dataset:
    """The first 2 to 10 handwritten digits, 8x8 grey, 0..16 scaled to [-0.7, 0.7]; a quarter is the test set."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    classes = whole("data digits: classes", classes, 2, 10)
    x, y = load_digits(n_class=classes, return_X_y=True)
    images = (x.reshape(-1, 8, 8) / 16 * 1.4 - 0.7).astype(np.float32)
    x, x_test, y, y_test = train_test_split(images, y, test_size=0.25, random_state=1)
    return from_arrays("digits", x, y, x_test, y_test)


def diabetes() -> Dataset:
    """442 patients, ten features scaled to unit sum of squares, then by 10; the target is the disease a year later.

    Efron et al. 2004 (Annals of Statistics 32). A quarter is the test set.
    """
    from sklearn.datasets import load_diabetes
    from sklearn.model_selection import train_test_split

    x, y = load_diabetes(return_X_y=True)
    x, x_test, y, y_test = train_test_split(10 * x, y, test_size=0.25, random_state=1)
    return from_arrays("diabetes", x, y, x_test, y_test)


def sine(train: int = 1000, test: int = 500, noise: float = 0.1) -> Dataset:
    """y = sin(3 x) and normal noise of this deviation, x uniform in [-2, 2], one feature and one target."""
    drawn = []
    for part, count in (("train", train), ("test", test)):
        _checked("sine", part, count, noise)
        x = 4.0 * stream(0, "sine", part, "x").uniform(count) - 2.0
        words = stream(0, "sine", part, "noise").integers(count, 2**32).astype(np.uint32)
        drawn += [x[:, None], np.sin(3 * x) + noise * normal(words)]
    return from_arrays("sine", *drawn)


def _scaled(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((x - x.min()) / (x.max() - x.min()) * 1.4 - 0.7)


def _seeds(name: str, train: int, test: int, noise: float) -> tuple[int, int]:
    """The papers draw both sets from state 42; with equal sizes that would make them the same points."""
    for field, value in (("train", train), ("test", test)):
        _checked(name, field, value, noise)
    return 42, 43 if train == test else 42


def _checked(name: str, field: str, count: int, noise: float) -> None:
    whole(f"data {name}: {field}", count, 10, _MOST)
    if isinstance(noise, bool) or not isinstance(noise, int | float) or not 0 <= noise <= 10:
        raise refuse(f"data {name}: noise", repr(noise), "a number from 0 to 10", "use 0.07")
