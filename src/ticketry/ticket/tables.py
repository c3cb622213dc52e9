"""How a layer is coded, and with which probabilities: functions of its size and its count alone, so nothing is sent.

The rarer of ones and zeros is coded (the zeros where more than half are ones). With p the fraction of the rarer symbol:

- p = 0: nothing. p about 1/2: the bits as they are.
- p down to about 1/9: bytes of eight bits each. A byte with c rare bits has probability p^c (1 - p)^(8 - c), and so a
  whole layer costs the same whichever bits are set, n times the entropy of p.
- smaller p: the gaps between rare bits. A gap's `shift` lowest bits are stored as they are, the rest is one symbol
  with the geometric probabilities theta (1 - theta)^i, theta = 2^shift p, which is at most 1/32 where shift > 0, so
  that the low bits are as good as uniform.

A probability becomes a number of slots out of 2^15 by integers only. Every symbol has at least one slot and at least
(1 - 2^-7) of its exact share, so the rounding costs no mask more than 0.0114 bits a symbol.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

BITS = 15  # the slots of a table number 2^15
ESCAPE = 255  # in gaps: add 255 and go on with the next symbol


class Plan(NamedTuple):
    """How to code a layer."""

    kind: Literal["constant", "plain", "bytes", "gaps"]
    inverted: bool
    """Whether zeros are the rarer symbol."""
    rare: int
    """How many bits are the rarer symbol."""
    model: int = 0
    """Number of the table: 8..31 for bytes, 32 and more for gaps."""
    shift: int = 0
    """Low bits of a gap that are stored as they are."""


def plan(n: int, kept: int) -> Plan:
    """The plan for n bits of which `kept` are ones."""
    inverted = 2 * kept > n
    rare = n - kept if inverted else kept
    if rare == 0:
        return Plan("constant", inverted, rare)
    eighth = (128 * rare + n) // (2 * n)  # 64 p, rounded
    if eighth >= 8:
        return Plan("plain", inverted, rare) if eighth == 32 else Plan("bytes", inverted, rare, eighth)
    shift = 0
    while (64 << shift) * rare <= n:
        shift += 1
    return Plan("gaps", inverted, rare, (4096 * (rare << shift) + n) // (2 * n), shift)  # 2048 theta, rounded


def table(model: int) -> NDArray[np.uint32]:
    """UInt32[257]: symbol v has the slots from entry v up to entry v + 1."""
    whole = 1 << 48
    bounds = [0]
    if model < 32:
        for byte in range(256):
            ones = byte.bit_count()
            bounds.append(bounds[-1] + model**ones * (64 - model) ** (8 - ones))
    else:
        left = whole
        for _ in range(ESCAPE):
            left -= left * model >> 11
            bounds.append(whole - left)
        bounds.append(whole)
    return np.array([v + (bound * ((1 << BITS) - 256) >> 48) for v, bound in enumerate(bounds)], np.uint32)
