"""A data set as four arrays, and the one split into training and validation examples that every run on it shares."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ticketry.core.errors import refuse
from ticketry.core.scaling import AS_IS, Scaling, Unit, standard
from ticketry.core.seed.streams import stream
from ticketry.data import arrays

Augment = Literal["none", "crop-flip"]


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Four checked arrays and how a network is to see them. Made by `from_arrays`, which checks them."""

    name: str
    """Its text on the command line, with all arguments given."""
    x: arrays.Inputs
    """Training and validation inputs (N, ...), uint8 or float32; images have the channels first, grey ones none."""
    y: arrays.Targets
    """Their classes (N,), 0..outputs-1, as int64, or their quantities (N, outputs) as float64."""
    x_test: arrays.Inputs
    """Test inputs (M, ...)."""
    y_test: arrays.Targets
    """Their classes or quantities."""
    outputs: int
    """The number of classes, at least 2, or of quantities, at least 1."""
    scaling: Scaling = AS_IS
    """How their numbers become inputs: what a ticket that is found on them keeps."""
    augment: Augment = "none"
    """What training does to each image: nothing, or a random crop from 4 pixels of zero padding and a random flip."""
    objective: str = "classification"
    """What a network is scored by on them: the name of a file of `ticketry.objectives`."""
    labels: tuple[str, ...] = ()
    """Names of the classes in their order; none where they are only numbers."""

    def __repr__(self) -> str:
        sizes = f"{len(self.x):,} examples to train and validate, {len(self.x_test):,} to test"
        return f"Dataset({self.name}: {sizes}, {self.input_shape} -> {self.outputs} for {self.objective})"

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        return self.x.shape[1:]

    @cached_property
    def digest(self) -> str:
        """SHA-256 in hexadecimal over type, shape and bytes (little-endian, C order) of x, y, x_test and y_test.

        And over the name of the objective, where it is not the one that the type of y stands for.
        """
        return digest((self.x, self.y, self.x_test, self.y_test), self.objective)


@dataclass(frozen=True, eq=False)
class Split:
    """Which training examples a method may learn from (`train`) and which choose the best moment (`val`)."""

    train: NDArray[np.int64]
    """Ascending indices into `Dataset.x`."""
    val: NDArray[np.int64]
    """Ascending indices into `Dataset.x`, none of them in `train`; together they are all."""
    digest: str
    """SHA-256 in hexadecimal over the data's digest and the two lists of indices."""
    data: str
    """The data's digest."""


def from_arrays(
    name: str,
    x: object,
    y: object,
    x_test: object = None,
    y_test: object = None,
    *,
    mean: tuple[float, ...] | None = None,
    std: tuple[float, ...] | None = None,
    augment: Augment = "none",
    objective: str | None = None,
    labels: object = None,
) -> Dataset:
    """Check four arrays, or two of which a fifth of the examples, drawn by a named stream, becomes the test set.

    Without `mean` and `std` float data stay as they are, and uint8 data are centred and scaled by those of the
    training images of each channel. With them each channel becomes (x - mean) / std, uint8 after division by 255; a
    ticket keeps this scaling. `labels`: names of the classes in their order, which a ticket keeps, too.

    `objective`: what networks are scored by. Without it the type of y decides: integers and booleans are classes, and
    floats, also where all are whole numbers, are quantities of shape (N,) or (N, K), to be fitted by regression; so
    labels that were read as floats are to be passed as `y.astype(int)`. "classification" and "regression" take the
    numbers of either type. Raises RequestError where the arrays are not usable (`ticketry.data.arrays`).
    """
    known = measured(objective, y, y_test)
    inputs, targets = arrays.pair(f"data {name}", x, y, known)
    if x_test is None and y_test is None:
        inputs, targets, inputs_test, targets_test = fifth_aside(name, inputs, targets)
    else:
        inputs_test, targets_test = arrays.pair(f"data {name}", x_test, y_test, known, "_test")
    outputs = arrays.check(f"data {name}", inputs, targets, inputs_test, targets_test)
    names = arrays.class_names(f"data {name}: labels", labels, 0 if known else outputs)
    if mean is None or std is None:
        mean, std = _moments(inputs)
    channels = inputs.shape[1] if inputs.ndim == 4 else 1
    scaling = standard(_unit(inputs), mean, std) if len(mean) == len(std) == channels else None
    if scaling is None:
        allowed = f"{channels} finite numbers each, those of std above 0"
        raise refuse(f"data {name}: mean and std", f"{mean} and {std}", allowed, "pass one of each for every channel")
    judged = objective or _usual(known)
    return Dataset(name, inputs, targets, inputs_test, targets_test, outputs, scaling, augment, judged, names)


def measured(objective: str | None, *targets: object) -> bool:
    """Whether targets are quantities: as the objective has them, or else by their type."""
    given = {"classification": False, "regression": True}
    return given[objective] if objective in given else arrays.measured(*targets)


def digest(parts: Sequence[NDArray[Any]], objective: str) -> str:
    """That of a Dataset with these four arrays; see there."""
    sha = hashlib.sha256()
    for array in parts:
        little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        sha.update(f"{little.dtype.str}{little.shape}".encode())
        sha.update(little.reshape(-1).view(np.uint8).data)
    if objective != _usual(parts[1].dtype.kind == "f"):
        sha.update(objective.encode())
    return sha.hexdigest()


def split(dataset: Dataset, val: float = 0.1) -> Split:
    """Set the fraction `val`, in (0, 1), of the training examples aside, rounded to the nearest whole number.

    The order is drawn by the data's digest alone: every method and every seed shares one split.
    """
    count = len(dataset.x)
    held = round(val * count) if 0 < val < 1 else 0
    if not 0 < held < count:
        allowed = f"a fraction in (0, 1) that leaves some of {count} examples on both sides"
        raise refuse("val", val, allowed, f"use {0.5 if count < 20 else 0.1}")
    order = stream(0, "split", dataset.digest[:16]).permutation(count)
    kept, aside = np.sort(order[held:]), np.sort(order[:held])
    sha = hashlib.sha256(dataset.digest.encode())
    for part in (kept, aside):
        sha.update(f"|{len(part)}|".encode())
        sha.update(part.astype("<i8").tobytes())
    return Split(kept, aside, sha.hexdigest(), dataset.digest)


def _unit(x: arrays.Inputs) -> Unit:
    return "u8" if x.dtype == np.uint8 else "f32"


def _usual(measured: bool) -> str:
    """The objective that a type of targets stands for."""
    return "regression" if measured else "classification"


def fifth_aside(
    name: str, x: arrays.Inputs, y: arrays.Targets
) -> tuple[arrays.Inputs, arrays.Targets, arrays.Inputs, arrays.Targets]:
    """Training and test part of undivided examples, in their order."""
    if len(x) < 5:
        raise refuse(
            f"data {name}", f"of {len(x)} examples", "of at least 5, a fifth of which is for the test", "add more"
        )
    order = stream(0, "test-split", len(x)).permutation(len(x))
    test, train = np.sort(order[: len(x) // 5]), np.sort(order[len(x) // 5 :])
    return x[train], y[train], x[test], y[test]


def _moments(x: arrays.Inputs) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of each channel, to four digits and from integer sums, hence alike on every machine."""
    channels = x.shape[1] if x.ndim == 4 else 1
    if x.dtype != np.uint8:
        return (0.0,) * channels, (1.0,) * channels
    means, deviations = [], []
    for channel in range(channels):
        pixels = x[:, channel] if x.ndim == 4 else x
        mean = int(pixels.sum(dtype=np.int64)) / pixels.size
        variance = int(np.square(pixels, dtype=np.uint16).sum(dtype=np.int64)) / pixels.size - mean**2
        means.append(round(mean / 255, 4))
        deviations.append(round(math.sqrt(max(variance, 0.0)) / 255, 4) or 1.0)
    return tuple(means), tuple(deviations)
