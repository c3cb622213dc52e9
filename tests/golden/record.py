"""Recorded answers: digests of the masks that data-free methods choose, which are the same on every machine.

    python tests/golden/record.py      # after a change that is meant to change them; review the difference

Searches by gradient are left out: their bits depend on the processor's sums. They have laws and known answers instead.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from ticketry.experiment import Experiment, Lock
from ticketry.methods._contract import Method
from ticketry.methods.dense import Dense
from ticketry.methods.magnitude import Magnitude
from ticketry.methods.random import Random
from ticketry.runs.problem import problem_of_experiment
from ticketry.ticket.file import mask_digest

RECORD = Path(__file__).with_name("masks.json")
METHODS: tuple[Method, ...] = (  # type: ignore[type-arg]
    Random(density=0.1, layers="uniform"),
    Random(density=0.1, layers="erk"),
    Random(density=0.1, layers="epl"),
    Random(density=0.1, layers="igq"),
    Dense(),
    Magnitude(density=0.1),
    Magnitude(density=0.003, floor=3, weights="signed-constant"),
    Magnitude(density=0.5, weights="uniform"),
)
LOCKS = (Lock(), Lock(off=0.4, on=0.0005, budget="erk"))


def answers() -> dict[str, str]:
    """Mask digest of every method, free and locked, on digits with mlp:50,30 and seed 3."""
    found = {}
    for method in METHODS:
        for lock in LOCKS:
            task = problem_of_experiment(
                Experiment(method=method, data="digits", model="mlp:50,30", seed=3, lock=lock)
            ).task
            mask = task.space.full(method.mask(task, method.init(task)))
            settings = {**asdict(method), "off": lock.off}  # type: ignore[call-overload]
            found[f"{type(method).__name__} {json.dumps(settings, sort_keys=True)}"] = mask_digest(mask.numpy())
    return found


if __name__ == "__main__":
    RECORD.write_text(json.dumps(answers(), indent=1) + "\n")
