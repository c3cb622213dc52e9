"""A recipe, from its plan to a table and a page, in a directory that can be stopped and resumed at any time."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from ticketry import objectives
from ticketry.core.atomic import write
from ticketry.core.version import VERSION
from ticketry.paths import RecipeDirectory, RunDirectory
from ticketry.recipes import same_data
from ticketry.recipes.plan import CellRun, Recipe
from ticketry.report.statistics import estimate
from ticketry.runs.executor import Call, Executor, cores, local

SCHEMA = 1  # of recipe.json
COST = ("epochs", "evaluations", "examples_forward", "examples_backward", "seconds")


def perform(recipe: Recipe, out: str | Path, *, executor: Executor | None = None, quiet: bool = True) -> dict[str, Any]:
    """Run, resume or return a recipe in a directory: what `recipe.json` holds.

    `executor`: where its runs are computed, `runs.executor.local()` without it. Raises RequestError for a directory
    that cannot be written or is another recipe's, and for runs on different data.
    """
    from ticketry.runs import job  # late: it needs torch

    directory = RecipeDirectory(Path(out))

    def below(quiet: bool) -> dict[Path, Any]:
        same_data.check_begun(directory.root, recipe)
        with _Progress(recipe, directory, quiet) as bar:
            calls = [_call(run, directory.root) for run in recipe.runs]
            results = (executor or local()).finish(calls, bar.began, bar.ended)
        same_data.check_results(recipe, results)
        return results

    def end(results: dict[Path, Any]) -> dict[str, Any]:
        from ticketry.report import comparison  # late: a page needs what `--help` does not

        outcome = _outcome(recipe, results)
        write(directory.report, comparison.page(outcome))
        write(directory.table, comparison.csv_of(outcome))
        return outcome

    check = partial(same_data.check_plan, recipe)
    return job.perform(job.Composite(directory, recipe, recipe.name, check, below, end), quiet)


def _outcome(recipe: Recipe, results: Mapping[Path, Any]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "recipe": recipe.name,
        "scale": recipe.scale,
        "digest": recipe.digest,
        "title": recipe.title,
        "command": recipe.again,
        "notes": list(recipe.notes),
        "seeds": list(recipe.seeds),
        "cells": _cells(recipe, results),
        "environment": _environment(),
    }


def _call(job: CellRun, root: Path) -> Call[dict[str, Any]]:
    return Call(job.path, lambda results: partial(job.work(results).execute, root / job.path), job.needs)


def _cells(recipe: Recipe, results: Mapping[Path, Any]) -> list[dict[str, Any]]:
    """The rows of the table, groups together; each with its difference to the first of its group, seed by seed."""
    cells: list[dict[str, Any]] = []
    first: dict[str, list[float]] = {}
    for cell in recipe.cells:
        runs = [_run(CellRun(cell, seed), results) for seed in recipe.seeds]
        measure = objectives.measure(runs[0]).name
        quality = [run[measure]["test"] for run in runs]
        is_first = cell.group not in first
        least = first.setdefault(cell.group, quality)
        beyond = [mine - other for mine, other in zip(quality, least, strict=True)]
        cells.append(
            {
                **{name: getattr(cell, name) for name in ("name", "group", "series", "like", "classes", "published")},
                "data": cell.work.data,
                "model": cell.work.model,
                "method": runs[0]["method"],
                "measure": measure,
                measure: asdict(estimate(quality)),
                "difference": None if is_first else asdict(estimate(beyond)),
                "density": asdict(estimate([run["density"] for run in runs])),
                "untrained": _mean([(run["untrained"] or {}).get("test") for run in runs]),
                "ticket_bytes": _mean([run["ticket_bytes"] for run in runs]),
                "cost": {name: estimate([run["cost"][name] for run in runs]).mean for name in COST},
                "runs": runs,
            }
        )
    return cells


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return estimate(known).mean if len(known) == len(values) else None


def _run(job: CellRun, results: Mapping[Path, Any]) -> dict[str, Any]:
    result = results[job.path]
    names = ("method", "seed", "density", "kept", "maskable", "cost", "digest")
    measure = objectives.measure(result).name
    beside = ("ticket_bytes", "untrained")  # of tickets alone
    return {
        "measure": measure,
        **{name: result[name] for name in (*names, measure)},
        **{name: result.get(name) for name in beside},
        "directory": str(job.path),
        "command": job.work(results).command(str(job.path)),
    }


def _environment() -> dict[str, Any]:
    packages = {name: version(name) for name in ("torch", "numpy", "scikit-learn")}
    machine = {"python": platform.python_version(), "machine": platform.machine(), "cores": cores()}
    return {"ticketry": VERSION, **packages, **machine}


@dataclass
class _Progress:
    """A bar over the runs with the time left, and the names of those under way; silent where `SearchProgress` is."""

    recipe: Recipe
    directory: RecipeDirectory
    quiet: bool
    running: list[str] = field(default_factory=list)

    def __enter__(self) -> _Progress:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(
            *(*columns, TimeRemainingColumn(), TextColumn("{task.fields[note]}")),
            console=Console(stderr=True),
            disable=self.quiet or not sys.stderr.isatty(),
            transient=True,
            speed_estimate_period=1e9,  # runs are of very different lengths: the mean of all tells the most
        )
        self._known = {
            job.path for job in self.recipe.runs if RunDirectory(self.directory.root / job.path).result.exists()
        }
        name = f"{self.recipe.name} ({self.recipe.scale})"
        self._line = self._bar.add_task(name, total=len(self.recipe.runs), completed=len(self._known), note="")
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def began(self, path: Path) -> None:
        self.running.append(str(path))
        self._bar.update(self._line, note=", ".join(self.running))

    def ended(self, path: Path) -> None:
        self.running.remove(str(path))
        self._bar.update(self._line, advance=0 if path in self._known else 1)
