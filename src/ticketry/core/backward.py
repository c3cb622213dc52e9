"""Loss of a masked network and its gradient to the mask: by autograd, or for plain stacks written out, in less time."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

from ticketry.core.net import Named, Net
from ticketry.core.stack import Stack


def gradient(
    net: Net,
    stack: Stack | None,
    weights: Named,
    x: torch.Tensor,
    y: torch.Tensor,
    scaled: Sequence[torch.Tensor],
    out: Sequence[torch.Tensor],
) -> float:
    """Mean cross-entropy on examples Float[B, ...] with labels Long[B], for the Space's weights, which want gradients.

    The gradient to each, times what it is a mask of, `scaled`, goes into `out`. `stack`: the net, where it is one.
    """
    if stack is not None and stack.fits(x) and not stack.tied:
        loss = _by_hand(stack, list(weights.values()), x, y, out)
        for place, factor in zip(out, scaled, strict=True):
            place.mul_(factor)
        return loss
    found = functional.cross_entropy(net.train(weights, x), y)
    grads = torch.autograd.grad(found, list(weights.values()), allow_unused=True, materialize_grads=True)
    for grad, factor, place in zip(grads, scaled, out, strict=True):
        torch.mul(grad, factor, out=place)
    return found.item()


@torch.no_grad()
def _by_hand(
    stack: Stack, weights: Sequence[torch.Tensor], x: torch.Tensor, y: torch.Tensor, out: Sequence[torch.Tensor]
) -> float:
    reached = [x.flatten(1)]
    for affine in stack.layers:
        sums = functional.linear(reached[-1], weights[affine.weight], affine.bias)
        reached.append(sums.relu_() if affine.relu else sums)
    logs = functional.log_softmax(reached[-1], 1)
    loss = functional.nll_loss(logs, y)
    change = logs.exp_()
    change.scatter_add_(1, y[:, None], change.new_full((len(y), 1), -1.0)).div_(len(y))
    for number, affine in reversed(list(enumerate(stack.layers))):
        if affine.relu:
            change = torch.ops.aten.threshold_backward(change, reached[number + 1], 0)
        torch.mm(change.T, reached[number], out=out[affine.weight])
        if number:
            change = torch.mm(change, weights[affine.weight])
    return loss.item()
