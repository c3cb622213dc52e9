"""Masks as parametrizations: a network that any training loop trains and whose cut weights stay zero."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from torch.nn.utils import parametrize


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
    """Register masks Bool by parameter name; a tied parameter has its one mask wherever it is used."""
    named = dict(module.named_parameters())
    masked = {id(named[name]): Masked(mask.clone()) for name, mask in masks.items()}  # memory of its own, to be saved
    uses = [
        (part, key, masked[id(parameter)])
        for part in module.modules()
        for key, parameter in part.named_parameters(recurse=False)
        if id(parameter) in masked
    ]
    for part, key, mask in uses:
        parametrize.register_parametrization(part, key, mask)
