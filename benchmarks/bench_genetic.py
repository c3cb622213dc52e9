"""What does the genetic search cost beside its evaluations, and what does it find? One thread.

    OMP_NUM_THREADS=1 python benchmarks/bench_genetic.py [--quick]

Operators are all that a generation does beside fitness: sorting, crossover, mutation, migrants, dropping duplicates,
front and state. They are timed alone at the size of LeNet-300-100 (266,200 weights), packed as the library has them
and, for comparison, as plain bool tensors with draws by torch. Found tickets are whole runs of `find` with default
flags; the sparsifier sees training data alone.
"""

from __future__ import annotations

import gc
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch

import ticketry as tk
from table import Row, at_least, at_most, show
from ticketry.core.fitness.kernels import Score
from ticketry.core.masks.bits import Words
from ticketry.core.meters import Budget
from ticketry.core.task import Task
from ticketry.data import Dataset
from ticketry.evolution.masks import population
from ticketry.experiment import Experiment
from ticketry.methods.genetic import Genetic, State
from ticketry.runs.problem import problem_of_experiment

SEEDS = range(5)
NEVER = 10**9
METHOD = Genetic(sparsify="none", patience=NEVER)


def noise(n: int) -> Dataset:
    """Random grey images of ten classes: what operators cost does not depend on the data."""
    x = torch.randint(0, 256, (n, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)).numpy()
    y = torch.arange(n).numpy() % 10
    return tk.from_arrays("noise", x, y, x[:20], y[:20])


def task_of(data: str, model: str, dataset: Dataset | None = None) -> Task:
    wanted = Experiment(method=METHOD, data=data, model=model, budget=Budget(generations=NEVER))
    return problem_of_experiment(wanted, dataset=dataset).task


@contextmanager
def fitness(replacement: Callable[..., Score]) -> Iterator[None]:
    with patch.object(Task, "fitness", replacement):
        yield


def generations(task: Task, state: State, n: int) -> tuple[State, float]:
    """n generations, with the mask after each as the runner asks for it, and their seconds of processor time."""
    start = time.process_time()
    for _ in range(n):
        state = METHOD.step(task, state)
        METHOD.mask(task, state)
    return state, time.process_time() - start


def operators_share(rounds: int = 15, length: int = 20) -> tuple[float, float, float]:
    """Operators' part of a generation on digits, its milliseconds and its evaluations a second; medians of rounds."""
    task = task_of("digits", "mlp:75")
    real, spent, evaluated = Task.fitness, [0.0], [0]

    def timed(task: Task, masks: torch.Tensor, *args: Any, **kwargs: Any) -> Score:
        start = time.process_time()
        score = real(task, masks, *args, **kwargs)
        spent[0] += time.process_time() - start
        evaluated[0] += len(masks)
        return score

    shares, lengths, rates = [], [], []
    with fitness(timed):
        state, _ = generations(task, METHOD.init(task), 50)
        for _ in range(rounds):
            spent[0], evaluated[0] = 0.0, 0
            state, whole = generations(task, state, length)
            shares.append(1 - spent[0] / whole)
            lengths.append(1000 * whole / length)
            rates.append(evaluated[0] / spent[0])
    return statistics.median(shares), statistics.median(lengths), statistics.median(rates)


def instant(task: Task, masks: torch.Tensor, *args: Any, **kwargs: Any) -> Score:
    """Scores out of thin air, a function of the masks: the same search each time, without its evaluations."""
    task.meters.evaluations += len(masks)
    loss = 2 + (masks[:, :50].double() @ torch.linspace(-1, 1, 50, dtype=torch.float64)).sin()
    return Score(loss, torch.full_like(loss, 0.1))


def packed(rounds: int = 8, length: int = 5) -> tuple[float, float]:
    """Milliseconds of a generation of 100 x 266,200 bits without evaluations, and of unpacking the masks for them."""
    task = task_of("noise", "lenet-300-100", noise(100))
    real, spent = population.masks_of, [0.0]

    def timed(task: Task, words: Words) -> torch.Tensor:
        start = time.process_time()
        masks = real(task, words)
        spent[0] += time.process_time() - start
        return masks

    with fitness(instant), patch.object(population, "masks_of", timed):
        state, _ = generations(task, METHOD.init(task), 10)
        operators, unpacking = [], []
        for _ in range(rounds):
            spent[0] = 0.0
            state, seconds = generations(task, state, length)
            operators.append(1000 * (seconds - spent[0]) / length)
            unpacking.append(1000 * spent[0] / length)
    return statistics.median(operators), statistics.median(unpacking)


def plain(rounds: int = 5) -> float:
    """Milliseconds of the same generation on bool tensors: crossover, mutation, migrants, duplicates, truncation."""
    d, p, draw = 266_200, 100, torch.Generator().manual_seed(0)
    genomes = torch.rand(p, d, generator=draw) < 0.5
    times = []
    for _ in range(rounds):
        start = time.process_time()
        first = (torch.rand(p, generator=draw) < 0.3).nonzero().flatten()
        mates = torch.randint(0, 30, (len(first),), generator=draw)
        coins = torch.randint(0, 2, (len(first), d), generator=draw, dtype=torch.bool)
        whole = torch.cat([genomes, torch.where(coins, genomes[first], genomes[mates])])
        mutants = whole[torch.rand(len(whole), generator=draw) < 0.1]
        mutants[torch.arange(len(mutants)), torch.randint(0, d, (len(mutants),), generator=draw)] ^= True
        whole = torch.cat([whole, mutants, torch.randint(0, 2, (10, d), generator=draw, dtype=torch.bool)])
        known = {row.numpy().tobytes(): i for i, row in enumerate(whole)}
        whole = whole[list(known.values())]
        loss, ones = torch.rand(len(whole), generator=draw), whole.sum(1)
        order = ones.argsort(stable=True)
        genomes = whole[order[loss[order].argsort(stable=True)][:p]]
        times.append(1000 * (time.process_time() - start))
    return statistics.median(times)


def growth(n: int = 10_000) -> float:
    """Megabytes by which the process grows over n generations at LeNet-300-100 size, real evaluations on 4 images."""
    task = task_of("noise", "lenet-300-100", noise(40))
    real, seen = Task.fitness, [0]

    def rarely(task: Task, masks: torch.Tensor, *args: Any, **kwargs: Any) -> Score:
        seen[0] += 1
        return (real if seen[0] % 100 == 1 else instant)(task, masks, *args, **kwargs)

    with fitness(rarely):
        state, _ = generations(task, METHOD.init(task), 200)
        gc.collect()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        generations(task, state, n)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def found(classes: int) -> list[dict[str, Any]]:
    """Results of whole runs on digits with a hidden layer of 75, one a seed."""
    results = []
    for seed in SEEDS:
        with tempfile.TemporaryDirectory() as out:
            run = tk.find(Genetic(), data=f"digits(classes={classes})", model="mlp:75", seed=seed, out=out)
            results.append(run.result)
    return results


def tickets(classes: int, accuracy: float, sparsity: float, seconds: float) -> list[Row]:
    results = found(classes)
    right = [100 * r["accuracy"]["test"] for r in results]
    sparse = [100 * (1 - r["density"]) for r in results]
    name = f"digits, {classes} classes, 5 seeds:"
    slowest = max(r["cost"]["seconds"] for r in results)
    return [
        at_least(f"{name} test accuracy", statistics.mean(right), accuracy, " %", spread=statistics.stdev(right)),
        at_least(f"{name} sparsity", statistics.mean(sparse), sparsity, " %", spread=statistics.stdev(sparse)),
        at_most(f"{name} slowest search", slowest, seconds, " s", digits=0),
    ]


def rows() -> list[Row]:
    memory = growth()  # first: the peak of memory never falls
    share, milliseconds, rate = operators_share()
    (ours, unpacking), bools = packed(), plain()
    table = [
        at_most(
            f"operators in a generation of {milliseconds:.1f} ms ({rate:,.0f} evaluations/s)", 100 * share, 10, " %"
        ),
        at_most(f"operators on 100 x 266,200 bits (masks for evaluation: {unpacking:.1f} ms)", ours, 5, " ms"),
        Row(
            "the same on bool tensors",
            f"{bools:.0f} ms ({bools / (ours + unpacking):.0f}x)",
            "none: a comparison",
            True,
        ),
        at_most("growth of memory over 10,000 generations of those", memory, 200, " MB", digits=0),
    ]
    if "--quick" not in sys.argv:
        table += [*tickets(2, 100, 95, 120), *tickets(10, 96.7, 72, 120)]
    return table


if __name__ == "__main__":
    torch.set_num_threads(1)
    show("Genetic search", rows())
