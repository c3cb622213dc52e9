"""All parameters of a network as one vector: the N maskable weights, then the R others (biases, norms)."""

from __future__ import annotations

from typing import Literal

import torch
from torch.nn import functional

from ticketry.core import backward
from ticketry.core.net import Net
from ticketry.core.space import Layer, Space
from ticketry.core.stack import Stack

Precision = Literal["float32", "bfloat16"]


class Parameters:
    """The layout of Float[*P, M], M = N + R, and gradients to it."""

    def __init__(self, net: Net, stack: Stack | None, space: Space, device: torch.device) -> None:
        layers, start = list(space.layers), space.total
        for name, value in net.rest.items():
            layers.append(Layer(name, tuple(value.shape), start, start + value.numel()))
            start += value.numel()
        self._net, self._stack, self._count = net, stack, len(space.layers)
        self._layout = Space(tuple(layers))
        self._rest = torch.cat([torch.empty(0, device=device), *(value.flatten() for value in net.rest.values())])

    @property
    def size(self) -> int:
        """M."""
        return self._layout.total

    def untrained(self, effective: torch.Tensor) -> torch.Tensor:
        """Float[M]: the masked weights Flat[N] and the others as their recipe draws them."""
        return torch.cat([effective, self._rest])

    def mask(self, whole: torch.Tensor) -> torch.Tensor:
        """Float[M], 1 for what trains: the kept of Bool[N] and all others."""
        return torch.cat([whole.to(self._rest.dtype), torch.ones_like(self._rest)])

    def views(self, flat: torch.Tensor) -> dict[str, torch.Tensor]:
        """Float[*P, M] by name, with the parameters' shapes."""
        return self._layout.views(flat)

    def gradient(
        self, flat: torch.Tensor, x: torch.Tensor, y: torch.Tensor, precision: Precision = "float32"
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Float[P] and Float[P, M]: mean cross-entropy of P networks Float[P, M] on a batch, and its gradients."""
        stack = self._stack
        if stack is None or not stack.fits(x) or stack.tied or precision != "float32":
            found = [self._by_autograd(one, x, y, precision) for one in flat]
            return torch.stack([loss for loss, _ in found]), torch.stack([gradient for _, gradient in found])
        gradient = torch.zeros_like(flat)  # zeros, as the stack may not use every parameter
        named, out = self.views(flat), self.views(gradient)
        parts = [list(views.values())[: self._count] for views in (named, out)]
        biases = [[views[affine.name] if affine.name else None for affine in stack.layers] for views in (named, out)]
        return backward.by_hand(stack, parts[0], biases[0], x, y, parts[1], biases[1]), gradient

    def _by_autograd(
        self, flat: torch.Tensor, x: torch.Tensor, y: torch.Tensor, precision: Precision
    ) -> tuple[torch.Tensor, torch.Tensor]:
        leaves = {name: view.detach().requires_grad_() for name, view in self.views(flat).items()}
        with torch.autocast(flat.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            logits = self._net.train(leaves, x)
        loss = functional.cross_entropy(logits.float(), y)
        grads = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True, materialize_grads=True)
        return loss.detach(), torch.cat([grad.flatten() for grad in grads])
