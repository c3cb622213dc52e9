"""Normal numbers that are the same bits everywhere: the inverse normal distribution by add, multiply, divide and root.

Algorithm AS241, routine PPND7 (Wichura, Applied Statistics 37, 1988; relative error about 1e-7), in float64. The
routine's logarithm comes from the exact split of a float into fraction and exponent and six terms of the atanh series,
because the `log` of a mathematics library is not the same on every machine; IEEE 754 fixes the operations used here.
Deviation from the paper: its third range (tails beyond exp(-25)) is left out, since a 32-bit word cannot reach it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Coefficients from the highest power down to the constant.
CENTRE = (5.9109374720e01, 1.5929113202e02, 5.0434271938e01, 3.3871327179e00)
CENTRE_UNDER = (6.7187563600e01, 7.8757757664e01, 1.7895169469e01, 1.0)
TAIL = (1.7023821103e-01, 1.3067284816e00, 2.7568153900e00, 1.4234372777e00)
TAIL_UNDER = (1.2021132975e-01, 7.3700164250e-01, 1.0)
SERIES = tuple(1.0 / odd for odd in (11, 9, 7, 5, 3, 1))
LN2 = float.fromhex("0x1.62e42fefa39efp-1")
ROOT_HALF = float.fromhex("0x1.6a09e667f3bcdp-1")


def normal(words: NDArray[np.uint32]) -> Floats:
    """Standard normal numbers, one from each 32-bit word w: the quantile of (w + 1/2) / 2^32."""
    q = (words + 0.5) * 2.0**-32 - 0.5  # exact
    square = q * q
    np.subtract(0.180625, square, out=square)
    z = q * _horner(CENTRE, square) / _horner(CENTRE_UNDER, square)
    far = np.flatnonzero(np.abs(q) > 0.425)
    z[far] = np.copysign(_tail(0.5 - np.abs(q[far])), q[far])
    return z


def _tail(p: Floats) -> Floats:
    """The upper quantile of a probability p < 0.075 and >= 2^-33."""
    r = np.sqrt(-_log(p)) - 1.6
    return _horner(TAIL, r) / _horner(TAIL_UNDER, r)


def _log(x: Floats) -> Floats:
    """Natural logarithm of positive normal floats, error below 1e-10."""
    m, exponent = np.frexp(x)
    low = m < ROOT_HALF
    m += m * low  # doubled where low: m lies in [sqrt(1/2), sqrt(2))
    s = (m - 1.0) / (m + 1.0)
    return (exponent - low) * LN2 + (s + s) * _horner(SERIES, s * s)


def _horner(coefficients: tuple[float, ...], x: Floats) -> Floats:
    """The polynomial as ((c0 x + c1) x + c2) ..., each step rounded."""
    y = x * coefficients[0]
    for c in coefficients[1:-1]:
        y += c
        y *= x
    y += coefficients[-1]
    return y
