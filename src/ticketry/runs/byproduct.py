"""The network that a search trained on the way to its ticket, where it did: a ticket of its own, with values."""

from __future__ import annotations

from typing import Any

import torch

from ticketry.core.atomic import write as write_file
from ticketry.methods._contract import HasTrained, Method
from ticketry.paths import RunDirectory
from ticketry.runs.problem import Problem
from ticketry.ticket import file


def write(
    directory: RunDirectory, problem: Problem, method: Method[Any], state: Any, mask: torch.Tensor
) -> dict[str, Any] | None:
    """Write `trained.tkt`, the trained values under Bool[D], and say what it is; None where the method has none.

    It is judged on validation data: the test split is for the ticket.
    """
    flat = method.trained(problem.task, state) if isinstance(method, HasTrained) else None
    if flat is None:
        return None
    task = problem.task
    flat = flat * task.parameters.mask(task.space.full(mask))
    buffers = task.norms(flat)
    encoded = file.encode(problem.ticket(mask, buffers, flat))
    write_file(directory.trained, encoded)
    return {
        "file": directory.trained.name,
        "ticket_bytes": len(encoded),
        "val_accuracy": task.judge(flat, task.validation, buffers)[1],
        "digest": file.digests(encoded)["ticket"],
    }
