"""From an Experiment to a Task: data, model, space, locks, weights. Everything a user can get wrong is refused here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ticketry import data, models
from ticketry.core import budgets, locks, space
from ticketry.core.device import device
from ticketry.core.errors import RequestError
from ticketry.core.feed import Feed, feed
from ticketry.core.initial import Outside, inside, outside
from ticketry.core.net import Named, Net
from ticketry.core.space import Space
from ticketry.core.task import Task
from ticketry.core.weights import Recipe
from ticketry.experiment import Experiment, Lock
from ticketry.methods import name_of
from ticketry.ticket.content import Drawn, Header, Layer, TicketFile, fault


@dataclass(frozen=True, eq=False)
class Problem:
    """A Task and what the runner needs beside it; `test` is the split that no method sees."""

    task: Task
    test: Feed
    header: Header
    """Of the ticket that will be written."""
    locks: tuple[tuple[int, int], ...] | None
    split: data.Split

    def ticket(self, mask: torch.Tensor, buffers: Named) -> TicketFile:
        """What a file holds of the network that Bool[D] selects, with its running statistics."""
        return TicketFile(
            **vars(self.header),
            mask=self.task.space.full(mask).cpu().numpy(),
            locks=self.locks,
            buffers={name: value.cpu().numpy() for name, value in buffers.items()},
        )


def prepare(experiment: Experiment, dataset: data.Dataset | None = None) -> Problem:
    """Build the problem of an experiment; `dataset` replaces the data that its text names. Raises RequestError."""
    where = device(experiment.device)
    dataset = dataset or data.load(experiment.data)
    split = data.split(dataset, experiment.val)
    module = models.build(experiment.model, dataset.input_shape, dataset.classes)
    models.check(module, dataset.input_shape, dataset.classes)
    whole = space.find(module, experiment.search.include, experiment.search.exclude)
    kind, seed = experiment.method.weights, experiment.seed
    base = inside(whole, kind, seed)
    rest = outside(module, base, kind, seed)
    counts = _lock_counts(experiment.lock, whole)
    searched = (whole if counts is None else lock(whole, counts, experiment.seed)).to(where)

    augment = dataset.augment == "crop-flip"

    def on_device(x: NDArray[np.generic], y: NDArray[np.int64], augmented: bool = False) -> Feed:
        return feed(x, y, dataset.mean, dataset.std, where, augmented)

    task = Task(
        net=Net(module.to(where), {name: torch.from_numpy(value).to(where) for name, value in rest.values.items()}),
        space=searched,
        base=torch.from_numpy(np.concatenate([value.ravel() for value in base.values()])).to(where),
        scale=experiment.method.scale,
        train=on_device(dataset.x[split.train], dataset.y[split.train], augment),
        validation=on_device(dataset.x[split.val], dataset.y[split.val]),
        augment=augment,
        seed=experiment.seed,
        budget=experiment.budget.over(experiment.method.budget),
    )
    header = _header(experiment, dataset, whole, rest)
    return Problem(task, on_device(dataset.x_test, dataset.y_test), header, counts, split)


def _header(experiment: Experiment, dataset: data.Dataset, whole: Space, rest: Outside) -> Header:
    """What the ticket will say about its network; refused now where a file could not say it."""
    method = experiment.method
    header = Header(
        model=experiment.model,
        input_shape=dataset.input_shape,
        classes=dataset.classes,
        layers=tuple(Layer(layer.name, layer.shape) for layer in whole.layers),
        rest=tuple(Drawn(*drawn) for drawn in rest.drawn),
        seed=experiment.seed,
        recipe=Recipe(method.weights, method.scale),
        kind=method.kind,
        method=name_of(method),
        data=f"{experiment.data}:{dataset.digest[:8]}",
        run=experiment.digest[:16],
    )
    wrong = fault(header)
    if wrong:
        raise RequestError(f"model is {experiment.model}, of which no ticket could be written: {wrong}; rename that.")
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
    return tuple(budgets.lock_counts(wanted.budget, wanted.split, shapes, wanted.off, wanted.on))
