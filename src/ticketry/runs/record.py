"""What a run directory already holds, and the first thing written into it: the record of the experiment."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch

from ticketry.core.atomic import write
from ticketry.core.errors import RequestError, refuse
from ticketry.core.version import VERSION
from ticketry.paths import RunDirectory
from ticketry.runs.problem import Problem


class Recorded(Protocol):
    """What decides a run: an Experiment, or the training of a ticket."""

    @property
    def resolved(self) -> dict[str, Any]:
        """As JSON-ready data."""

    @property
    def digest(self) -> str:
        """Of `resolved`."""


def begun(directory: RunDirectory, experiment: Recorded) -> bool:
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


def begin(directory: RunDirectory, experiment: Recorded, problem: Problem) -> None:
    """Create the directory with the resolved experiment: the first thing written."""
    record = {
        **experiment.resolved,
        "digest": experiment.digest,
        "environment": {
            "ticketry": VERSION,
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


def check_data(directory: RunDirectory, source: str, problem: Problem) -> None:
    """Refuse to go on with other data than the run began with."""
    there = json.loads(directory.experiment.read_text()).get("split")
    if there != problem.split.digest:
        raise RequestError(
            f"data is {source} with split digest {problem.split.digest[:8]}, but the run in {directory.root}"
            f" began with {str(there)[:8]}; give it the data it began with, or name another directory."
        )


def truncate(log: Path, steps: int) -> None:
    """Drop log lines of steps that the checkpoint does not know."""
    if log.exists():
        lines = log.read_text().splitlines()[:steps]
        write(log, "".join(line + "\n" for line in lines))


def _flat(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in data.items():
        flat.update(_flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value})
    return flat
