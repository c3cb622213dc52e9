"""The one writer of tickets, and of the numbers by which their networks are judged."""

from __future__ import annotations

import resource
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import torch

from ticketry.core.atomic import write as write_file
from ticketry.core.masks.candidate import Candidate, candidate
from ticketry.methods._contract import HasFront, HasTrained, Method
from ticketry.paths import RunDirectory
from ticketry.runs.problem import Problem
from ticketry.ticket import file

Split = Literal["train", "val", "test"]


def write(problem: Problem, chosen: Candidate, path: Path, splits: Sequence[Split]) -> dict[str, Any]:
    """Write the ticket of a network, judge it on some splits, and return what `result.json` says of both.

    The test split is judged here alone, and only where it is asked for.
    """
    task, measure = problem.task, problem.task.objective.measure.name
    flat = task.network(chosen)
    buffers = task.norms(flat)
    encoded = file.encode(problem.ticket(chosen, buffers))
    feeds = {"train": task.train, "val": task.validation, "test": problem.test}
    scores = {name: task.judge(flat, feeds[name], buffers) for name in splits}
    write_file(path, encoded)
    summary = file.summary(encoded)
    return {
        "kind": problem.header.kind,
        "density": summary.density,
        "kept": summary.kept,
        "maskable": summary.maskable,
        "searched": task.space.size,
        "weights": problem.coverage.total,
        "ticket_bytes": len(encoded),
        "entropy_bytes": summary.entropy_bytes,
        "measure": measure,
        measure: {name: quality for name, (_, quality) in scores.items()},
        "loss": {name: task.objective.reported(loss) for name, (loss, _) in scores.items()},
        "digest": {**file.digests(encoded), "data": problem.split.data, "split": problem.split.digest},
    }


def trained(
    directory: RunDirectory, problem: Problem, method: Method[Any], state: Any, mask: torch.Tensor
) -> dict[str, Any] | None:
    """Write `trained.tkt`, the network that the search trained on its way, under Bool[D]; None where it trained none.

    It is judged on validation data: the test split is for the ticket.
    """
    values = method.trained(problem.task, state) if isinstance(method, HasTrained) else None
    if values is None:
        return None
    found = write(problem, Candidate(mask, values), directory.trained, ["val"])
    return {
        "file": directory.trained.name,
        "ticket_bytes": found["ticket_bytes"],
        f"val_{found['measure']}": found[found["measure"]]["val"],
        "digest": found["digest"]["ticket"],
    }


def front(directory: RunDirectory, problem: Problem, method: Method[Any], state: Any) -> list[dict[str, Any]]:
    """Write the tickets of the method's Pareto front, densest first, and return a line on each.

    Their losses and qualities are those on training and validation data: the test split is for the chosen ticket.
    """
    if not isinstance(method, HasFront):
        return []
    candidates, losses = method.front(problem.task, state)
    directory.front.mkdir(exist_ok=True)
    lines = []
    for place, (one, train_loss) in enumerate(zip(candidates, losses.tolist(), strict=True)):
        path = directory.front_ticket(place)
        found = write(problem, candidate(one), path, ["val"])
        lines.append(
            {
                "file": str(path.relative_to(directory.root)),
                "density": found["density"],
                "ticket_bytes": found["ticket_bytes"],
                "train_loss": problem.task.objective.reported(train_loss),
                "val_loss": found["loss"]["val"],
                f"val_{found['measure']}": found[found["measure"]]["val"],
            }
        )
    return lines


def cost(problem: Problem) -> dict[str, Any]:
    """What was spent so far, for `result.json`, and the bytes of memory that this process had resident at its peak."""
    spent = asdict(problem.task.meters)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {**spent, "seconds": round(spent["seconds"], 3), "peak_rss_bytes": peak}
