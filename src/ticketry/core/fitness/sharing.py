"""Rows that several masked networks have in common: what one computes of its first layer, the others need not.

Copies with a bit flipped, and children of parents that are alike, differ in the inputs of a few units. In a genetic
search on digits a unit has 1.6 different rows among 45 children once a few hundred generations have passed.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

_WORTH = 0.7  # share of different rows above which sharing costs more than it saves
_SAMPLE = 4  # so many units tell whether to look at all of them
_ODD = np.uint64(0x9E3779B97F4A7C15)


def distinct(masks: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor] | None:
    """For the masks Bool[P, h, d] of a layer in P networks: the different rows and who has them.

    Returns Long[U], where in the flat [P * h] one of each is, and Long[P, h], which of the U each unit has. Rows of
    different units are different, as their weights are. None where sharing would cost more than it saves.
    """
    if len(masks) < 2 or masks.device.type != "cpu":
        return None
    for part in (masks[:, :: -(-masks.shape[1] // _SAMPLE)], masks):
        one, which = _distinct(part.numpy())
        if len(one) > _WORTH * which.size:
            return None
    return torch.from_numpy(one), torch.from_numpy(which)


def _distinct(masks: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    p, h, d = masks.shape
    packed = np.packbits(masks, axis=-1)
    words = np.zeros((p, h, -(-d // 64)), np.uint64)
    words.view(np.uint8)[..., : packed.shape[-1]] = packed
    unit = np.arange(h, dtype=np.uint64)
    powers = np.cumprod(np.full(words.shape[-1] + 1, _ODD))
    keys = (words * powers[1:]).sum(-1, dtype=np.uint64) + unit * powers[0]
    different, which = np.unique(keys.ravel(), return_inverse=True)
    one = np.empty(len(different), np.intp)
    one[which] = np.arange(p * h)
    which = which.reshape(p, h)
    same = (words.reshape(p * h, -1)[one[which]] == words).all(-1) & (one[which] % h == np.arange(h))
    if not same.all():  # two rows with one key, once in 10^12 populations: nothing is shared
        return np.arange(p * h), np.arange(p * h).reshape(p, h)
    return one, which
