"""Does the court judge the same each time? Whole checks of three tickets of each method, found with other seeds.

    TICKETRY_DATA=... OMP_NUM_THREADS=1 python benchmarks/bench_court.py

The tickets are those of the recipe gem-miner-mnist at cpu scale, density 0.0144, seeds 0 to 2: found anew, with other
weights, and tried against other shuffles and draws. Every check has five draws, trained for five epochs. A verdict
flips where one repetition says pass and another says fail; "more draws may tell" is neither.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import torch

from bench_gem import ROOT, outcome
from table import Row, at_most, show
from ticketry.checks.court import TICKET, check
from ticketry.core.training.recipe import Training

NAME = "gem-miner-mnist"
SEEDS = range(3)
AT_INIT = ("snip", "grasp", "synflow", "magnitude-at-init")
FOUND = ("gem-miner", "gradual")


def tried(job: tuple[str, int]) -> dict[str, Any]:
    """The outcome of one check; kept beside the ticket, so that a second start is instant."""
    torch.set_num_threads(1)
    method, seed = job
    run = (ROOT / NAME / f"0.0144-{method}" / f"s{seed}" / "search").resolve()
    return check(run, seeds=5, training=Training(epochs=5), trained=True)


def words(outcome: Mapping[str, Any]) -> dict[str, str]:
    """The verdict on the ticket and on each control."""
    return {TICKET: outcome["verdict"]} | {one["control"]: one["word"] for one in outcome["controls"]}


def differences(outcomes: Iterable[Mapping[str, Any]], name: str) -> list[float]:
    """By how much the ticket was better than one control, in each of several checks."""
    return [one["difference"] for outcome in outcomes for one in outcome["controls"] if one["control"] == name]


def rows() -> list[Row]:
    outcome(NAME)
    jobs = [(method, seed) for method in (*AT_INIT, *FOUND) for seed in SEEDS]
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        outcomes = list(pool.map(tried, jobs))
    table, flips, changes, verdicts = [], 0, 0, 0
    for method in (*AT_INIT, *FOUND):
        mine = [one for (name, _), one in zip(jobs, outcomes, strict=True) if name == method]
        each = {name: [words(one)[name] for one in mine] for name in words(mine[0])}
        verdicts += len(each)
        changes += sum(len(set(said)) > 1 for said in each.values())
        flips += sum({"pass", "fail"} <= set(said) for said in each.values())
        lost = {name: [f"{100 * d:+.1f}" for d in differences(mine, name)] for name in ("shuffle", "rewiring")}
        expected = method in AT_INIT
        fine = not expected or set(each["shuffle"]) == {"fail"}
        target = "fail, fail, fail" if expected else "none: as it is"
        points = "; ".join(f"{name} {', '.join(found)}" for name, found in lost.items())
        label = f"{method}: {points} points; all controls: {', '.join(each[TICKET])}"
        table.append(Row(label, ", ".join(each["shuffle"]), target, fine))
    label = f"verdicts that flip, of {verdicts} ({changes} are inconclusive in some repetition)"
    return [*table, at_most(label, flips, 0, digits=0)]


if __name__ == "__main__":
    torch.set_num_threads(1)
    show("The court, three times", rows())
