"""Multilayer perceptrons: linear layers `fc1`, `fc2`, ... with ReLU between them, on inputs of any shape."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torch import nn

from ticketry.models.layers import Named, check_options, linear, stack


def mlp(
    input_shape: tuple[int, ...], classes: int, hidden: tuple[int, ...], *, norm: str = "none", bias: bool = True
) -> nn.Module:
    """Hidden layers of the given sizes; without any, a single linear layer."""
    check_options("mlp", norm, bias)
    return stack(_parts(math.prod(input_shape), hidden, classes, norm, bias))


def lenet_300_100(input_shape: tuple[int, ...], classes: int, *, norm: str = "none", bias: bool = True) -> nn.Module:
    """LeCun et al. 1998: hidden layers of 300 and 100; 266,200 weights for MNIST."""
    check_options("lenet-300-100", norm, bias)
    return stack(_parts(math.prod(input_shape), (300, 100), classes, norm, bias))


def _parts(features: int, hidden: tuple[int, ...], classes: int, norm: str, bias: bool) -> Iterator[Named]:
    yield "flatten", nn.Flatten()
    for index, out in enumerate(hidden, 1):
        layer, normed = linear(features, out, norm, bias)
        yield from ((f"fc{index}", layer), (f"norm{index}", normed), (f"relu{index}", nn.ReLU()))
        features = out
    yield f"fc{len(hidden) + 1}", nn.Linear(features, classes, bias=bias)
