"""The module that a ticket speaks of, built and compared with it, and what the ticket says outside its mask."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from functools import partial

import numpy as np
from torch import nn

from ticketry import models
from ticketry.core.errors import TicketError
from ticketry.core.masks.initial import Outside, held, usual
from ticketry.core.nets import constructed
from ticketry.core.nets.net import statistics
from ticketry.core.trust import Trust
from ticketry.ticket import rebuild
from ticketry.ticket.content import Floats, TicketFile

Shapes = Mapping[str, tuple[int, ...]]
Model = nn.Module | type[nn.Module] | str | None


def opened(ticket: TicketFile, model: Model, trust: Trust) -> tuple[nn.Module, Outside]:
    """The module, as it was built, and the parameters outside the mask, untrained.

    `model`: for a ticket whose model was handed over; `trust`: which import paths may be run. Raises TicketError for a
    module that has other parameters than the ticket, or whose constructor makes something else than where the ticket
    was found.
    """
    module = models.build(ticket.model, ticket.input_shape, ticket.outputs, model, trust, before=partial(_fit, ticket))
    masked = {layer.name: layer.shape for layer in ticket.layers}
    if ticket.built and constructed.digest(module, _constants(ticket)) != ticket.built:
        raise TicketError(
            f"the model of the ticket is {ticket.model}, whose constructor makes other buffers or tensors here than"
            " where the ticket was found; use the model, and the versions of its libraries, that it was found with."
        )
    models.check(module, ticket.input_shape, ticket.outputs)  # which sets up lazy layers, too
    there = masked | {p.name: p.shape for p in ticket.rest} | {p.name: p.shape for p in ticket.fixed}
    arrays = ticket.fixed_values | (ticket.rest_values or {}) | ticket.buffers
    there |= {name: array.shape for name, array in arrays.items()}
    every = {name: tuple(p.shape) for name, p in [*module.named_parameters(), *module.named_buffers()]}
    here = {name: tuple(p.shape) for name, p in module.named_parameters() if p.dim() > 1 and p.numel()}
    here |= {name: tuple(value.shape) for name, value in statistics(module).items()}
    _compare(ticket, there, here | {name: shape for name, shape in every.items() if name in there})
    known = rebuild.weights(ticket) | _constants(ticket)
    buffers = {name: known[name] for name, _ in module.named_buffers() if name in known}
    values = {}
    for name, parameter in module.named_parameters():
        if name not in masked:
            shape = tuple(parameter.shape)
            values[name] = known[name] if name in known else np.full(shape, usual(name), np.float32)
    still = frozenset(name for name in held(module) if name not in masked)
    fixed = tuple((p.name, p.shape, p.value) for p in ticket.fixed)
    zeros = tuple((z.name, z.start, z.stop) for z in ticket.zeros)
    drawn = tuple((p.name, p.shape, p.fan_in) for p in ticket.rest)
    return module, Outside(values, drawn, fixed, ticket.fixed_values, zeros, still, buffers, ticket.built)


def _fit(ticket: TicketFile, module: nn.Module) -> None:
    """Refuse a network of other layers; one without memory yet also for a matrix that the file lacks."""
    masked = {layer.name: layer.shape for layer in ticket.layers}
    named = dict(module.named_parameters())
    set_up = {name: tuple(p.shape) for name, p in named.items() if not nn.parameter.is_lazy(p)}
    _compare(ticket, masked, {name: set_up.get(name, masked[name]) for name in masked if name in named})
    listed = {*masked, *(p.name for p in ticket.rest), *(p.name for p in ticket.fixed), *ticket.fixed_values}
    large = {name: p for name, p in named.items() if p.is_meta and p.dim() > 1 and name not in listed}
    _compare(ticket, {}, {name: tuple(p.shape) for name, p in large.items()})
    if any(p.is_meta for p in named.values()):  # what a pass would cost is looked at there, too
        models.check(copy.deepcopy(module).to("meta"), ticket.input_shape, ticket.outputs)


def _compare(ticket: TicketFile, there: Shapes, here: Shapes) -> None:
    """Refuse a model whose parameters are not those that the ticket speaks of."""
    for name in {**there, **here}:
        if there.get(name) != here.get(name):
            wanted, found = (f"of shape {list(s[name])}" if name in s else "missing" for s in (there, here))
            raise TicketError(
                f"the model of the ticket is {ticket.model} with {name} {wanted}, but here {name} is {found};"
                " use the model that the ticket was found in."
            )


def _constants(ticket: TicketFile) -> dict[str, Floats]:
    """The untrained values of what the ticket neither draws nor masks."""
    return {p.name: np.full(p.shape, p.value, np.float32) for p in ticket.fixed} | ticket.fixed_values
