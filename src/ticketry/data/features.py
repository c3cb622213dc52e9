"""Standardising by a training part: mean 0 and deviation 1 of every feature, or of every channel of images. NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ticketry.core.scaling import Scaling, Unit, standard
from ticketry.data.arrays import Inputs

_NOISE = 1e-7  # of float32, beside 1


def standardised(x: Inputs) -> Scaling:
    """The scaling to mean 0 and deviation 1 of the examples (N, ...): those of the training part alone.

    Of vectors one pair for each feature, of images (N, C, H, W) one for each channel, of all else one. By exact sums,
    so alike on every machine. A feature that is constant, up to the rounding of float32, is shifted only.
    """
    unit: Unit = "u8" if x.dtype == np.uint8 else "f32"
    whole = 255.0 if unit == "u8" else 1.0
    axis = 1 if x.ndim in (2, 4) else None
    columns = [x.reshape(-1)] if axis is None else [x[:, k].reshape(-1) for k in range(x.shape[axis])]
    found = [_moments(column) for column in columns]
    means, deviations = [mean / whole for mean, _ in found], [deviation / whole for _, deviation in found]
    for k, pair in enumerate(zip(means, deviations, strict=True)):
        if not pair[1] > _NOISE * abs(pair[0]) or standard(unit, pair[:1], pair[1:]) is None:
            deviations[k] = 1.0
    scaling = standard(unit, means, deviations)
    return scaling or Scaling(unit, ((1.0 / whole, 0.0),))


def _moments(values: NDArray[Any]) -> tuple[float, float]:
    exact = values.astype(np.float64)
    mean = math.fsum(exact.tolist()) / len(exact)
    return mean, math.sqrt(math.fsum(np.square(exact - mean).tolist()) / len(exact))
