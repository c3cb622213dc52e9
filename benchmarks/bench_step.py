"""How much longer is a step of edge-popup than a step of dense training? One thread, the two taking turns.

    OMP_NUM_THREADS=1 python benchmarks/bench_step.py

Dense is what anyone would write: forward, backward, torch.optim.SGD with momentum and weight decay on all parameters.
A measurement is four steps of each on the same random images, in changing order; the ratio is the median over the
measurements, of processor time. A dense twin takes turns with them: by how much its ratio to the dense one misses 1 is
noise. The search's share includes drawing its batches, the copy of its state that a real epoch pays once in
hundreds of steps, and a new exact mask after every step.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from table import Row, at_most, show
from ticketry import data, models
from ticketry.core.meters import Budget
from ticketry.experiment import Experiment
from ticketry.methods.edge_popup import EdgePopup
from ticketry.runs.problem import problem_of_experiment

CASES = (("conv6", 128, 1.05, 8), ("conv6", 16, 1.20, 24), ("resnet18", 32, 1.15, 8))
STEPS = 4


def images(n: int) -> data.Dataset:
    draw = np.random.default_rng(0)
    x = draw.integers(0, 256, (n, 3, 32, 32), dtype=np.uint8)
    y = np.arange(n) % 10
    return data.from_arrays("noise", x, y, x[:10], y[:10])


def dense(model: str, x: torch.Tensor, y: torch.Tensor, size: int) -> Callable[[], None]:
    module = models.build(model, tuple(x.shape[1:]), 10).train()
    for parameter in module.parameters():
        nn.init.normal_(parameter, 0, 0.02)
    optimiser = torch.optim.SGD(module.parameters(), lr=1e-3, momentum=0.9, weight_decay=1e-4)

    def steps() -> None:
        for index in torch.randperm(len(y)).split(size):
            optimiser.zero_grad()
            functional.cross_entropy(module(x[index]), y[index]).backward()
            optimiser.step()

    return steps


def search(model: str, dataset: data.Dataset, size: int) -> Callable[[], None]:
    """Whole epochs of four steps each, early in a schedule: every step has another density, scale and mask."""
    method = EdgePopup(density=0.3, batch=size)
    experiment = Experiment(method=method, data="noise", model=model, val=0.2, budget=Budget(epochs=40))
    task = problem_of_experiment(experiment, dataset=dataset).task
    state = method.init(task)

    def steps() -> None:
        nonlocal state
        state = method.step(task, state)

    return steps


def seconds(work: Callable[[], None]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def against_dense(
    what: str, work: Callable[[str, data.Dataset, int], Callable[[], None]], model: str, size: int, rounds: int
) -> tuple[str, float]:
    """What is measured, and the median of its time over that of dense; `work` makes four steps of it."""
    dataset = images(5 * size)
    x = torch.from_numpy(dataset.x[: STEPS * size]).float().div_(255)
    y = torch.from_numpy(dataset.y[: STEPS * size])
    works = [work(model, dataset, size), dense(model, x, y, size), dense(model, x, y, size)]
    for each in works:
        each()
    orders = itertools.islice(itertools.cycle(itertools.permutations(range(3))), rounds)
    turns = [{which: seconds(works[which]) for which in order} for order in orders]
    twin = statistics.median(turn[1] / turn[2] for turn in turns)
    step = 1000 * statistics.median(turn[1] for turn in turns) / STEPS
    label = f"{what} / dense step, {model}, batch {size} (dense {step:.0f} ms; dense / dense {twin:.2f})"
    return label, statistics.median(2 * turn[0] / (turn[1] + turn[2]) for turn in turns)


def rows() -> list[Row]:
    cases = ((limit, against_dense("search step", search, model, size, n)) for model, size, limit, n in CASES)
    return [at_most(label, value, limit) for limit, (label, value) in cases]


if __name__ == "__main__":
    torch.set_num_threads(1)
    show("Cost of a search step", rows())
