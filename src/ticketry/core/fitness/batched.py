"""The kernel for plain stacks: many masked networks on the same examples, in few large products.

Activations lie unit by unit, examples along the rows. The first layer of a chunk of networks is one product, as they
share their input, and is computed once where networks have rows in common; a later layer is one batched product. Layers
that keep few of their weights are computed by `fitness.sparse_rows`. A chunk is as large as lets its activations stay
in a cache from one layer to the next.

The numbers of a network depend neither on the others in its chunk nor on who was given up; which layers are sparse, and
with it the rounding, depends on the population's density.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch.nn import functional

from ticketry.core.fitness.examples import LARGEST, Block, Examples
from ticketry.core.fitness.population import Part, Population
from ticketry.core.fitness.sharing import distinct
from ticketry.core.fitness.sparse_rows import SparseRows, pays, sparse_rows
from ticketry.core.fitness.totals import FitnessTotals
from ticketry.core.nets.stack import Affine, Stack

BYTES = 6 * 2**20  # of activations of the widest layer that are in work at a time
WEIGHTS = 2**26  # bytes of masked weights that are in memory at a time, but for a factor of about three
_ROWS = 8  # BLAS sums fewer rows than this in another order than it sums many
_PRUNED = 0.9  # share of a chunk within the limit up to which it pays to leave the others out


def run(stack: Stack, population: Population, prepared: Iterable[Examples], totals: FitnessTotals) -> None:
    """Count losses and misses of all networks on all examples, in the FitnessTotals."""
    widths = [population.space.layers[affine.weight].shape[0] for affine in stack.layers]
    most = min(BYTES // (4 * max(widths) * LARGEST), WEIGHTS // (4 * population.space.total))
    chunks = -(-len(population) // max(1, most))
    size = -(-len(population) // max(1, chunks))  # all about equal
    room = [population.base.new_empty(max(_ROWS, size * width) * LARGEST) for width in widths]
    densities = population.densities()
    sparse = [pays(densities[affine.weight], width) for affine, width in zip(stack.layers, widths, strict=True)]
    extreme = population.base if population.factors is None else population.base * population.factors.max()
    for examples in prepared:
        safe = extreme.device.type == "cpu" and not stack.overflows(extreme, population.space, examples.largest)
        for which in torch.split(totals.alive, max(1, size)):
            if len(which):
                chunk = _Chunk(stack, population.part(which), examples, [safe and layer for layer in sparse], room)
                _count(chunk, which, examples, totals)
        totals.prune()


def _count(chunk: _Chunk, which: torch.Tensor, examples: Examples, totals: FitnessTotals) -> None:
    total = totals.noted(which)
    for block in examples.blocks:
        total += totals.loss.sums(chunk.outputs(block), block.targets)
        totals.meter.spend(forward=which.shape[0] * block.x.shape[1])
        keep = totals.within(total)
        if keep is not None and int(keep.sum()) <= _PRUNED * which.shape[0]:
            totals.note(which, total)
            which, total = which[keep], total[:, keep]
            if which.shape[0] == 0:
                return
            chunk.keep(keep)
    totals.note(which, total)


class _Chunk:
    """Networks that are evaluated together. `room`: where the activations of each layer go."""

    def __init__(
        self, stack: Stack, part: Part, examples: Examples, sparse: list[bool], room: list[torch.Tensor]
    ) -> None:
        self._layers, self._sparse, self._room = stack.layers, sparse, room
        self._outputs = part.layers[stack.layers[-1].weight].shape[0]
        self._weights = [part.weights(affine.weight) for affine in stack.layers[1:]]
        first = stack.layers[0]
        p, out, _ = part.mask(first.weight).shape
        shared = distinct(part.mask(first.weight)) if self._weights and part.factors is None else None
        self._shared = shared is not None
        if shared is not None:
            which, self._index = shared
            weights = part.rows(first.weight, which)
        else:
            which = torch.arange(p * out, device=part.base.device)
            self._index = which.view(p, out)
            weights = part.weights(first.weight).flatten(0, 1)
        self._rows = _padded(examples.rows(weights, None if first.bias is None else first.bias[which % out]))
        self._prepare()

    def keep(self, keep: torch.Tensor) -> None:
        """Go on with some of the networks, Bool[p]."""
        index = self._index[keep]
        used = torch.zeros(self._rows.shape[0], dtype=torch.bool, device=index.device)
        used[index.flatten()] = True
        self._rows, self._index = _padded(self._rows[used]), (used.cumsum(0) - 1)[index]
        self._weights = [weight[keep] for weight in self._weights]
        self._prepare()

    def outputs(self, block: Block) -> torch.Tensor:
        """Float[p, C, B]. `table` holds the outputs of a layer, of all networks."""
        n = block.x.shape[1]
        entries, affine = self._entries[0], self._layers[0]
        if entries is not None:
            table = entries.times(block.x)
        elif self._shared:
            table = torch.mm(self._rows[:, : block.x.shape[0] - 1], block.x[:-1])
        else:
            target = _place(self._room[0], self._rows.shape[0], n)
            table = torch.mm(self._rows[:, : block.x.shape[0] - 1], block.x[:-1], out=target)
        _relu(table, affine)
        places: torch.Tensor | None = self._index.flatten() if self._shared else None
        for number, weight in enumerate(self._weights, 1):
            entries, affine = self._entries[number], self._layers[number]
            p, out, inputs = weight.shape
            if entries is not None:
                table = entries.times(table)
                if affine.bias is not None:
                    table.view(p, out, n).add_(affine.bias[:, None])
            else:
                if places is not None:
                    table = torch.index_select(table, 0, places, out=_place(self._room[0], p * inputs, n))
                hidden, target = table[: p * inputs].view(p, inputs, n), _place(self._room[number], p, out, n)
                if affine.bias is None:
                    torch.bmm(weight, hidden, out=target)
                else:
                    torch.baddbmm(affine.bias[:, None], weight, hidden, out=target)
                table = target.view(p * out, n)
            places = None
            _relu(table, affine)
        return table[: self._index.shape[0] * self._outputs].view(-1, self._outputs, n)

    def _prepare(self) -> None:
        """Find the entries of sparse layers."""
        self._entries: list[SparseRows | None] = [None] * len(self._layers)
        if self._sparse[0]:
            self._entries[0] = sparse_rows(self._rows[None], torch.arange(self._rows.shape[1])[None])
        index = self._index
        for number, weight in enumerate(self._weights, 1):
            if self._sparse[number]:
                self._entries[number] = sparse_rows(weight, index)
            index = torch.arange(weight.shape[0] * weight.shape[1]).view(weight.shape[:2])


def _place(room: torch.Tensor, *shape: int) -> torch.Tensor:
    """The beginning of an array as an array of this shape."""
    return room[: math.prod(shape)].view(shape)


def _padded(rows: torch.Tensor) -> torch.Tensor:
    """At least 8 rows, so that the product of each does not depend on how many there are."""
    return rows if len(rows) >= _ROWS else functional.pad(rows, (0, 0, 0, _ROWS - len(rows)))


def _relu(hidden: torch.Tensor, affine: Affine) -> None:
    if affine.relu:
        hidden.relu_()
