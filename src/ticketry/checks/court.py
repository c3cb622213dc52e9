"""Try a ticket against its controls: all trained side by side on the same data in the same order, draw by draw."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ticketry.checks import controls, corruptions, searches
from ticketry.checks.parts import TicketParts
from ticketry.checks.verdict import LEAST, decide, lives, overall
from ticketry.core.atomic import write
from ticketry.core.errors import refuse
from ticketry.core.meters import Budget, Meters
from ticketry.core.task import Task
from ticketry.core.training import engine
from ticketry.core.training.engine import Weights
from ticketry.core.training.recipe import Training
from ticketry.data import Dataset, load
from ticketry.paths import RunDirectory
from ticketry.report.page import page
from ticketry.runs import checkpoint, record
from ticketry.runs.checkpoint import Best
from ticketry.runs.find import CHECKPOINT_EVERY, Run
from ticketry.runs.problem import Problem, problem_of_ticket
from ticketry.runs.progress import SearchProgress
from ticketry.runs.train import Trained
from ticketry.ticket import file

TICKET = "the ticket"


@dataclass(frozen=True, kw_only=True)
class Trial(Trained):
    """What decides the outcome of a check. `seeds`: draws; `trained`: whether the networks are trained first."""

    seeds: int
    trained: bool
    controls: tuple[str, ...]


def check(
    path: str | Path,
    *,
    data: str | Dataset | None = None,
    out: str | Path | None = None,
    seeds: int = 5,
    training: Training | None = None,
    trained: bool | None = None,
    corrupted: bool = False,
    val: float = 0.1,
    device: str = "cpu",
    quiet: bool = True,
) -> dict[str, Any]:
    """Try the ticket of a finished run's directory, or of a file, against every control: what `result.json` will hold.

    `trained`: None for tickets of kind trainable only; strong tickets are judged with their untrained weights.
    `data`: None for those of the run. `corrupted`: also against what its search finds on corrupted data (see
    checks/corruptions), which takes a run's directory, and the time of a search for each corruption and draw. A
    finished check is returned at once; an unfinished one is resumed. Raises RequestError for a wrong request.
    """
    if seeds < LEAST:
        raise refuse("seeds", seeds, f"at least {LEAST}", "a verdict needs the spread of several draws")
    path = Path(path)
    run = RunDirectory(path)
    if corrupted and not path.is_dir():
        allowed = "the directory of a run for --corrupted, which repeats its search"
        raise refuse("ticket", path, allowed, "name that, or leave out --corrupted")
    source = run.ticket if path.is_dir() else path
    encoded = file.read(source)
    ticket = file.decode(encoded)
    if data is None:
        data = ticket.data.rpartition(":")[0]
    name, dataset = (data, None) if isinstance(data, str) else (data.name, data)
    trial = Trial(
        ticket=file.digests(encoded)["ticket"],
        data=name,
        training=training or Training(),
        val=val,
        device=device,
        seeds=seeds,
        trained=ticket.kind == "trainable" if trained is None else trained,
        controls=(*controls.discover(), *(corruptions.discover() if corrupted else ())),
    )
    own = run.check_corrupted if corrupted else run.check
    beside = own.root if path.is_dir() else source.with_name(f"{source.stem}-check")
    directory = RunDirectory(Path(out) if out else beside)
    if record.begun(directory, trial) and directory.result.exists():
        return json.loads(directory.result.read_text())  # type: ignore[no-any-return]
    dataset = load(name) if dataset is None else dataset
    problem = problem_of_ticket(ticket, name, val, device, trial.digest[:16], dataset)
    if trial.trained:
        trial.training.check(problem.task.steps_per_epoch(trial.training.batch))
    experiment = searches.repeatable(path, dataset, name, device) if corrupted else None
    if directory.experiment.exists():
        record.check_data(directory, name, problem)
    else:
        if experiment is not None:
            searches.rehearse(experiment, dataset)
        record.begin(directory, trial, problem)
    again = searches.search(experiment, dataset, seeds, directory, quiet) if experiment else {}
    draws = _draws(directory, trial, problem, TicketParts.of(ticket), again, quiet)
    outcome = _outcome(trial, problem, ticket.kind, draws, searches.cost(again))
    write(directory.result, json.dumps(outcome, indent=2) + "\n")
    if path.is_dir() and directory.root == beside and run.report.exists():
        write(run.report, page(run, Run(run).result))
    return outcome


def _draws(
    directory: RunDirectory,
    trial: Trial,
    problem: Problem,
    subject: TicketParts,
    again: Mapping[str, list[Run]],
    quiet: bool,
) -> list[dict[str, Any]]:
    """For every draw the test accuracy and the layers' counts of the ticket and of each control, by name.

    `again`: the runs on corrupted data by name, one a draw.
    """
    task, training = problem.task, trial.training
    found = [json.loads(line) for line in directory.log.read_text().splitlines()] if directory.log.exists() else []
    budget = Budget(epochs=trial.seeds * (training.epochs if trial.trained else 1))
    with SearchProgress(f"checking {trial.ticket[:8]}", budget, task.meters, quiet) as bar:
        task.listen(bar.update)
        if found:
            task.resume(Meters(**found[-1]["cost"]))
        for draw in range(len(found), trial.seeds):
            tried = {TICKET: subject}
            for name, alter in controls.discover().items():
                altered = alter(subject, draw)
                if altered is not None:
                    tried[name] = altered
            for name, runs in again.items():
                tried[name] = replace(subject, mask=runs[draw].ticket.content.mask.copy())
            flat = _parameters(task, tried.values())
            line: dict[str, Any] = {"draw": draw, "kept": {name: one.kept for name, one in tried.items()}}
            line["untrained"] = _judged(problem, tried, flat)
            if trial.trained:
                if training.rewind:  # dense until then
                    flat = _parameters(task, [replace(one, mask=np.ones_like(one.mask)) for one in tried.values()])
                flat = _trained(directory, trial, task, tried, flat, draw)
                line["trained"] = _judged(problem, tried, flat)
            line["cost"] = asdict(task.meters)
            found.append(line)
            with directory.log.open("a") as log:
                log.write(json.dumps(line) + "\n")
            directory.checkpoint.unlink(missing_ok=True)
    return found


def _trained(
    directory: RunDirectory, trial: Trial, task: Task, tried: Mapping[str, TicketParts], flat: torch.Tensor, draw: int
) -> torch.Tensor:
    """Float[P, M] after training, in the data order of this draw; goes on from a checkpoint of it."""
    training, saved = trial.training, time.perf_counter()
    masks = torch.stack([torch.from_numpy(one.mask) for one in tried.values()]).to(task.device)
    weights = engine.again(training, flat, 0)
    begun = draw * training.epochs
    if directory.checkpoint.exists():
        weights, _, meters = checkpoint.load(directory.checkpoint, trial.digest, Weights, task.device)
        task.resume(meters)
    else:
        task.meters.steps = begun
    for number in range(task.meters.steps - begun, training.epochs):
        with task.one_step():
            weights = engine.epoch(task, training, weights, masks, number, begun + number)
        if time.perf_counter() - saved > CHECKPOINT_EVERY:
            checkpoint.save(directory.checkpoint, trial.digest, weights, Best(masks[0], 0.0, 0.0, 0), task.meters)
            saved = time.perf_counter()
    return weights.flat


def _parameters(task: Task, subjects: Iterable[TicketParts]) -> torch.Tensor:
    """Float[P, M]: all parameters of altered tickets, untrained."""
    rows = []
    for one in subjects:
        flat = task.parameters.untrained(torch.from_numpy(one.effective).to(task.device))
        for name, view in task.parameters.views(flat).items():
            if name in one.rest:
                view.copy_(torch.from_numpy(one.rest[name]))
        rows.append(flat)
    return torch.stack(rows)


def _judged(problem: Problem, tried: Mapping[str, TicketParts], flat: torch.Tensor) -> dict[str, float]:
    task = problem.task
    return {name: task.judge(one, problem.test)[1] for name, one in zip(tried, flat, strict=True)}


def _outcome(
    trial: Trial, problem: Problem, kind: str, draws: list[dict[str, Any]], searched: Mapping[str, Any] | None
) -> dict[str, Any]:
    """`result.json`: each control's accuracies and verdict, the verdict on the ticket, and what it all cost.

    `searched`: what the searches on corrupted data cost, which is a part of the whole.
    """
    labels = problem.test.y.bincount()
    chance = 1.05 * float(labels.max() / labels.sum()) if trial.trained else -1.0  # untrained, chance is to be expected
    which = "trained" if trial.trained else "untrained"

    def whole(name: str) -> bool:
        return all(min(line["kept"][name]) > 0 for line in draws)

    ticket = [line[which][TICKET] for line in draws]
    verdicts, words = [], []
    for name in (name for name in trial.controls if name in draws[0][which]):
        accuracies = [line[which][name] for line in draws]
        verdict = decide(ticket, accuracies, whole(name), chance, name)
        words.append(verdict.word)
        untrained = math.fsum(line["untrained"][name] for line in draws) / len(draws)
        says = (corruptions if name in corruptions.discover() else controls).meaning(name)
        verdicts.append(
            {"control": name, "meaning": says, "accuracy": accuracies, "untrained": untrained} | asdict(verdict)
        )
    return {
        "verdict": overall(words, lives(ticket, whole(TICKET), chance)),
        "judged": which,
        "kind": kind,
        "ticket": trial.ticket,
        "data": trial.data,
        "seeds": trial.seeds,
        "accuracy": ticket,
        "untrained": draws[0]["untrained"][TICKET],
        "kept": draws[0]["kept"][TICKET],
        "controls": verdicts,
        "training": asdict(trial.training) if trial.trained else None,
        "cost": {name: spent + (searched or {}).get(name, 0) for name, spent in draws[-1]["cost"].items()},
        "searches": searched,
        "digest": {"experiment": trial.digest, "split": problem.split.digest},
    }
