"""The landscape around a ticket: quality and loss along lines and over a plane in the space of masks.

After the mask-space plots of arXiv 2508.08877, which set accuracy, all steps and plateaus, against the smoother
cross-entropy as guides of a search.

**Lines** lead from the ticket, at t = 0, to a mask whose every bit is that of a target, at t = 1: a random mask that
keeps as many weights of each layer (`shuffled`), or the ticket's `complement`. A part t of the bits that differ has
changed, in random order; of all layers, or of one layer alone. A direction is one order and, where it is random, one
target.

**The plane** has two random masks A and B as axes, each bit on with probability 1/2. Up to coordinate s, the first part
|s| of the positions, in an order of that axis, is united with the axis's mask (s > 0, weights are added) or cut down
to it (s < 0, weights are taken away); first along A, then along B. The ticket is at (0, 0).

Weights are the untrained ones, also for a ticket that is meant to be trained; locked positions never move.

Deviations: the authors move over the plane in the order of the parameters, layer after layer, and have no lines in
mask space; here orders are random, one for each axis, and spread evenly over the layers. Of their two planes this is
the one of OR and AND; the other unites with a mask's complement where this one cuts down to the mask.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ticketry.analysis.finished import open_finished, problem_of_run
from ticketry.analysis.settings import LandscapeSettings
from ticketry.analysis.slices import TARGETS, Floats, Mask, lines, plane
from ticketry.core.errors import unended
from ticketry.core.meters import Budget
from ticketry.core.objective import Objective
from ticketry.core.sealed import write_sealed
from ticketry.core.seed.streams import stream
from ticketry.core.task import Batch, Task
from ticketry.core.trust import Trust, Trusted, trusting
from ticketry.data import Dataset
from ticketry.report.landscape import SCHEMA, read
from ticketry.runs import pages
from ticketry.runs.problem import Handed
from ticketry.runs.progress import SearchProgress
from ticketry.runs.run import Run

MASKS = 16  # evaluated between two looks at the progress bar


@unended("the landscape")
def landscape(
    run: str | Path,
    settings: LandscapeSettings | None = None,
    *,
    data: str | Dataset | None = None,
    model: Handed = None,
    trust: Trusted = (),
    device: str | None = None,
    quiet: bool = True,
) -> dict[str, Any]:
    """Measure the landscape of a finished run, write `landscape.json` into it and pictures onto its page.

    `data`, `model`: those of the run, where it was given objects; `trust`: names of modules whose code its texts may
    run; `device` takes the place of the run's. A landscape
    of the same settings is not measured again. Raises RequestError, having written nothing, when the request is wrong.

    Returns what the file holds. `ticket`: the quality, under the name of its `measure`, and the loss (None where it is
    not finite) of the ticket itself, on so many `examples`. `lines`, one for each target and each layer (None: all of
    them): both at all `t` [T], as [K][T]. `plane`: both as [G][G], a row for each coordinate along B; the coordinates
    are `at` [G]. Then `settings`, `cost`, the `digest` of the ticket and the `schema` of all this.
    """
    settings, done = settings or LandscapeSettings(), open_finished(run)
    known = read(done.directory, done.result)
    if known is None or known["settings"] != asdict(settings):
        known = _measured(done, settings, data, model, trusting(trust), device, quiet)
        known = write_sealed(done.directory.landscape, known)
    pages.renew(done.directory, done.directory.landscape)
    return known


def _measured(
    run: Run,
    settings: LandscapeSettings,
    data: str | Dataset | None,
    model: Handed,
    trust: Trust,
    device: str | None,
    quiet: bool,
) -> dict[str, Any]:
    problem, mask = problem_of_run(run, data, device, model, trust)
    task, ticket, segments = problem.task, mask.cpu().numpy(), problem.task.space.segments
    k, points, grid, seed = settings.directions, settings.points, settings.grid, settings.seed
    feed = task.train if settings.split == "train" else task.validation
    drawn = stream(seed, "landscape", "examples").permutation(len(feed))[: settings.examples]
    batch = Batch(*feed.batch(torch.from_numpy(np.sort(drawn)).to(task.device)))
    named = zip((layer.name for layer in task.space.layers), segments, strict=True)
    scopes: dict[str | None, tuple[int, int]] = {
        None: (0, len(ticket)),
        **{name: (start, stop) for name, (start, stop) in named if start < stop},
    }
    t, at = np.arange(points) / (points - 1), np.arange(-(grid // 2), grid // 2 + 1) / (grid // 2)
    count = len(TARGETS) * k * len(scopes) * (points - 1) + grid**2  # each line but its start; the plane has the ticket
    task.meter.budget = Budget(evaluations=count)  # not that of the search
    began = time.perf_counter()
    with SearchProgress(f"landscape of {run.directory.root}", task.meter.budget, task.meters, quiet) as bar:
        here = _scores(task, batch, iter([ticket]), bar)
        line = _scores(task, batch, lines(ticket, segments, list(scopes.values()), t, k, seed), bar)
        around = _scores(task, batch, plane(ticket, segments, at, seed), bar)
    line = line.reshape(len(TARGETS), k, len(scopes), points - 1, 2).swapaxes(1, 2)
    line = np.concatenate([np.broadcast_to(here, (*line.shape[:3], 1, 2)), line], axis=3)
    around = np.insert(around, grid**2 // 2, here, axis=0).reshape(grid, grid, 2)
    return {
        "schema": SCHEMA,
        "measure": task.objective.measure.name,
        "settings": asdict(settings),
        "examples": len(batch.y),
        "ticket": _plain(task.objective, here[0]),
        "t": t.tolist(),
        "lines": [
            {"toward": toward, "layer": layer, **_plain(task.objective, line[i, j])}
            for i, toward in enumerate(TARGETS)
            for j, layer in enumerate(scopes)
        ],
        "plane": {"at": at.tolist(), **_plain(task.objective, around)},
        "cost": {
            "evaluations": task.meters.evaluations,
            "examples_forward": task.meters.examples_forward,
            "seconds": round(time.perf_counter() - began, 3),
        },
        "digest": run.result["digest"]["ticket"],
    }


def _scores(task: Task, batch: Batch, masks: Iterator[Mask], bar: SearchProgress) -> Floats:
    """Quality and loss of each mask: Float64[P, 2]."""
    found = []
    while some := list(islice(masks, MASKS)):
        score = task.fitness(torch.from_numpy(np.stack(some)).to(task.device), batch)
        found.append(torch.stack([score.quality, score.loss], 1).cpu().numpy())
        bar.update(0.0)
    return np.concatenate(found)


def _plain(objective: Objective[Any], scores: Floats) -> dict[str, Any]:
    """Float64[..., 2] for JSON, which has no infinity."""
    loss = np.vectorize(objective.reported, [object])(scores[..., 1])
    return {objective.measure.name: scores[..., 0].tolist(), "loss": loss.tolist()}
