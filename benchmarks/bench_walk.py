"""Is the genetic search better than the walk that ends it? The same walk from random masks, on digits.

    OMP_NUM_THREADS=1 python benchmarks/bench_walk.py            # test accuracy, seeds 10 to 14
    OMP_NUM_THREADS=1 python benchmarks/bench_walk.py --alone    # seeds 0 to 4, beside the genetic rows on record
    OMP_NUM_THREADS=1 python benchmarks/bench_walk.py --pilots   # validation accuracy, seeds 0 to 2: passes, restarts

Networks [64, 75, 4] and [64, 75, 10] with uniform weights, as in the recipe genetic-digits at cpu scale: a tenth of the
training part is held out; 11,000 generations at most. `hill-climbing` begins at one random mask. With the evaluations
of the genetic search of the same seed it has more passes over the bits, at a price that falls as much slower (or, among
the pilots, more random masks, of which the best on training data is the answer). Accuracy before the walk is that of
the same search's best mask at that moment. Everything is judged on the test split once, after all of the search. With
--alone, as many evaluations are the mean of the genetic row in records/2026-11-21-genetic-digits-cpu.txt.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import torch

from ticketry.core.errors import SearchEnded
from ticketry.core.meters import Budget
from ticketry.experiment import Experiment
from ticketry.methods.genetic import Genetic
from ticketry.methods.hill_climbing import HillClimbing
from ticketry.report.statistics import estimate
from ticketry.runs.problem import problem_of_experiment

DATA = {"10 classes": "digits", "4 classes": "digits(classes=4)"}
ON_RECORD = {"digits(classes=4)": 384_827, "digits": 454_695}  # evaluations of the genetic search, seeds 0 to 4
LONG = 10**6  # passes or restarts that the budget ends
PILOTS: Mapping[str, tuple[HillClimbing, int | None]] = {
    "12 passes": (HillClimbing(), None),
    "6 passes": (HillClimbing(passes=6), None),
    "24 passes": (HillClimbing(passes=24), None),
    "450,000 evaluations: more passes": (HillClimbing(passes=LONG), 450_000),
    "450,000 evaluations: restarts": (HillClimbing(restarts=LONG), 450_000),
}


class Found(NamedTuple):
    """What a search came to: `accuracy` on the split that is looked at, `density`, and `evaluations` so far."""

    accuracy: float
    density: float
    evaluations: int


def search(method: Any, data: str, seed: int, budget: Budget, pilot: bool) -> tuple[Found | None, Found]:
    """What a search ends with, after what it had when its walk began, where it begins with something else."""
    problem = problem_of_experiment(
        Experiment(method=method, data=data, model="mlp:75", seed=seed, budget=budget), dataset=None
    )
    task, state, masks = problem.task, method.init(problem.task), []
    while True:
        try:
            with task.one_step():
                after = method.step(task, state)
        except SearchEnded:
            break
        if isinstance(method, Genetic) and len(after.walk) and not len(state.walk):
            masks.append((method.mask(task, state), task.meters.evaluations))
        state = after
    masks.append((method.mask(task, state), task.meters.evaluations))
    feed = task.validation if pilot else problem.test
    found = [Found(task.judge(task.effective(mask), feed)[1], task.space.density(mask), spent) for mask, spent in masks]
    return (found[0] if len(found) > 1 else None), found[-1]


def compared(data: str, seed: int) -> Iterator[tuple[str, Found]]:
    """The rows of one seed."""
    before, after = search(Genetic(), data, seed, Budget(generations=11_000), False)
    if before is not None:
        yield "genetic, before its walk", before
    yield "genetic", after
    yield "hill-climbing", search(HillClimbing(), data, seed, Budget(), False)[1]
    same = Budget(evaluations=after.evaluations)
    yield "hill-climbing, as many evaluations", search(HillClimbing(passes=LONG), data, seed, same, False)[1]


def alone(data: str, seed: int) -> Iterator[tuple[str, Found]]:
    """The rows of one seed without genetic ones."""
    yield "hill-climbing", search(HillClimbing(), data, seed, Budget(), False)[1]
    same = Budget(evaluations=ON_RECORD[data])
    yield "hill-climbing, as many evaluations", search(HillClimbing(passes=LONG), data, seed, same, False)[1]


def pilots(data: str, seed: int) -> Iterator[tuple[str, Found]]:
    """The settings that were tried, by validation accuracy."""
    for name, (method, evaluations) in PILOTS.items():
        yield name, search(method, data, seed, Budget(evaluations=evaluations), True)[1]


def line(found: list[Found], first: list[Found]) -> str:
    """Means over seeds with 95 % t-intervals; differences to another row, seed by seed."""

    def spread(values: list[float], sign: str = "") -> str:
        one = estimate(values)
        return f"{100 * one.mean:{sign}.2f} ± {100 * (one.half or 0):.2f}"

    beyond = [mine.accuracy - other.accuracy for mine, other in zip(found, first, strict=True)]
    sparser = [other.density - mine.density for mine, other in zip(found, first, strict=True)]
    evaluations = estimate([one.evaluations for one in found]).mean
    accuracy, sparsity = ([getattr(one, name) for one in found] for name in ("accuracy", "density"))
    return (
        f"{spread(accuracy):>14}  {spread([1 - one for one in sparsity]):>14}  {evaluations:>11,.0f}"
        f"  {spread(beyond, '+'):>14}  {spread(sparser, '+'):>14}"
    )


MODES: Mapping[str, tuple[Callable[[str, int], Iterator[tuple[str, Found]]], range, str]] = {
    "": (compared, range(10, 15), "genetic"),
    "--alone": (alone, range(5), "hill-climbing"),
    "--pilots": (pilots, range(3), "12 passes"),
}
"""What to run, with which seeds, and the row that differences are to."""


def main(mode: str) -> None:
    run, seeds, reference = MODES[mode]
    split = "validation" if mode == "--pilots" else "test"
    for title, data in DATA.items():
        rows: dict[str, list[Found]] = {}
        for seed in seeds:
            for name, found in run(data, seed):
                rows.setdefault(name, []).append(found)
                print(f"{title}, seed {seed}, {name}: {found}", file=sys.stderr, flush=True)
        print(f"\n{title}, seeds {seeds[0]} to {seeds[-1]}: mean and 95 % interval; differences to {reference}")
        print(f"{'':34}  {split:>14}  {'sparsity':>14}  {'evaluations':>11}  {'points':>14}  {'sparser':>14}")
        for name, found in rows.items():
            print(f"{name:34}  {line(found, rows[reference])}", flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(next(iter(sys.argv[1:]), ""))
