"""What is inside a ticket file and what it costs, without decoding the mask or drawing a weight."""

from __future__ import annotations

from dataclasses import dataclass

from ticketry.ticket import codec
from ticketry.ticket.container import SEAL
from ticketry.ticket.content import Scaling, ZeroRange
from ticketry.ticket.header import VERSION
from ticketry.ticket.opened import open_ticket
from ticketry.ticket.presets import Meaning
from ticketry.ticket.presets import name as preset
from ticketry.ticket.reader import Reader


@dataclass(frozen=True)
class LayerSummary:
    """One maskable parameter; `kept` counts the weights locked on too, `density` is kept / size."""

    name: str
    shape: tuple[int, ...]
    size: int
    kept: int
    density: float
    locked_off: int
    locked_on: int
    entropy_bytes: float


@dataclass(frozen=True)
class FixedSummary:
    """A parameter or buffer with values of the constructor; `value`: the one number, where it is one."""

    name: str
    shape: tuple[int, ...]
    value: float | None


@dataclass(frozen=True)
class Summary:
    """A ticket file in numbers. `dataclasses.asdict` makes it JSON."""

    version: int
    kind: str
    model: str
    input_shape: tuple[int, ...]
    outputs: int
    objective: str
    target: tuple[tuple[float, float], ...]
    """Mean and scale of each output, where outputs are standardised."""
    scaling: Scaling | None
    """Unit, and gain and shift of each channel or number, where inputs are scaled."""
    labels: tuple[str, ...]
    """Names of the classes, where they have any."""
    preset: str
    """Name of scaling and labels, where they have one."""
    fixed: tuple[FixedSummary, ...]
    """What the model's constructor gave values that a seed does not give."""
    zeros: tuple[ZeroRange, ...]
    """Parts of drawn parameters outside the mask that are 0."""
    built: str
    """First digits of the digest of what the constructor builds by itself."""
    method: str
    data: str
    run: str
    seed: int
    weights: str
    scale: str
    layers: tuple[LayerSummary, ...]
    outside: tuple[tuple[str, int], ...]
    """Name and size of each drawn weight that is not under the mask."""
    maskable: int
    searched: int
    kept: int
    density: float
    entropy_bytes: float
    """Sum over the layers of the searched weights' entropy, each layer at its own density."""
    bytes: dict[str, int]
    """Of the file's parts: header (with lock counts), digests, mask, values, rest, fixed, buffers; `total`: of all."""
    digests: dict[str, str]
    """SHA-256 in hex, as stated by the file: weights, mask, ticket."""


def summary(data: bytes, max_weights: int = codec.MAX_WEIGHTS) -> Summary:
    """Summarise a file. Raises TicketError where its digest, layout, header or counts are wrong."""
    opened = open_ticket(data, max_weights)
    header, searched = opened.header, opened.searched
    kept = [k for k, _ in codec.counts(Reader(opened.coded), searched)]
    locks = opened.locks or [(0, 0)] * len(searched)
    layers = tuple(
        LayerSummary(
            *(layer.name, layer.shape, layer.size, k + on, (k + on) / layer.size, off, on),
            entropy_bytes=codec.entropy_bytes([n], [k]),
        )
        for layer, n, k, (off, on) in zip(header.layers, searched, kept, locks, strict=True)
    )
    parts = {"mask": len(opened.coded), "digests": 3 * SEAL, "values": 0, "rest": 0, "fixed": 0, "buffers": 0}
    fixed = [FixedSummary(*row) for row in header.fixed]
    for part, name, entry in opened.floats():
        parts[part] += len(entry.data)
        if part == "fixed":
            fixed.append(FixedSummary(name, entry.shape, None))
    maskable, total = sum(layer.size for layer in layers), sum(layer.kept for layer in layers)
    return Summary(
        version=VERSION,
        kind=header.kind,
        model=header.model,
        input_shape=header.input_shape,
        outputs=header.outputs,
        objective=header.objective,
        target=header.target,
        scaling=header.scaling,
        labels=header.labels,
        preset=preset(Meaning(header.scaling, header.labels)),
        fixed=tuple(sorted(fixed, key=lambda one: one.name)),
        zeros=header.zeros,
        built=header.built,
        method=header.method,
        data=header.data,
        run=header.run,
        seed=header.seed,
        weights=header.recipe.kind,
        scale=header.recipe.scale,
        layers=layers,
        outside=tuple((drawn.name, drawn.size) for drawn in header.rest if drawn.fan_in == 0),
        maskable=maskable,
        searched=sum(searched),
        kept=total,
        density=total / maskable,
        entropy_bytes=sum(layer.entropy_bytes for layer in layers),
        bytes={"header": len(data) - sum(parts.values()), **parts, "total": len(data)},
        digests=opened.digests,
    )
