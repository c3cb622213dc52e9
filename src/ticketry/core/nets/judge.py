"""Loss and quality of a network on a whole split."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ticketry.core.meters import Meter
from ticketry.core.nets.feed import Feed
from ticketry.core.nets.loss import Loss, quality

CHUNK = 1024  # examples a forward pass


def judge(network: Callable[[torch.Tensor], torch.Tensor], feed: Feed, loss: Loss, meter: Meter) -> tuple[float, float]:
    """Mean loss and quality."""
    total = missed = 0.0
    meter.spend(forward=len(feed))
    with torch.no_grad():
        for start in range(0, len(feed), CHUNK):
            x, y = feed.batch(slice(start, start + CHUNK))
            losses, misses = loss.judged(network(x), y)
            total += losses
            missed += misses
    return total / len(feed), quality(missed, loss.worst(feed.y), loss.floor)
