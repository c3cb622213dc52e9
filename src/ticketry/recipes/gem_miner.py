"""Gem-Miner against pruning, edge-popup, random masks and the dense network: tickets that are trained.

Sreenivasan et al. 2022 (arXiv 2202.12002) and what Frankle et al. 2021 (arXiv 2009.08576) ask of a comparison: equal
weights for all, equal training of every ticket, epochs of search stated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ticketry.core.meters import Budget
from ticketry.core.training import Training
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
from ticketry.recipes.plan import Cell, Recipe, Scale

NOTES = (
    "Every ticket starts from its untrained weights and is trained by the same recipe (SGD, rate 0.1, momentum 0.9,"
    " weight decay 1e-4, cosine, batch 128); a tenth of the training data is held out. epochs: of search and training"
    " together. imp: rounds of magnitude pruning, rewound to the untrained weights, with ten times the epochs of"
    " search that gem-miner has. lrr: the same without rewinding (learning rate rewinding); its mask, too, is trained"
    " from the untrained weights here, not from those it ends with. one-shot and gradual: magnitude pruning at the end"
    " of one training, or little by little within it, the mask put back on the untrained weights. edge-popup: our"
    " defaults, fine-tuned; iterative global and biprop are the same method with the settings of those papers, see"
    " edge_popup.py (biprop gives all layers the same density, and is published for 0.05 and more). dense: all"
    " weights, trained. Weights are signed constants for gem-miner and edge-popup, as published, and Kaiming"
    " normal for the others.",
)
SMOKE = "This is the smoke scale: one density, two seeds, few epochs. The numbers mean little."


@dataclass(frozen=True)
class Setting:
    """What the cells of a recipe share."""

    data: str
    model: str
    epochs: int
    """Of a search and of a training."""
    rewind: int = 0
    """Step that imp and the training of its tickets go back to."""

    def cells(self, density: float) -> Iterator[Cell]:
        """One row a method."""
        for series, method, budget in self._methods(density):
            yield self._cell(f"{density:g}-", f"density {density:g}", series, method, budget)

    def dense(self) -> Cell:
        """The row of the whole network."""
        return self._cell("", "own density", "dense", Dense(), Budget())

    def _cell(self, prefix: str, group: str, series: str, method: Any, budget: Budget) -> Cell:
        search = Experiment(method=method, data=self.data, model=self.model, budget=budget)
        training = Training(epochs=self.epochs, rewind=self.rewind if series == "imp" else 0)
        name = prefix + series.replace(",", "").replace(" ", "-")
        return Cell(name=name, group=group, series=series, work=Fitted(search=search, training=training))

    def _methods(self, density: float) -> Sequence[tuple[str, Any, Budget]]:
        once, ten, none = Budget(epochs=self.epochs), Budget(epochs=10 * self.epochs), Budget()
        falling = EdgePopup(density=density, start=1.0, until=1.0, power=1.0, period=1, scale="none", learning_rate=0.1)
        biprop = EdgePopup(density=density, scope="layer", start=0.0, scale="static", learning_rate=0.1)
        return (
            ("gem-miner", GemMiner(density=density), once),
            ("imp", Imp(density=density, rewind=self.rewind), ten),
            ("lrr", Imp(density=density, rewind=-1), ten),
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
            ("random, smart-ratio", Random(density=density, layers="smart-ratio"), none),
        )


def gem_miner_mnist(scale: Scale) -> Recipe:
    """LeNet-300-100 on MNIST at six densities: Gem-Miner against pruning and random masks."""
    densities = {"smoke": (0.05,), "cpu": (0.05, 0.0144), "paper": (0.5, 0.1337, 0.05, 0.0372, 0.0144, 0.0059)}[scale]
    setting = Setting("mnist", "lenet-300-100", {"smoke": 2, "cpu": 10, "paper": 20}[scale])
    return _recipe("gem-miner-mnist", "LeNet-300-100 on MNIST", scale, setting, densities)


def gem_miner_fashion(scale: Scale) -> Recipe:
    """LeNet-300-100 on Fashion-MNIST: Gem-Miner against pruning and random masks."""
    densities = {"smoke": (0.05,), "cpu": (0.0144,), "paper": (0.5, 0.1337, 0.05, 0.0372, 0.0144, 0.0059)}[scale]
    setting = Setting("fashion-mnist", "lenet-300-100", {"smoke": 2, "cpu": 10, "paper": 20}[scale])
    return _recipe("gem-miner-fashion", "LeNet-300-100 on Fashion-MNIST", scale, setting, densities)


def _recipe(name: str, what: str, scale: Scale, setting: Setting, densities: Sequence[float]) -> Recipe:
    return Recipe(
        name=name,
        scale=scale,
        title=f"Gem-Miner against pruning and random masks: {what}",
        notes={"smoke": (SMOKE, *NOTES), "cpu": (*NOTES, "Fewer densities and epochs than at paper scale.")}.get(
            scale, NOTES
        ),
        cells=(*(cell for density in densities for cell in setting.cells(density)), setting.dense()),
        seeds=tuple(range({"smoke": 2, "cpu": 3, "paper": 5}[scale])),
    )
