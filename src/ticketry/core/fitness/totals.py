"""Sums over examples that become the fitness of networks, and the limit beyond which a network sees no more of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from ticketry.core.meters import Meter
from ticketry.core.nets.loss import Loss


@dataclass(frozen=True, eq=False)
class Score:
    """Fitness of P networks: mean loss and quality, Float64[P] each.

    A network whose loss is not a finite number has loss infinity and the least quality, so it never wins.
    """

    loss: torch.Tensor
    quality: torch.Tensor


@dataclass(frozen=True)
class Limit:
    """What a network must reach to be of interest: a loss of at most `loss` and a quality of at least `quality`.

    One that does not has loss infinity and the least quality, and sees no more examples once that is certain: neither
    its summed loss nor its misses can shrink. This is racing on growing subsets that never errs: with the worst
    survivor as the limit, a truncation selection chooses what it would choose without, and a random mask, late in a
    search, costs a sixteenth of an evaluation. The numbers of all others are those without a limit.
    """

    loss: float = math.inf
    quality: float = -math.inf


class FitnessTotals:
    """Losses and misses of P networks on `n` examples in all, summed in float64 (see Loss.sums).

    `worst`: the misses on these examples that make quality 0.
    """

    def __init__(
        self, p: int, n: int, worst: float, loss: Loss, limit: Limit | None, device: torch.device, meter: Meter
    ) -> None:
        self.n, self.loss, self.meter, self._worst, self._limit = n, loss, meter, worst, limit
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
        loss, misses = sums.cpu().numpy()  # NumPy, as these are a few short operations for every block
        reached = (self._worst - misses) / self._worst if self._worst else np.zeros_like(misses)
        keep = ~(loss / self.n > self._limit.loss)
        keep &= np.maximum(reached, self.loss.floor) >= self._limit.quality
        return None if keep.all() else torch.from_numpy(keep).to(sums.device)

    def prune(self) -> None:
        """Leave those outside the limit out of `alive`."""
        keep = self.within(self.noted(self.alive))
        if keep is not None:
            self.alive = self.alive[keep]

    def score(self) -> Score:
        """The fitness, once every network alive has seen all examples."""
        keep = self.within(self._sums)
        sums = self._sums if keep is None else self._sums.where(keep, torch.inf)
        return score(sums, self.n, self._worst, self.loss.floor)


def score(sums: torch.Tensor, n: int, worst: float, floor: float) -> Score:
    """The fitness of P networks from Float64[2, P], their losses and misses summed over `n` examples."""
    good = sums[0].isfinite()
    reached = ((worst - sums[1]) / worst).clamp(min=floor) if worst else torch.zeros_like(sums[1])
    return Score(torch.where(good, sums[0] / n, torch.inf), torch.where(good, reached, floor))
