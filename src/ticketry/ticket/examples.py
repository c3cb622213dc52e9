"""Examples from outside as a ticket's network takes them: the one place where its scaling is applied."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ticketry.core.errors import refuse
from ticketry.core.nets import feed
from ticketry.core.scaling import AS_IS, Numbers, Scaling, numbers
from ticketry.data import arrays
from ticketry.ticket.content import Header


def scaling(ticket: Header) -> Scaling:
    """That of the ticket."""
    return ticket.scaling or AS_IS


def of_kind(field: str, given: object, ticket: Header) -> Numbers:
    """Examples (B, ...) in the ticket's unit: uint8, float or bool arrays, of its shape. Raises RequestError.

    See core/scaling.py on what floats mean to a ticket of bytes; a bool is the float 0 or 1.
    """
    x = arrays.inputs(field, _array(given))
    if x.shape[1:] != ticket.input_shape:
        wanted = f"of shape (B, {', '.join(map(str, ticket.input_shape))}), as the ticket takes"
        remedy = "pass x[None] for one example" if x.shape == ticket.input_shape else "reshape or transpose it"
        raise refuse(field, f"of shape {x.shape}", wanted, remedy)
    return numbers(field, x, scaling(ticket))


def preprocess(given: object, ticket: Header) -> torch.Tensor:
    """Float[B, ...]: inputs of the network, on the CPU."""
    return feed.inputs(of_kind("x", given, ticket), scaling(ticket))


def _array(given: object) -> Any:
    """A tensor as an array; NumPy has no bfloat16."""
    if not isinstance(given, torch.Tensor):
        return np.asarray(given) if isinstance(given, list | tuple) else given
    tensor = given.detach().cpu()
    return (tensor.float() if tensor.is_floating_point() else tensor).numpy()
