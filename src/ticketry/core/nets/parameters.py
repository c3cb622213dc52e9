"""All parameters of a network as one vector: the N maskable weights, then the R others (biases, norms)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch

from ticketry.core.masks.space import Layer, Space
from ticketry.core.meters import Meter
from ticketry.core.nets import backward
from ticketry.core.nets.attention import unfused
from ticketry.core.nets.differentiate import derivatives
from ticketry.core.nets.loss import Loss
from ticketry.core.nets.net import Net
from ticketry.core.nets.stack import Stack

Precision = Literal["float32", "bfloat16"]


class Parameters:
    """The layout of Float[*P, M], M = N + R, and gradients to it.

    `x`: some examples Float[B, ...], for their shape and device. `loss`: None where there are no gradients to be
    had. All work is told to `meter`. `zeros`: name, start and stop of numbers that are zero and have no gradient, as
    those of the padding row of an embedding.
    """

    def __init__(
        self,
        net: Net,
        stack: Stack | None,
        space: Space,
        x: torch.Tensor,
        loss: Loss | None,
        meter: Meter,
        zeros: Sequence[tuple[str, int, int]] = (),
    ) -> None:
        layers, start = list(space.layers), space.total
        zero: list[torch.Tensor] = []
        for name, value in net.rest.items():
            zero += [torch.arange(start + a, start + b) for other, a, b in zeros if other == name]
            layers.append(Layer(name, tuple(value.shape), start, start + value.numel()))
            start += value.numel()
        self._net, self.stack, self._loss, self.meter = net, stack, loss, meter
        self._masked, self._shape = len(space.layers), x.shape[1:]
        self._layout = Space(tuple(layers))
        self.zeros = torch.cat(zero).to(x.device) if zero else None
        """Long[Z]: where they are in Flat[M]; None where there are none."""
        self._rest = torch.cat([torch.empty(0, device=x.device), *(value.flatten() for value in net.rest.values())])

    @property
    def loss(self) -> Loss:
        """What gradients are of. Methods that need one are refused where there is none."""
        if self._loss is None:
            raise ValueError("no labels, so no gradient")
        return self._loss

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
    ) -> tuple[list[float], torch.Tensor]:
        """Mean loss of P networks Float[P, M] on a batch, and the gradients to them, Float[P, M].

        Norms use the statistics of the batch.
        """
        stack = self.stack
        if stack is None or not stack.fits(x) or stack.tied or precision != "float32":
            gradient = torch.empty_like(flat)
            rows = zip(flat, gradient, strict=True)
            found = [self._by_autograd(one, x, y, precision, out) for one, out in rows]
            losses = [loss.item() for loss in found]  # at the end: each waits for the device
        else:
            gradient = torch.zeros_like(flat)  # zeros, as the stack may not use every parameter
            named, out = self.views(flat), self.views(gradient)
            parts = [list(views.values())[: self._masked] for views in (named, out)]
            biases = [[views[layer.name] if layer.name else None for layer in stack.layers] for views in (named, out)]
            losses = backward.by_hand(stack, parts[0], biases[0], x, y, self.loss, parts[1], biases[1]).tolist()
        if self.zeros is not None:
            gradient[:, self.zeros] = 0
        self.meter.spend(forward=len(flat) * len(y), backward=len(flat) * len(y), losses=losses)
        return losses, gradient

    def curvature(self, flat: torch.Tensor, x: torch.Tensor, y: torch.Tensor, temperature: float) -> torch.Tensor:
        """Float[M]: the Hessian of the mean loss times its gradient, of one network Float[M] on a batch.

        Outputs are divided by `temperature` first. The product is the gradient of <stop(g), g> (Pearlmutter 1994), and
        counts as two passes backward.
        """
        leaves = {name: view.detach().requires_grad_() for name, view in self.views(flat).items()}
        with unfused():
            loss = self.loss.mean(self._net.train_logits(leaves, x) / temperature, y)
            first = derivatives(loss, leaves.values(), again=True)
            along = torch.stack([(g.detach() * g).sum() for g in first]).sum()
            second = derivatives(along, leaves.values(), order="second")
        self.meter.spend(forward=len(y), backward=2 * len(y))
        return torch.cat([product.flatten() for product in second])

    def flow(self, flat: torch.Tensor) -> torch.Tensor:
        """Float64[M]: w dR/dw, where R sums the outputs of the network of absolute values |w| for an input of ones.

        Norms have mean 0 and variance 1. In float64, as products over many layers leave float32. It counts as one
        example. Tanaka et al. 2020 (arXiv 2006.05467), equation 6.
        """
        magnitudes = flat.double().abs()
        leaves = {name: view.detach().requires_grad_() for name, view in self.views(magnitudes).items()}
        ones = torch.ones(1, *self._shape, dtype=torch.float64, device=flat.device)
        total = self._net.double_logits(leaves, ones).sum()
        grads = derivatives(total, leaves.values())
        self.meter.spend(forward=1, backward=1)
        return torch.cat([grad.flatten() for grad in grads]) * magnitudes

    def _by_autograd(
        self, flat: torch.Tensor, x: torch.Tensor, y: torch.Tensor, precision: Precision, out: torch.Tensor
    ) -> torch.Tensor:
        """The loss, Float[], of one network Float[M]; its gradient is written into `out` Float[M]."""
        leaves = {name: view.detach().requires_grad_() for name, view in self.views(flat).items()}
        with torch.autocast(flat.device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            logits = self._net.train_logits(leaves, x)
        loss = self.loss.mean(logits.float(), y)
        grads = derivatives(loss, leaves.values())
        torch.cat([grad.flatten() for grad in grads], out=out)
        return loss.detach()
