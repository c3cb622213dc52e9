"""Searches on LeNet-300-100 / MNIST for the tables: several seeds, as many processes as cores, one thread each."""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, NamedTuple

SEEDS = (10, 11, 12)  # none of them among the pilots that chose the defaults


class Setting(NamedTuple):
    """A density and the fractions locked off and on."""

    density: float
    off: float = 0.0
    on: float = 0.0


def search(job: tuple[Setting, int]) -> dict[str, Any]:
    """The result of one search with the method's default flags."""
    import torch

    import ticketry as tk

    torch.set_num_threads(1)
    setting, seed = job
    with tempfile.TemporaryDirectory() as out:
        run = tk.find(
            tk.methods.EdgePopup(density=setting.density),
            data="mnist",
            model="lenet-300-100",
            seed=seed,
            lock=tk.Lock(off=setting.off, on=setting.on),
            out=out,
        )
        return run.result


def searches(settings: Sequence[Setting]) -> Mapping[Setting, list[dict[str, Any]]]:
    """Results of every setting, one a seed."""
    jobs = [(setting, seed) for setting in settings for seed in SEEDS]
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        results = list(pool.map(search, jobs))
    return {s: [r for (t, _), r in zip(jobs, results, strict=True) if t == s] for s in settings}


def test_accuracy(results: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Mean and standard deviation, in per cent."""
    values = [100 * r["accuracy"]["test"] for r in results]
    return statistics.mean(values), statistics.stdev(values)


def mean_bytes(results: Sequence[dict[str, Any]]) -> float:
    return statistics.mean(r["ticket_bytes"] for r in results)
