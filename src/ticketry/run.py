"""The one loop: step, validate, keep the best, log, checkpoint; then judge once on test data and write the ticket."""

from __future__ import annotations

import json
import math
import platform
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from ticketry import __version__, checkpoint
from ticketry.checkpoint import Best
from ticketry.core.atomic import write
from ticketry.core.errors import BudgetSpent, RequestError, refuse
from ticketry.core.meters import Budget
from ticketry.core.task import Task
from ticketry.data import Dataset
from ticketry.experiment import Experiment, Lock, Search, canonical
from ticketry.methods import name_of
from ticketry.methods._contract import Method
from ticketry.paths import RunDirectory
from ticketry.progress import SearchProgress
from ticketry.report.page import page
from ticketry.setup import Problem, prepare
from ticketry.ticket import file
from ticketry.ticket.file import TicketFile
from ticketry.ticket.module import Ticket

CHECKPOINT_EVERY = 2.0  # seconds between checkpoints, and so the most that a kill costs beside the step under way


@dataclass(frozen=True)
class Run:
    """A finished run."""

    directory: RunDirectory

    @cached_property
    def result(self) -> dict[str, Any]:
        """What `result.json` holds."""
        return json.loads(self.directory.result.read_text())  # type: ignore[no-any-return]

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
    dataset = None if isinstance(data, str) else data
    experiment = Experiment(
        method=method,
        data=data if isinstance(data, str) else data.name,
        model=model,
        seed=seed,
        budget=budget or Budget(),
        lock=lock or Lock(),
        search=search or Search(),
        val=val,
        device=device,
    )
    return execute(experiment, Path(out), quiet=quiet, dataset=dataset)


def execute(experiment: Experiment, out: Path, *, quiet: bool = True, dataset: Dataset | None = None) -> Run:
    """Run, resume or return an experiment in a directory; see `find`."""
    directory = RunDirectory(out)
    begun = _begun(directory, experiment)
    if begun and directory.result.exists():
        return Run(directory)
    problem = prepare(experiment, dataset=dataset)
    task, method = problem.task, experiment.method
    if begun and (there := json.loads(directory.experiment.read_text()).get("split")) != problem.split.digest:
        raise RequestError(
            f"data is {experiment.data} with split digest {problem.split.digest[:8]}, but the run in {out} began with"
            f" {str(there)[:8]}; give it the data it began with, or name another directory."
        )
    if begun and directory.checkpoint.exists():
        state_type = sys.modules[type(method).__module__].State
        state, best, meters = checkpoint.load(directory.checkpoint, experiment.digest, state_type, task.device)
        task.resume(meters)
    else:
        state = method.init(task)
        best = _validated(task, method.mask(task, state))
        _begin(directory, experiment, problem)
    _truncate(directory.log, task.meters.steps)
    title = f"{name_of(method)} {experiment.data} {experiment.model}"
    with SearchProgress(title, task.budget, task.meters, quiet) as bar:
        task.listen(bar.update)
        best = _search(experiment, directory, task, state, best, bar)
    _finish(directory, experiment, problem, best)
    return Run(directory)


def _search(
    experiment: Experiment, directory: RunDirectory, task: Task, state: Any, best: Best, bar: SearchProgress
) -> Best:
    """Step until the budget ends. A step that the budget cuts short is dropped, though what it spent is metered."""
    method, saved = experiment.method, time.perf_counter()
    while True:
        try:
            with task.one_step():
                state = method.step(task, state)
        except BudgetSpent:
            break
        now = _validated(task, method.mask(task, state))
        best = max(best, now, key=lambda candidate: (candidate.accuracy, -candidate.loss, -candidate.step))
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
    return best


def _validated(task: Task, mask: torch.Tensor) -> Best:
    """A mask with its validation score; a loss that is not a number counts as infinite and no example as right."""
    loss, accuracy = task.validate(mask)
    if not math.isfinite(loss):
        loss, accuracy = math.inf, 0.0
    return Best(mask, loss, accuracy, task.meters.steps)


def _begun(directory: RunDirectory, experiment: Experiment) -> bool:
    """Whether this experiment was begun in the directory before; refuses a directory that is anything else's."""
    root = directory.root
    if not root.exists():
        return False
    if not root.is_dir():
        raise refuse("out", root, "a directory", "name another path")
    if not directory.experiment.exists():
        if not directory.is_fresh:
            raise refuse("out", root, "a new or empty directory, or one of ticketry's", "name another path")
        return False
    try:
        there = json.loads(directory.experiment.read_text())
        digest = there["digest"]
    except (json.JSONDecodeError, KeyError, TypeError):
        raise refuse("out", root, "a readable run, but its experiment.json is damaged", "name another path") from None
    if digest != experiment.digest:
        here, others = _flat(experiment.resolved), _flat(there)
        other = next(((k, v) for k, v in others.items() if k in here and here[k] != v), ("digest", digest))
        raise RequestError(
            f"out is {root}, which holds a run with {other[0]} {other[1]!r}, not {here.get(other[0])!r};"
            " name another directory, or delete that one."
        )
    return True


def _flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in data.items():
        flat.update(_flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value})
    return flat


def _begin(directory: RunDirectory, experiment: Experiment, problem: Problem) -> None:
    """Create the directory with the resolved experiment: the first thing written."""
    record = {
        **experiment.resolved,
        "digest": experiment.digest,
        "environment": {
            "ticketry": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "machine": platform.machine(),
            "threads": torch.get_num_threads(),
        },
        "split": problem.split.digest,
    }
    try:
        directory.root.mkdir(parents=True, exist_ok=True)
        write(directory.experiment, json.dumps(record, indent=2) + "\n")
    except OSError as error:
        raise refuse("out", directory.root, f"writable ({error.strerror})", "name another path") from None


def _truncate(log: Path, steps: int) -> None:
    """Drop log lines of steps that the checkpoint does not know."""
    if log.exists():
        lines = [line for line in log.read_text().splitlines() if line.endswith("}")]
        kept = [line for line in lines if json.loads(line)["step"] <= steps]
        write(log, "".join(line + "\n" for line in kept))


def _finish(directory: RunDirectory, experiment: Experiment, problem: Problem, best: Best) -> None:
    """Judge the chosen mask on all splits, the test split for the only time, and write ticket, report and result."""
    task, space = problem.task, problem.task.space
    seconds = task.meters.seconds
    effective = task.effective(best.mask)
    buffers = task.norms(effective)
    cost = asdict(task.meters)
    encoded = file.encode(_content(problem, space.full(best.mask), buffers))
    digests = file.digests(encoded)
    splits = {"train": task.train, "val": task.validation, "test": problem.test}
    scores = {name: task.judge(effective, feed) for name, feed in splits.items()}
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
        "cost": {**cost, "seconds": round(seconds, 3), "peak_rss_bytes": _peak_memory()},
        "digest": {**digests, "experiment": experiment.digest, "split": problem.split.digest},
    }
    write(directory.ticket, encoded)
    write(directory.report, page(directory, result))
    write(directory.result, json.dumps(result, indent=2) + "\n")


def _content(problem: Problem, mask: torch.Tensor, buffers: Mapping[str, torch.Tensor]) -> TicketFile:
    """What goes into the ticket file, for Bool[N]."""
    return TicketFile(
        **vars(problem.header),
        mask=mask.cpu().numpy(),
        locks=problem.locks,
        buffers={name: value.cpu().numpy() for name, value in buffers.items()},
    )


def _peak_memory() -> int:
    """Bytes of memory that this process had resident at its peak."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
