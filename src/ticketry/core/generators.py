"""The global generators of torch, NumPy and Python: for the user's code alone, and afterwards as they were before."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from ticketry.core.lazy import torch


@contextmanager
def lent(seed: int | None = None) -> Iterator[None]:
    """Inside, all three are seeded, where a seed is given; afterwards they go on as if nothing had been drawn."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with torch.random.fork_rng(devices=[]):
            if seed is not None:
                torch.default_generator.manual_seed(seed)
                random.seed(seed)
                np.random.seed(seed)  # noqa: NPY002
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


def states() -> dict[str, object]:
    """What tells whether something was drawn: the state of each, by its name."""
    numpy = np.random.get_state(legacy=False)["state"]  # noqa: NPY002
    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "NumPy": (numpy["key"].tobytes(), numpy["pos"]),
        "Python": random.getstate(),
    }
