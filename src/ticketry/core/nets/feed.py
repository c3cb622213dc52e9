"""Feed: a set of examples on the device, normalised and augmented a batch at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ticketry.core.nets.augment import crop_flip
from ticketry.core.seed.streams import Stream

READY = 2**28  # bytes up to which examples are kept normalised: a tenth of a small network's step


@dataclass(frozen=True, eq=False)
class Batch:
    """B examples: `x` Float[B, ...], `y` Long[B], or Float[B, K]."""

    x: torch.Tensor
    y: torch.Tensor


@dataclass(frozen=True, eq=False)
class Feed:
    """Examples and targets of one split.

    `x`: Float[n, ...], or uint8[n, ...] in units of 1/255; `y`: Long[n] classes or Float[n, K] quantities.

    Floats are normalised already. uint8, a quarter of the memory, is normalised a batch at a time, x * gain + shift,
    with `gain` and `shift` per channel or one for all.
    """

    x: torch.Tensor
    y: torch.Tensor
    gain: torch.Tensor
    shift: torch.Tensor

    def __len__(self) -> int:
        return len(self.y)

    def batch(self, index: torch.Tensor | slice, augment: Stream | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Float[B, ...] examples and their targets; with a stream, randomly cropped and flipped."""
        x, y = (self._taken(part, index) for part in (self.x, self.y))
        if augment is not None:
            x = crop_flip(x, augment)
        return _normal(x, self.gain, self.shift) if x.dtype == torch.uint8 else x, y

    @staticmethod
    def _taken(values: torch.Tensor, index: torch.Tensor | slice) -> torch.Tensor:
        """values[index]; index_select copies whole rows, in a third of the time."""
        return values[index] if isinstance(index, slice) else values.index_select(0, index)


def feed(
    x: NDArray[np.generic],
    y: NDArray[Any],
    mean: tuple[float, ...],
    std: tuple[float, ...],
    device: torch.device,
    augmented: bool = False,
) -> Feed:
    """Put arrays on the device. uint8 is taken as units of 1/255; mean and std are per channel, or one for all.

    uint8 that will be augmented, or is large, stays uint8; all else is normalised here, once.
    """
    unit = 255.0 if x.dtype == np.uint8 else 1.0
    form = (-1, *[1] * (x.ndim - 2)) if len(mean) > 1 else (1,)
    gain = torch.tensor([1 / (unit * s) for s in std], dtype=torch.float32).view(form).to(device)
    shift = torch.tensor([-m / s for m, s in zip(mean, std, strict=True)], dtype=torch.float32).view(form).to(device)
    examples = torch.from_numpy(x).to(device)
    if examples.dtype != torch.uint8 or (not augmented and 4 * examples.numel() <= READY):
        examples = _normal(examples, gain, shift)
    return Feed(examples, torch.from_numpy(y).to(device), gain, shift)


def _normal(x: torch.Tensor, gain: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    return x.to(torch.float32, copy=True).mul_(gain).add_(shift)


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
