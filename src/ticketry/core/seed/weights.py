"""The random weights of a ticket: a recipe, a seed and a parameter's name give the same float32 bits on every machine.

Each parameter has its own Philox key, so neither the order of the parameters nor the presence of others matters.
Integers become floats by float64 add, multiply, divide and square root, each rounded once as IEEE 754 says, then by
one rounding to float32. Fan-in and fan-out count as torch counts them.

| kind            | weight                               | drawn from                | drawn biases           |
|-----------------|--------------------------------------|---------------------------|------------------------|
| signed-constant | -s or +s, s = sqrt(2/fan_in)         | one bit each              | none (zero)            |
| kaiming-uniform | U(-s, s), s = sqrt(6/fan_in)         | one 32-bit word each      | none (zero)            |
| kaiming-normal  | N(0, s^2), s = sqrt(2/fan_in)        | one 32-bit word each      | none (zero)            |
| xavier-uniform  | U(-s, s), s = sqrt(6/(in + out))     | one 32-bit word each      | none (zero)            |
| xavier-normal   | N(0, s^2), s = sqrt(2/(in + out))    | one 32-bit word each      | none (zero)            |
| uniform         | U(-1, 1)                             | one 32-bit word each      | U(-1, 1)               |
| torch-default   | U(-s, s), s = sqrt(1/fan_in)         | one 32-bit word each      | U(-s, s), same s       |

Sources: He et al. 2015 (kaiming), Glorot and Bengio 2010 (xavier), Ramanujan et al. 2020 (signed constant, scaling by
density).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ticketry.core.errors import unknown
from ticketry.core.seed import philox
from ticketry.core.seed.quantile import normal

Kind = Literal[
    "signed-constant",
    "kaiming-uniform",
    "kaiming-normal",
    "xavier-uniform",
    "xavier-normal",
    "uniform",
    "torch-default",
]
Scale = Literal["none", "static", "dynamic"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SCALES: tuple[Scale, ...] = get_args(Scale)

_CHUNK = 1 << 15  # numbers made at a time, so that the work arrays stay in the cache


@dataclass(frozen=True)
class WeightRecipe:
    """How the weights of a ticket are drawn (`kind`) and multiplied for the density they are kept at (`scale`)."""

    kind: Kind = "signed-constant"
    scale: Scale = "none"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise unknown("weights", self.kind, KINDS)
        if self.scale not in SCALES:
            raise unknown("scale", self.scale, SCALES)


def weight(kind: Kind, seed: int, name: str, shape: Sequence[int]) -> NDArray[np.float32]:
    """A weight of shape (out, in, ...). One of fewer than two dimensions has its size as both fans."""
    n = math.prod(shape)
    if n == 0:
        return np.zeros(tuple(shape), np.float32)
    fan_in = math.prod(shape[1:]) if len(shape) > 1 else n
    fan_out = shape[0] * math.prod(shape[2:]) if len(shape) > 1 else n
    s = _spread(kind, fan_in, fan_out)
    key = philox.key(seed, "weight", name)
    if kind == "signed-constant":
        big = np.float32(s)
        values = np.where(philox.bits(key, n).view(np.bool_), big, -big)
    elif kind in ("kaiming-normal", "xavier-normal"):
        values = _fill(key, n, lambda words: normal(words) * s)
    else:
        values = _fill(key, n, lambda words: _symmetric(words) * (s * 2.0**-24))
    return values.reshape(tuple(shape))


def bias(kind: Kind, seed: int, name: str, shape: Sequence[int], fan_in: int) -> NDArray[np.float32]:
    """A bias beside a weight of this fan-in: drawn where `draws_bias(kind)`, zeros otherwise."""
    if not draws_bias(kind):
        return np.zeros(tuple(shape), np.float32)
    s = _spread(kind, fan_in, fan_in)
    key = philox.key(seed, "weight", name)
    return _fill(key, math.prod(shape), lambda words: _symmetric(words) * (s * 2.0**-24)).reshape(tuple(shape))


def draws_bias(kind: Kind) -> bool:
    """Whether the recipe draws biases at random; the others start them at zero."""
    return kind in ("uniform", "torch-default")


def factors(scale: Scale, sizes: Sequence[int], kept: Sequence[int]) -> NDArray[np.float32]:
    """Float32[L]: what each layer's kept weights are multiplied by, given the sizes and kept counts of all layers.

    `static`: sqrt(sum of sizes / sum of kept) everywhere; `dynamic`: sqrt(size / kept) of the layer itself. A count of
    zero kept weights gives 1, there being nothing to multiply.
    """
    if scale == "none":
        return np.ones(len(sizes), np.float32)
    if scale == "static":
        sizes, kept = [sum(sizes)] * len(sizes), [sum(kept)] * len(kept)
    return np.array([math.sqrt(n / k) if k else 1.0 for n, k in zip(sizes, kept, strict=True)], np.float32)


def digest(arrays: Iterable[NDArray[np.float32]]) -> str:
    """SHA-256, in hex, over the little-endian bytes of the arrays in their order."""
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(np.ascontiguousarray(array, "<f4").data)
    return sha.hexdigest()


def _spread(kind: Kind, fan_in: int, fan_out: int) -> float:
    """s of the table above: the root, correctly rounded, of one correctly rounded quotient."""
    if kind == "uniform":
        return 1.0
    if kind == "torch-default":
        return math.sqrt(1 / fan_in)
    fan = fan_in + fan_out if kind in ("xavier-uniform", "xavier-normal") else fan_in
    return math.sqrt((6 if kind in ("kaiming-uniform", "xavier-uniform") else 2) / fan)


def _symmetric(words: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Odd integers in (-2^24, 2^24), one from the upper 24 bits of each word: as many above zero as below."""
    return (words >> 8).astype(np.float64) * 2.0 - float(2**24 - 1)


def _fill(
    key: tuple[int, int], n: int, values: Callable[[NDArray[np.uint32]], NDArray[np.float64]]
) -> NDArray[np.float32]:
    """The first n words of a key's stream through a function, rounded to float32."""
    words = philox.words32(key, n)
    out = np.empty(n, np.float32)
    for start in range(0, n, _CHUNK):
        out[start : start + _CHUNK] = values(words[start : start + _CHUNK])
    return out
