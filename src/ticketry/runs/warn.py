"""What a user must know before relying on a ticket, whichever method found it."""

from __future__ import annotations

from typing import Any

import torch

from ticketry.core.task import Task
from ticketry.methods._contract import HasWarnings, Method
from ticketry.runs.features import far_from_unit_scale


def warnings(task: Task, method: Method[Any], state: Any, mask: torch.Tensor) -> list[str]:
    """A sentence for each thing that is wrong with the ticket Bool[D] of a search that ended in `state`; mostly none.

    Of every method: layers that keep no weight, a density other than the one asked for, and inputs far from unit scale.
    The method may add to it.
    """
    space = task.space
    kept = space.kept(mask)
    empty = [layer.name for layer, count in zip(space.layers, kept, strict=True) if count == 0]
    found = [f"no weight is kept in {', '.join(empty)}: nothing passes through."] if empty else []
    asked = getattr(method, "density", None)
    if asked is not None and sum(kept) != (wanted := space.count(asked) + space.locked_on):
        found.append(f"the ticket keeps {sum(kept):,} weights, not the {wanted:,} of density {asked:g}.")
    found += far_from_unit_scale(task.train)
    if isinstance(method, HasWarnings):
        found += method.warnings(task, state)
    return found
