"""Does Gem-Miner earn its place? The two recipes of LeNet-300-100 at cpu scale, and what they promise.

    TICKETRY_DATA=... OMP_NUM_THREADS=1 python benchmarks/bench_gem.py

Runs both recipes, about two hours on two cores, into runs/bench; what is there already is taken as it is, so a second
start is instant. Gem-Miner searches and trains for E epochs each where a round of imp has E: 10, unless a row says
otherwise. Differences are seed by seed. Collapse: the tickets of every method that has a floor, after searches of two
epochs.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

import ticketry as tk
from table import Row, at_least, at_most, show
from ticketry import recipes
from ticketry.core.meters import Budget
from ticketry.methods import discover
from ticketry.recipes.perform import perform

ROOT = Path("runs/bench")
HARD = "density 0.0144"


def outcome(name: str) -> dict[str, Any]:
    """What the recipe's numbers are, from a directory that keeps them."""
    return perform(recipes.discover()[name]("cpu"), ROOT / name, quiet=False)


def cells(found: Mapping[str, Any], group: str) -> dict[str, dict[str, Any]]:
    return {cell["series"]: cell for cell in found["cells"] if cell["group"] == group}


def ahead(rival: Mapping[str, Any]) -> tuple[float, float]:
    """Points of test accuracy by which gem-miner, first of its group, is above another row; half their interval."""
    return -100 * rival["difference"]["mean"], 100 * rival["difference"]["half"]


def against(name: str, rivals: Mapping[str, dict[str, Any]]) -> list[Row]:
    """Rows of a group, against those of the rivals that it has."""
    epochs = rivals["gem-miner"]["cost"]["epochs"] / rivals["imp"]["cost"]["epochs"]
    table = [at_most(f"{name}: epochs of gem-miner / of imp", epochs, 0.1)]
    wanted = {"imp": -0.3, "edge-popup": 0.0, "edge-popup, iterative global": 0.0}
    for rival, least in ((name, least) for name, least in wanted.items() if name in rivals):
        mean, half = ahead(rivals[rival])
        table.append(at_least(f"{name}: gem-miner minus {rival}, points (± {half:.2f})", mean, least))
    for rival in (name for name in ("random, erk", "random, smart-ratio") if name in rivals):
        mean, half = ahead(rivals[rival])
        table.append(at_least(f"{name}: the same for {rival}, {mean:.2f} points, low end", mean - half, 0.0))
    return table


def fewest(density: float = 0.0059) -> tuple[int, int]:
    """How many methods have a floor, and the fewest weights that any layer of their tickets keeps."""
    methods = [kind for kind in discover().values() if {"floor", "density"} <= {f.name for f in fields(kind)}]
    kept: list[int] = []
    for kind in methods:
        method: Any = kind(density=density)
        budget = Budget(epochs=2) if method.budget.epochs else Budget()
        with tempfile.TemporaryDirectory() as out:
            run = tk.find(method, data="mnist", model="lenet-300-100", budget=budget, out=out)
            kept += [int(mask.sum()) for mask in run.ticket.mask().values()]
    return len(methods), min(kept)


def smoke() -> float:
    """Seconds of the smoke scale of gem-miner-cifar10, all in all."""
    command = [sys.executable, "-m", "ticketry", "recipe", "gem-miner-cifar10", "--scale", "smoke", "--quiet"]
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        subprocess.run([*command, "--out", f"{out}/recipe"], check=True, capture_output=True)
        return time.perf_counter() - start


def rows() -> list[Row]:
    mnist, fashion = outcome("gem-miner-mnist"), outcome("gem-miner-fashion")
    table = against("MNIST", cells(mnist, HARD)) + against("Fashion-MNIST", cells(fashion, f"LeNet-300-100, {HARD}"))
    table += against("Fashion-MNIST, E = 20", cells(fashion, f"LeNet-300-100, 20 epochs, {HARD}"))
    methods, least = fewest()
    table.append(at_least(f"fewest weights of a layer at density 0.0059, {methods} methods", least, 1, digits=0))
    low = cells(mnist, "density 0.0059")
    trained, erk = (100 * low[name]["accuracy"]["mean"] for name in ("gem-miner", "random, erk"))
    table.append(at_least(f"MNIST, density 0.0059, trained (random, erk {erk:.1f} %): gem-miner", trained, erk, " %"))
    table.append(at_most("ResNet-20 on CIFAR-10 at smoke scale, seconds", smoke(), 180, digits=0))
    return table


if __name__ == "__main__":
    torch.set_num_threads(1)
    show("Gem-Miner and its rivals", rows())
