"""Train a ticket by the shared recipe, resumable; its trained weights become a ticket file of their own."""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ticketry.runs import checkpoint
from ticketry.runs import record
from ticketry.runs.checkpoint import Best
from ticketry.core.training import engine
from ticketry.core.atomic import write
from ticketry.core.errors import refuse
from ticketry.core.meters import Budget
from ticketry.core.task import Task
from ticketry.core.training.engine import Weights
from ticketry.core.training.recipe import Start, Training
from ticketry.data import Dataset
from ticketry.experiment import SCHEMA, canonical, digest
from ticketry.paths import RunDirectory
from ticketry.runs.progress import SearchProgress
from ticketry.runs.find import CHECKPOINT_EVERY, Run, finished, peak_memory
from ticketry.runs.problem import Problem, problem_of_ticket
from ticketry.ticket import file
from ticketry.ticket.content import TicketFile


@dataclass(frozen=True, kw_only=True)
class Trained:
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
    path: str | Path,
    *,
    data: str | Dataset,
    out: str | Path,
    training: Training | None = None,
    start: Start = "untrained",
    val: float = 0.1,
    device: str = "cpu",
    quiet: bool = True,
) -> Run:
    """Train the ticket in a file and write the trained one, with its result, into the directory `out`.

    A strong ticket is trained like any other. `start`: "trained" goes on from the values that the file holds. The
    last epoch's weights are the answer. A finished `out` of the same training is returned at once; an unfinished one
    is resumed and ends with the same bytes as an uninterrupted one.
    Raises RequestError, having written nothing, when the request is wrong.
    """
    encoded = file.read(Path(path))
    ticket, training = file.decode(encoded), training or Training()
    name, dataset = (data, None) if isinstance(data, str) else (data.name, data)
    if start == "trained":
        if ticket.values is None:
            raise refuse("start", start, "untrained for a file without trained values", "name one that has them")
        if training.rewind:
            raise refuse("rewind", training.rewind, "0 for a start from trained values", "leave it out")
    wanted = Trained(
        ticket=file.digests(encoded)["ticket"], data=name, training=training, val=val, device=device, start=start
    )
    directory = RunDirectory(Path(out))
    known = record.begun(directory, wanted)
    if known and directory.result.exists():
        return finished(directory)
    problem = problem_of_ticket(ticket, name, val, device, wanted.digest[:16], dataset)
    if known:
        record.check_data(directory, name, problem)
    task = problem.task
    mask = torch.from_numpy(ticket.mask.copy()).to(task.device)
    if known and directory.checkpoint.exists():
        weights, untrained, meters = checkpoint.load(directory.checkpoint, wanted.digest, Weights, task.device)
        task.resume(meters)
    else:
        if start == "trained":
            flat = _trained(ticket, task)
            weights, judged = engine.again(training, flat[None], 0), task.judge(flat, task.validation)
        else:
            weights, judged = engine.start(task, training, mask[None]), task.validate(mask)
        untrained = Best(mask, *judged, 0)
        record.begin(directory, wanted, problem)
    record.truncate(directory.log, task.meters.steps)
    title = f"training {ticket.method or 'ticket'} {name} {ticket.model}"
    with SearchProgress(title, Budget(epochs=training.epochs), task.meters, quiet) as bar:
        task.listen(bar.update)
        weights = _epochs(directory, wanted, problem, weights, untrained, bar)
    _finish(directory, wanted, problem, weights, untrained)
    return Run(directory)


def _trained(ticket: TicketFile, task: Task) -> torch.Tensor:
    """Float[M]: the trained parameters that a file holds."""
    whole = np.zeros(len(ticket.mask), np.float32)
    whole[ticket.mask] = ticket.values
    flat = task.parameters.untrained(torch.from_numpy(whole).to(task.device))
    views = task.parameters.views(flat)
    for name, values in (ticket.rest_values or {}).items():
        views[name].copy_(torch.from_numpy(values))
    return flat


def _epochs(
    directory: RunDirectory, wanted: Trained, problem: Problem, weights: Weights, untrained: Best, bar: SearchProgress
) -> Weights:
    task, saved = problem.task, time.perf_counter()
    for number in range(task.meters.steps, wanted.training.epochs):
        with task.one_step():
            weights = engine.epoch(task, wanted.training, weights, untrained.mask[None], number, number)
        loss, accuracy = task.judge(weights.flat[0], task.validation)
        line = {
            "step": number + 1,
            "epochs": task.meters.epochs,
            "seconds": round(task.meters.seconds, 3),
            "train_loss": task.take_loss(),
            "val_loss": loss if math.isfinite(loss) else None,
            "val_accuracy": accuracy,
        }
        with directory.log.open("a") as log:
            log.write(canonical(line) + "\n")
        bar.note(f"validation {accuracy:.2%}")
        if time.perf_counter() - saved > CHECKPOINT_EVERY or number + 1 == wanted.training.epochs:
            checkpoint.save(directory.checkpoint, wanted.digest, weights, untrained, task.meters)
            saved = time.perf_counter()
    return weights


def _finish(directory: RunDirectory, wanted: Trained, problem: Problem, weights: Weights, untrained: Best) -> None:
    """Judge the trained network, on the test split for the only time, and write it with its result."""
    task, flat, mask = problem.task, weights.flat[0], untrained.mask
    cost = asdict(task.meters)
    buffers = task.norms(flat)
    encoded = file.encode(problem.ticket(mask, buffers, flat))
    splits = {"train": task.train, "val": task.validation, "test": problem.test}
    scores = {name: task.judge(flat, feed, buffers) for name, feed in splits.items()}
    summary = file.summary(encoded)
    result = {
        "method": problem.header.method,
        "data": wanted.data,
        "model": problem.header.model,
        "seed": problem.header.seed,
        "kind": "trainable",
        "density": summary.density,
        "kept": summary.kept,
        "maskable": summary.maskable,
        "ticket_bytes": len(encoded),
        "accuracy": {name: accuracy for name, (_, accuracy) in scores.items()},
        "loss": {name: loss if math.isfinite(loss) else None for name, (loss, _) in scores.items()},
        "untrained": {"val_accuracy": untrained.accuracy},
        "training": asdict(wanted.training),
        "cost": {**cost, "seconds": round(cost["seconds"], 3), "peak_rss_bytes": peak_memory()},
        "digest": {
            **file.digests(encoded),
            "trained_from": wanted.ticket,
            "experiment": wanted.digest,
            "data": problem.split.data,
            "split": problem.split.digest,
        },
    }
    write(directory.ticket, encoded)
    write(directory.result, json.dumps(result, indent=2) + "\n")
