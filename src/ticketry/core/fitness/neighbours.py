"""Neighbours of one mask, a bit away each, evaluated by what that bit changes.

z_l are the sums that reach the units of layer l, for all examples, and a_l = relu(z_l); z of the current mask is kept.
Switching the weight w from input i to unit j of layer l on (s = 1) or off (s = -1) gives

    z'_l[j] = z_l[j] + s w a_{l-1}[i],    d = relu(z'_l[j]) - a_l[j],    z'_{l+1} = z_{l+1} + W_{l+1}[:, j] d,

and the layers after that, where there are any, as always. With one hidden layer this is hardly more than the softmax.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ticketry.core.fitness.population import Population
from ticketry.core.fitness.totals import Score, score
from ticketry.core.meters import Meter
from ticketry.core.nets.loss import Columns, Loss
from ticketry.core.nets.stack import Stack

EXAMPLES = 2048  # in work at a time
NUMBERS = 2**20  # of the largest array in work at a time
REFRESH = 64  # flips applied until everything is computed anew, so that rounding errors do not add up
_ALL = slice(None)


class _Flips(NamedTuple):
    """Flips in one layer, counted from 1: their numbers, units and inputs, Long[F], and what they add to weights."""

    layer: int
    which: torch.Tensor
    units: torch.Tensor
    inputs: torch.Tensor
    steps: torch.Tensor


class Neighbours:
    """One mask and its neighbours on the same examples, for plain stacks of untied weights that are not scaled.

    Losses and qualities are those of `Task.fitness` but for float32 rounding: losses to 1e-5 of them, or of 1 where
    they are smaller. Needs four bytes for every example times feature and example times unit.
    """

    loss: float
    """Mean loss of the current mask; infinite where it is not a number."""
    quality: float
    """Quality of the current mask."""

    def __init__(
        self, stack: Stack, population: Population, x: torch.Tensor, y: torch.Tensor, loss: Loss, meter: Meter
    ) -> None:
        """For the one network of a `population`. Every flip is an evaluation, and all its examples forward."""
        space = population.space
        self._device, self._meter, self._n = x.device, meter, len(y)
        self._losses, self._worst = loss, loss.worst(y)
        self._mask: NDArray[np.bool_] = population.masks[0].cpu().numpy().copy()
        self._base: NDArray[np.float32] = population.base.cpu().numpy()
        self._index = None if space.index is None else space.index.cpu().numpy()
        self._places = [space.layers[affine.weight] for affine in stack.layers]
        network = population.part(torch.zeros(1, dtype=torch.int64, device=x.device))
        self._weights = [network.weights(affine.weight)[0] for affine in stack.layers]
        self._biases = [affine.bias for affine in stack.layers]
        self._relu = [False, *(affine.relu for affine in stack.layers)]
        self._z = [x.flatten(1).T.contiguous(), *self._weights]  # all but the first are replaced below
        self._parts: list[tuple[slice, Columns]] = [
            (slice(start, start + EXAMPLES), loss.columns(y[start : start + EXAMPLES]))
            for start in range(0, self._n, EXAMPLES)
        ]
        self._applied = 0
        meter.spend(evaluations=1, forward=self._n)
        self._forward(1)

    @property
    def mask(self) -> torch.Tensor:
        """Bool[D]: the current mask; a copy."""
        return torch.from_numpy(self._mask.copy()).to(self._device)

    def flips(self, positions: torch.Tensor) -> Score:
        """Loss and quality, Float64[K] each, of the K masks that differ from the current one at one of Long[K]."""
        self._meter.spend(evaluations=len(positions), forward=len(positions) * self._n)
        table = torch.zeros(2, len(positions), dtype=torch.float64, device=self._device)
        for flips in self._located(positions.cpu().numpy()):
            for part, targets in self._parts:
                table[:, flips.which] += self._losses.sums(self._neighbours(flips, part), targets)
        return score(table, self._n, self._worst, self._losses.floor)

    def apply(self, position: int) -> None:
        """Flip one bit of the current mask for good."""
        self._meter.spend(forward=self._n)
        [(layer, _, unit, entry, step)] = self._located(np.array([position]))
        self._mask[position] ^= True
        self._weights[layer - 1][unit, entry] += step
        self._applied += 1
        if self._applied % REFRESH == 0:
            self._forward(1)
            return
        before = self._out(layer, unit, _ALL)
        self._z[layer][unit] += step * self._out(layer - 1, entry, _ALL)
        if layer < len(self._weights):
            self._z[layer + 1] += self._weights[layer][:, unit] * (self._out(layer, unit, _ALL) - before)
        self._forward(layer + 2)

    def _located(self, positions: NDArray[np.int64]) -> Iterator[_Flips]:
        """The flips, layer by layer, and few enough at a time."""
        whole = positions if self._index is None else self._index[positions]
        steps = np.where(self._mask[positions], -self._base[whole], self._base[whole])
        for layer, place in enumerate(self._places, 1):
            every = np.flatnonzero((whole >= place.start) & (whole < place.stop))
            tallest = max(len(z) for z in self._z[min(layer + 1, len(self._weights)) :])
            size = max(1, NUMBERS // (tallest * min(self._n, EXAMPLES)))
            for start in range(0, len(every), size):
                which = every[start : start + size]
                units, inputs = np.divmod(whole[which] - place.start, place.shape[1])
                found = (torch.from_numpy(a).to(self._device) for a in (which, units, inputs, steps[which]))
                yield _Flips(layer, *found)

    def _neighbours(self, flips: _Flips, part: slice) -> torch.Tensor:
        """Logits [F, C, B] of F flips on a part of the examples."""
        layer, _, units, inputs, steps = flips
        flipped = self._z[layer][:, part].index_select(0, units)
        flipped.addcmul_(steps[:, None], self._out(layer - 1, inputs, part))
        self._activate(layer, flipped)
        if layer == len(self._weights):
            logits = self._out(layer, None, part).repeat(len(units), 1, 1)
            logits[torch.arange(len(units), device=self._device), units] = flipped
            return logits
        change = flipped.sub_(self._out(layer, units, part))
        outgoing = self._weights[layer].index_select(1, units).T
        hidden = torch.addcmul(self._z[layer + 1][None, :, part], outgoing[:, :, None], change[:, None])
        self._activate(layer + 1, hidden)
        for deeper in range(layer + 2, len(self._z)):
            hidden = self._activate(deeper, self._sum(deeper, hidden))
        return hidden

    def _forward(self, layer: int) -> None:
        """Compute a layer and all behind it from the one before; loss and quality with them."""
        last = len(self._weights)
        for number in range(layer, last + 1):
            self._z[number] = self._sum(number, self._out(number - 1, None, _ALL)[None])[0]
        parts = (self._losses.sums(self._out(last, None, part)[None], targets) for part, targets in self._parts)
        found = score(torch.stack(list(parts)).sum(0), self._n, self._worst, self._losses.floor)
        self.loss, self.quality = float(found.loss), float(found.quality)

    def _out(self, layer: int, units: torch.Tensor | None, part: slice) -> torch.Tensor:
        """Float[U, B]: what some units of a layer, or all, give the next; a copy."""
        z = self._z[layer][:, part]
        return self._activate(layer, z.clone() if units is None else z.index_select(0, units))

    def _activate(self, layer: int, z: torch.Tensor) -> torch.Tensor:
        return z.relu_() if self._relu[layer] else z

    def _sum(self, layer: int, hidden: torch.Tensor) -> torch.Tensor:
        """Float[F, out, B], what reaches the units of a layer from the outputs Float[F, in, B] of the one before."""
        weight, bias = self._weights[layer - 1].expand(len(hidden), -1, -1), self._biases[layer - 1]
        return torch.bmm(weight, hidden) if bias is None else torch.baddbmm(bias[:, None], weight, hidden)
