"""Labelled examples to evaluate on: any number of them, of any of the classes, with or without a training part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ticketry import data
from ticketry.core.errors import refuse
from ticketry.core.trust import typed
from ticketry.data import arrays
from ticketry.data.arrays import Inputs, Targets
from ticketry.data.dataset import Dataset, digest, fifth_aside, measured
from ticketry.data.files import Arrays

Part = Literal["test", "train", "all"]
Pair = tuple[Inputs, Targets]


@dataclass(frozen=True, eq=False)
class Labelled:
    """Examples and their targets, checked as those of a data set are, but for what a search alone needs."""

    name: str
    x: Inputs
    """(N, ...), uint8 or float32, N at least 1."""
    y: Targets
    """Classes (N,) int64 or quantities (N, K) float64."""
    labels: tuple[str, ...]
    """Names of the classes, where the data have some."""
    known: bool
    """Whether these are the data with the digest that was asked for."""


def labelled(given: str | Dataset | Sequence[object], part: Part, objective: str, digest8: str) -> Labelled:
    """The examples of a part of some data: a text, a Dataset, or arrays (X, y) or (X, y, X_test, y_test).

    `objective`: what they are to be scored by. `digest8`: first digits of the digest of the data that a ticket was
    found on. Of undivided (X, y) the test part is what a search on them sets aside where they are those data; otherwise
    it is all of them, and there is no training part. Raises RequestError.
    """
    name, found = _found(given)
    if isinstance(found, Dataset):
        _same_kind(name, found.objective, objective)
        train, test = (found.x, found.y), (found.x_test, found.y_test)
        return _chosen(name, part, train, test, found.labels, found.digest[:8] == digest8)
    x, y, x_test, y_test = (*found.parts, None, None)[:4]
    quantities = measured(objective, y, y_test)
    one: Pair | None = None if x is None else arrays.pair(f"data {name}", x, y, quantities)
    if len(found.parts) == 4:
        other = arrays.pair(f"data {name}", x_test, y_test, quantities, "_test")
        known = one is not None and digest((*one, *other), objective)[:8] == digest8
        return _chosen(name, part, one, other, _names(found, one, other), known)
    if one is None:
        raise refuse(f"data {name}", "without examples", "X and y", "add them")
    if len(one[1]) >= 5:
        divided = fifth_aside(name, *one)
        if digest(divided, objective)[:8] == digest8:
            return _chosen(name, part, divided[:2], divided[2:], _names(found, one), True)
    return _chosen(name, part, None, one, _names(found, one), False)


def _found(given: str | Dataset | Sequence[object]) -> tuple[str, Dataset | Arrays]:
    if isinstance(given, str):
        return data.read(given, typed(given))
    if isinstance(given, tuple | list) and len(given) in (2, 4):
        return "arrays", Arrays(tuple(given))
    name, dataset = data.named(given)  # which refuses what is none
    return name, dataset if dataset is not None else Arrays(())


def _same_kind(name: str, here: str, there: str) -> None:
    if here != there:
        raise refuse("data", f"{name} for {here}", f"for {there}, as the ticket is", "use data of its kind")


def _names(found: Arrays, *pairs: Pair | None) -> tuple[str, ...]:
    """Names of the classes of unchecked arrays; there may be more of them than classes with an example."""
    if found.labels is None:
        return ()
    count = len(np.asarray(found.labels).reshape(-1))
    highest = max(int(pair[1].max()) for pair in pairs if pair is not None)
    return arrays.class_names("data: labels", found.labels, max(count, highest + 1))


def _chosen(name: str, part: Part, train: Pair | None, test: Pair, labels: tuple[str, ...], known: bool) -> Labelled:
    if part == "test":
        return Labelled(name, *test, labels, known)
    if train is None:
        if part == "all":
            return Labelled(name, *test, labels, known)
        raise refuse("split", part, f"test or all for {name}, which has no training part", "choose one of them")
    if part == "train":
        return Labelled(name, *train, labels, known)
    if train[0].shape[1:] != test[0].shape[1:] or train[0].dtype != test[0].dtype or train[1].ndim != test[1].ndim:
        both = f"{train[0].dtype} {train[0].shape[1:]} to train and {test[0].dtype} {test[0].shape[1:]} to test"
        raise refuse(f"data {name}", both, "of one shape and type for split all", "choose test or train")
    x: Inputs = np.concatenate([train[0], test[0]])
    return Labelled(name, x, np.concatenate([train[1], test[1]]), labels, known)
