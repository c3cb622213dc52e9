"""A kind of work that ticketry does not know: guesses without a network, kept in a directory of its own layout."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ticketry import data


@dataclass(frozen=True, kw_only=True)
class Guess:
    """Always the same class."""

    data: str
    model: str = "none"
    seed: int = 0
    density: float = 1.0
    device: str = "cpu"
    shared_val: float = 0.1
    records = ("guess",)

    @property
    def resolved(self) -> dict[str, Any]:
        return {"method": "guess", **asdict(self)}

    def seeded(self, seed: int) -> Guess:
        return replace(self, seed=seed)

    def on(self, device: str) -> Guess:
        return replace(self, device=device)

    def with_density(self, density: float) -> Guess:
        return replace(self, density=density)

    def with_evaluations(self, evaluations: int) -> Guess:
        return self

    def execute(self, out: Path) -> dict[str, Any]:
        dataset = data.load(self.data)
        split = data.split(dataset, self.shared_val)
        (out / "guess").mkdir(parents=True)
        (out / "guess" / "experiment.json").write_text(json.dumps({"split": split.digest}))
        guess = self.seed % dataset.outputs
        parts = {"train": dataset.y[split.train], "val": dataset.y[split.val], "test": dataset.y_test}
        result = {
            "method": "guess",
            "seed": self.seed,
            "density": self.density,
            "kept": round(1000 * self.density),
            "maskable": 1000,
            "accuracy": {name: float(np.mean(y == guess)) for name, y in parts.items()},
            "cost": dict.fromkeys(("epochs", "evaluations", "examples_forward", "examples_backward", "seconds"), 0),
            "digest": {"data": dataset.digest, "split": split.digest},
        }
        (out / "result.json").write_text(json.dumps(result))
        return result

    def command(self, out: str) -> str:
        return f"guess {self.seed} {out}"
