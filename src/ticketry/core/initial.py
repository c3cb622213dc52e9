"""The untrained values of a module's parameters, every one from the seed and its name."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ticketry.core import weights
from ticketry.core.space import Space


@dataclass(frozen=True)
class Initial:
    """`base`: the maskable weights by name, in the Space's order; `rest`: all other parameters by name.

    `drawn`: name, shape and fan-in of those of the rest that are random, which a ticket file must be able to redraw.
    """

    base: dict[str, NDArray[np.float32]]
    rest: dict[str, NDArray[np.float32]]
    drawn: tuple[tuple[str, tuple[int, ...], int], ...]


def initial(module: nn.Module, space: Space, kind: weights.Kind, seed: int) -> Initial:
    """Draw every parameter of a module by a recipe.

    Searched weights and any other parameter with two or more dimensions follow the recipe; biases follow its bias
    rule with the fan-in of their layer's weight; norm layers get weight 1 and bias 0, as does any other vector by its
    name. Deviation from torch: nothing here depends on the module's own initialisation code, which is not portable.
    """
    base = {layer.name: weights.weight(kind, seed, layer.name, layer.shape) for layer in space.layers}
    rest: dict[str, NDArray[np.float32]] = {}
    drawn: list[tuple[str, tuple[int, ...], int]] = []
    owners = {id(p): m for m in module.modules() for p in m.parameters(recurse=False)}
    for name, parameter in module.named_parameters():
        if name in base:
            continue
        shape = tuple(parameter.shape)
        fan_in = _fan_in(owners[id(parameter)], shape)
        if len(shape) >= 2:
            rest[name] = weights.weight(kind, seed, name, shape)
            drawn.append((name, shape, 0))
        elif name.rpartition(".")[2] == "weight":
            rest[name] = np.ones(shape, np.float32)
        elif fan_in and weights.draws_bias(kind):
            rest[name] = weights.bias(kind, seed, name, shape, fan_in)
            drawn.append((name, shape, fan_in))
        else:
            rest[name] = np.zeros(shape, np.float32)
    return Initial(base, rest, tuple(drawn))


def _fan_in(owner: nn.Module, shape: tuple[int, ...]) -> int:
    """Inputs of one output of the layer a bias belongs to; 0 for parameters that are not such a bias."""
    weight = getattr(owner, "weight", None)
    if weight is None or weight.dim() < 2 or len(shape) != 1:
        return 0
    return math.prod(weight.shape[1:])
