"""From an Experiment to a Task: data, model, space, locks, weights. Everything a user can get wrong is refused here."""

from __future__ import annotations

import glob
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ticketry import data, methods, objectives
from ticketry.core.device import device
from ticketry.core.errors import RequestError, TicketError, refuse
from ticketry.core.masks import allocation
from ticketry.core.masks.candidate import Candidate
from ticketry.core.masks.initial import Floats
from ticketry.core.masks.searchable import Coverage, coverage
from ticketry.core.masks.space import Space
from ticketry.core.meters import Budget
from ticketry.core.nets.feed import Feed, feed
from ticketry.core.nets.net import Named
from ticketry.core.objective import About, Need, Objective, Target
from ticketry.core.seed import locks
from ticketry.core.seed.weights import WeightRecipe
from ticketry.core.task import Task
from ticketry.experiment import Experiment, Lock, Search
from ticketry.methods import name_of
from ticketry.runs.network import Network, network, network_of_ticket
from ticketry.ticket.content import (
    DrawnParameter,
    FixedParameter,
    Header,
    Judged,
    LayerShape,
    TicketFile,
    ZeroRange,
)
from ticketry.ticket.evaluate import fits
from ticketry.ticket.rules import fault

Handed = nn.Module | type[nn.Module] | None
"""A model that was handed over in Python, if one was."""
FEW = 4  # examples by which a network is found to be repeatable
NEEDS: dict[Need, str] = {"labels": "labels", "gradient": "a gradient", "classes": "classes"}


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


def handed(dataset: data.Dataset | None, model: Handed) -> tuple[str, ...]:
    """The names of what was handed over, which no text names."""
    return tuple(name for name, value in (("data", dataset), ("model", model)) if value is not None)


def known(dataset: data.Dataset | None, val: float) -> dict[str, str]:
    """The digests of data that were handed over, and so are known before anything is built."""
    return {} if dataset is None else {"split": data.split(dataset, val).digest}


def problem_of_experiment(experiment: Experiment, dataset: data.Dataset | None = None, model: Handed = None) -> Problem:
    """Build the problem of an experiment; `dataset`, `model` replace what its texts name. Raises RequestError."""
    method = experiment.method
    given = Given(
        data=experiment.data,
        model=experiment.model,
        seed=experiment.seed,
        recipe=WeightRecipe(method.weights, method.scale),
        search=experiment.search,
        val=experiment.val,
        device=experiment.device,
        budget=experiment.budget.over(method.budget),
    )
    marks = Marks(method.kind, name_of(method), experiment.digest[:16])
    dataset = dataset or data.load(experiment.data)
    kind = objectives.get(dataset.objective)
    lacking = method.needs - kind.has
    if lacking:
        able = ", ".join(name for name, other in methods.discover().items() if other.needs <= kind.has)
        what = f"{name_of(method)}, which needs {' and '.join(NEEDS[need] for need in sorted(lacking))}"
        raise refuse("method", what, f"one that works without for {dataset.objective}", f"choose one of {able}")
    shape, outputs = dataset.input_shape, dataset.outputs
    built = network(given.model, shape, outputs, model, given.search, given.recipe, given.seed)
    return _build(given, marks, dataset, experiment.lock, None, built)


def problem_of_ticket(
    ticket: TicketFile,
    source: str,
    val: float,
    device: str,
    run: str,
    dataset: data.Dataset | None,
    model: Handed = None,
) -> Problem:
    """The problem of a ticket that exists: its network, with all of its weights open, on some data; to train it.

    `run`: first digits of the digest of what this is for. Raises RequestError for data that do not fit the ticket,
    TicketError where its model has changed.
    """
    dataset = dataset or data.load(source)
    fits(dataset, source, ticket)
    names = tuple(glob.escape(layer.name) for layer in ticket.layers)
    given = Given(source, ticket.model, ticket.seed, ticket.recipe, Search(include=names), val, device, Budget())
    built = network_of_ticket(ticket, model, given.search)
    problem = _build(given, Marks("trainable", ticket.method, run), dataset, Lock(), ticket.target, built)
    if problem.header.layers != ticket.layers:
        raise TicketError(f"the model {ticket.model} has other parameters here than the ticket; use the one it had.")
    return replace(problem, locks=ticket.locks)


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


def _build(
    given: Given, marks: Marks, dataset: data.Dataset, locked: Lock, target: Target | None, built: Network
) -> Problem:
    """`target`: that of a ticket whose problem it is."""
    where, whole = device(given.device), built.space
    split = data.split(dataset, given.val)
    counts = _lock_counts(locked, whole)
    augment = dataset.augment == "crop-flip"

    about = About(dataset.input_shape, dataset.outputs, dataset.digest, dataset.y[split.train], target)
    objective = objectives.get(dataset.objective).of(about)

    def on_device(x: NDArray[np.generic], y: NDArray[Any], augmented: bool = False) -> Feed:
        return feed(x, objective.targets(y), dataset.mean, dataset.std, where, augmented)

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
    header = _header(given, marks, dataset, objective, built)
    test, tensors = on_device(dataset.x_test, dataset.y_test), built.outside.tensors
    return Problem(task, test, header, counts, split, tensors, coverage(built.module, built.base))


def _header(given: Given, marks: Marks, dataset: data.Dataset, objective: Objective[Any], built: Network) -> Header:
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
