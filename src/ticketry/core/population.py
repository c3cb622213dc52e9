"""Fitness of many masked networks at once; the only place that knows how. Every kernel agrees with the plain loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import torch
from torch.nn import functional

from ticketry.core.net import Named, Net
from ticketry.core.space import Space

Kernel = Literal["auto", "loop", "batched"]
BYTES = 256 * 2**20  # memory that one chunk of stacked networks may take


@dataclass(frozen=True, eq=False)
class Score:
    """Fitness of P networks: mean cross-entropy and accuracy, Float64[P] each.

    A network whose loss is not a finite number has loss infinity and accuracy 0, so it never wins.
    """

    loss: torch.Tensor
    accuracy: torch.Tensor


def score(
    net: Net,
    space: Space,
    effective: Iterable[torch.Tensor],
    x: torch.Tensor,
    y: torch.Tensor,
    norms: Callable[[torch.Tensor], Named],
    kernel: Kernel = "auto",
) -> Score:
    """Score networks given as Flat[N] weights on the same examples.

    `auto` takes batched products where all masked weights are matrices and there are no batch norms, else the loop.
    The rule looks at the network only, never at a clock, so that results are repeatable.
    """
    if kernel == "auto":
        matrices = all(len(layer.shape) == 2 for layer in space.layers)
        kernel = "batched" if matrices and not net.has_norms else "loop"
    results: list[torch.Tensor] = []
    with torch.no_grad():
        if kernel == "loop":
            for weights in effective:
                results.append(_measure(net.evaluate(space.views(weights), x, norms(weights)), y))
        else:
            stack: list[torch.Tensor] = []
            size = max(1, BYTES // (4 * (space.total + 4 * x[0].numel() * len(x))))
            for weights in effective:
                stack.append(weights.clone())
                if len(stack) == size:
                    results.append(_batched(net, space, torch.stack(stack), x, y))
                    stack = []
            if stack:
                results.append(_batched(net, space, torch.stack(stack), x, y))
    table = torch.cat([r.reshape(-1, 2) for r in results])
    return Score(table[:, 0], table[:, 1])


def _batched(net: Net, space: Space, stack: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    logits = torch.vmap(lambda weights: net.evaluate(space.views(weights), x, {}))(stack)
    return torch.stack([_measure(one, y) for one in logits])


def _measure(logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Float64[2]: mean cross-entropy and accuracy of logits [B, C]."""
    loss = functional.cross_entropy(logits, y).double()
    accuracy = (logits.argmax(1) == y).double().mean()
    broken = torch.tensor([torch.inf, 0.0], dtype=torch.float64, device=logits.device)
    return torch.where(loss.isfinite(), torch.stack([loss, accuracy]), broken)
