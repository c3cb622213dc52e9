"""What does a search without gradients reach on MNIST, and in what time? bernoulli-nes, default flags, three seeds.

    TICKETRY_DATA=... OMP_NUM_THREADS=1 python benchmarks/bench_scaled.py

As many searches at a time as there are cores, one thread each. The targets are our own: 15 minutes on two cores, of
which every search here has half. Conv-2 on Fashion-MNIST has no target: it says what a convolutional network reaches.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, NamedTuple

from table import Row, at_least, at_most, show

SEEDS = (1, 2, 3)
SECONDS = 900
TARGETS = {0.5: 94.0, 0.1: 90.0}


class Case(NamedTuple):
    """A network and how it is searched; what is None follows the method's defaults."""

    data: str
    model: str
    density: float
    epochs: int | None = None
    batch: int = 256
    pairs: int = 8


CONV = Case("fashion-mnist", "conv2", 0.2, epochs=2, batch=128, pairs=32)


def search(job: tuple[Case, int]) -> dict[str, Any]:
    """The result of one search."""
    import torch

    import ticketry as tk

    torch.set_num_threads(1)
    case, seed = job
    method = tk.methods.BernoulliNes(density=case.density, batch=case.batch, pairs=case.pairs)
    with tempfile.TemporaryDirectory() as out:
        budget = tk.Budget(epochs=case.epochs)
        run = tk.find(method, data=case.data, model=case.model, seed=seed, budget=budget, out=out)
        return run.result


def rows() -> list[Row]:
    cases = {density: Case("mnist", "lenet-300-100", density) for density in TARGETS}
    jobs = [(CONV, SEEDS[0]), *((case, seed) for case in cases.values() for seed in SEEDS)]
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        results = list(pool.map(search, jobs))
    table = []
    for density, case in cases.items():
        found = [result for (of, _), result in zip(jobs, results, strict=True) if of == case]
        accuracies = [100 * result["accuracy"]["test"] for result in found]
        spread = statistics.stdev(accuracies)
        question = f"LeNet-300-100, density {density:g}: MNIST test accuracy, 3 seeds"
        table.append(at_least(question, statistics.mean(accuracies), TARGETS[density], " %", spread=spread))
        longest = max(result["cost"]["seconds"] for result in found)
        table.append(at_most(f"LeNet-300-100, density {density:g}: longest search", longest, SECONDS, " s", digits=0))
    backward = sum(result["cost"]["examples_backward"] for result in results)
    table.append(at_most("all searches: examples sent backward", backward, 0, digits=0))
    cost = f"{100 * results[0]['accuracy']['test']:.2f} %, {results[0]['cost']['seconds']:.0f} s"
    table.append(Row("Conv-2, density 0.2: Fashion-MNIST test accuracy", cost, "none: a report", True))
    return table


if __name__ == "__main__":
    show("Strong tickets without gradients", rows())
