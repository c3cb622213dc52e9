"""What a search, a training or a check works on: a Task, and what the runner needs beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ticketry import data, objectives
from ticketry.core.device import device
from ticketry.core.errors import RequestError
from ticketry.core.masks import allocation
from ticketry.core.masks.candidate import Candidate
from ticketry.core.masks.initial import Floats
from ticketry.core.masks.searchable import Coverage, coverage
from ticketry.core.masks.space import Space
from ticketry.core.meters import Budget
from ticketry.core.nets.feed import Feed, feed
from ticketry.core.nets.net import Named
from ticketry.core.objective import About, Objective
from ticketry.core.scaling import numbers
from ticketry.core.seed import locks
from ticketry.core.seed.weights import WeightRecipe
from ticketry.core.task import Task
from ticketry.data.arrays import Inputs
from ticketry.experiment import Lock, Search
from ticketry.runs.meaning import Meaning
from ticketry.runs.network import Network
from ticketry.ticket.content import (
    DrawnParameter,
    FixedParameter,
    Header,
    Judged,
    LayerShape,
    TicketFile,
    ZeroRange,
)
from ticketry.ticket.rules import fault

FEW = 4  # examples by which a network is found to be repeatable


@dataclass(frozen=True, eq=False)
class Problem:
    """A Task and what the runner needs beside it; `test` is the split that no method sees."""

    task: Task
    test: Feed
    header: Header
    """Of the ticket that will be written."""
    locks: tuple[tuple[int, int], ...] | None
    split: data.Split
    tensors: dict[str, Floats]
    """What the model's constructor made and the ticket holds as it is, by name."""
    coverage: Coverage
    """What the mask leaves out."""

    @property
    def digests(self) -> dict[str, str]:
        """Of the data: what a job must find unchanged when it goes on."""
        return {"split": self.split.digest}

    def ticket(self, candidate: Candidate, buffers: Named) -> TicketFile:
        """What a file holds of a candidate's network, with its running statistics."""
        whole = self.task.space.full(candidate.mask).cpu().numpy()
        values, rest = None, None
        if candidate.values is not None:
            values = candidate.values[: len(whole)].cpu().numpy()[whole]
            views = self.task.parameters.views(candidate.values)
            names = {layer.name for layer in self.header.layers}
            rest = {name: view.cpu().numpy() for name, view in views.items() if name not in names}
        return TicketFile(
            **vars(self.header),
            mask=whole,
            locks=self.locks,
            buffers={name: value.cpu().numpy() for name, value in buffers.items()},
            values=values,
            rest_values=rest,
            fixed_values=self.tensors,
        )


class Given(NamedTuple):
    """What a network and its data are made of."""

    data: str
    model: str
    seed: int
    recipe: WeightRecipe
    search: Search
    val: float
    device: str
    budget: Budget


class Marks(NamedTuple):
    """What a ticket says of where it comes from."""

    kind: Judged
    method: str
    run: str


def build(given: Given, marks: Marks, dataset: data.Dataset, locked: Lock, meaning: Meaning, built: Network) -> Problem:
    """The problem of a network on some data."""
    where, whole = device(given.device), built.space
    split = data.split(dataset, given.val)
    counts = _lock_counts(locked, whole)
    augment = dataset.augment == "crop-flip"

    about = About(dataset.input_shape, dataset.outputs, dataset.digest, dataset.y[split.train], meaning.target)
    objective = objectives.get(dataset.objective).of(about)

    def on_device(x: Inputs, y: NDArray[Any], augmented: bool = False) -> Feed:
        found = numbers(f"data {given.data}: X", x, meaning.scaling)
        return feed(found, objective.targets(y), meaning.scaling, where, augmented)

    train = on_device(dataset.x[split.train], dataset.y[split.train], augment)
    task = Task(
        net=built.net(where, train.batch(slice(FEW))[0]),
        space=(whole if counts is None else lock(whole, counts, given.seed)).to(where),
        base=torch.from_numpy(np.concatenate([value.ravel() for value in built.base.values()])).to(where),
        scale=given.recipe.scale,
        objective=objective,
        train=train,
        zeros=built.outside.zeros,
        validation=on_device(dataset.x[split.val], dataset.y[split.val]),
        augment=augment,
        seed=given.seed,
        budget=given.budget,
    )
    header = _header(given, marks, dataset, meaning, objective, built)
    test, tensors = on_device(dataset.x_test, dataset.y_test), built.outside.tensors
    return Problem(task, test, header, counts, split, tensors, coverage(built.module, built.base))


def _header(
    given: Given, marks: Marks, dataset: data.Dataset, meaning: Meaning, objective: Objective[Any], built: Network
) -> Header:
    """What the ticket will say about its network; refused now where a file could not say it."""
    rest = built.outside
    header = Header(
        model=given.model,
        input_shape=dataset.input_shape,
        outputs=dataset.outputs,
        layers=tuple(LayerShape(layer.name, layer.shape) for layer in built.space.layers),
        rest=tuple(DrawnParameter(*drawn) for drawn in rest.drawn),
        fixed=tuple(FixedParameter(*fixed) for fixed in rest.fixed),
        zeros=tuple(ZeroRange(*zeros) for zeros in rest.zeros),
        built=rest.built,
        seed=given.seed,
        recipe=given.recipe,
        objective=dataset.objective,
        target=objective.target,
        data=f"{given.data}:{dataset.digest[:8]}",
        scaling=meaning.kept,
        labels=meaning.labels,
        **marks._asdict(),
    )
    wrong = fault(header)
    if wrong:
        raise RequestError(f"model is {given.model}, of which no ticket could be written: {wrong}; rename that.")
    return header


def lock(whole: Space, counts: tuple[tuple[int, int], ...], seed: int) -> Space:
    """The Space left by the lock pattern that seed and per-layer (off, on) counts define."""
    parts = [
        locks.pattern(seed, layer.name, layer.size, off, on)
        for layer, (off, on) in zip(whole.layers, counts, strict=True)
    ]
    pattern = torch.from_numpy(np.concatenate(parts))
    return whole.freeze(off=pattern < 0, on=pattern > 0)


def _lock_counts(wanted: Lock, whole: Space) -> tuple[tuple[int, int], ...] | None:
    if not wanted.any:
        return None
    shapes = [layer.shape for layer in whole.layers]
    return tuple(allocation.lock_counts(wanted.budget, wanted.split, shapes, wanted.off, wanted.on))
