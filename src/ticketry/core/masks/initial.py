"""The untrained values of a module's parameters, every one from the seed and its name."""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ticketry.core.masks.space import Space
from ticketry.core.seed import weights


@dataclass(frozen=True)
class Outside:
    """`values`: the untrained parameters outside the mask, by name.

    `drawn`: name, shape and fan-in of those that are random, which a ticket file must be able to redraw.
    """

    values: dict[str, NDArray[np.float32]]
    drawn: tuple[tuple[str, tuple[int, ...], int], ...]


def inside(space: Space, kind: weights.Kind, seed: int) -> dict[str, NDArray[np.float32]]:
    """The untrained maskable weights by name, in the Space's order."""
    return {layer.name: weights.weight(kind, seed, layer.name, layer.shape) for layer in space.layers}


def outside(module: nn.Module, masked: Container[str], kind: weights.Kind, seed: int) -> Outside:
    """Draw the parameters whose names are not in `masked`.

    Those with two or more dimensions follow the recipe like weights; biases follow its bias rule with the fan-in of
    their layer's weight; norm layers get weight 1 and bias 0, as does any other vector by its name. Deviation from
    torch: nothing here depends on the module's own initialisation code, which is not portable.
    """
    values: dict[str, NDArray[np.float32]] = {}
    drawn: list[tuple[str, tuple[int, ...], int]] = []
    owners = {id(p): m for m in module.modules() for p in m.parameters(recurse=False)}
    for name, parameter in module.named_parameters():
        if name in masked:
            continue
        shape = tuple(parameter.shape)
        fan_in = _fan_in(owners[id(parameter)], shape)
        if len(shape) >= 2:
            values[name] = weights.weight(kind, seed, name, shape)
            drawn.append((name, shape, 0))
        elif name.rpartition(".")[2] == "weight":
            values[name] = np.ones(shape, np.float32)
        elif fan_in and weights.draws_bias(kind):
            values[name] = weights.bias(kind, seed, name, shape, fan_in)
            drawn.append((name, shape, fan_in))
        else:
            values[name] = np.zeros(shape, np.float32)
    return Outside(values, tuple(drawn))


def _fan_in(owner: nn.Module, shape: tuple[int, ...]) -> int:
    """Inputs of one output of the layer a bias belongs to; 0 for parameters that are not such a bias."""
    weight = getattr(owner, "weight", None)
    if weight is None or weight.dim() < 2 or len(shape) != 1:
        return 0
    return math.prod(weight.shape[1:])
