"""Optimisers as functions: one fused update over one flat vector, no parameter groups, no objects.

The optimisers update their tensors in place: the caller owns them, and clones what it must not lose. They call the
functional form of `torch.optim` with one tensor each, whose fused kernel reads and writes every number once. No
tensor may require a gradient.
"""

from __future__ import annotations

import numpy as np

from ticketry.core.lazy import torch


def sgd(
    params: torch.Tensor,
    grad: torch.Tensor,
    momentum_buffer: torch.Tensor,
    lr: float,
    momentum: float,
    weight_decay: float,
) -> None:
    """One step of SGD on Float[D], as `torch.optim.SGD` takes it; writes `params` and `momentum_buffer`.

    g = grad + weight_decay * params;  b = momentum * b + g;  params -= lr * b.
    The buffer starts as zeros, and stays so without momentum.
    """
    from torch.optim.sgd import sgd as update

    update(
        [params],
        [grad],
        [momentum_buffer],
        fused=True,
        lr=lr,
        momentum=momentum,
        weight_decay=weight_decay,
        nesterov=False,
        dampening=0.0,
        maximize=False,
    )


def reflect(params: torch.Tensor, momentum_buffer: torch.Tensor) -> None:
    """Turn Float[D] back where a step carried it below zero, and its momentum with it; writes both.

    Descent on |s| by a signed s, told by |s| alone.
    """
    if params.device.type == "cpu":  # NumPy finds the few negative ones in a fifth of the time
        values, momenta = params.numpy(), momentum_buffer.numpy()
        below = np.flatnonzero(values < 0)
        values[below] *= -1
        momenta[below] *= -1
    else:
        momentum_buffer.mul_(torch.where(params < 0, -1.0, 1.0))
        params.abs_()


def adam(
    params: torch.Tensor,
    grad: torch.Tensor,
    mean: torch.Tensor,
    square: torch.Tensor,
    step: int,
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> None:
    """Step `step` (the first is 1) of Adam on Float[D], as `torch.optim.Adam` takes it; writes all but `grad`.

    g = grad + weight_decay * params;  `mean` and `square`, zeros at first, are the running averages of g and g^2.
    Kingma and Ba 2015 (arXiv 1412.6980).
    """
    from torch.optim.adam import adam as update

    done = torch.full((), float(step - 1), device=params.device)
    update(
        [params],
        [grad],
        [mean],
        [square],
        [],
        [done],
        fused=True,
        lr=lr,
        beta1=beta1,
        beta2=beta2,
        eps=eps,
        weight_decay=weight_decay,
        amsgrad=False,
        maximize=False,
    )
