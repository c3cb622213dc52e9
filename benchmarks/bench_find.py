"""How long does a whole `find` take beside dense training, and what does freezing save? One thread, one process.

    TICKETRY_DATA=... OMP_NUM_THREADS=1 python benchmarks/bench_find.py

Dense is a plain torch loop over the same training examples, already normalised float32 in memory, same batch and
epochs, torch.optim.SGD. `find` is everything: data, weights, search, validation, judging, ticket and report.
Processor time, minimum of the repetitions, which take turns.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

import ticketry as tk
from table import Row, at_most, show
from ticketry import data, models
from ticketry.core.nets.feed import inputs

EPOCHS, BATCH, REPEATS = 10, 128, 5


def dense() -> None:
    dataset = data.load("mnist")
    split = data.split(dataset, 0.1)
    x = inputs(dataset.x[split.train], dataset.scaling)
    y = torch.from_numpy(dataset.y[split.train])
    module = models.build("lenet-300-100", dataset.input_shape, 10)
    for parameter in module.parameters():
        nn.init.normal_(parameter, 0, 0.05)
    optimiser = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    for _ in range(EPOCHS):
        for index in torch.randperm(len(y)).split(BATCH):
            optimiser.zero_grad()
            functional.cross_entropy(module(x[index]), y[index]).backward()
            optimiser.step()


def search(lock: tk.Lock) -> float:
    """Seconds of search, as the meters have them."""
    with tempfile.TemporaryDirectory() as out:
        method = tk.methods.EdgePopup(density=0.5, batch=BATCH)
        budget = tk.Budget(epochs=EPOCHS)
        run = tk.find(method, data="mnist", model="lenet-300-100", lock=lock, budget=budget, out=out)
        return float(run.result["cost"]["seconds"])


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def start_up() -> list[Row]:
    """Wall seconds of fresh processes, best of five."""

    def best(*command: str) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            times.append(time.perf_counter() - start)
        return min(times)

    with tempfile.TemporaryDirectory() as out:
        method = tk.methods.EdgePopup(density=0.1)
        tk.find(method, data="digits", model="mlp:20", budget=tk.Budget(epochs=1), out=out)
        show_ticket = best(sys.executable, "-m", "ticketry", "show", f"{out}/ticket.tkt")
    return [
        at_most('python -c "import ticketry"', best(sys.executable, "-c", "import ticketry"), 0.3, " s"),
        at_most("ticketry show", show_ticket, 0.5, " s"),
    ]


def rows() -> list[Row]:
    free, frozen = tk.Lock(), tk.Lock(off=0.35, on=0.35)
    times: list[tuple[float, float, float, float]] = []
    for _ in range(REPEATS):
        loop = seconds(dense)
        start = time.process_time()
        plain = search(free)
        times.append((loop, time.process_time() - start, plain, search(frozen)))
    loop, whole, plain, locked = (min(column) for column in zip(*times, strict=True))
    return [
        at_most(f"whole find / dense loop, MNIST, 10 epochs ({whole:.1f} s / {loop:.1f} s)", whole / loop, 1.25),
        at_most(f"search seconds, frozen 70 % / free ({locked:.1f} s / {plain:.1f} s)", locked / plain, 0.7),
        *start_up(),
    ]


if __name__ == "__main__":
    torch.set_num_threads(1)
    show("Cost of a whole search", rows())
