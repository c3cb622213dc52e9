"""Loss and accuracy of a network on a whole split."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch.nn import functional

from ticketry.core.meters import Meter
from ticketry.core.nets.feed import Feed

CHUNK = 1024  # examples a forward pass


def judge(network: Callable[[torch.Tensor], torch.Tensor], feed: Feed, meter: Meter) -> tuple[float, float]:
    """Mean cross-entropy and accuracy (a fraction). An answer that is not a number is not right, whatever its class."""
    loss, right = 0.0, 0
    meter.spend(forward=len(feed))
    with torch.no_grad():
        for start in range(0, len(feed), CHUNK):
            x, y = feed.batch(slice(start, start + CHUNK))
            logits = network(x)
            loss += functional.cross_entropy(logits, y, reduction="sum").item()
            right += int(((logits.argmax(1) == y) & logits.isfinite().all(1)).sum())
    return loss / len(feed), right / len(feed)
