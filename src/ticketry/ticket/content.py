"""What a ticket file says, as plain values; `rules` has what every file keeps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from ticketry.core.seed.weights import WeightRecipe

Floats = NDArray[np.float32]
Judged = Literal["strong", "trainable"]
JUDGED: tuple[Judged, ...] = get_args(Judged)
Unit = Literal["u8", "f32"]
UNITS: tuple[Unit, ...] = get_args(Unit)


class LayerShape(NamedTuple):
    """A maskable parameter."""

    name: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        return math.prod(self.shape)


class DrawnParameter(NamedTuple):
    """A parameter outside the mask whose untrained values are random."""

    name: str
    shape: tuple[int, ...]
    fan_in: int
    """Of the layer whose bias it is; 0 for a parameter drawn as a weight of its own."""

    @property
    def size(self) -> int:
        return math.prod(self.shape)


class FixedParameter(NamedTuple):
    """A parameter or buffer outside the mask that has one number everywhere, which the model's constructor gave it."""

    name: str
    shape: tuple[int, ...]
    value: float
    """A float32."""

    @property
    def size(self) -> int:
        return math.prod(self.shape)


class ZeroRange(NamedTuple):
    """Numbers `start`..`stop` - 1, row-major, of a parameter of `rest` that are 0, not drawn (a padding row, say)."""

    name: str
    start: int
    stop: int


class Scaling(NamedTuple):
    """How the numbers of an example become inputs: number * gain + shift, both rounded to float32."""

    unit: Unit
    """`u8`: numbers are 0..255, and floats instead of them are in [0, 1] and multiplied by 255 first. `f32`: any."""
    pairs: tuple[tuple[float, float], ...]
    """Gain and shift, float32: for all numbers, or each channel of a (C, H, W) example, or each number of a vector."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Header:
    """The part of a ticket that is words and sizes."""

    model: str
    """The model's name or import path."""
    input_shape: tuple[int, ...]
    """Shape of one example."""
    outputs: int
    """Number of outputs: one for each class, or for each quantity."""
    layers: tuple[LayerShape, ...]
    """The maskable parameters in the order of the mask."""
    rest: tuple[DrawnParameter, ...] = ()
    """The randomly drawn parameters outside the mask."""
    seed: int
    recipe: WeightRecipe
    kind: Judged = "strong"
    """Strong tickets are judged as they are, trainable ones after training."""
    objective: str = "classification"
    """What it was scored by."""
    target: tuple[tuple[float, float], ...] = ()
    """Mean and scale, float32, of each output: y = mean + scale * output. Empty where outputs are the answers."""
    method: str = ""
    """Name of the method that found it."""
    data: str = ""
    """Name of the data, with the first digits of its digest."""
    run: str = ""
    """First digits of the experiment's digest, in hex."""
    scaling: Scaling | None = None
    """How an example becomes inputs; None where its numbers are the inputs."""
    labels: tuple[str, ...] = ()
    """Names of the classes in order; empty where they are only numbers."""
    fixed: tuple[FixedParameter, ...] = ()
    """Parameters and buffers outside the mask that neither the seed nor a rule for vectors gives, but one number."""
    zeros: tuple[ZeroRange, ...] = ()
    """Parts of `rest` that are 0."""
    built: str = ""
    """First 16 digits of the SHA-256, in hex, over what the constructor builds and the file does not hold."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TicketFile(Header):
    """A whole ticket. Two of them are the same ticket where `file.encode` gives the same bytes."""

    mask: NDArray[np.bool_]
    """Bool[N] over all maskable weights, locked ones included."""
    locks: tuple[tuple[int, int], ...] | None = None
    """For every layer how many weights `core.seed.locks` locks off and on; None where nothing is locked."""
    buffers: dict[str, Floats] = field(default_factory=dict)
    """Running statistics of norm layers: measured, so not to be had from the seed."""
    values: Floats | None = None
    """Float32[kept]: values of the kept weights in the mask's order, trained or evolved; None for those of the seed."""
    rest_values: dict[str, Floats] | None = None
    """Trained values of parameters outside the mask."""
    fixed_values: dict[str, Floats] = field(default_factory=dict)
    """Like `fixed`, of those that are not one number everywhere."""
    digests: dict[str, str] | None = None
    """`weights`, `mask` and `ticket` SHA-256 in hex as the file states them; None before there is a file."""

    def tensors(self) -> Iterator[tuple[str, Floats]]:
        """The float arrays by the names they have in the file, in its order."""
        named = {f"buffers.{name}": array for name, array in self.buffers.items()}
        named |= {f"fixed.{name}": array for name, array in self.fixed_values.items()}
        named |= {f"rest.{name}": array for name, array in (self.rest_values or {}).items()}
        if self.values is not None:
            named["values"] = self.values
        yield from sorted(named.items())
