"""The one loop: step, validate, keep the best, log, checkpoint; then judge once on test data and write the ticket."""

from __future__ import annotations

import json
import math
import resource
import sys
import time
from dataclasses import asdict, dataclass, is_dataclass, replace
from functools import cached_property
from pathlib import Path
from types import NoneType
from typing import Any, Literal

import numpy as np
import torch

from ticketry.runs import byproduct
from ticketry.runs import checkpoint
from ticketry.runs import front
from ticketry.runs import record
from ticketry.runs.checkpoint import Best
from ticketry.core.atomic import write
from ticketry.core.errors import RequestError, SearchEnded, TicketError, refuse
from ticketry.core.meters import Budget
from ticketry.core.task import Task
from ticketry.data import Dataset
from ticketry.experiment import Experiment, Lock, Search, canonical
from ticketry.methods import name_of
from ticketry.methods._contract import HasNotes, Method
from ticketry.paths import RunDirectory
from ticketry.runs.progress import SearchProgress
from ticketry.report.page import page
from ticketry.runs.problem import Problem, problem_of_experiment
from ticketry.ticket import file
from ticketry.ticket.module import Ticket
from ticketry.runs.warn import warnings

CHECKPOINT_EVERY = 2.0  # seconds between checkpoints, and so the most that a kill costs beside the step under way


@dataclass(frozen=True)
class Run:
    """A finished run."""

    directory: RunDirectory

    @cached_property
    def result(self) -> dict[str, Any]:
        """What `result.json` holds."""
        try:
            return json.loads(self.directory.result.read_text())  # type: ignore[no-any-return]
        except ValueError:
            raise _incomplete(self.directory, "result.json is damaged") from None

    @property
    def ticket(self) -> Ticket:
        """The ticket that was found."""
        return Ticket.load(self.directory.ticket)


def find(
    method: Method[Any],
    *,
    data: str | Dataset,
    model: str,
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

    A finished `out` of the same experiment is returned at once; an unfinished one is resumed and ends with the same
    bytes as an uninterrupted run. Raises RequestError, having written nothing, when the request is wrong.
    """
    if not is_dataclass(method) or isinstance(method, type):
        raise refuse("method", repr(method), "a method object", "pass tk.methods.EdgePopup(density=0.1), say")
    for name, value, kinds, wanted in (
        ("data", data, (str, Dataset), "a name, path or import path, or a Dataset (tk.from_arrays makes one)"),
        ("model", model, (str,), "a name or an import path package.module:factory"),
        ("out", out, (str, Path), "a path"),
        ("seed", seed, (int, np.integer), "an integer"),
        ("val", val, (int, float), "a number"),
        ("budget", budget, (Budget, NoneType), "a tk.Budget"),
        ("lock", lock, (Lock, NoneType), "a tk.Lock"),
        ("search", search, (Search, NoneType), "a tk.Search"),
    ):
        if not isinstance(value, kinds):
            raise refuse(name, f"a {type(value).__name__}", wanted, "pass one")
    dataset = None if isinstance(data, str) else data
    experiment = Experiment(
        method=method,
        data=data if isinstance(data, str) else data.name,
        model=model,
        seed=int(seed),
        budget=budget or Budget(),
        lock=lock or Lock(),
        search=search or Search(),
        val=val,
        device=device,
    )
    return execute(experiment, Path(out), quiet=quiet, dataset=dataset)


def execute(
    experiment: Experiment, out: Path, *, quiet: bool = True, dataset: Dataset | None = None, title: str | None = None
) -> Run:
    """Run, resume or return an experiment in a directory; see `find`. `title`: of its progress bar."""
    directory = RunDirectory(out)
    known = record.begun(directory, experiment)
    if known and directory.result.exists():
        return finished(directory)
    problem = problem_of_experiment(experiment, dataset=dataset)
    task, method = problem.task, experiment.method
    if known:
        record.check_data(directory, experiment.data, problem)
    if known and directory.checkpoint.exists():
        state_type = method.state
        state, best, meters = checkpoint.load(directory.checkpoint, experiment.digest, state_type, task.device)
        task.resume(meters)
    else:
        state = method.init(task)
        best = _validated(task, method.mask(task, state))
        record.begin(directory, experiment, problem)
    record.truncate(directory.log, task.meters.steps)
    title = title or f"{name_of(method)} {experiment.data} {experiment.model}"
    with SearchProgress(title, task.budget, task.meters, quiet) as bar:
        task.listen(bar.update)
        state, best = _search(experiment, directory, task, state, best, bar)
    _finish(directory, experiment, problem, state, best)
    return Run(directory)


def _search(
    experiment: Experiment, directory: RunDirectory, task: Task, state: Any, best: Best, bar: SearchProgress
) -> tuple[Any, Best]:
    """Step until the search ends: the last state and the best mask.

    A step that the budget cuts short is dropped, though what it spent is metered.
    """
    method, saved = experiment.method, time.perf_counter()
    while True:
        try:
            with task.one_step():
                state = method.step(task, state)
        except SearchEnded:
            break
        mask = method.mask(task, state)
        same = torch.equal(mask, best.mask)  # a population's winner often stands for many generations
        now = replace(best, step=task.meters.steps) if same else _validated(task, mask)
        best = _preferred(method.answer, best, now)
        line = {
            "step": now.step,
            "epochs": task.meters.epochs,
            "evaluations": task.meters.evaluations,
            "seconds": round(task.meters.seconds, 3),
            "train_loss": task.take_loss(),
            "val_loss": now.loss if math.isfinite(now.loss) else None,
            "val_accuracy": now.accuracy,
            "density": task.space.density(now.mask),
        }
        with directory.log.open("a") as log:
            log.write(canonical(line) + "\n")
        bar.note(f"validation {now.accuracy:.2%}")
        if time.perf_counter() - saved > CHECKPOINT_EVERY:
            checkpoint.save(directory.checkpoint, experiment.digest, state, best, task.meters)
            saved = time.perf_counter()
    checkpoint.save(directory.checkpoint, experiment.digest, state, best, task.meters)
    return state, best


def _preferred(answer: Literal["best", "last"], best: Best, now: Best) -> Best:
    """Of two masks the better validated, or the later unless its loss is not a number."""
    if answer == "last":
        return now if math.isfinite(now.loss) else best
    return max(best, now, key=lambda candidate: (candidate.accuracy, -candidate.loss, -candidate.step))


def _validated(task: Task, mask: torch.Tensor) -> Best:
    """A mask with its validation score; a loss that is not a number counts as infinite and no example as right."""
    loss, accuracy = task.validate(mask)
    if not math.isfinite(loss):
        loss, accuracy = math.inf, 0.0
    return Best(mask, loss, accuracy, task.meters.steps)


def finished(directory: RunDirectory) -> Run:
    """The run of a directory with a result, if its ticket is the one that the result speaks of."""
    run = Run(directory)
    try:
        digest = file.digests(file.read(directory.ticket))["ticket"]
    except (RequestError, TicketError):
        digest = None
    if digest != run.result.get("digest", {}).get("ticket"):
        raise _incomplete(directory, "ticket.tkt is not the one that result.json speaks of")
    return run


def _incomplete(directory: RunDirectory, what: str) -> RequestError:
    return RequestError(
        f"out is {directory.root}, whose {what}; delete {directory.result} and give the same command to write it anew."
    )


def _finish(directory: RunDirectory, experiment: Experiment, problem: Problem, state: Any, best: Best) -> None:
    """Judge the chosen mask, on the test split for the only time, and write ticket, front, report and result."""
    task, space = problem.task, problem.task.space
    seconds = task.meters.seconds
    effective = task.effective(best.mask)
    buffers = task.norms(effective)
    cost = asdict(task.meters)
    encoded = file.encode(problem.ticket(best.mask, buffers))
    digests = file.digests(encoded)
    scores = {
        "train": task.judge(effective, task.train, buffers),
        "val": (best.loss, best.accuracy),
        "test": task.judge(effective, problem.test, buffers),
    }
    kept = sum(space.kept(best.mask))
    result = {
        "method": name_of(experiment.method),
        "data": experiment.data,
        "model": experiment.model,
        "seed": experiment.seed,
        "kind": experiment.method.kind,
        "density": kept / space.total,
        "kept": kept,
        "maskable": space.total,
        "searched": space.size,
        "ticket_bytes": len(encoded),
        "entropy_bytes": file.summary(encoded).entropy_bytes,
        "accuracy": {name: accuracy for name, (_, accuracy) in scores.items()},
        "loss": {name: loss if math.isfinite(loss) else None for name, (loss, _) in scores.items()},
        "chosen_step": best.step,
        "cost": {**cost, "seconds": round(seconds, 3), "peak_rss_bytes": peak_memory()},
        "digest": {
            **digests,
            "experiment": experiment.digest,
            "data": problem.split.data,
            "split": problem.split.digest,
        },
        "trained": byproduct.write(directory, problem, experiment.method, state, best.mask),
        "front": front.write(directory, problem, experiment.method, state),
        "notes": experiment.method.notes(task, state) if isinstance(experiment.method, HasNotes) else {},
        "warnings": warnings(task, experiment.method, state, best.mask),
    }
    write(directory.ticket, encoded)
    write(directory.report, page(directory, result))
    write(directory.result, json.dumps(result, indent=2) + "\n")


def peak_memory() -> int:
    """Bytes of memory that this process had resident at its peak."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
