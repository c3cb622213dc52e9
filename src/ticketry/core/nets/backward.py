"""Loss of a network and its gradient to its parameters: by autograd, or for plain stacks written out, in less time."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ticketry.core.meters import Meter
from ticketry.core.nets.differentiate import derivatives
from ticketry.core.nets.loss import Loss
from ticketry.core.nets.net import Named, Net
from ticketry.core.nets.stack import Stack

Parts = Sequence[torch.Tensor]


def mask_gradient(
    net: Net,
    stack: Stack | None,
    weights: Named,
    x: torch.Tensor,
    y: torch.Tensor,
    scaled: Parts,
    out: Parts,
    loss: Loss,
    meter: Meter,
) -> float:
    """Mean loss on examples Float[B, ...] with targets `y`, for the Space's weights, which want gradients.

    The gradient to each, times what it is a mask of, `scaled`, goes into `out`. `stack`: the net, where it is one.
    """
    if stack is not None and stack.fits(x) and not stack.tied:
        one, place = ([part.detach()[None] for part in parts] for parts in (weights.values(), out))
        biases = [None if affine.bias is None else affine.bias[None] for affine in stack.layers]
        found = float(by_hand(stack, one, biases, x, y, loss, place))
        for part, factor in zip(out, scaled, strict=True):
            part.mul_(factor)
    else:
        mean = loss.mean(net.train_logits(weights, x), y)
        grads = derivatives(mean, weights.values())
        for grad, factor, part in zip(grads, scaled, out, strict=True):
            torch.mul(grad, factor, out=part)
        found = mean.item()
    meter.spend(forward=len(y), backward=len(y), losses=[found])
    return found


@torch.no_grad()
def by_hand(
    stack: Stack,
    weights: Parts,
    biases: Sequence[torch.Tensor | None],
    x: torch.Tensor,
    y: torch.Tensor,
    loss: Loss,
    out: Parts,
    out_biases: Sequence[torch.Tensor | None] = (),
) -> torch.Tensor:
    """Float[P]: mean loss of P networks on the same examples; the gradients go into `out` and `out_biases`.

    `weights`, `out`: Float[P, units, inputs] for each layer of the Space; `biases`: Float[P, units] or None for each
    layer of the stack, and `out_biases` where their gradients are wanted. For stacks without tied weights.
    Activations lie unit by unit, as in `core.fitness.batched`, so that the first layer is one product for all networks.
    """
    x = x.flatten(1)
    n, p = len(y), len(weights[0])
    reached: list[torch.Tensor] = []
    for affine, bias in zip(stack.layers, biases, strict=True):
        weight = weights[affine.weight]
        sums = torch.bmm(weight, reached[-1]) if reached else torch.mm(weight.flatten(0, 1), x.T).view(p, -1, n)
        if bias is not None:
            sums += bias[:, :, None]
        reached.append(sums.relu_() if affine.relu else sums)
    losses, change = loss.slope(reached[-1], y)
    for number, affine in reversed(list(enumerate(stack.layers))):
        if affine.relu:
            change = torch.ops.aten.threshold_backward(change, reached[number], 0)
        if out_biases and (place := out_biases[number]) is not None:
            torch.sum(change, 2, out=place)
        if number:
            torch.bmm(change, reached[number - 1].transpose(1, 2), out=out[affine.weight])
            change = torch.bmm(weights[affine.weight].transpose(1, 2), change)
        else:
            place = out[affine.weight]
            if place.is_contiguous():
                torch.mm(change.flatten(0, 1), x, out=place.flatten(0, 1))
            else:
                place.copy_(torch.mm(change.flatten(0, 1), x).view_as(place))
    return losses
