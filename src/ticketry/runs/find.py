"""Search a ticket: step, validate, keep the best; then judge it once on test data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from types import NoneType
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from ticketry.core.atomic import write
from ticketry.core.errors import SearchEnded, refuse
from ticketry.core.masks.candidate import Candidate, candidate
from ticketry.core.meters import Budget, Meters
from ticketry.core.task import Task
from ticketry.data import Dataset, named
from ticketry.experiment import Experiment, Lock, Search
from ticketry.methods import discover, name_of
from ticketry.methods._contract import HasNotes, Method
from ticketry.models import text_of
from ticketry.paths import RunDirectory
from ticketry.report.numerals import quality
from ticketry.report.page import page
from ticketry.runs import job, outcome
from ticketry.runs.job import Line
from ticketry.runs.problem import Handed, handed, known, problem_of_experiment
from ticketry.runs.progress import SearchProgress
from ticketry.runs.run import Run
from ticketry.runs.warn import warnings


def find(
    method: Method[Any],
    *,
    data: str | Dataset | Sequence[object],
    model: str | nn.Module | type[nn.Module],
    out: str | Path,
    seed: int = 0,
    budget: Budget | None = None,
    lock: Lock | None = None,
    search: Search | None = None,
    val: float = 0.1,
    device: str = "cpu",
    quiet: bool = True,
) -> Run:
    """Search a ticket and write it, with its result and report, into the directory `out`.

    `data`: a text as on the command line, or a Dataset, or the four arrays (X, y, X_test, y_test). `model`: a text, or
    an `nn.Module`, which is copied and stays as it is, or its class. A finished `out` of the same experiment is
    returned at once; an unfinished one is resumed and ends with the same bytes as an uninterrupted run. Raises
    RequestError, having written nothing, when the request is wrong.
    """
    if not is_dataclass(method) or isinstance(method, type):
        raise refuse("method", repr(method), "a method object", "pass tk.methods.EdgePopup(density=0.1), say")
    for name, value, kinds, wanted in (
        ("out", out, (str, Path), "a path"),
        ("seed", seed, (int, np.integer), "an integer"),
        ("val", val, (int, float), "a number"),
        ("budget", budget, (Budget, NoneType), "a tk.Budget"),
        ("lock", lock, (Lock, NoneType), "a tk.Lock"),
        ("search", search, (Search, NoneType), "a tk.Search"),
    ):
        if not isinstance(value, kinds):
            raise refuse(name, f"a {type(value).__name__}", wanted, "pass one")
    if discover().get(name_of(method)) is not type(method):
        found = f"a {type(method).__name__} of {type(method).__module__}"
        raise refuse("method", found, "one of ticketry's", "put its file into ticketry/methods to make it one")
    source, dataset = named(data)
    experiment = Experiment(
        method=method,
        data=source,
        model=text_of(model),
        seed=int(seed),
        budget=budget or Budget(),
        lock=lock or Lock(),
        search=search or Search(),
        val=val,
        device=device,
    )
    given = None if isinstance(model, str) else model
    return execute(experiment, Path(out), quiet=quiet, dataset=dataset, model=given)


def execute(
    experiment: Experiment,
    out: Path,
    *,
    quiet: bool = True,
    dataset: Dataset | None = None,
    model: Handed = None,
    title: str | None = None,
) -> Run:
    """Run, resume or return an experiment in a directory; see `find`. `title`: of its progress bar.

    `dataset`, `model`: what was handed over in place of what the experiment's texts name.
    """
    directory = RunDirectory(out)
    title = title or f"{name_of(experiment.method)} {experiment.data} {experiment.model}"
    return Run(directory, job.perform(SearchJob(experiment, directory, dataset, model, title), quiet))


@dataclass(frozen=True, eq=False)
class Best:
    """The candidate that validation chose: its validation loss and quality, and the step it was found at."""

    candidate: Candidate
    loss: float
    quality: float
    step: int


@dataclass(frozen=True, eq=False)
class SearchState:
    """A search after some steps: `method`, the method's own state; `best`; `meters`, what was spent."""

    method: Any
    best: Best
    meters: Meters


class SearchJob:
    """A search as a job; see runs/job.py."""

    def __init__(
        self, experiment: Experiment, directory: RunDirectory, dataset: Dataset | None, model: Handed, title: str
    ) -> None:
        self.wanted, self.directory, self.source = experiment, directory, experiment.data
        self.handed = handed(dataset, model)
        self._dataset, self._model, self._title = dataset, model, title
        self.kinds = {
            "method": experiment.method.state,
            "best": Best,
            "meters": Meters,
        }

    @property
    def known(self) -> Mapping[str, str]:
        return known(self._dataset, self.wanted.val)

    def prepare(self) -> Mapping[str, str]:
        self._problem = problem_of_experiment(self.wanted, self._dataset, self._model)
        return self._problem.digests

    @property
    def device(self) -> torch.device:
        return self._task.device

    @property
    def _task(self) -> Task:
        return self._problem.task

    def first(self) -> SearchState:
        task, method = self._task, self.wanted.method
        state = method.init(task)
        return SearchState(state, _validated(task, candidate(method.mask(task, state))), task.meters)

    def restored(self, fields: Mapping[str, Any]) -> SearchState:
        task = self._task
        task.resume(fields["meters"])
        return SearchState(fields["method"], fields["best"], task.meters)

    def gather(self, quiet: bool) -> None:
        """It needs no other."""

    def step(self, state: SearchState) -> tuple[SearchState, Line | None] | None:
        """A step that the budget cuts short is dropped, though what it spent is metered."""
        task, method, best, objective = self._task, self.wanted.method, state.best, self._task.objective
        try:
            with task.one_step():
                after = method.step(task, state.method)
        except SearchEnded:
            return None
        found = candidate(method.mask(task, after))
        same = _same(found, best.candidate)  # a population's winner often stands for many generations
        now = replace(best, step=task.meters.steps) if same else _validated(task, found)
        line = {
            "step": now.step,
            "epochs": task.meters.epochs,
            "evaluations": task.meters.evaluations,
            "seconds": round(task.meters.seconds, 3),
            "train_loss": objective.reported(task.take_loss()),
            "val_loss": objective.reported(now.loss),
            f"val_{objective.measure.name}": now.quality,
            "density": task.space.density(now.candidate.mask),
        }
        self._bar.note(f"validation {quality(objective.measure, now.quality, 2)}")
        return SearchState(after, _preferred(method.answer, best, now), task.meters), line

    def finish(self, state: SearchState) -> dict[str, Any]:
        """Judge the chosen candidate, on the test split for the only time; write ticket, front and report."""
        experiment, problem, task, best = self.wanted, self._problem, self._task, state.best
        method, directory, cost = experiment.method, self.directory, outcome.cost(problem)
        judged = outcome.write(problem, best.candidate, directory.ticket, ["train", "val", "test"])
        result = {
            "method": name_of(method),
            "data": experiment.data,
            "model": experiment.model,
            "seed": experiment.seed,
            **judged,
            "chosen_step": best.step,
            "cost": cost,
            "digest": {**judged["digest"], "experiment": experiment.digest},
            "trained": outcome.trained(directory, problem, method, state.method, best.candidate.mask),
            "front": outcome.front(directory, problem, method, state.method),
            "notes": method.notes(task, state.method) if isinstance(method, HasNotes) else {},
            "warnings": [*problem.coverage.sentences, *warnings(task, method, state.method, best.candidate.mask)],
        }
        write(directory.report, page(directory, result))
        return result

    def watch(self, quiet: bool) -> AbstractContextManager[object]:
        self._bar = SearchProgress(self._title, self._task.budget, self._task.meters, quiet)
        self._task.listen(self._bar.update)
        return self._bar


def _same(one: Candidate, other: Candidate) -> bool:
    return one.values is other.values is None and torch.equal(one.mask, other.mask)


def _preferred(answer: Literal["best", "last"], best: Best, now: Best) -> Best:
    """Of two candidates the better validated, or the later unless its loss is not a number."""
    if answer == "last":
        return now if math.isfinite(now.loss) else best
    return max(best, now, key=lambda one: (one.quality, -one.loss, -one.step))


def _validated(task: Task, found: Candidate) -> Best:
    """A candidate with its validation score; a loss that is not a number counts as infinite, with the least quality."""
    loss, reached = task.validate(found)
    if not math.isfinite(loss):
        loss, reached = math.inf, task.objective.measure.floor
    return Best(found, loss, reached, task.meters.steps)
