"""Features far from unit scale: a search on them mostly finds out which is the largest."""

from __future__ import annotations

import torch

from ticketry.core.nets.feed import Feed

SMALL, LARGE = 0.1, 10.0
"""Root mean squares of all inputs, and of a feature, outside of which a search is warned.

Pilots: edge-popup with mlp:50, 30 epochs and batches of 32, three seeds, validation accuracy on scikit-learn's breast
cancer, wine, iris and digits, standardised and then altered. One feature times 10 costs 0, -5, 3 and 0 points, times
100 it costs 6, 14, 17 and 0; the raw tables of breast cancer and wine, with root mean squares up to 1,000, cost 38 and
48, blobs of three classes, 19, cost 22. All inputs times 0.1 cost 2, 2, 6 and 12 points, times 0.01 3, 5, 8 and 17.
"""
FAR = 3.0
"""Mean in deviations, above 1, from which a feature is far from zero: 3 added to all costs 17, -2, 14 and 69 points."""
_NAMED = 3  # features in a sentence
_CHUNK = 4096  # examples in a piece


def far_from_unit_scale(train: Feed) -> list[str]:
    """A sentence where inputs Float[B, F], or channels of others, are; by their mean and root mean square."""
    mean, rms = _moments(train)
    deviation = (rms.square() - mean.square()).clamp_min(0).sqrt()
    vectors = train.x.ndim == 2
    large = rms > LARGE
    remote = (mean.abs() >= FAR * deviation) & (deviation > 1e-6 * mean.abs()) & vectors & (mean.abs() > 1)
    every = float(rms.square().mean().sqrt())
    small = 0 < every < SMALL
    far = large | remote
    if not far.any() and not small:
        return []
    remedy = "--standardise scales by the training part, and the ticket keeps that; or scale them yourself."
    if small:
        return [f"inputs are far from unit scale, with a root mean square of {every:.2g}: {remedy}"]
    if len(rms) == 1 and not vectors:
        return [f"inputs are far from unit scale, {float(mean):.3g} +- {float(deviation):.2g}: {remedy}"]
    places = torch.argsort(torch.where(far, rms, -1.0), descending=True, stable=True)[: min(_NAMED, int(far.sum()))]
    named = ", ".join(f"{int(k)} ({mean[k]:.3g} +- {deviation[k]:.2g})" for k in places)
    what = "features" if vectors else "channels"
    more = "" if int(far.sum()) <= _NAMED else " and others"
    return [f"{int(far.sum())} of {len(rms)} {what} are far from unit scale, {named}{more}: {remedy}"]


def _moments(train: Feed) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and root mean square of each feature of vectors, each channel of (C, H, W), of all numbers of others."""
    first = square = torch.zeros(1, dtype=torch.float64)
    count = 0
    for start in range(0, len(train), _CHUNK):
        x = train.batch(slice(start, start + _CHUNK))[0].double()
        rows = x.transpose(0, 1).flatten(1) if x.ndim in (2, 4) else x.reshape(1, -1)
        first, square = first + rows.sum(1).cpu(), square + rows.square().sum(1).cpu()
        count += rows.shape[1]
    return first / count, (square / count).sqrt()
