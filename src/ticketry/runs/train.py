"""Train a ticket by the shared recipe; its trained weights become a ticket file of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ticketry.core.canonical import digest
from ticketry.core.errors import refuse
from ticketry.core.masks.candidate import Candidate
from ticketry.core.meters import Budget, Meters
from ticketry.core.task import Task
from ticketry.core.training import engine
from ticketry.core.training.engine import Weights
from ticketry.core.training.recipe import Start, Training
from ticketry.core.trust import Trust, Trusted, trusting, typed
from ticketry.data import Dataset, named
from ticketry.experiment import SCHEMA
from ticketry.paths import RunDirectory
from ticketry.report.numerals import quality
from ticketry.runs import job, outcome
from ticketry.runs.job import Line
from ticketry.runs.problem import Handed, handed, known, problem_of_ticket
from ticketry.runs.progress import SearchProgress
from ticketry.runs.run import Run, place
from ticketry.ticket import file
from ticketry.ticket.content import TicketFile
from ticketry.ticket.limits import MAX_WEIGHTS


@dataclass(frozen=True, kw_only=True)
class TrainedTicket:
    """One training of one ticket: what decides its result. `ticket`: the digest of the file."""

    ticket: str
    data: str
    training: Training
    val: float
    device: str
    start: Start = "untrained"

    @property
    def resolved(self) -> dict[str, Any]:
        """All fields as JSON-ready data."""
        return json.loads(json.dumps({"schema": SCHEMA, **asdict(self)}))  # type: ignore[no-any-return]

    @property
    def digest(self) -> str:
        """SHA-256 over the canonical JSON of `resolved`, hex."""
        return digest(self.resolved)


def train(
    path: str | Path | Run,
    *,
    data: str | Dataset | Sequence[object],
    out: str | Path,
    model: Handed = None,
    trust: Trusted = (),
    training: Training | None = None,
    start: Start = "untrained",
    val: float = 0.1,
    device: str = "cpu",
    quiet: bool = True,
    max_weights: int = MAX_WEIGHTS,
) -> Run:
    """Train the ticket in a file and write the trained one, with its result, into the directory `out`.

    A strong ticket is trained like any other. `model`: one of the same structure, for a ticket whose model was handed
    over, or the text of one. `trust`: names of modules whose code a text in the file may run. `start`: "trained" goes
    on from the values that the file holds. `max_weights`: the most that the file may ask for (ticket/limits.py). The
    last epoch's weights are the answer. A finished `out` of the same training is returned at once; an unfinished one is
    resumed and ends with the same bytes as an uninterrupted one.
    Raises RequestError, having written nothing, when the request is wrong.
    """
    path, own = place(path, "ticket")
    if not isinstance(training, Training | None):
        raise refuse("training", f"a {type(training).__name__}", "a tk.Training", "pass one")
    encoded = file.read(path, max_weights)
    ticket, training = file.decode(encoded, max_weights), training or Training()
    name, dataset = named(data)
    if start == "trained":
        if ticket.values is None:
            raise refuse("start", start, "untrained for a file without trained values", "name one that has them")
        if training.rewind:
            raise refuse("rewind", training.rewind, "0 for a start from trained values", "leave it out")
    wanted = TrainedTicket(
        ticket=file.digests(encoded, max_weights)["ticket"],
        data=name,
        training=training,
        val=val,
        device=device,
        start=start,
    )
    directory = RunDirectory(Path(out))
    trust = own | trusting(trust) | typed(name)
    return Run(directory, job.perform(TrainingJob(wanted, ticket, directory, dataset, model, trust), quiet), trust)


@dataclass(frozen=True, eq=False)
class TrainingState:
    """A training after some epochs. `untrained`: validation quality before the first one."""

    weights: Weights
    untrained: float
    meters: Meters


class TrainingJob:
    """A training as a job; see runs/job.py."""

    kinds: Mapping[str, Any] = {"weights": Weights, "untrained": float, "meters": Meters}

    def __init__(
        self,
        wanted: TrainedTicket,
        ticket: TicketFile,
        directory: RunDirectory,
        dataset: Dataset | None,
        model: Handed,
        trust: Trust,
    ) -> None:
        self.wanted, self.directory, self.source = wanted, directory, wanted.data
        self.handed = handed(dataset, model)
        self._ticket, self._dataset, self._model, self._trust = ticket, dataset, model, trust

    @property
    def known(self) -> Mapping[str, str]:
        return known(self._dataset, self.wanted.val)

    def prepare(self) -> Mapping[str, str]:
        wanted, ticket = self.wanted, self._ticket
        run = wanted.digest[:16]
        self._problem = problem_of_ticket(
            ticket, wanted.data, wanted.val, wanted.device, run, self._dataset, self._model, self._trust
        )
        self._task = self._problem.task
        self._mask = torch.from_numpy(ticket.mask.copy()).to(self._task.device)
        return self._problem.digests

    @property
    def device(self) -> torch.device:
        return self._task.device

    def first(self) -> TrainingState:
        task, training = self._task, self.wanted.training
        if self.wanted.start == "trained":
            flat = _trained(self._ticket, task)
            weights, judged = engine.again(training, flat[None], 0), task.judge(flat, task.validation)
        else:
            weights, judged = engine.start(task, training, self._mask[None]), task.validate(self._mask)
        return TrainingState(weights, judged[1], task.meters)

    def restored(self, fields: Mapping[str, Any]) -> TrainingState:
        self._task.resume(fields["meters"])
        return TrainingState(fields["weights"], fields["untrained"], self._task.meters)

    def gather(self, quiet: bool) -> None:
        """It needs no other."""

    def step(self, state: TrainingState) -> tuple[TrainingState, Line | None] | None:
        task, training, number = self._task, self.wanted.training, self._task.meters.steps
        if number == training.epochs:
            return None
        with task.one_step():
            weights = engine.epoch(task, training, state.weights, self._mask[None], number, number)
        objective, (loss, reached) = task.objective, task.judge(weights.flat[0], task.validation)
        line = {
            "step": number + 1,
            "epochs": task.meters.epochs,
            "seconds": round(task.meters.seconds, 3),
            "train_loss": objective.reported(task.take_loss()),
            "val_loss": objective.reported(loss),
            f"val_{objective.measure.name}": reached,
        }
        self._bar.note(f"validation {quality(objective.measure, reached, 2)}")
        return TrainingState(weights, state.untrained, task.meters), line

    def finish(self, state: TrainingState) -> dict[str, Any]:
        """Judge the trained network, on the test split for the only time, and write its ticket."""
        wanted, problem, header = self.wanted, self._problem, self._problem.header
        cost, trained = outcome.cost(problem), Candidate(self._mask, state.weights.flat[0])
        judged = outcome.write(problem, trained, self.directory.ticket, ["train", "val", "test"])
        return {
            "method": header.method,
            "data": wanted.data,
            "model": header.model,
            "seed": header.seed,
            **judged,
            "untrained": {f"val_{judged['measure']}": state.untrained},
            "training": asdict(wanted.training),
            "cost": cost,
            "digest": {**judged["digest"], "trained_from": wanted.ticket, "experiment": wanted.digest},
        }

    def watch(self, quiet: bool) -> AbstractContextManager[object]:
        title = f"training {self._ticket.method or 'ticket'} {self.source} {self._problem.header.model}"
        self._bar = SearchProgress(title, Budget(epochs=self.wanted.training.epochs), self._task.meters, quiet)
        self._task.listen(self._bar.update)
        return self._bar


def _trained(ticket: TicketFile, task: Task) -> torch.Tensor:
    """Float[M]: the trained parameters that a file holds."""
    whole = np.zeros(len(ticket.mask), np.float32)
    whole[ticket.mask] = ticket.values
    flat = task.parameters.untrained(torch.from_numpy(whole).to(task.device))
    views = task.parameters.views(flat)
    for name, values in (ticket.rest_values or {}).items():
        views[name].copy_(torch.from_numpy(values))
    return flat
