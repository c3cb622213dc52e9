"""Weight norm and spectral norm for any weights, masked ones above all.

torch divides by zero where a mask cuts a whole row, and its spectral norm divides by an estimate of sigma that began
with the weights of the constructor. Here a row that is cut is zero and passes no gradient, and sigma is the largest
singular value of the weights at hand: what the estimate converges to. The parameters and buffers stay torch's.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrizations
from torch.nn.utils.spectral_norm import SpectralNorm
from torch.nn.utils.weight_norm import WeightNorm


def guard(module: nn.Module) -> None:
    """Make the weight norms and spectral norms of a module those of this file, in place."""
    hooks: dict[type[nn.Module], Any] = {
        parametrizations._WeightNorm: _by_rows,
        parametrizations._SpectralNorm: _by_sigma,
    }
    for part in module.modules():
        hook = hooks.get(type(part))
        if hook is not None and hook not in part._forward_hooks.values():
            part.register_forward_hook(hook)
        for key, older in part._forward_pre_hooks.items():  # the forms before parametrizations
            if type(older) is WeightNorm:
                part._forward_pre_hooks[key] = _ByRows(older.name, older.dim)
            elif type(older) is SpectralNorm:
                part._forward_pre_hooks[key] = _BySigma(older)


def _by_rows(part: nn.Module, given: tuple[torch.Tensor, torch.Tensor], out: torch.Tensor) -> torch.Tensor:
    return normed(*given, part.dim)  # type: ignore[arg-type]


def _by_sigma(part: nn.Module, given: tuple[torch.Tensor], out: torch.Tensor) -> torch.Tensor:
    (weight,) = given
    return out if weight.dim() == 1 else divided(weight, part._reshape_weight_to_matrix(weight))  # type: ignore[operator]


class _ByRows(WeightNorm):
    """The form before parametrizations: computed before each pass of its layer."""

    def compute_weight(self, module: nn.Module) -> torch.Tensor:
        return normed(getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v"), self.dim)


class _BySigma(SpectralNorm):
    """As `_ByRows`, for spectral norm."""

    def __init__(self, older: SpectralNorm) -> None:
        super().__init__(older.name, older.n_power_iterations, older.dim, older.eps)

    def compute_weight(self, module: nn.Module, do_power_iteration: bool) -> torch.Tensor:
        weight = getattr(module, f"{self.name}_orig")
        return divided(weight, self.reshape_weight_to_matrix(weight))


def normed(g: torch.Tensor, v: torch.Tensor, dim: int) -> torch.Tensor:
    """g v/|v| with the norms over all dimensions but `dim`; zero, without a gradient to v, where |v| is zero."""
    dead = torch.norm_except_dim(v, 2, dim) == 0
    weight = torch._weight_norm(torch.where(dead, 1, v), g, dim)
    return torch.where(dead, 0, weight)


def divided(weight: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """The weight over the largest singular value of its matrix; as it is where that is zero.

    As in torch, the singular vectors are constants to the gradient.
    """
    with torch.no_grad():
        u, _, v = torch.linalg.svd(matrix.nan_to_num(0.0, 0.0, 0.0), full_matrices=False)
    sigma = u[..., 0] @ (matrix @ v[..., 0, :])
    return weight / torch.where(sigma == 0, 1, sigma)
