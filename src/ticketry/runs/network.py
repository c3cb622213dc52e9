"""From a model's text to a network whose every number is known: built twice, looked at, refused where it is not known.

What a model's constructor decides is told from what it draws by a second build from other draws (core/masks/initial,
core/nets/constructed); what it draws from anywhere but the global generators would be another network tomorrow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ticketry import models
from ticketry.core.errors import RequestError, refuse
from ticketry.core.masks.initial import Floats, Outside, inside, outside
from ticketry.core.masks.space import Space, find
from ticketry.core.nets import constructed, repeatable
from ticketry.core.nets.net import Net
from ticketry.core.seed.weights import WeightRecipe
from ticketry.core.trust import Trust
from ticketry.experiment import Search
from ticketry.ticket.content import TicketFile
from ticketry.ticket.given import Model, opened

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Network:
    """`base`: the untrained maskable weights of `space` by name. `other`: a second build, where there can be one."""

    module: nn.Module
    other: nn.Module | None
    space: Space
    base: dict[str, Floats]
    outside: Outside

    def net(self, where: torch.device, x: torch.Tensor) -> Net:
        """On a device, once it has proved repeatable on a few examples Float[B, ...] there."""
        first = self._net(self.module, where)
        weights = {name: torch.from_numpy(value).to(where) for name, value in self.base.items()}
        repeatable.check(first, None if self.other is None else self._net(self.other, where), weights, x)
        return first

    def _net(self, module: nn.Module, where: torch.device) -> Net:
        types = {name: buffer.dtype for name, buffer in module.named_buffers()}
        values = self.outside.values | self.outside.buffers
        tensors = {name: torch.tensor(value, dtype=types.get(name), device=where) for name, value in values.items()}
        still = {name: tensors.pop(name) for name in list(tensors) if name in self.outside.held or name in types}
        return Net(module.to(where), tensors, still)


def network(
    text: str, shape: Shape, outputs: int, model: Model, trust: Trust, search: Search, recipe: WeightRecipe, seed: int
) -> Network:
    """The network of an experiment, for examples of a shape. Raises RequestError for whatever is wrong with a model."""

    def again(draw: int) -> nn.Module | None:
        return models.again(text, shape, outputs, model, trust, draw)

    module, other = models.build(text, shape, outputs, model, trust), again(1)
    buffers: dict[str, Floats] = {}
    if other is not None:
        _same_structure(module, other)
        buffers = constructed.random_buffers(module, other)
    built = constructed.digest(module, buffers)
    models.check(module, shape, outputs)
    if other is not None:
        models.check(other, shape, outputs, draw=1)
        _same_structure(module, other)  # lazy parts are set up now
    space = find(module, search.include, search.exclude)
    base = inside(space, recipe.kind, seed)
    rest = outside(module, base, recipe.kind, seed, other).beside(buffers, built)
    if other is not None and (rest.tensors or buffers):
        third = again(0)
        if third is not None:
            made = {name: buffer.clone() for name, buffer in third.named_buffers() if name in buffers}
            models.check(third, shape, outputs)
            _seeded(rest.tensors | buffers, made | {name: p.detach() for name, p in third.named_parameters()})
    return Network(module, other, space, base, rest)


def network_of_ticket(ticket: TicketFile, model: Model, trust: Trust, search: Search) -> Network:
    """The network of a ticket, which says what is outside its mask."""
    module, rest = opened(ticket, model, trust)
    space = find(module, search.include, search.exclude)
    other = models.again(ticket.model, ticket.input_shape, ticket.outputs, model, trust, 1)
    if other is not None:
        models.check(other, ticket.input_shape, ticket.outputs, draw=1)
        _same_structure(module, other)
    return Network(module, other, space, inside(space, ticket.recipe.kind, ticket.seed), rest)


def _same_structure(module: nn.Module, other: nn.Module) -> None:
    mine, theirs = constructed.structure(module), constructed.structure(other)
    for name in {**mine, **theirs}:
        if mine.get(name) != theirs.get(name):
            what = f"one whose {name!r} is of another kind or shape, or absent, when it is built again"
            raise refuse("model", what, "one of the same structure each time", "make its constructor repeatable")


def _seeded(stored: dict[str, Floats], again: dict[str, torch.Tensor]) -> None:
    """Refuse a constructor that draws what has to be stored from elsewhere than the global generators."""
    for name, value in stored.items():
        if not np.array_equal(value, again[name].float().numpy()):
            raise RequestError(
                f"model draws {name!r} otherwise each time that it is built, but a ticket holds one; draw it from the"
                " global generators of torch, NumPy or Python, which are seeded for the build, or seed your own."
            )
