"""Small tickets to encode, damage and decode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ticketry.core.seed import locks
from ticketry.core.seed.streams import stream
from ticketry.core.seed.weights import WeightRecipe, draws_bias
from ticketry.ticket.content import FixedParameter, Scaling, ZeroRange
from ticketry.ticket.file import DrawnParameter, LayerShape, TicketFile

Make = Callable[..., TicketFile]
TINY = (LayerShape("0.weight", (6, 3, 3, 3)), LayerShape("3.weight", (10, 24)))
GOLDEN = Path(__file__).with_name("golden")


def _make(
    density: float = 0.3,
    kind: str = "signed-constant",
    scale: str = "none",
    lock: float = 0,
    layers: tuple[LayerShape, ...] = TINY,
    trained: bool = False,
    buffers: bool = False,
    seed: int = 3,
) -> TicketFile:
    counts = tuple((int(lock * layer.size), int(lock * layer.size)) for layer in layers) if lock else None
    n = sum(layer.size for layer in layers)
    mask = stream(seed, "test", "mask").uniform(n) < density
    if counts:
        patterns = [locks.pattern(seed, la.name, la.size, *c) for la, c in zip(layers, counts, strict=True)]
        pattern = np.concatenate(patterns)
        mask = np.where(pattern == 0, mask, pattern > 0)
    bias = (DrawnParameter("3.bias", (10,), 24),) if draws_bias(kind) else ()
    statistics = {f"1.running_{name}": stream(seed, "test", name).uniform(6) for name in ("mean", "var")}
    return TicketFile(
        model="lenet-300-100" if layers is not TINY else 'my.models:net(kind="wide")',
        input_shape=(28, 28),
        outputs=10,
        layers=layers,
        rest=bias,
        seed=seed,
        recipe=WeightRecipe(kind, scale),
        kind="trainable" if trained else "strong",
        method="edge-popup",
        data="mnist:0123abcd",
        run="0123456789abcdef",
        mask=mask,
        locks=counts,
        buffers=statistics if buffers else {},
        values=stream(seed, "test", "values").uniform(int(mask.sum())) if trained else None,
        rest_values={"3.bias": np.full(10, 0.5, np.float32), "1.scale": np.array(2, np.float32)} if trained else None,
    )


@pytest.fixture(scope="session")
def make() -> Make:
    """A ticket by density, recipe, fraction locked (off and on each) and what else it has."""
    return _make


def everything() -> TicketFile:
    """A ticket with every key and tensor that a file can have at once, in an order that is not the file's."""
    plain = _make(kind="torch-default", density=0.2, trained=True, buffers=True, lock=0.1)
    table = stream(3, "test", "table").uniform(12).reshape(3, 4)
    embedding = stream(3, "test", "embedding").uniform(20).reshape(5, 4)
    embedding[4] = embedding[0, :2] = 0
    assert plain.rest_values is not None
    return replace(
        plain,
        input_shape=(3, 4, 5),
        outputs=2,
        objective="regression",
        target=((152.25, 77.0), (-0.5, 2.0**-20)),
        labels=("Käfer", 'a "b"'),
        scaling=Scaling("u8", ((0.25, -1.0), (-0.5, 0.0), (2.0**-130, 3.0))),
        rest=(*plain.rest, DrawnParameter("embedding.weight", (5, 4), 0), DrawnParameter("other", (5,), 0)),
        fixed=(FixedParameter("scale", (2, 3), 1.5), FixedParameter("gain", (), -0.0)),
        zeros=(ZeroRange("other", 3, 5), ZeroRange("embedding.weight", 16, 20), ZeroRange("embedding.weight", 0, 2)),
        built="0123456789abcdef",
        fixed_values={"table": table},
        rest_values={**plain.rest_values, "embedding.weight": embedding, "gain": np.array(3, np.float32)},
    )


GOLDENS = {
    "signed-constant": {"density": 0.5, "scale": "static"},
    "kaiming-uniform": {"density": 0.05},
    "kaiming-normal": {"density": 0.3, "scale": "dynamic"},
    "xavier-uniform": {"density": 0.9, "lock": 0.1},
    "xavier-normal": {"density": 0.02, "buffers": True},
    "uniform": {"density": 0.4, "lock": 0.35},
    "torch-default": {"density": 0.2, "trained": True, "buffers": True},
}


@pytest.fixture(params=[*sorted(GOLDENS), "everything"])
def golden(request: pytest.FixtureRequest) -> tuple[TicketFile, Path]:
    """A ticket of each recipe and the file that version 1 of the format has for it, for ever."""
    path = GOLDEN / f"{request.param}.tkt"
    if request.param == "everything":
        return everything(), path
    return _make(kind=request.param, **GOLDENS[request.param]), path
