"""A finished run, opened again: its result, and the problem in which its ticket was found."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ticketry import data
from ticketry.core import regular
from ticketry.core.errors import RequestError, refuse
from ticketry.core.trust import NOTHING, Trust, typed
from ticketry.experiment import Experiment, from_json
from ticketry.paths import RunDirectory
from ticketry.runs import record
from ticketry.runs.assembly import Problem
from ticketry.runs.find import execute
from ticketry.runs.problem import Handed, problem_of_experiment
from ticketry.runs.run import Run


def open_finished(root: str | Path) -> Run:
    """The finished run in a directory. Raises RequestError, in one sentence, for anything else."""
    directory, find = RunDirectory(Path(root)), "name the --out of a finished `ticketry find`"
    if not directory.root.is_dir():
        what = "a file" if directory.root.exists() else "which does not exist"
        raise refuse("run", f"{root}, {what}", "the directory of a finished run", find)
    if not directory.record.exists():
        raise refuse("run", f"{root}, which ticketry did not make", "the directory of a finished run", find)
    if not directory.result.exists():
        raise refuse("run", f"{root}, which is unfinished", "a finished run", "give its `ticketry find` command again")
    return execute(_experiment(directory), directory.root)  # returns at once, or says what is wrong with the run


def problem_of_run(
    run: Run,
    source: str | data.Dataset | None = None,
    device: str | None = None,
    model: Handed = None,
    trust: Trust = NOTHING,
) -> tuple[Problem, torch.Tensor]:
    """The problem of a run, built anew, and the mask of its ticket over the searched weights: Bool[D].

    `source`: the data, or their name, and `model`: where the run was given them as objects; `device` replaces the
    run's. `trust`: which import paths in the run's texts may be run. Raises RequestError when data or network are not
    those of the run.
    """
    experiment = _experiment(run.directory)
    experiment = replace(experiment, device=device or experiment.device)
    try:
        dataset = data.load(source, typed(source)) if isinstance(source, str) else source
        problem = problem_of_experiment(experiment, dataset, model, trust, run.ticket.content)
    except RequestError as error:
        if source is None and str(error).startswith("data is "):
            raise RequestError(f"{str(error).rstrip('.?')}; or name the data of the run with --data.") from None
        raise
    record.check_data(run.directory, experiment.data, problem.digests)
    ticket, header = run.ticket.content, problem.header
    here, there = ((h.layers, h.rest, h.fixed, h.zeros, h.built, h.recipe) for h in (header, ticket))
    stored, kept = problem.tensors, ticket.fixed_values
    if here != there or stored.keys() != kept.keys() or any(not np.array_equal(stored[n], kept[n]) for n in kept):
        built = f"run is {run.directory.root}, whose {header.model} has other parameters here than in its ticket"
        raise RequestError(f"{built}; use the model that the ticket was found in.")
    return problem, problem.task.space.narrow(torch.from_numpy(ticket.mask.copy()).to(problem.task.device))


def _experiment(directory: RunDirectory) -> Experiment:
    try:
        return from_json(json.loads(regular.text(directory.record)))
    except RequestError:  # which is a ValueError, too: a method that does not exist, say
        raise
    except (ValueError, KeyError, TypeError, AttributeError):
        what = f"{directory.root}, whose experiment.json this version cannot read"
        raise refuse("run", what, "the directory of a finished run", "name another") from None
