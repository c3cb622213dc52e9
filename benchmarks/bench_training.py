"""What does a mask cost in training, and what do many copies at once save? One thread, processor time.

    OMP_NUM_THREADS=1 python benchmarks/bench_training.py

A masked step is measured against a dense one as in bench_step.py. The eight copies of LeNet-300-100 have the same
batches, all at once or one after another.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable

import torch

from bench_step import against_dense, seconds
from table import Row, at_most, show
from ticketry import data
from ticketry.core.task import Task
from ticketry.core.training import engine
from ticketry.core.training.recipe import Training
from ticketry.experiment import Experiment
from ticketry.methods.random import Random
from ticketry.runs.problem import problem_of_experiment

CASES = (("conv6", 128, 6), ("resnet20", 128, 18))
COPIES = 8


def task_of(model: str, dataset: data.Dataset) -> Task:
    wanted = Experiment(method=Random(), data="noise", model=model, val=0.2)
    return problem_of_experiment(wanted, dataset=dataset).task


def masked(task: Task, size: int, masks: torch.Tensor) -> Callable[[], None]:
    """Whole epochs of training under masks, early in a schedule."""
    training = Training(epochs=1000, batch=size, learning_rate=1e-3)
    weights = engine.start(task, training, masks)
    number = 0

    def steps() -> None:
        nonlocal weights, number
        weights = engine.epoch(task, training, weights, masks, number, number)
        number += 1

    return steps


def masks_of(task: Task, density: float, p: int) -> torch.Tensor:
    draw = torch.Generator().manual_seed(0)
    return torch.rand(p, task.space.size, generator=draw) < density


def under_mask(model: str, dataset: data.Dataset, size: int) -> Callable[[], None]:
    task = task_of(model, dataset)
    return masked(task, size, masks_of(task, 0.1, 1))


def copies_ratio(density: float, rounds: int = 8) -> float:
    """Median time of training copies at once over that of training them one after another."""
    draw = torch.Generator().manual_seed(1)
    x = torch.randint(0, 256, (12_800, 28, 28), dtype=torch.uint8, generator=draw)
    x[torch.rand(x.shape, generator=draw) < 0.8] = 0  # as MNIST
    y = torch.arange(len(x)) % 10
    task = task_of("lenet-300-100", data.from_arrays("noise", x.numpy(), y.numpy(), x[:10].numpy(), y[:10].numpy()))
    masks = masks_of(task, density, COPIES)
    together = masked(task, 128, masks)
    alone = [masked(task, 128, mask[None]) for mask in masks]

    def one_by_one() -> None:
        for work in alone:
            work()

    for work in (together, one_by_one):
        work()
    return statistics.median(seconds(together) / seconds(one_by_one) for _ in range(rounds))


def rows() -> list[Row]:
    cases = (against_dense("masked step", under_mask, *case) for case in CASES)
    table = [at_most(label, value, 1.03) for label, value in cases]
    for density in (0.0144, 0.05, 0.5):
        label = f"{COPIES} copies of LeNet-300-100 at once / one by one, density {density:g}"
        table.append(at_most(label, copies_ratio(density), 0.6))
    return table


if __name__ == "__main__":
    torch.set_num_threads(1)
    show("Training under masks", rows())
