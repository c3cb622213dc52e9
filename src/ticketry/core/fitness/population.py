"""Networks that share their weights and differ in their masks."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ticketry.core.masks import mask as bits
from ticketry.core.masks.space import Layer, Space


@dataclass(frozen=True, eq=False)
class Population:
    """P networks: weights `base` Flat[N] under `masks` Bool[P, D].

    `factors`: Float[P, L], what each layer's kept weights are multiplied by; None where that is one.
    """

    space: Space
    base: torch.Tensor
    masks: torch.Tensor
    factors: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.masks)

    def densities(self) -> list[float]:
        """Of each layer, the part of its weights that is kept, on average."""
        segments = zip(self.space.layers, self.space.segments, self.space.layers_on, strict=True)
        kept = [(layer, self.masks[:, start:stop], on) for layer, (start, stop), on in segments]
        return [(int(torch.count_nonzero(m)) / max(1, len(m)) + on) / layer.size for layer, m, on in kept]

    def part(self, which: torch.Tensor) -> Part:
        """The networks of these numbers, Long[p]."""
        masks, space = self.masks[which], self.space
        if space.index is not None:
            locked = self.base.new_zeros(space.total, dtype=torch.bool) if space.on is None else space.on
            masks = locked.repeat(len(masks), 1).scatter_(1, space.index.expand(len(masks), -1), masks)
        return Part(space.layers, self.base, masks, None if self.factors is None else self.factors[which])


@dataclass(frozen=True, eq=False)
class Part:
    """A few of the networks, `masks` Bool[p, N] with the locks written out."""

    layers: tuple[Layer, ...]
    base: torch.Tensor
    masks: torch.Tensor
    factors: torch.Tensor | None

    def mask(self, number: int) -> torch.Tensor:
        """Bool[p, *shape] of a layer."""
        layer = self.layers[number]
        return self.masks[:, layer.start : layer.stop].view(-1, *layer.shape)

    def weights(self, number: int) -> torch.Tensor:
        """Float[p, *shape] of a layer."""
        mask, layer = self.mask(number), self.layers[number]
        base = self.base[layer.start : layer.stop].view(layer.shape)
        weights = bits.masked(base, mask, out=base.new_empty(mask.shape))
        if self.factors is None:
            return weights
        return weights.mul_(self.factors[:, number].view(-1, *[1] * len(layer.shape)))

    def rows(self, number: int, which: torch.Tensor) -> torch.Tensor:
        """Float[U, in]: the rows Long[U], in the flat [p * out], of the unscaled weights of a linear layer."""
        layer = self.layers[number]
        unit = which % layer.shape[0]
        base = self.base[layer.start : layer.stop].view(layer.shape).index_select(0, unit)
        return bits.masked(base, self.mask(number)[which // layer.shape[0], unit], out=base)

    def flat(self) -> torch.Tensor:
        """Flat[p, N]: all weights."""
        return torch.cat([self.weights(number).flatten(1) for number in range(len(self.layers))], 1)
