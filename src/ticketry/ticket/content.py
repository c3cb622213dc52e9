"""What a ticket file says: plain values, and the rules that every file keeps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from ticketry.core.seed.weights import WeightRecipe, draws_bias

Floats = NDArray[np.float32]
Judged = Literal["strong", "trainable"]
JUDGED: tuple[Judged, ...] = get_args(Judged)


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
    digests: dict[str, str] | None = None
    """`weights`, `mask` and `ticket` SHA-256 in hex as the file states them; None before there is a file."""

    def tensors(self) -> Iterator[tuple[str, Floats]]:
        """The float arrays by the names they have in the file, in its order."""
        named = {f"buffers.{name}": array for name, array in self.buffers.items()}
        named |= {f"rest.{name}": array for name, array in (self.rest_values or {}).items()}
        if self.values is not None:
            named["values"] = self.values
        yield from sorted(named.items())


def fault(header: Header) -> str | None:
    """What is wrong with the names, sizes and numbers of a ticket, as half a sentence; None when nothing is."""
    names = [p.name for p in header.layers] + [p.name for p in header.rest]
    for name in names:
        if not plain(name):
            return f'parameter name {name!r} is not of printable ASCII characters without space, |, " and \\'
    if len(set(names)) < len(names):
        return "two of its parameters have one name"
    if not header.layers:
        return "it has no maskable parameter"
    for shape in [*(p.shape for p in header.layers), *(p.shape for p in header.rest), header.input_shape]:
        if len(shape) > 8 or not all(1 <= n < 1 << 31 for n in shape):
            return f"shape {list(shape)} has more than 8 dimensions or one outside 1..2^31-1"
    if not 1 <= header.outputs < 1 << 31:
        return f"outputs is {header.outputs}, outside 1..2^31-1"
    if header.target and len(header.target) != header.outputs:
        return f"it has targets for {len(header.target)} outputs of {header.outputs}"
    if any(not (math.isfinite(mean) and 0 < scale < math.inf) for mean, scale in header.target):
        return "a target's mean is not finite, or its scale not finite and above 0"
    if any(float(np.float32(number)) != number for pair in header.target for number in pair):
        return "a target's mean or scale is not a float32"
    if not 0 <= header.seed < 1 << 63:
        return f"seed is {header.seed}, outside 0..2^63-1"
    if any(not 0 <= p.fan_in < 1 << 31 for p in header.rest):
        return "a fan-in is outside 0..2^31-1"
    if any(p.fan_in for p in header.rest) and not draws_bias(header.recipe.kind):
        return f"it draws biases, which {header.recipe.kind} weights do not"
    if header.kind not in JUDGED:
        return f"kind is {header.kind!r}, neither strong nor trainable"
    for text in (header.model, header.objective, header.method, header.data, header.run):
        if not text.isprintable():
            return f"{text!r} has unprintable characters"
    return None


def fault_in_arrays(ticket: TicketFile) -> str | None:
    """What is wrong with the arrays of a ticket whose header is right."""
    total = sum(layer.size for layer in ticket.layers)
    if ticket.mask.shape != (total,) or ticket.mask.dtype != np.bool_:
        return f"its mask is {ticket.mask.dtype}{list(ticket.mask.shape)}, but its layers have {total} weights"
    if ticket.locks is not None and len(ticket.locks) != len(ticket.layers):
        return f"it has {len(ticket.locks)} lock counts for {len(ticket.layers)} layers"
    for layer, (off, on) in zip(ticket.layers, ticket.locks or (), strict=False):
        if min(off, on) < 0 or off + on > layer.size:
            return f"{layer.name} has {layer.size} weights, but locks {off} off and {on} on"
    kept = int(np.count_nonzero(ticket.mask))
    if ticket.values is not None and ticket.values.shape != (kept,):
        return f"it has values of shape {list(ticket.values.shape)} for {kept} kept weights"
    for name, array in ticket.tensors():
        if array.dtype != np.float32 or not all(array.shape) or array.ndim > 8:
            return f"{name} is {array.dtype}{list(array.shape)}, not float32 of at most 8 dimensions, none of them 0"
        if not plain(name):
            return f'{name!r} is not of printable ASCII characters without space, |, " and \\'
    return None


def plain(name: str) -> bool:
    """Whether a name needs no escapes anywhere in the file and separates cleanly from others in a key."""
    return name != "" and all("!" <= c <= "~" and c not in '|"\\' for c in name)
