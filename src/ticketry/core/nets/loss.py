"""Loss: how far a network's outputs are from the targets of labelled examples; what the kernels are given.

Kernels hold outputs in one of two layouts: example by example, [B, C], as a module returns them, or unit by unit,
[P, C, B], for P networks at once. A loss takes both. Beside itself it counts *misses*, what its measure of quality is
made of: quality = (worst - misses) / worst, with the misses `worst` of a constant guess or of one that is always wrong.
"""

from __future__ import annotations

from typing import Protocol

import torch

Columns = tuple[torch.Tensor, ...]
"""Targets of B examples as `Loss.sums` wants them, made once by `Loss.columns`."""


class Loss(Protocol):
    """The contract. Everything it returns is exact for each example alone: sums and means over examples only."""

    @property
    def floor(self) -> float:
        """The least quality: of a network whose loss is no finite number, and where quality is cut off."""

    def mean(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Float[]: the mean loss for outputs [B, C], to be differentiated by autograd."""

    def each(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Float[B]: the loss of each example for outputs [B, C]."""

    def misses(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Float[B]: the misses of each example for outputs [B, C]."""

    def judged(self, outputs: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
        """Losses and misses summed over the examples, for outputs [B, C]."""

    def worst(self, y: torch.Tensor) -> float:
        """The misses that make quality 0 on these examples, 0 or more."""

    def columns(self, y: torch.Tensor) -> Columns:
        """The targets as `sums` wants them."""

    def sums(self, outputs: torch.Tensor, targets: Columns) -> torch.Tensor:
        """Float64[2, P]: losses and misses summed over the examples for outputs [P, C, B], which it may overwrite."""

    def slope(self, outputs: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """For outputs [P, C, B], which it leaves: the mean losses Float[P] and their derivatives Float[P, C, B]."""


def quality(misses: float, worst: float, floor: float) -> float:
    """What the measure says of these misses; 0 where nothing can be told, as all targets are alike."""
    if not misses < float("inf"):
        return floor
    return max(floor, (worst - misses) / worst) if worst else 0.0
