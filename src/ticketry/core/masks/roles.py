"""What a parameter is to the module that holds it: weight or bias of a layer of torch, of a norm, or anything else."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import nn
from torch.nn.utils import parametrize

_LAYERS = (nn.Linear, nn.modules.conv._ConvNd, nn.Bilinear, nn.Embedding, nn.EmbeddingBag, nn.MultiheadAttention)
_RECURRENT = (nn.RNNBase, nn.RNNCellBase)
_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)


class Role(NamedTuple):
    """`layer`: whether it belongs to a layer of torch whose values a recipe draws; `norm`: to a norm.

    `is_bias`: whether the bias rule is for it, with the fan-in `fan_in` of its layer's weight, 0 where biases are
    always zero. `padding`: the range of its numbers that a layer keeps zero, if it does.
    """

    layer: bool = False
    norm: bool = False
    is_bias: bool = False
    fan_in: int = 0
    padding: tuple[int, int] | None = None


def roles(module: nn.Module) -> dict[str, Role]:
    """By name; a tied parameter has the role of its first place."""
    found: dict[int, Role] = {}
    for part in module.modules():
        for key, parameter in part.named_parameters(recurse=False):
            found.setdefault(id(parameter), _role(part, key, parameter))
    return {name: found[id(parameter)] for name, parameter in module.named_parameters()}


def _role(part: nn.Module, key: str, parameter: nn.Parameter) -> Role:
    if isinstance(part, _NORMS):
        return Role(norm=True)
    vector = parameter.dim() == 1
    if isinstance(part, _RECURRENT):
        return Role(layer=True, is_bias=vector, fan_in=part.hidden_size if vector else 0)
    fan_in = _fan_in(part) if vector else 0
    if isinstance(part, _LAYERS):
        return Role(layer=True, is_bias=vector, fan_in=fan_in, padding=_padding(part))
    return Role(is_bias=fan_in > 0 and key == "bias", fan_in=fan_in)


def _fan_in(part: nn.Module) -> int:
    """Inputs of one output of a layer; 0 where it has no weight of two dimensions, made of others or not."""
    weight = part._parameters.get("weight", vars(part).get("weight"))
    if parametrize.is_parametrized(part, "weight"):
        made = part.get_submodule("parametrizations.weight")
        training = made.training
        with torch.no_grad():
            weight = made.eval()()  # in training mode it may change its state
        made.train(training)
    return math.prod(weight.shape[1:]) if isinstance(weight, torch.Tensor) and weight.dim() > 1 else 0


def _padding(part: nn.Module) -> tuple[int, int] | None:
    if not isinstance(part, nn.Embedding | nn.EmbeddingBag) or part.padding_idx is None:
        return None
    return part.padding_idx * part.embedding_dim, (part.padding_idx + 1) * part.embedding_dim
