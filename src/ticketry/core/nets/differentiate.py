"""Derivatives by autograd, refused in a sentence where torch has none."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from ticketry.core.errors import refuse, told


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
    except (Exception, SystemExit) as error:  # a derivative may be the user's own
        raise refuse(
            "model",
            f"one that torch cannot differentiate here ({told(error)})",
            f"one with a {order} derivative for this method",
            "choose another method, or leave the layer in question out of the model",
        ) from error
