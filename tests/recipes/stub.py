"""A recipe of a few seconds: a random mask, edge-popup at its density and at its own, and the dense network."""

from __future__ import annotations

import sys
from typing import Any

from ticketry.core.meters import Budget
from ticketry.experiment import Experiment
from ticketry.methods._contract import Method
from ticketry.methods.edge_popup import EdgePopup
from ticketry.methods.random import Random
from ticketry.recipes.backprop import Backprop
from ticketry.recipes.perform import perform
from ticketry.recipes.plan import Cell, Recipe
from ticketry.recipes.searched import Searched
from ticketry.runs.executor import LocalProcesses

DATA = "moons(train=200, test=150)"


def recipe(epochs: int = 2, scale: Any = "smoke") -> Recipe:
    def search(method: Method[Any]) -> Searched:
        return Searched(search=Experiment(method=method, data=DATA, model="mlp:6", budget=Budget(epochs=epochs)))

    cells = (
        Cell(name="random", group="A", series="random", work=search(Random(density=0.3)), published=0.25),
        Cell(name="half", group="A", series="edge-popup, half", work=search(EdgePopup(batch=32))),
        Cell(name="like", group="A", series="edge-popup, as random", work=search(EdgePopup(batch=32)), like="random"),
        Cell(name="dense", group="A", series="dense", work=Backprop(data=DATA, model="mlp:6", epochs=epochs)),
        Cell(name="two", group="B", series="random", work=search(Random(layers="uniform")), classes=2),
    )
    return Recipe(name="stub", scale=scale, title="A stub", notes=("A note.",), cells=cells, seeds=(0, 1))


if __name__ == "__main__":
    perform(recipe(int(sys.argv[2])), sys.argv[1], executor=LocalProcesses(2))
