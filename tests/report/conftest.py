"""Run directories without a search: real experiments and ticket files with masks, logs and scores of our choice."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ticketry.core.atomic import write
from ticketry.core.masks import allocation
from ticketry.core.seed import locks
from ticketry.core.seed.weights import WeightRecipe
from ticketry.experiment import Experiment
from ticketry.paths import RunDirectory
from ticketry.ticket import file
from ticketry.ticket.file import LayerShape, TicketFile

Made = tuple[RunDirectory, dict[str, Any]]
LENET = (("fc1.weight", (30, 64)), ("fc2.weight", (10, 30)))


def log_line(step: int, **changed: Any) -> dict[str, Any]:
    line = {"step": step, "epochs": step, "evaluations": 0, "seconds": step * 0.5, "density": 0.25}
    line |= {"train_loss": 2 / step, "val_loss": 2.5 / step, "val_accuracy": 1 - 0.5 / step}
    return line | changed


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Made]:
    """A finished run: `layers` are (name, shape), `log` the lines of log.jsonl, None for no such file."""

    def make(
        experiment: Experiment,
        layers: Sequence[tuple[str, tuple[int, ...]]] = LENET,
        input_shape: tuple[int, ...] = (8, 8),
        log: Sequence[dict[str, Any]] | None = (log_line(1), log_line(2), log_line(3)),
        density: float = 0.25,
        **changed: Any,
    ) -> Made:
        directory = RunDirectory(tmp_path / "run")
        maskable = tuple(LayerShape(name, shape) for name, shape in layers)
        counts = None
        if experiment.lock.any:
            shapes = [layer.shape for layer in maskable]
            lock = experiment.lock
            counts = tuple(allocation.lock_counts(lock.budget, lock.split, shapes, lock.off, lock.on))
        bits = []
        for index, layer in enumerate(maskable):
            mask = np.arange(layer.size) < max(1, round(density * layer.size))
            np.random.default_rng(index).shuffle(mask)
            if counts is not None:
                pattern = locks.pattern(experiment.seed, layer.name, layer.size, *counts[index])
                mask = np.where(pattern == 0, mask, pattern > 0)
            bits.append(mask)
        method = experiment.method
        ticket = TicketFile(
            model=experiment.model,
            input_shape=input_shape,
            outputs=10,
            layers=maskable,
            seed=experiment.seed,
            recipe=WeightRecipe(method.weights, method.scale),
            kind=method.kind,
            method=experiment.resolved["method"]["name"],
            data=experiment.data,
            run=experiment.digest[:16],
            mask=np.concatenate(bits),
            locks=counts,
        )
        encoded = file.encode(ticket)
        summary = file.summary(encoded)
        environment = {"ticketry": "0.1.0", "torch": "2.13.0", "python": "3.11.9", "machine": "x86_64", "threads": 1}
        record = {**experiment.resolved, "digest": experiment.digest, "environment": environment, "split": "5" * 64}
        directory.root.mkdir(parents=True, exist_ok=True)
        write(directory.record, json.dumps(record))
        write(directory.ticket, encoded)
        if log is not None:
            write(directory.log, "".join(json.dumps(line) + "\n" for line in log))
        result = {
            "method": ticket.method,
            "data": experiment.data,
            "model": experiment.model,
            "seed": experiment.seed,
            "kind": method.kind,
            "density": summary.density,
            "kept": summary.kept,
            "maskable": summary.maskable,
            "searched": summary.searched,
            "ticket_bytes": len(encoded),
            "entropy_bytes": summary.entropy_bytes,
            "accuracy": {"train": 0.9871, "val": 0.9654, "test": 0.9612},
            "loss": {"train": 0.1234, "val": 0.2345, "test": 0.3456},
            "chosen_step": 3,
            "cost": {
                "examples_forward": 123456,
                "examples_backward": 98765,
                "evaluations": 0,
                "epochs": 3,
                "steps": 3,
                "seconds": 83.2,
                "peak_rss_bytes": 512_000_000,
            },
            "digest": {**summary.digests, "experiment": experiment.digest, "split": "5" * 64},
            "front": [],
            "notes": {},
        }
        return directory, result | changed

    return make


@pytest.fixture
def lines() -> Callable[..., list[dict[str, Any]]]:
    """So many log lines, each with the same changes."""
    return lambda n, **changed: [log_line(step, **changed) for step in range(1, n + 1)]
