"""Masks as parametrizations: a network that any training loop trains and whose cut weights stay zero."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from torch.nn.utils import parametrize
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm


class Masked(nn.Module):
    """A parameter under its mask, a buffer Bool of its shape: kept weights as they are, cut ones +0.

    The choice, not a product: it passes no gradient to a cut weight, however large, infinite or NaN.
    """

    mask: torch.Tensor

    def __init__(self, mask: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """The weight that the layer computes with."""
        return torch.where(self.mask, weight, 0)

    def right_inverse(self, weight: torch.Tensor) -> torch.Tensor:
        """What is kept of a weight that someone assigns."""
        return torch.where(self.mask, weight, 0)


def put_on(module: nn.Module, masks: Mapping[str, torch.Tensor]) -> None:
    """Register masks Bool by parameter name; a tied parameter has its one mask wherever it is used.

    Modules that keep what they compute of their parameters are brought to forget it, so that they can be copied.
    """
    named = dict(module.named_parameters())
    masked = {id(named[name]): Masked(mask.clone()) for name, mask in masks.items()}  # memory of its own, to be saved
    uses = [
        (part, key, masked[id(parameter)])
        for part in module.modules()
        for key, parameter in part.named_parameters(recurse=False)
        if id(parameter) in masked
    ]
    for part in {part for part, _, _ in uses if parametrize.is_parametrized(part)}:
        kind = type(part)  # the class of one object, which copies of it share: theirs must stay as it is
        own = {name: value for name, value in vars(kind).items() if name not in ("__dict__", "__weakref__")}
        part.__class__ = type(kind.__name__, kind.__bases__, own)
    for part, key, mask in uses:
        parametrize.register_parametrization(part, key, mask)
    for part in module.modules():
        if isinstance(part, nn.RNNBase) and parametrize.is_parametrized(part):
            type(part)._flat_weights = property(_computed, _leaves)  # type: ignore[assignment]
            part._flat_weights = []
        if any(isinstance(hook, WeightNorm | SpectralNorm) for hook in part._forward_pre_hooks.values()):
            part.register_forward_hook(_forget)


def _computed(part: nn.RNNBase) -> list[torch.Tensor | None]:
    """The weights of a recurrent layer as it computes with them, which it would keep as they were once."""
    return [getattr(part, name, None) for name in part._flat_weights_names]


def _leaves(part: nn.RNNBase, _: object) -> None:
    """What it holds once no weight is parametrized any more."""
    weights = [getattr(part, name, None) for name in part._flat_weights_names]
    vars(part)["_flat_weights"] = [None if weight is None else weight.detach() for weight in weights]


def _forget(part: nn.Module, given: object, out: object) -> None:
    """Let go of the graph of a weight that a hook computed for this pass, and again for the next."""
    for name, value in vars(part).items():
        if isinstance(value, torch.Tensor) and not value.is_leaf:
            vars(part)[name] = value.detach()
