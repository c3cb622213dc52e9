"""Every promised figure beside its target: `make bench`. About three hours on two cores; `--quick` leaves MNIST out."""

from __future__ import annotations

import sys

import torch

import bench_accuracy
import bench_court
import bench_find
import bench_gem
import bench_genetic
import bench_population
import bench_scaled
import bench_step
import bench_ticket
import bench_training
from table import show


def main() -> int:
    torch.set_num_threads(1)
    parts = [
        ("Size and speed of tickets", bench_ticket),
        ("Cost of a search step", bench_step),
        ("Training under masks", bench_training),
    ]
    if "--quick" not in sys.argv:
        parts += [
            ("Cost of a whole search", bench_find),
            ("Strong tickets on MNIST", bench_accuracy),
            ("Fitness of a population", bench_population),
            ("Genetic search", bench_genetic),
            ("Search without gradients on MNIST", bench_scaled),
            ("Gem-Miner and its rivals", bench_gem),
            ("The court, three times", bench_court),
        ]
    missed = 0
    for title, part in parts:
        rows = part.rows()
        show(title, rows)
        missed += sum(not row[3] for row in rows)
    print(f"\n{missed} of the figures above miss their target.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
