"""Derivatives by autograd, refused in a sentence where torch has none."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from ticketry.core.errors import TicketryError, refuse, told


def derivatives(
    of: torch.Tensor, by: Iterable[torch.Tensor], *, again: bool = False, order: str = "first"
) -> tuple[torch.Tensor, ...]:
    """The gradient of Float[] to each tensor; zeros where it does not depend on one.

    `again`: to be differentiated once more. Raises RequestError where a part of the model has no derivative of this
    order.
    """
    wrt = list(by)
    if not of.requires_grad:  # no searched weight reaches the output
        return tuple(torch.zeros_like(one) for one in wrt)
    try:
        return torch.autograd.grad(of, wrt, create_graph=again, allow_unused=True, materialize_grads=True)
    except TicketryError:
        raise
    except (Exception, SystemExit) as error:  # the user's own code goes backward, too
        raise refuse(
            "model",
            f"one whose {order} derivative raises {told(error)}",
            "one that can be differentiated, for this method",
            "correct its code, or choose another method",
        ) from error
