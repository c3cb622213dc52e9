"""The tiny problem that every law is tried on, and small helpers: an epoch takes about a millisecond."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from ticketry import data, methods
from ticketry.core.errors import SearchEnded
from ticketry.core.meters import Budget
from ticketry.core.task import Task
from ticketry.core.trust import typed
from ticketry.experiment import Experiment, Lock
from ticketry.methods._contract import Method
from ticketry.runs import find as run
from ticketry.runs.assembly import Problem
from ticketry.runs.problem import Handed, problem_of_experiment

MODEL = "mlp:24"  # 16 x 24 + 24 x 4 = 480 weights
SHORT = Budget(epochs=3, generations=3)
LOCK = Lock(off=0.3, on=0.1)

MethodClass = type[Method[Any]]


@cache
def dataset() -> data.Dataset:
    """Four classes of two clouds each in 16 dimensions: 400 examples to train and validate on, 400 to test."""
    draw = np.random.default_rng(0)
    centres = draw.normal(size=(8, 16)).astype(np.float32)
    cloud = np.arange(800) % 8
    x = centres[cloud] + 0.5 * draw.normal(size=(800, 16)).astype(np.float32)
    y = cloud // 2
    return data.from_arrays("tiny", x[:400], y[:400], x[400:], y[400:])


def experiment(method: Method[Any], budget: Budget = SHORT, lock: Lock | None = None, seed: int = 0) -> Experiment:
    return Experiment(method=method, data="tiny", model=MODEL, seed=seed, budget=budget, lock=lock or Lock(), val=0.25)


def problem(method: Method[Any], budget: Budget = SHORT, lock: Lock | None = None, seed: int = 0) -> Problem:
    return problem_of(experiment(method, budget, lock, seed))


def problem_of(wanted: Experiment, model: Handed = None) -> Problem:
    """That of an experiment whose texts the user typed."""
    return problem_of_experiment(wanted, dataset(), model, typed(wanted.model))


def states(method: Method[Any], task: Task, most: int = 100) -> Iterator[Any]:
    """The state after init and after every step, until the budget ends or, if it does not, `most` steps."""
    state = method.init(task)
    yield state
    for _ in range(most):
        try:
            with task.one_step():
                state = method.step(task, state)
        except SearchEnded:
            return
        yield state


def execute(wanted: Experiment, out: Path) -> run.Run:
    """A whole run without its report, which takes longer than the search."""
    with patch.object(run, "page", lambda *_: ""):
        return run.execute(wanted, out, dataset=dataset(), trust=typed(wanted.model))


@contextlib.contextmanager
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as path:
        yield Path(path) / "run"


@contextlib.contextmanager
def known(method_class: MethodClass) -> Iterator[None]:
    """Let a class be found by name, whether or not it lies in the folder of the methods."""
    found = {method_class.__module__.rpartition(".")[2].replace("_", "-"): method_class}
    with patch.object(methods, "discover", lambda: found):
        yield


def densities(method_class: MethodClass, layers: int = 2, total: int = 480) -> list[dict[str, float]]:
    """Arguments that ask for densities from all down to one weight a layer; none where there is no such field."""
    if "density" not in {f.name for f in fields(method_class)}:  # type: ignore[arg-type]
        return [{}]
    return [{"density": d} for d in (1.0, 0.5, 0.337, 0.05, layers / total)]


def same(a: object, b: object) -> bool:
    """Equality of plain data, nested or not, bit for bit and type for type."""
    if is_dataclass(a) and not isinstance(a, type) and type(a) is type(b):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    if isinstance(a, list | tuple) and type(a) is type(b) and len(a) == len(b):
        return all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict) and list(a) == list(b):
        return all(same(a[name], b[name]) for name in a)
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        alike = (a.dtype, a.shape, a.device) == (b.dtype, b.shape, b.device)
        return alike and raw(a) == raw(b)
    if isinstance(a, float) and isinstance(b, float):
        return a.hex() == b.hex()
    return type(a) is type(b) and a == b


def raw(tensor: torch.Tensor) -> bytes:
    """The bytes of a tensor."""
    whole = tensor.detach().cpu().clone(memory_format=torch.contiguous_format).flatten()
    return bytes(whole.view(torch.uint8).numpy())


def tensors(state: Any) -> dict[str, torch.Tensor]:
    values = {f.name: getattr(state, f.name) for f in fields(state)}
    return {name: value for name, value in values.items() if isinstance(value, torch.Tensor)}
