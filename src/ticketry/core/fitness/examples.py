"""Examples as columns, in blocks, without the features that do not vary: what products with many networks take.

The background of an image is the same number in most examples. With c the usual value of each feature,
W x + b = (W c + b) + W (x - c), and W (x - c) needs only the features in which x differs from c. Features are put in
the order of how often they differ, and examples in the order of their rarest such feature, so that each block of
examples needs a prefix of the features only: of 784 in MNIST about 410 on average, of 64 in digits 48. The sums are
the same up to rounding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import torch

from ticketry.core.nets.feed import READY, Feed
from ticketry.core.nets.loss import Columns, Loss

SLAB = 2**26  # bytes of examples prepared in one piece
SMALLEST, LARGEST = 64, 256  # examples of a block
_WORTH = 0.95  # share of the features used above which the weights are not rearranged
_SAMPLE = 63  # examples whose median is taken for the usual value; it affects the speed only


def ranges(n: int, largest: int = LARGEST) -> Iterator[slice]:
    """Consecutive ranges over n: a sixteenth first, then three times as many as were seen before, up to `largest`.

    They are small first so that a network outside a Limit costs little, and depend on nothing but n, so that sums over
    them are the same with and without one.
    """
    start = 0
    while start < n:
        size = min(largest, max(SMALLEST, 3 * start or n // 16))
        yield slice(start, start + size)
        start += size


@dataclass(frozen=True, eq=False)
class Block:
    """B examples: `x` Float[K + 2, B], ones, the deviations of the K first features, and zeros; `targets`: theirs."""

    x: torch.Tensor
    targets: Columns


@dataclass(frozen=True, eq=False)
class Examples:
    """`usual`: Float[d], c above. `order`: Long[K], the features that vary, most often first; None for all as is."""

    usual: torch.Tensor
    order: torch.Tensor | None
    blocks: tuple[Block, ...]
    largest: torch.Tensor
    """Float[]: the largest absolute value in the examples."""

    def rows(self, weights: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        """Float[R, 1 + K], of which the first columns are multiplied with a block, for weights Float[R, d]."""
        constant = torch.mv(weights, self.usual) if bias is None else torch.addmv(bias, weights, self.usual)
        varying = weights if self.order is None else weights.index_select(1, self.order)
        return torch.cat([constant[:, None], varying], 1)


class PreparedExamples:
    """The examples of a feed, prepared in pieces; kept once they are, unless they are large."""

    def __init__(self, feed: Feed, loss: Loss) -> None:
        self.feed, self.loss = feed, loss
        self._kept: list[Examples] | None = None

    @cached_property
    def worst(self) -> float:
        """The misses that make quality 0; see Loss.worst."""
        return self.loss.worst(self.feed.y)

    def __iter__(self) -> Iterator[Examples]:
        if self._kept is not None:
            return iter(self._kept)
        each, n = 4 * self.feed.x[0].numel(), len(self.feed)
        size = max(LARGEST, SLAB // each)
        prepared = (prepare(*self.feed.batch(slice(start, start + size)), self.loss) for start in range(0, n, size))
        if each * n > READY:
            return prepared
        self._kept = list(prepared)
        return iter(self._kept)


def prepare(x: torch.Tensor, y: torch.Tensor, loss: Loss) -> Examples:
    """Arrange n examples Float[n, ...] with their targets. Takes as much memory as they do, and as much to work in."""
    x = x.flatten(1)
    n, d = x.shape
    largest = x.abs().max()
    usual = x[:_SAMPLE].median(0).values
    differs = x != usual
    often, order = differs.sum(0).sort(descending=True, stable=True)
    rank = torch.empty(d, dtype=torch.int32, device=x.device)
    rank[order] = torch.arange(1, d + 1, dtype=torch.int32, device=x.device)
    needed, arrangement = (differs * rank).amax(1).sort(stable=True)
    parts = [(arrangement[part], int(needed[part][-1])) for part in ranges(n)]
    if sum(len(index) * k for index, k in parts) > _WORTH * n * d:
        parts = [(arrangement[part], d) for part in ranges(n)]
        blocks = tuple(_block(x[index], y[index], loss) for index, _ in parts)
        return Examples(torch.zeros_like(usual), None, blocks, largest)
    blocks = tuple(_block((x[index] - usual).index_select(1, order[:k]), y[index], loss) for index, k in parts)
    return Examples(usual, order[: int((often > 0).sum())], blocks, largest)


def _block(x: torch.Tensor, y: torch.Tensor, loss: Loss) -> Block:
    return Block(torch.cat([x.new_ones(1, len(y)), x.T, x.new_zeros(1, len(y))]), loss.columns(y))
