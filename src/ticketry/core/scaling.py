"""Scaling: how the numbers of an example become the inputs of a network. A part of the ticket. NumPy only.

input = number * gain + shift, both operations rounded to float32. Numbers of unit `u8` are 0..255; of `f32`, any.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ticketry.core.errors import refuse

Unit = Literal["u8", "f32"]
Numbers = NDArray[np.uint8] | NDArray[np.float32]


class Scaling(NamedTuple):
    """A unit and (gain, shift), float32: one pair for all numbers, one a channel of (C, H, W), or one a feature."""

    unit: Unit
    pairs: tuple[tuple[float, float], ...]


AS_IS = Scaling("f32", ((1.0, 0.0),))
"""Inputs are the numbers themselves."""


def standard(unit: Unit, mean: Sequence[float], std: Sequence[float]) -> Scaling | None:
    """The scaling to mean 0 and deviation 1 of numbers with these moments; None where float32 cannot hold it.

    `mean` and `std` of `u8` are in units of 255. Equal pairs become one, so that equal scalings are equal objects.
    """
    whole = 255.0 if unit == "u8" else 1.0
    pairs = []
    for m, s in zip(mean, std, strict=True):
        with np.errstate(over="ignore"):
            gain = float(np.float32(1 / (whole * s))) if s > 0 else math.nan
            shift = float(np.float32(-m / s)) + 0.0 if s > 0 else math.nan  # no -0
        if not (math.isfinite(gain) and gain != 0 and math.isfinite(shift)):
            return None
        pairs.append((gain, shift))
    return Scaling(unit, tuple(pairs if len(set(pairs)) > 1 else pairs[:1]))


def numbers(field: str, x: Numbers, scaling: Scaling) -> Numbers:
    """What the scaling is applied to, from uint8 or finite float32 of any shape.

    For `u8` floats v mean v * 255, and must be in [0, 1]; those that are whole numbers then become bytes, so that an
    image and its float32(byte / 255) are the same example in all that follows. For `f32` bytes are refused, since they
    may be pixels or features. Raises RequestError.
    """
    if scaling.unit == "f32":
        if x.dtype == np.uint8:
            allowed = "floats, as those that the ticket was found on: it does not say what bytes mean"
            remedy = "convert it as those were, or search again where an older ticketry found the ticket on bytes"
            raise refuse(field, "an array of uint8", allowed, remedy)
        return x
    if x.dtype == np.uint8:
        return x
    low, high = float(x.min()), float(x.max())
    if low < 0 or high > 1:
        allowed = "uint8, or floats in [0, 1] that mean so many times 255, as the ticket was found on bytes"
        raise refuse(field, f"floats from {low:g} to {high:g}", allowed, "pass the bytes, or the bytes divided by 255")
    whole = np.multiply(x, np.float32(255), dtype=np.float32)
    exact = whole.astype(np.uint8)
    return exact if np.array_equal(exact, whole) else whole
