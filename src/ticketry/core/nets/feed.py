"""Feed: a set of examples on the device, scaled and augmented a batch at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ticketry.core.nets.augment import crop_flip
from ticketry.core.scaling import AS_IS, Numbers, Scaling
from ticketry.core.seed.streams import Stream

READY = 2**28  # bytes up to which examples are kept scaled: a tenth of a small network's step


@dataclass(frozen=True, eq=False)
class Batch:
    """B examples: `x` Float[B, ...], `y` Long[B], or Float[B, K]."""

    x: torch.Tensor
    y: torch.Tensor


class Affine(NamedTuple):
    """A scaling on the device: `gain` and `shift`, Float[1], or Float[C] and Float[C, 1, 1] for one a channel."""

    gain: torch.Tensor
    shift: torch.Tensor

    @classmethod
    def of(cls, scaling: Scaling, dimensions: int, device: torch.device) -> Affine:
        """For examples of so many dimensions."""
        form = (-1, *[1] * (dimensions - 1)) if len(scaling.pairs) > 1 else (1,)
        both = (torch.tensor(one, dtype=torch.float32).view(form) for one in zip(*scaling.pairs, strict=True))
        return cls(*(one.to(device) for one in both))

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Float[B, ...]: inputs, of numbers of any type; rounded to float32 after each of the two operations."""
        return x.to(torch.float32, copy=True).mul_(self.gain).add_(self.shift)


@dataclass(frozen=True, eq=False)
class Feed:
    """Examples and targets of one split.

    `x`: Float[n, ...] inputs, or numbers, uint8 (a quarter of the memory) or float, where `affine` is what makes
    inputs of them, a batch at a time; `y`: Long[n] classes or Float[n, K] quantities.
    """

    x: torch.Tensor
    y: torch.Tensor
    affine: Affine | None = None

    def __len__(self) -> int:
        return len(self.y)

    def batch(self, index: torch.Tensor | slice, augment: Stream | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Float[B, ...] examples and their targets; with a stream, randomly cropped and flipped."""
        x, y = (self._taken(part, index) for part in (self.x, self.y))
        if augment is not None:
            x = crop_flip(x, augment)
        return x if self.affine is None else self.affine(x), y

    @staticmethod
    def _taken(values: torch.Tensor, index: torch.Tensor | slice) -> torch.Tensor:
        """values[index]; index_select copies whole rows, in a third of the time."""
        return values[index] if isinstance(index, slice) else values.index_select(0, index)


def feed(x: Numbers, y: NDArray[Any], scaling: Scaling, device: torch.device, augmented: bool = False) -> Feed:
    """Put numbers, as `core.scaling.numbers` gives them, and targets on the device.

    Large uint8, and images of bytes that will be augmented, are scaled a batch at a time; all else here, once.
    """
    examples, targets = torch.from_numpy(x).to(device, copy=True), torch.from_numpy(y).to(device)
    if scaling == AS_IS:
        return Feed(examples, targets)
    affine = Affine.of(scaling, x.ndim - 1, device)
    if (augmented and scaling.unit == "u8") or (x.dtype == np.uint8 and 4 * examples.numel() > READY):
        return Feed(examples, targets, affine)
    return Feed(affine(examples), targets)


def inputs(x: Numbers, scaling: Scaling) -> torch.Tensor:
    """Float[B, ...] on the CPU: what a network takes, from numbers as `core.scaling.numbers` gives them."""
    numbers = torch.from_numpy(x)
    return numbers.clone() if scaling == AS_IS else Affine.of(scaling, x.ndim - 1, numbers.device)(numbers)


def parts(n: int, size: int) -> list[slice]:
    """Consecutive batches of n examples; a last one of a single example joins the one before, for batch norms' sake."""
    starts = list(range(0, n, size))
    if n % size == 1 and n > size > 1:
        starts.pop()
    return [slice(start, stop) for start, stop in zip(starts, [*starts[1:], n], strict=True)]


def sample(n: int, most: int, size: int, draw: Stream) -> list[torch.Tensor]:
    """Long[B] each: batches of `size` of the n examples, `most` in all, in random order, as a file may be sorted."""
    order = torch.from_numpy(draw.permutation(n)[:most])
    return [order[part] for part in parts(len(order), size)]
