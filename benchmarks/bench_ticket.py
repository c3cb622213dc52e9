"""Is a ticket file as small as its entropy, and quick to write, to read and to draw again? One thread, NumPy only.

python benchmarks/bench_ticket.py
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from table import Row, at_least, at_most, show
from ticketry.core.seed import locks, weights
from ticketry.core.seed.streams import stream
from ticketry.core.seed.weights import KINDS, Kind, WeightRecipe
from ticketry.ticket import codec, file
from ticketry.ticket.file import LayerShape, TicketFile

DENSITIES = (0.5, 0.3, 0.1, 0.05, 0.01)
LENET = (
    LayerShape("fc1.weight", (300, 784)),
    LayerShape("fc2.weight", (100, 300)),
    LayerShape("fc3.weight", (10, 100)),
)


def resnet18() -> tuple[LayerShape, ...]:
    """The 21 layers, 11.2 million weights, of ResNet-18 for CIFAR."""
    layers, wide = [LayerShape("conv1.weight", (64, 3, 3, 3))], 64
    for stage, width in enumerate((64, 128, 256, 512), start=1):
        for block in range(2):
            name = f"block{stage}.{block}"
            layers += [LayerShape(f"{name}.conv1.weight", (width, wide, 3, 3))]
            layers += [LayerShape(f"{name}.conv2.weight", (width, width, 3, 3))]
            if wide != width:
                layers += [LayerShape(f"{name}.shortcut.weight", (width, wide, 1, 1))]
            wide = width
    return (*layers, LayerShape("fc.weight", (10, 512)))


def ticket(model: str, layers: tuple[LayerShape, ...], density: float, lock: float = 0) -> TicketFile:
    """A Bernoulli mask as a search would leave it, in a file with everything that `find` writes."""
    mask = stream(0, "bench", "mask").uniform(sum(layer.size for layer in layers)) < density
    counts = tuple((int(lock * layer.size), int(lock * layer.size)) for layer in layers) if lock else None
    if counts:
        pairs = zip(layers, counts, strict=True)
        pattern = np.concatenate([locks.pattern(0, la.name, la.size, *count) for la, count in pairs])
        mask = np.where(pattern == 0, mask, pattern > 0)
    return TicketFile(
        model=model,
        input_shape=(28, 28),
        outputs=10,
        layers=layers,
        seed=0,
        recipe=WeightRecipe("signed-constant", "dynamic"),
        method="edge-popup",
        data="mnist:0123abcd",
        run="0123456789abcdef",
        mask=mask,
        locks=counts,
    )


def seconds(work: Callable[[], object], times: int = 3) -> float:
    """The best of a few."""
    best = math.inf
    for _ in range(times):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def rows() -> list[Row]:
    """Every figure beside its target."""
    table: list[Row] = []
    sizes = {"lenet-300-100": LENET, "resnet18": resnet18()}
    for model, layers in sizes.items():
        for density in DENSITIES:
            data = file.encode(ticket(model, layers, density))
            bound = math.floor(1.01 * file.summary(data).entropy_bytes + 512)
            table.append(
                Row(f"bytes of a {model} ticket at {density}", str(len(data)), f"<= {bound}", len(data) <= bound)
            )
    whole, frozen = (len(file.encode(ticket("lenet-300-100", LENET, 0.5, lock))) for lock in (0, 0.35))
    table.append(at_least("bytes at 0.5, whole over 70 % locked", whole / frozen, 3.2, "x", 3))
    lengths = [layer.size for layer in sizes["resnet18"]]
    for density in DENSITIES:
        bits = np.split(stream(0, "bench", "mask").uniform(sum(lengths)) < density, np.cumsum(lengths)[:-1])
        coded = codec.encode(bits)
        both = seconds(partial(codec.encode, bits)) + seconds(partial(codec.decode, coded, lengths))
        table.append(at_most(f"encode + decode 11.2 M weights at {density}", both, 0.5, " s"))
    for kind in KINDS:
        took = seconds(partial(draw, kind, sizes["resnet18"]))
        table.append(at_most(f"draw 11.2 M weights, {kind}", took, 0.5, " s"))
    return table


def draw(kind: Kind, layers: tuple[LayerShape, ...]) -> None:
    for layer in layers:
        weights.weight(kind, 0, layer.name, layer.shape)


if __name__ == "__main__":
    show("Size and speed of tickets", rows())
