"""From an Experiment to a Task: data, model, space, locks, weights. Everything a user can get wrong is refused here."""

from __future__ import annotations

import glob
from dataclasses import replace

from torch import nn

from ticketry import data, methods, objectives
from ticketry.core.errors import TicketError, refuse
from ticketry.core.meters import Budget
from ticketry.core.objective import Need
from ticketry.core.seed.weights import WeightRecipe
from ticketry.core.trust import NOTHING, Trust
from ticketry.experiment import Experiment, Lock, Search
from ticketry.methods import name_of
from ticketry.runs.assembly import Given, Marks, Problem, build
from ticketry.runs.meaning import Meaning
from ticketry.runs.network import network, network_of_ticket
from ticketry.ticket.content import Header, TicketFile
from ticketry.ticket.evaluate import fits

Handed = nn.Module | type[nn.Module] | str | None
"""A model that was handed over in Python, or a text that the user typed in place of a file's, if either was."""
NEEDS: dict[Need, str] = {"labels": "labels", "gradient": "a gradient", "classes": "classes"}


def handed(dataset: data.Dataset | None, model: Handed) -> tuple[str, ...]:
    """The names of what was handed over, which no text names."""
    given = (("data", dataset), ("model", None if isinstance(model, str) else model))
    return tuple(name for name, value in given if value is not None)


def known(dataset: data.Dataset | None, val: float) -> dict[str, str]:
    """The digests of data that were handed over, and so are known before anything is built."""
    return {} if dataset is None else {"split": data.split(dataset, val).digest}


def problem_of_experiment(
    experiment: Experiment,
    dataset: data.Dataset | None = None,
    model: Handed = None,
    trust: Trust = NOTHING,
    ticket: Header | None = None,
) -> Problem:
    """Build the problem of an experiment; `dataset`, `model` replace what its texts name. Raises RequestError.

    `trust`: which import paths among its texts may be run. `ticket`: what was found in it, whose scaling then holds.
    """
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
    dataset = dataset or data.load(experiment.data, trust)
    kind = objectives.get(dataset.objective)
    lacking = method.needs - kind.has
    if lacking:
        able = ", ".join(name for name, other in methods.discover().items() if other.needs <= kind.has)
        what = f"{name_of(method)}, which needs {' and '.join(NEEDS[need] for need in sorted(lacking))}"
        raise refuse("method", what, f"one that works without for {dataset.objective}", f"choose one of {able}")
    train = data.split(dataset, experiment.val).train if experiment.standardise else None
    meaning = Meaning.of_data(dataset, train) if ticket is None else Meaning.of_ticket(ticket)
    shape, outputs = dataset.input_shape, dataset.outputs
    built = network(given.model, shape, outputs, model, trust, given.search, given.recipe, given.seed)
    return build(given, marks, dataset, experiment.lock, meaning, built)


def problem_of_ticket(
    ticket: TicketFile,
    source: str,
    val: float,
    device: str,
    run: str,
    dataset: data.Dataset | None,
    model: Handed = None,
    trust: Trust = NOTHING,
) -> Problem:
    """The problem of a ticket that exists: its network, with all of its weights open, on some data; to train it.

    `run`: first digits of the digest of what this is for; `trust`: which import paths may be run. Raises RequestError
    for data that do not fit the ticket, TicketError where its model has changed.
    """
    dataset = dataset or data.load(source, trust)
    fits(dataset, source, ticket)
    names = tuple(glob.escape(layer.name) for layer in ticket.layers)
    given = Given(source, ticket.model, ticket.seed, ticket.recipe, Search(include=names), val, device, Budget())
    marks, meaning = Marks("trainable", ticket.method, run), Meaning.of_ticket(ticket)
    problem = build(given, marks, dataset, Lock(), meaning, network_of_ticket(ticket, model, trust, given.search))
    if problem.header.layers != ticket.layers:
        raise TicketError(f"the model {ticket.model} has other parameters here than the ticket; use the one it had.")
    return replace(problem, locks=ticket.locks)
