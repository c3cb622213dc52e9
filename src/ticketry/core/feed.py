"""Feed: a set of examples on the device, normalised and augmented a batch at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ticketry.core.augment import crop_flip
from ticketry.core.streams import Stream


@dataclass(frozen=True, eq=False)
class Feed:
    """Examples and labels of one split. uint8 stays uint8 until a batch is drawn: a quarter of the memory.

    `x`: uint8 or float32 [n, ...]; `y`: int64 [n]; `gain`, `shift`: per channel (or one value), applied to a batch
    as x * gain + shift.
    """

    x: torch.Tensor
    y: torch.Tensor
    gain: torch.Tensor
    shift: torch.Tensor

    def __len__(self) -> int:
        return len(self.y)

    def batch(self, index: torch.Tensor | slice, augment: Stream | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Float[B, ...] examples and Long[B] labels; with a stream, randomly cropped and flipped."""
        x = self.x[index]
        if augment is not None:
            x = crop_flip(x, augment)
        return self._normal(x), self.y[index]

    def _normal(self, x: torch.Tensor) -> torch.Tensor:
        if x.dtype == torch.uint8:
            return x.float().mul_(self.gain).add_(self.shift)
        return x * self.gain + self.shift


def feed(
    x: NDArray[np.generic],
    y: NDArray[np.int64],
    mean: tuple[float, ...],
    std: tuple[float, ...],
    device: torch.device,
) -> Feed:
    """Put arrays on the device. uint8 is taken as units of 1/255; mean and std are per channel, or one for all."""
    unit = 255.0 if x.dtype == np.uint8 else 1.0
    form = (-1, *[1] * (x.ndim - 2)) if len(mean) > 1 else (1,)
    gain = torch.tensor([1 / (unit * s) for s in std], dtype=torch.float32).view(form)
    shift = torch.tensor([-m / s for m, s in zip(mean, std, strict=True)], dtype=torch.float32).view(form)
    return Feed(*(t.to(device) for t in (torch.from_numpy(x), torch.from_numpy(y), gain, shift)))
