"""What is compared was done on the same data with the same split, whenever it was done; torch is not imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from ticketry import data
from ticketry.core.errors import RequestError
from ticketry.core.sealed import read_object
from ticketry.core.trust import typed
from ticketry.paths import RunDirectory
from ticketry.recipes.plan import CellRun, Recipe
from ticketry.recipes.work import Work

Digests = Mapping[str, str]
"""`data` and, of runs that use our split, `split`: SHA-256 in hex."""
WHAT = ("data", "split")


def check_plan(recipe: Recipe) -> None:
    """Refuse a plan whose groups compare different data. Loads them only where a group names several."""
    known = cache(_digests)
    for group, jobs in _groups(recipe):
        sources = {(job.cell.work.data, job.cell.work.shared_val): job for job in jobs}
        texts, vals = zip(*sources, strict=True)
        if len(set(texts)) > 1 or len(set(vals) - {None}) > 1:
            _compare(group, [(job, known(*source)) for source, job in sources.items()])


def check_begun(root: Path, recipe: Recipe) -> None:
    """Refuse to go on where runs below `root` had other data than there are now. Loads them only if there are runs."""
    known = cache(_digests)
    for job in recipe.runs:
        work, out = job.cell.work, root / job.path
        for what, there in _there(work, out):
            now = known(work.data, work.shared_val).get(what, there)
            if now != there:
                raise RequestError(
                    f"data is {work.data} with {what} digest {now[:8]}, but the run in {out} began with {there[:8]};"
                    " give it the data it began with, or name another directory."
                )


def check_results(recipe: Recipe, results: Mapping[Path, Mapping[str, Any]]) -> None:
    """Refuse results that were compared on different data: they changed in the meantime."""
    for group, jobs in _groups(recipe):
        _compare(group, [(job, results[job.path]["digest"]) for job in jobs])


def _compare(group: str, runs: Sequence[tuple[CellRun, Digests]]) -> None:
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


def _groups(recipe: Recipe) -> list[tuple[str, list[CellRun]]]:
    jobs = sorted(recipe.runs, key=lambda job: job.cell.group)
    return [(group, list(of)) for group, of in groupby(jobs, lambda job: job.cell.group)]


def _digests(text: str, val: float | None) -> Digests:
    dataset = data.load(text, typed(text))
    return {"data": dataset.digest} | ({} if val is None else {"split": data.split(dataset, val).digest})


def _there(work: Work, out: Path) -> list[tuple[str, str]]:
    """Of the data that this work in this directory began with, or ended with; empty where there is none."""
    begun = [{"split": (read_object(RunDirectory(out / part).record) or {}).get("split")} for part in work.records]
    ended = (read_object(RunDirectory(out).result) or {}).get("digest", {})
    return [(what, digests[what]) for digests in (*begun, ended) for what in WHAT if digests.get(what)]
