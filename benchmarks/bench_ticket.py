"""Is a ticket file as small as its entropy, and quick to write, to read and to draw again? One thread, NumPy only.

python benchmarks/bench_ticket.py
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

from ticketry.core import locks, weights
from ticketry.core.streams import stream
from ticketry.core.weights import KINDS, Recipe
from ticketry.ticket import codec, file
from ticketry.ticket.file import Layer, TicketFile

Row = tuple[str, str, str, bool]  # question, measured, target, whether it is met

DENSITIES = (0.5, 0.3, 0.1, 0.05, 0.01)
LENET = (Layer("fc1.weight", (300, 784)), Layer("fc2.weight", (100, 300)), Layer("fc3.weight", (10, 100)))


def resnet18() -> tuple[Layer, ...]:
    """The 21 layers, 11.2 million weights, of ResNet-18 for CIFAR."""
    layers, wide = [Layer("conv1.weight", (64, 3, 3, 3))], 64
    for stage, width in enumerate((64, 128, 256, 512)):
        for block in range(2):
            name = f"layer{stage}.{block}"
            layers += [Layer(f"{name}.conv1.weight", (width, wide, 3, 3))]
            layers += [Layer(f"{name}.conv2.weight", (width, width, 3, 3))]
            if wide != width:
                layers += [Layer(f"{name}.shortcut.weight", (width, wide, 1, 1))]
            wide = width
    return (*layers, Layer("fc.weight", (10, 512)))


def ticket(model: str, layers: tuple[Layer, ...], density: float, lock: float = 0) -> TicketFile:
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
        classes=10,
        layers=layers,
        seed=0,
        recipe=Recipe("signed-constant", "dynamic"),
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
            row = f"bytes of a {model} ticket, density {density}", f"{len(data):,}", f"<= {bound:,}"
            table.append((*row, len(data) <= bound))
    whole, frozen = (len(file.encode(ticket("lenet-300-100", LENET, 0.5, lock))) for lock in (0, 0.35))
    row = "bytes at density 0.5, whole over 70 % locked", f"{whole / frozen:.3f}x", ">= 3.2x"
    table.append((*row, whole >= 3.2 * frozen))
    ends = np.cumsum([layer.size for layer in sizes["resnet18"]])
    for density in DENSITIES:
        bits = np.split(stream(0, "bench", "mask").uniform(int(ends[-1])) < density, ends[:-1])
        coded = codec.encode(bits)
        both = seconds(lambda bits=bits: codec.encode(bits))  # type: ignore[misc]
        both += seconds(lambda coded=coded, bits=bits: codec.decode(coded, [len(b) for b in bits]))  # type: ignore[misc]
        question = f"encode + decode 11.2 M weights, density {density}"
        table.append((question, f"{both:.3f} s", "<= 0.5 s", both <= 0.5))
    for kind in KINDS:
        took = seconds(lambda kind=kind: [weights.weight(kind, 0, *layer) for layer in sizes["resnet18"]])  # type: ignore[misc]
        table.append((f"draw 11.2 M weights, {kind}", f"{took:.3f} s", "<= 0.5 s", took <= 0.5))
    return table


if __name__ == "__main__":
    for question, measured, target, ok in rows():
        print(f"{question:52}{measured:>12}   {target:14}{'ok' if ok else 'MISSED'}")
