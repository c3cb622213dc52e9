"""What is compared was done on the same data with the same split, whenever it was done; torch is not imported."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from ticketry import data
from ticketry.core.errors import RequestError
from ticketry.paths import RunDirectory
from ticketry.recipes.backprop import Backprop
from ticketry.recipes.fitted import Fitted
from ticketry.recipes.plan import Job, Recipe, Work

Digests = Mapping[str, str]
"""`data` and, of runs that use our split, `split`: SHA-256 in hex."""
WHAT = ("data", "split")


def check_plan(recipe: Recipe) -> None:
    """Refuse a plan whose groups compare different data. Loads them only where a group names several."""
    known = cache(_digests)
    for group, jobs in _groups(recipe):
        works = {(*_source(job.cell.work), isinstance(job.cell.work, Backprop)): job for job in jobs}
        if len({_source(job.cell.work) for job in jobs}) > 1:
            _compare(group, [(job, _own(job.cell.work, known(*_source(job.cell.work)))) for job in works.values()])


def check_begun(root: Path, recipe: Recipe) -> None:
    """Refuse to go on where runs below `root` had other data than there are now. Loads them only if there are runs."""
    known = cache(_digests)
    for job in recipe.jobs:
        work, out = job.cell.work, root / job.path
        for what, there in _there(out):
            now = known(*_source(work))[what]
            if now != there:
                raise RequestError(
                    f"data is {work.data} with {what} digest {now[:8]}, but the run in {out} began with {there[:8]};"
                    " give it the data it began with, or name another directory."
                )


def check_results(recipe: Recipe, results: Mapping[Path, Mapping[str, Any]]) -> None:
    """Refuse results that were compared on different data: they changed in the meantime."""
    for group, jobs in _groups(recipe):
        _compare(group, [(job, results[job.path]["digest"]) for job in jobs])


def _compare(group: str, runs: Sequence[tuple[Job, Digests]]) -> None:
    for what in WHAT:
        known = [(job, digests[what]) for job, digests in runs if what in digests]
        for job, digest in known:
            first, its = known[0]
            if digest != its:
                raise RequestError(
                    f"{group} compares runs on different data, {first.path} on {first.cell.work.data} with {what}"
                    f" digest {its[:8]} and {job.path} on {job.cell.work.data} with {digest[:8]}; give all of a group"
                    " the same data and val, and begin anew in another directory."
                )


def _groups(recipe: Recipe) -> list[tuple[str, list[Job]]]:
    jobs = sorted(recipe.jobs, key=lambda job: job.cell.group)
    return [(group, list(of)) for group, of in groupby(jobs, lambda job: job.cell.group)]


def _source(work: Work) -> tuple[str, float]:
    """The text of its data and the fraction that validates."""
    return work.data, work.search.val if isinstance(work, Fitted) else work.val


def _own(work: Work, digests: Digests) -> Digests:
    """Without the split for back-propagation, which draws its own."""
    return {"data": digests["data"]} if isinstance(work, Backprop) else digests


def _digests(text: str, val: float) -> Digests:
    dataset = data.load(text)
    return {"data": dataset.digest, "split": data.split(dataset, val).digest}


def _there(out: Path) -> list[tuple[str, str]]:
    """Of the data that a run in this directory began with, or ended with; empty where there is none."""
    begun = [{"split": _read(RunDirectory(out / part).record).get("split")} for part in ("", "search", "trained")]
    ended = _read(RunDirectory(out).result).get("digest", {})
    return [(what, digests[what]) for digests in (*begun, ended) for what in WHAT if digests.get(what)]


def _read(path: Path) -> dict[str, Any]:
    """A file of a run; empty where there is none, or none that can be read, which is refused where it is used."""
    try:
        there = json.loads(path.read_text())
    except (OSError, ValueError):
        there = None
    return there if isinstance(there, dict) else {}
