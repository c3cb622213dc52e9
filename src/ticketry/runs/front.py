"""The Pareto front of a search as tickets: where a method knows several operating points, the user picks one later."""

from __future__ import annotations

import math
from typing import Any

from ticketry.core.atomic import write as write_file
from ticketry.methods._contract import HasFront, Method
from ticketry.paths import RunDirectory
from ticketry.runs.problem import Problem
from ticketry.ticket import file


def write(directory: RunDirectory, problem: Problem, method: Method[Any], state: Any) -> list[dict[str, Any]]:
    """Write the front's tickets, densest first, and return a line on each; none where the method keeps no front.

    Their losses and accuracies are those on training and validation data: the test split is for the chosen ticket.
    """
    if not isinstance(method, HasFront):
        return []
    task, space, lines = problem.task, problem.task.space, []
    masks, losses = method.front(task, state)
    directory.front.mkdir(exist_ok=True)
    for number, (mask, train_loss) in enumerate(zip(masks, losses.tolist(), strict=True)):
        encoded = file.encode(problem.ticket(mask, task.norms(task.effective(mask))))
        path = directory.front_ticket(number)
        write_file(path, encoded)
        loss, accuracy = task.validate(mask)
        lines.append(
            {
                "file": str(path.relative_to(directory.root)),
                "density": space.density(mask),
                "ticket_bytes": len(encoded),
                "train_loss": train_loss if math.isfinite(train_loss) else None,
                "val_loss": loss if math.isfinite(loss) else None,
                "val_accuracy": accuracy,
            }
        )
    return lines
