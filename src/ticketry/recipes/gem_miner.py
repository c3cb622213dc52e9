"""Gem-Miner against iterative and gradual pruning, edge-popup and random masks: tickets that are trained.

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
from ticketry.methods.edge_popup import EdgePopup
from ticketry.methods.gem_miner import GemMiner
from ticketry.methods.gradual import Gradual
from ticketry.methods.grasp import Grasp
from ticketry.methods.imp import Imp
from ticketry.methods.magnitude import Magnitude
from ticketry.methods.random import Random
from ticketry.methods.snip import Snip
from ticketry.methods.synflow import Synflow
from ticketry.recipes.fitted import Fitted
from ticketry.recipes.plan import Cell, Recipe, Scale

NOTES = (
    "Every ticket starts from its untrained weights and is trained by the same recipe (SGD, rate 0.1, momentum 0.9,"
    " weight decay 1e-4, cosine, batch 128); a tenth of the training data is held out. epochs: of search and training"
    " together. imp: rounds of magnitude pruning, rewound to the untrained weights, with ten times the epochs of"
    " search that gem-miner has. gradual: magnitude pruning in one training run, the mask put back on the untrained"
    " weights. edge-popup: our defaults, fine-tuned. Weights are signed constants for gem-miner and edge-popup, as"
    " published, and Kaiming normal for the others.",
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

    def cells(self, density: float, group: str) -> Iterator[Cell]:
        """One row a method."""
        for series, method, budget in self._methods(density):
            search = Experiment(method=method, data=self.data, model=self.model, budget=budget)
            training = Training(epochs=self.epochs, rewind=self.rewind if series == "imp" else 0)
            name = f"{density:g}-{series.replace(',', '').replace(' ', '-')}"
            yield Cell(name=name, group=group, series=series, work=Fitted(search=search, training=training))

    def _methods(self, density: float) -> Sequence[tuple[str, Any, Budget]]:
        once, ten, none = Budget(epochs=self.epochs), Budget(epochs=10 * self.epochs), Budget()
        return (
            ("gem-miner", GemMiner(density=density), once),
            ("imp", Imp(density=density, rewind=self.rewind), ten),
            ("gradual", Gradual(density=density), once),
            ("edge-popup", EdgePopup(density=density), once),
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
        cells=tuple(cell for density in densities for cell in setting.cells(density, f"density {density:g}")),
        seeds=tuple(range({"smoke": 2, "cpu": 3, "paper": 5}[scale])),
    )
