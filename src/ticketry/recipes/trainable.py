"""One row a method, of tickets that are searched and then trained alike: what the Gem-Miner recipes are made of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ticketry.core.meters import Budget
from ticketry.core.seed.weights import WeightRecipe
from ticketry.core.training.recipe import Training
from ticketry.experiment import Experiment
from ticketry.methods.dense import Dense
from ticketry.methods.edge_popup import EdgePopup
from ticketry.methods.gem_miner import GemMiner
from ticketry.methods.gradual import Gradual
from ticketry.methods.grasp import Grasp
from ticketry.methods.imp import Imp
from ticketry.methods.magnitude import Magnitude
from ticketry.methods.one_shot import OneShot
from ticketry.methods.random import Random
from ticketry.methods.snip import Snip
from ticketry.methods.synflow import Synflow
from ticketry.recipes.fitted import Fitted
from ticketry.recipes.plan import Cell

PUBLISHED = "gem-miner, published rule"
ALL = (
    *("gem-miner", PUBLISHED, "imp", "lrr", "gradual", "one-shot"),
    *("edge-popup", "edge-popup, iterative global", "edge-popup, biprop", "snip", "grasp", "synflow"),
    *("magnitude at init", "random, erk", "random, igq", "random, smart-ratio", "dense"),
)
FEW = ("gem-miner", PUBLISHED, "gradual", "edge-popup", "snip", "random, erk", "dense")
LEAST = ("gem-miner", "gradual", "random, erk")
LATE = "imp, late rewinding"
UNTRAINED = ("gem-miner", PUBLISHED, "edge-popup")
"""What is searched to work untrained."""


@dataclass(frozen=True, kw_only=True)
class ComparisonSetting:
    """What the cells of one network share."""

    data: str
    model: str
    training: Training
    """Of a ticket; a search lasts as many epochs."""
    title: str = ""
    """Begins the names of group and directories where a recipe has several networks."""
    series: tuple[str, ...] = ALL
    """Which methods."""
    regulariser: Mapping[float, float] = field(default_factory=dict)
    """lambda of gem-miner by the published rule, by density; without, 1e-4 sqrt(0.0144 / density), as grids fall."""
    period: int = 1
    """Of gem-miner by the published rule: epochs between freezing events."""
    fine: float | None = None
    """Learning rate of tickets that were searched to work untrained, where it is another."""
    rewind: int = 0
    """Step that imp and the training of its tickets go back to."""
    late: int = 0
    """The same of the row "imp, late rewinding", which is there where this is above 0."""
    weights: WeightRecipe | None = None
    """Of every method, in place of its own."""

    def cells(self, densities: Sequence[float]) -> Iterator[Cell]:
        """One row a method and density, and one of the whole network."""
        for density in densities:
            for series, method, budget in self._methods(density):
                if series in (*self.series, LATE):
                    yield self._cell(f"density {density:g}", f"{density:g}-{series}", series, method, budget)
        if "dense" in self.series:
            yield self._cell("own density", "dense", "dense", Dense(), Budget())

    def _cell(self, group: str, name: str, series: str, method: Any, budget: Budget) -> Cell:
        back = {"imp": self.rewind, LATE: self.late}.get(series, 0)
        training = replace(self.training, rewind=back) if back else self.training
        if self.fine is not None and series in UNTRAINED:
            training = replace(training, learning_rate=self.fine)
        if self.title:
            group, name = f"{self.title}, {group}", f"{self.title.lower()}-{name}"
        if self.weights is not None:
            method = replace(method, weights=self.weights.kind, scale=self.weights.scale)
        search = Experiment(method=method, data=self.data, model=self.model, budget=budget)
        name = name.replace(",", "").replace(" ", "-")
        work = Fitted(search=search, training=training, start="trained" if series == "lrr" else "untrained")
        return Cell(name=name, group=group, series=series, work=work)

    def _methods(self, density: float) -> Sequence[tuple[str, Any, Budget]]:
        epochs = self.training.epochs
        rounds = math.ceil(math.log(density) / math.log(1 - Imp.fraction))  # each as long as a training
        once, long, none = Budget(epochs=epochs), Budget(epochs=rounds * epochs), Budget()
        falling = EdgePopup(density=density, start=1.0, until=1.0, power=1.0, period=1, scale="none", learning_rate=0.1)
        pull = self.regulariser.get(density, 1e-4 * math.sqrt(0.0144 / density))
        published = GemMiner(
            density=density,
            layers="global",
            pull="always",
            regulariser=pull,
            period=self.period,
            lowest=0.0,
            optimiser="sgd",
            learning_rate=0.1,
            scale="none",
        )
        biprop = EdgePopup(density=density, scope="layer", start=0.0, scale="static", learning_rate=0.1)
        return (
            ("gem-miner", GemMiner(density=density), once),
            (PUBLISHED, published, once),
            ("imp", Imp(density=density, rewind=self.rewind), long),
            *([(LATE, Imp(density=density, rewind=self.late), long)] if self.late else ()),
            ("lrr", Imp(density=density, rewind=-1), long),
            ("gradual", Gradual(density=density), once),
            ("one-shot", OneShot(density=density), once),
            ("edge-popup", EdgePopup(density=density), once),
            ("edge-popup, iterative global", falling, once),
            ("edge-popup, biprop", biprop, once),
            ("snip", Snip(density=density), none),
            ("grasp", Grasp(density=density), none),
            ("synflow", Synflow(density=density), none),
            ("magnitude at init", Magnitude(density=density), none),
            ("random, erk", Random(density=density), none),
            ("random, igq", Random(density=density, layers="igq"), none),
            ("random, smart-ratio", Random(density=density, layers="smart-ratio"), none),
        )
