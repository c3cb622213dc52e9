"""How many masks does one thread evaluate? Digits and LeNet-300-100, beside the limit that one large product sets.

    TICKETRY_DATA=... OMP_NUM_THREADS=1 python benchmarks/bench_population.py

Evaluations count in full: loss and accuracy of a mask on all examples. Processor time, best of the repetitions. The
generations are those of arXiv 2411.04658, in a plain version whose operators are not timed. Operations are counted as
if nothing were left out, so that features that do not vary let LeNet's share exceed 100 %.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch

import ticketry as tk
from table import Row, at_least, show
from ticketry import data
from ticketry.core.fitness.kernels import Limit
from ticketry.core.task import Batch, Task
from ticketry.experiment import Experiment
from ticketry.runs.problem import problem_of_experiment

GENERATIONS = 300  # of the search whose next ones are timed
NEIGHBOURS = 2000


def task_on(dataset: data.Dataset, model: str) -> Task:
    """Random weights and biases in [-1, 1]; the last tenth of the examples validates."""
    method = tk.methods.Random(weights="uniform")
    return problem_of_experiment(
        Experiment(method=method, data=dataset.name, model=model, val=0.1), dataset=dataset
    ).task


def digits() -> Task:
    """[64, 75, 10] and 1,347 training examples."""
    found = data.load("digits")
    x, y = np.concatenate([found.x, found.x_test]), np.concatenate([found.y, found.y_test])
    return task_on(data.from_arrays("digits", x[:1497], y[:1497], x[1497:], y[1497:]), "mlp:75")


def random_masks(task: Task, n: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).random((n, task.space.size)) < 0.5)


def best(work: Callable[[], object], repeats: int) -> float:
    """Seconds."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def product(dtype: torch.dtype, size: int) -> float:
    """Operations a second of one large product, a multiplication and an addition being two."""
    a, out = torch.ones(size, size, dtype=dtype), torch.empty(size, size, dtype=dtype)
    return 2 * size**3 / best(lambda: torch.mm(a, a, out=out), 5)


class Search:
    """100 masks by age-old rates: 0.3 recombination with the best 30, 0.1 mutation of one bit, 10 random migrants."""

    def __init__(self, task: Task) -> None:
        self.task, self.draw = task, np.random.default_rng(1)
        self.masks = random_masks(task, 100).numpy()
        self.loss = task.fitness(torch.from_numpy(self.masks)).loss.numpy()

    def young(self) -> torch.Tensor:
        """Children, mutants and migrants of the next generation."""
        p, d = self.masks.shape
        having = np.flatnonzero(self.draw.random(p) < 0.3)
        mates = self.draw.integers(0, 30, len(having))
        children = np.where(self.draw.random((len(having), d)) < 0.5, self.masks[having], self.masks[mates])
        every = np.concatenate([self.masks, children])
        mutants = every[self.draw.random(len(every)) < 0.1]
        mutants[np.arange(len(mutants)), self.draw.integers(0, d, len(mutants))] ^= True
        return torch.from_numpy(np.concatenate([children, mutants, self.draw.random((10, d)) < 0.5]))

    def limit(self) -> Limit:
        return Limit(loss=float(self.loss[-1]))

    def select(self, young: torch.Tensor, loss: torch.Tensor) -> None:
        masks = np.concatenate([self.masks, young.numpy()])
        losses = np.concatenate([self.loss, loss.numpy()])
        _, first = np.unique(np.packbits(masks, axis=1), axis=0, return_index=True)
        order = first[np.argsort(losses[first], kind="stable")][:100]
        self.masks, self.loss = masks[order], losses[order]


def generations(task: Task, repeats: int = 20) -> tuple[float, float]:
    """Evaluations a second in the generations after `GENERATIONS`, with their shortcuts and by the loop."""
    search = Search(task)
    rates, plain = [], []
    for generation in range(GENERATIONS + repeats):
        young, limit = search.young(), search.limit()
        loss = task.fitness(young, limit=limit).loss
        if generation >= GENERATIONS:
            rates.append(len(young) / best(lambda: task.fitness(young, limit=limit), 10))  # noqa: B023
            if generation % 5 == 0:
                plain.append(len(young) / best(lambda: task.fitness(young, kernel="loop"), 2))  # noqa: B023
        search.select(young, loss)
    return float(np.median(rates)), float(np.median(plain))


def neighbours(task: Task, batch: Batch | None, n: int) -> float:
    """Masks a bit away from one mask, evaluated by difference in a second."""
    differ = task.neighbours(random_masks(task, 1)[0], batch)
    assert differ is not None
    positions = torch.from_numpy(np.random.default_rng(2).permutation(task.space.size)[:n])
    return n / best(lambda: differ.flips(positions), 3)


def rows() -> list[Row]:
    limit = product(torch.float32, 2048)
    small = digits()
    masks = random_masks(small, 108)
    rate = len(masks) / best(lambda: small.fitness(masks), 40)
    share = rate * 2 * small.space.total * len(small.train) / limit
    later, loop = generations(small)
    flips = neighbours(small, None, small.space.size)

    large = task_on(data.load("mnist"), "lenet-300-100")
    thousand = Batch(*large.train.batch(slice(1000)))
    masks = random_masks(large, 128)
    dense = len(masks) / best(lambda: large.fitness(masks, thousand), 5)
    masks &= random_masks(large, 128, 1) & random_masks(large, 128, 2)
    sparse = len(masks) / best(lambda: large.fitness(masks, thousand), 3)
    part = dense * 2 * large.space.total * 1000 / limit
    steps = neighbours(large, thousand, NEIGHBOURS)
    half = product(torch.bfloat16, 512) / limit
    return [
        at_least(f"digits, random masks, evaluations/s ({share:.0%} of the f32 limit)", rate, 6000, digits=0),
        at_least(
            f"digits, generations from {GENERATIONS} on, evaluations/s (loop {loop:.0f})", later, 10_000, digits=0
        ),
        at_least(f"digits, one-bit neighbours, evaluations/s ({flips / rate:.1f} x)", flips, 10_000, digits=0),
        at_least(
            f"LeNet, 128 masks, share of the f32 limit, {limit / 1e9:.0f} GFLOP/s", 100 * part, 75, " %", digits=0
        ),
        Row("LeNet, masks of density 0.5 and 0.125, evaluations/s", f"{dense:.0f} and {sparse:.0f}", "none", True),
        at_least(f"LeNet, one-bit neighbours, evaluations/s ({steps / dense:.0f} x)", steps, 5000, digits=0),
        at_least("bf16 product / f32 product", 100 * half, 150, " %", digits=0),
    ]


if __name__ == "__main__":
    torch.set_num_threads(1)
    show("Fitness of a population", rows())
