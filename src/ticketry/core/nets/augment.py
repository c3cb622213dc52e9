"""The usual augmentation of small images, random crop and flip, over a whole batch at once."""

from __future__ import annotations

import torch
from torch.nn import functional

from ticketry.core.seed.streams import Stream


def crop_flip(x: torch.Tensor, stream: Stream, pad: int = 4) -> torch.Tensor:
    """Crop each image at random from itself with `pad` zero pixels on every side, and mirror half of them.

    x is (B, C, H, W) of any dtype; the result has its shape, dtype and device. One 32-bit word of the stream decides
    each image, as row offset, column offset and flip of the number `(row * (2 pad + 1) + column) * 2 + flip`, so that
    every device gives the same images. The padding has the value zero: normalise after the crop, not before.
    """
    batch, channels, height, width = x.shape
    places = 2 * pad + 1
    drawn = torch.from_numpy(stream.integers(batch, 2 * places * places)).to(x.device)
    flip, column, row = drawn % 2, drawn // 2 % places, drawn // (2 * places)
    across = torch.arange(width, device=x.device)
    columns = column[:, None] + torch.where(flip[:, None] == 1, width - 1 - across, across)
    rows = row[:, None] + torch.arange(height, device=x.device)
    index = (rows[:, :, None] * (width + 2 * pad) + columns[:, None, :]).view(batch, 1, height * width)
    padded = functional.pad(x, (pad, pad, pad, pad)).flatten(2)
    return padded.gather(2, index.expand(-1, channels, -1)).view(x.shape)
