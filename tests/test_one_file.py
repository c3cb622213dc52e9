"""One new file in its folder is all that a new objective, data set, model, method or control takes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import ticketry

OBJECTIVE = '''
"""How often the first output is above 0: no labels, no gradient."""

from typing import Any, ClassVar
import torch
from ticketry.core.fitness.totals import Score
from ticketry.core.objective import Measure


class Counting:
    measure: ClassVar[Measure] = Measure(
        name="reward", title="reward", fraction=False, floor=0.0, loss="regret", loss_axis="Regret", does="play"
    )
    has: ClassVar[frozenset[str]] = frozenset()
    target, loss, guess = (), None, (0.5, 0.5)

    def __init__(self, about: Any) -> None:
        self.input_shape, self.outputs, self.digest = about[:3]

    @classmethod
    def of(cls, about: Any) -> "Counting":
        return cls(about)

    def targets(self, y: Any) -> Any:
        return y

    def prepare(self, examples: Any) -> Any:
        return examples

    def score(self, networks: Any, examples: Any, limit: Any, meter: Any) -> Score:
        found = []
        for number in range(len(networks.population)):
            flat = networks.population.part(torch.tensor([number])).flat()[0]
            views = networks.population.space.views(flat)
            network = lambda x: networks.net.eval_logits(views, x, networks.norms(flat))
            found.append(self.judge(network, examples, meter))
        loss, quality = torch.tensor(found, dtype=torch.float64).T
        return Score(loss, quality)

    def judge(self, network: Any, split: Any, meter: Any) -> tuple[float, float]:
        meter.spend(forward=len(split))
        with torch.no_grad():
            reward = float((network(split.batch(slice(None))[0])[:, 0] > 0).double().mean())
        return 1 - reward, reward

    def chance(self, split: Any) -> float:
        return 0.5

    def reported(self, loss: float | None) -> float | None:
        return loss
'''

DATA = '''
import numpy as np
from ticketry.data.dataset import Dataset, from_arrays


def starts(count: int = 60) -> Dataset:
    """Points in the plane."""
    x = np.random.Generator(np.random.Philox(key=0)).normal(size=(count, 2)).astype(np.float32)
    return from_arrays("starts", x, np.arange(count) % 2, objective="counting")
'''

MODEL = '''
import math
from torch import nn


def narrow(input_shape: tuple[int, ...], classes: int, *, width: int = 4) -> nn.Module:
    """One hidden layer."""
    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(input_shape), width), nn.ReLU(), nn.Linear(width, classes))
'''

CONTROL = '''
"""A mask that keeps the first weights of every layer."""

from dataclasses import replace
import numpy as np


def alter(subject, draw):
    mask = np.zeros_like(subject.mask)
    for place, kept in zip(subject.segments, subject.kept):
        mask[place][:kept] = True
    return replace(subject, mask=mask)
'''

SCRIPT = """
from ticketry import data, methods, models, objectives
from ticketry.checks import controls
from ticketry.cli.main import main
assert "counting" in objectives.discover() and "starts" in data.names() and "narrow" in models.names()
assert "first" in methods.discover() and "first-weights" in controls.discover()
def run(*words, code=0):
    assert main(words) == code, words
common = ["--model", "narrow(width=5)", "--budget.generations", "3"]
for method in ("first", "genetic", "synflow"):
    run("find", method, "--data", "starts", "--out", method, *common)
for method in ("edge-popup", "bernoulli-nes", "imp"):
    run("find", method, "--data", "starts", "--out", method, *common, code=2)
run("eval", "first/ticket.tkt", "--data", "starts")
run("find", "first", "--data", "moons(train=60, test=40)", "--out", "classes", *common)
assert main(["check", "classes", "--seeds", "3", "--trained", "False"]) in (0, 1)
"""


def test_a_file_is_enough(tmp_path: Path) -> None:
    package = tmp_path / "src" / "ticketry"
    shutil.copytree(Path(ticketry.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    method = (package / "methods" / "random.py").read_text().replace("class Random", "class First")
    for name, text in (
        ("objectives/counting.py", OBJECTIVE),
        ("data/starting.py", DATA),
        ("models/thin.py", MODEL),
        ("methods/first.py", method),
        ("checks/controls/first_weights.py", CONTROL),
    ):
        (package / name).write_text(text)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "src")}
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "of the random weights" in ran.stdout or "are chosen for training" in ran.stdout
    assert "test reward" in ran.stdout
    assert "first-weights" in ran.stdout
    refused = [line for line in ran.stderr.splitlines() if "which needs" in line]
    assert len(refused) == 3
    assert "ticketry: method is edge-popup, which needs a gradient, but it must be" in refused[0]
    assert "genetic" in refused[0]
    assert all(line in refused or "warning" in line for line in ran.stderr.splitlines())
