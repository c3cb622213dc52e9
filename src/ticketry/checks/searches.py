"""The searches of a check: that of the run, again on corrupted data, in run directories of their own.

Method, settings, seed and model are those of the run, so that untrained weights, locks and every draw of the search are
too: what differs is what the search saw. Each is an ordinary run: it resumes, and a finished one is never repeated.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ticketry import data
from ticketry.checks import corruptions
from ticketry.core import regular
from ticketry.core.errors import RequestError, refuse
from ticketry.core.meters import Meters
from ticketry.core.spec import Spec
from ticketry.core.trust import Trust
from ticketry.data import Dataset
from ticketry.experiment import Experiment, from_json
from ticketry.paths import RunDirectory
from ticketry.runs.find import execute
from ticketry.runs.problem import Handed, problem_of_experiment
from ticketry.runs.run import Run


def repeatable(root: Path, dataset: Dataset, source: str, device: str) -> Experiment:
    """The experiment of a run's directory, on `device`. Raises RequestError where it cannot be repeated on `dataset`.

    `source`: the name of the data in that case.
    """
    try:
        record = json.loads(regular.text(RunDirectory(root).record))
        experiment, split = from_json(record), record["split"]
    except RequestError:  # which is a ValueError, too
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        allowed = "the directory of a `ticketry find` for --corrupted, which repeats its search"
        raise refuse("ticket", root, allowed, "name that, or leave out --corrupted") from None
    if data.split(dataset, experiment.val).digest != split:
        allowed = f"{experiment.data} as the run in {root} had it for --corrupted, which repeats its search"
        raise refuse("data", source, allowed, "give those data, or leave out --corrupted")
    if (dataset.y == dataset.y[0]).all():
        allowed = "of several labels for --corrupted, which shuffles them"
        raise refuse("data", f"{source} with labels that are all the same", allowed, "leave out --corrupted")
    return replace(experiment, device=device)


def rehearse(experiment: Experiment, dataset: Dataset, model: Handed, trust: Trust) -> None:
    """Begin the first search on each corruption and drop it, so that what it would refuse is refused at once."""
    for name, corrupt in corruptions.discover().items():
        with _named(name, 0):
            altered = corrupt(dataset, experiment.seed, 0)
            problem = problem_of_experiment(_again(experiment, name, 0), altered, model, trust)
            experiment.method.init(problem.task)


def search(
    experiment: Experiment, dataset: Dataset, model: Handed, trust: Trust, seeds: int, check: RunDirectory, quiet: bool
) -> dict[str, list[Run]]:
    """The runs on every corruption of the data, by its name, one a draw; done, resumed or opened as the case may be."""
    names = corruptions.discover()
    runs: dict[str, list[Run]] = {name: [] for name in names}
    for draw in range(seeds):
        for name, corrupt in names.items():
            directory = check.search(f"{name}-{draw}")
            done = directory.result.exists() and directory.record.exists()
            altered = None if done else corrupt(dataset, experiment.seed, draw)
            wanted, title = _again(experiment, name, draw), f"{name} {draw + 1} of {seeds}"
            with _named(name, draw):
                given: dict[str, Any] = {"dataset": altered, "model": model, "trust": trust}
                run = execute(wanted, directory.root, quiet=quiet, title=title, **given)
                runs[name].append(run)
    return runs


def _again(experiment: Experiment, name: str, draw: int) -> Experiment:
    """The experiment on data corrupted in this way."""
    spec = Spec(f"{corruptions.__name__}:load", (experiment.data, name, experiment.seed, draw))
    return replace(experiment, data=str(spec))


@contextmanager
def _named(name: str, draw: int) -> Iterator[None]:
    """A refusal says in which search it came."""
    try:
        yield
    except RequestError as error:
        raise RequestError(f"in the search for {name}, draw {draw}, {error}") from None


def cost(runs: Mapping[str, list[Run]]) -> dict[str, Any] | None:
    """How many searches there were, and what they took together; None where there were none."""
    spent = [run.result["cost"] for every in runs.values() for run in every]
    if not spent:
        return None
    return {"count": len(spent), **{field.name: sum(one[field.name] for one in spent) for field in fields(Meters)}}
