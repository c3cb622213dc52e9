"""Effective weights: those of the network that a mask selects, base x mask x scale factor, without a copy a call."""

from __future__ import annotations

import torch

from ticketry.core.masks import mask as masks
from ticketry.core.masks.space import Space
from ticketry.core.seed import weights


class EffectiveWeights:
    """For untrained weights `base`, Flat[N], rescaled for density as `scale` says.

    `masked`: Flat[N], the weights of the last mask; `scaled`: views of all weights before that mask, layer by layer.
    """

    def __init__(self, space: Space, base: torch.Tensor, scale: weights.Scale) -> None:
        self._space, self._base, self._scale = space, base, scale
        self._layers = [(layer.start, layer.stop) for layer in space.layers]
        self._sizes = [stop - start for start, stop in self._layers]
        self._flat, self._scaled_by = base.clone(), [1.0] * len(self._layers)
        self._whole = space.full(torch.zeros(space.size, dtype=torch.bool, device=base.device))
        self.masked = torch.zeros_like(base)
        self.scaled = list(space.views(self._flat).values())

    def of(self, mask: torch.Tensor) -> torch.Tensor:
        """Flat[N] for Bool[D], locks included: `masked`, which the next call overwrites."""
        whole = mask
        if self._space.index is not None:  # the locked positions of the buffer never change
            whole = self._whole.scatter_(0, self._space.index, mask)
        factors = self._factors(whole)
        for i, (start, stop) in enumerate(self._layers):
            if factors[i] != self._scaled_by[i]:
                torch.mul(self._base[start:stop], factors[i], out=self._flat[start:stop])
        self._scaled_by = factors
        return masks.masked(self._flat, whole, out=self.masked)

    def expected(self, chance: torch.Tensor) -> torch.Tensor:
        """Flat[N], not masked: scaled for the densities that probabilities Float[N] lead one to expect."""
        kept = [round(float(chance[start:stop].sum())) for start, stop in self._layers]
        factors = weights.factors(self._scale, self._sizes, kept)
        parts = zip(self._layers, factors, strict=True)
        return torch.cat([self._base[start:stop] * float(factor) for (start, stop), factor in parts])

    def factors(self, several: torch.Tensor) -> torch.Tensor | None:
        """Float[P, L]: the factors of each mask of Bool[P, D]; None where all are 1."""
        if self._scale == "none":
            return None
        return torch.tensor([self._factors(self._space.full(mask)) for mask in several], device=self._base.device)

    def _factors(self, whole: torch.Tensor) -> list[float]:
        """The factor of each layer's weights for Bool[N]."""
        if self._scale == "none":
            return [1.0] * len(self._sizes)
        kept = masks.counts(whole, self._layers)
        return [float(factor) for factor in weights.factors(self._scale, self._sizes, kept)]
