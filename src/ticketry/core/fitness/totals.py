"""Sums over examples that become the fitness of networks, and the limit beyond which a network sees no more of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from ticketry.core.meters import Meter

_LEAST = -80.0  # exp of less is nothing beside the 1 of the top, and takes ten times as long where it is subnormal


@dataclass(frozen=True, eq=False)
class Score:
    """Fitness of P networks: mean cross-entropy and accuracy, Float64[P] each.

    A network whose loss is not a finite number has loss infinity and accuracy 0, so it never wins.
    """

    loss: torch.Tensor
    accuracy: torch.Tensor


@dataclass(frozen=True)
class Limit:
    """What a network must reach to be of interest: a loss of at most `loss` and an accuracy of at least `accuracy`.

    One that does not has loss infinity and accuracy 0, and sees no more examples once that is certain: neither its
    summed loss nor its errors can shrink. This is racing on growing subsets that never errs: with the worst survivor
    as the limit, a truncation selection chooses what it would choose without, and a random mask, late in a search,
    costs a sixteenth of an evaluation. The numbers of all others are those without a limit.
    """

    loss: float = math.inf
    accuracy: float = 0.0


class FitnessTotals:
    """Losses and errors of P networks on `n` examples in all, summed in float64 (see `sums`)."""

    def __init__(self, p: int, n: int, limit: Limit | None, device: torch.device, meter: Meter) -> None:
        self.n, self._limit, self.meter = n, limit, meter
        self._sums = torch.zeros(2, p, dtype=torch.float64, device=device)
        self.alive = torch.arange(p, device=device)
        """Long[p]: the networks that may still be within the limit."""

    def noted(self, which: torch.Tensor) -> torch.Tensor:
        """Float64[2, p]: the sums of the networks Long[p] so far; a copy."""
        return self._sums[:, which]

    def note(self, which: torch.Tensor, sums: torch.Tensor) -> None:
        """Replace the sums of the networks Long[p]."""
        self._sums[:, which] = sums

    def within(self, sums: torch.Tensor) -> torch.Tensor | None:
        """Bool[p], which networks of these sums may still be within the limit; None where all may."""
        if self._limit is None:
            return None
        loss, errors = sums.cpu().numpy()  # NumPy, as these are a few short operations for every block
        keep = ~(loss / self.n > self._limit.loss) & ((self.n - errors) / self.n >= self._limit.accuracy)
        return None if keep.all() else torch.from_numpy(keep).to(sums.device)

    def prune(self) -> None:
        """Leave those outside the limit out of `alive`."""
        keep = self.within(self.noted(self.alive))
        if keep is not None:
            self.alive = self.alive[keep]

    def score(self) -> Score:
        """The fitness, once every network alive has seen all examples."""
        keep = self.within(self._sums)
        return score(self._sums if keep is None else self._sums.where(keep, torch.inf), self.n)


def score(sums: torch.Tensor, n: int) -> Score:
    """The fitness of P networks from Float64[2, P], their losses and errors summed over `n` examples."""
    good = sums[0].isfinite()
    return Score(torch.where(good, sums[0] / n, torch.inf), torch.where(good, (n - sums[1]) / n, 0.0))


def sums(logits: torch.Tensor, y: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
    """Float64[2, p]: summed cross-entropy and errors for logits [p, C, B], which are overwritten.

    `y` Long[B]; `own` Long[B]: where each example's class is in a flat [C, B]. Of equal logits the first class wins.
    """
    top = logits.amax(1)
    mine = logits.flatten(1).index_select(1, own)
    wrong = mine != top
    below = logits.sub_(top[:, None])
    if _zeros(below) != top.numel():  # somewhere two classes share the top, or there is none
        classes = torch.arange(logits.shape[1], device=y.device)[:, None]
        wrong |= ((below == 0) & (classes < y)).any(1)
    below.clamp_min_(_LEAST)
    loss = below.exp_().sum(1).log_().add_(top).sub_(mine)
    return torch.stack([loss.sum(1, dtype=torch.float64), wrong.sum(1, dtype=torch.float64)])


def _zeros(x: torch.Tensor) -> int:
    """How many entries are zero; NumPy takes a tenth of the time."""
    if x.device.type == "cpu":
        return int(np.count_nonzero(np.equal(x.numpy(), 0)))
    return x.numel() - int(torch.count_nonzero(x))
