"""Gem-Miner against iterative and gradual pruning, edge-popup and random masks: tickets that are trained.

Sreenivasan et al. 2022 (arXiv 2202.12002) and what Frankle et al. 2021 (arXiv 2009.08576) ask of a comparison: equal
weights for all, equal training of every ticket, epochs of search stated.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
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

WHAT = (
    "a tenth of the training data is held out. epochs: of search and training together. gradual: magnitude pruning in"
    " one training run, the mask put back on the untrained weights. edge-popup: our defaults, fine-tuned. Weights are"
    " signed constants for gem-miner and edge-popup, as published, and Kaiming normal for the others."
)
NOTES = (
    "Every ticket starts from its untrained weights and is trained by the same recipe (SGD, rate 0.1, momentum 0.9,"
    f" weight decay 1e-4, cosine, batch 128); {WHAT} imp: rounds of magnitude pruning, rewound to the untrained"
    " weights, with ten times the epochs of search that gem-miner has.",
)
CIFAR = (
    "Every ticket starts from its untrained weights and is trained for as many epochs as gem-miner searches (SGD,"
    " momentum 0.9, weight decay 1e-4, batch 128, a tenth of the rate after 1/2 and after 3/4), from rate 0.01 where"
    " weights were searched to work untrained (gem-miner, edge-popup) and 0.1 for the others, as published; random"
    f" crops and flips in searches and trainings; norms without parameters, no biases; {WHAT} gem-miner: regulariser as"
    " published for each density."
)
PUBLISHED = (
    "imp: rounds that cut 20 %, each as long as a training, rewound to step 1,000.",
    "Deviations from the paper: the rate falls at epochs 75 and 112.5, not 80 and 120; at density 0.1334 its ticket is"
    " the rounded scores, ours the flags; it reports the best of a grid of rates and regularisers, this is one.",
)
SMOKE = "This is the smoke scale: one density, two seeds, few epochs. The numbers mean little."
ALL = (
    *("gem-miner", "imp", "gradual", "edge-popup", "snip", "grasp", "synflow", "magnitude at init"),
    *("random, erk", "random, smart-ratio"),
)
FEW = ("gem-miner", "gradual", "edge-popup", "snip", "random, erk")
LEAST = ("gem-miner", "gradual", "random, erk")
LENET = (0.5, 0.1337, 0.05, 0.0372, 0.0144, 0.0059)
REGULARISER = {0.5: 0.0, 0.1334: 1e-5, 0.0372: 3e-5, 0.0144: 1e-4, 0.0059: 1e-4}
"""Of Gem-Miner on ResNet-20, by density: the centre of the authors' grid."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What the cells of a group share."""

    data: str
    model: str
    training: Training
    """Of a ticket; a search lasts as many epochs."""
    title: str = ""
    """Begins the names of group and directories where a recipe has several networks."""
    series: tuple[str, ...] = ALL
    """Which methods."""
    gem: GemMiner = field(default_factory=GemMiner)
    """All but the density."""
    fine: float | None = None
    """Learning rate of tickets that were searched to work untrained, where it is another."""
    rewind: int = 0
    """Step that imp and the training of its tickets go back to."""
    rounds: bool = False
    """Whether each round of imp lasts as long as a training; if not, all of them ten times as long."""

    def cells(self, density: float) -> Iterator[Cell]:
        """One row a method."""
        group = f"density {density:g}"
        for series, method, budget in self._methods(density):
            if series not in self.series:
                continue
            search = Experiment(method=method, data=self.data, model=self.model, budget=budget)
            training = replace(self.training, rewind=self.rewind) if series == "imp" else self.training
            if self.fine is not None and series in ("gem-miner", "edge-popup"):
                training = replace(training, learning_rate=self.fine)
            name = f"{density:g}-{series}"
            if self.title:
                name, group = f"{self.title}-{name}".lower(), f"{self.title}, density {density:g}"
            name = name.replace(",", "").replace(" ", "-")
            yield Cell(name=name, group=group, series=series, work=Fitted(search=search, training=training))

    def _methods(self, density: float) -> Sequence[tuple[str, Any, Budget]]:
        epochs = self.training.epochs
        rounds = math.ceil(math.log(density) / math.log(1 - Imp.fraction)) if self.rounds else 10
        once, long, none = Budget(epochs=epochs), Budget(epochs=rounds * epochs), Budget()
        return (
            ("gem-miner", replace(self.gem, density=density), once),
            ("imp", Imp(density=density, rewind=self.rewind), long),
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
    setting = Setting(data="mnist", model="lenet-300-100", training=_training(scale))
    densities = {"smoke": (0.05,), "cpu": (0.05, 0.0144), "paper": LENET}[scale]
    return _recipe("gem-miner-mnist", "LeNet-300-100 on MNIST", scale, _cells(setting, densities))


def gem_miner_fashion(scale: Scale) -> Recipe:
    """LeNet-300-100 and Conv-2 on Fashion-MNIST: Gem-Miner against pruning and random masks."""
    lenet = Setting(title="LeNet-300-100", data="fashion-mnist", model="lenet-300-100", training=_training(scale))
    conv = replace(lenet, title="Conv-2", model="conv2")
    notes: tuple[str, ...] = ()
    if scale != "paper":
        few = {"smoke": "1_000", "cpu": "12_000"}[scale]
        data = f"fashion-mnist(train={few}, test={'500' if scale == 'smoke' else '10_000'})"
        conv = replace(conv, data=data, model="conv2(width=0.25)", series=LEAST if scale == "smoke" else FEW)
        notes = (
            f"Conv-2 has a quarter of its channels and hidden units, {few.replace('_', ',')} examples (a tenth of them"
            " held out) and fewer rows: whole, an epoch of it takes four minutes of a core.",
        )
    densities = {"smoke": (0.05,), "cpu": (0.0144,), "paper": LENET}[scale]
    cells = [*_cells(lenet, densities), *_cells(conv, densities)]
    return _recipe("gem-miner-fashion", "LeNet-300-100 and Conv-2 on Fashion-MNIST", scale, cells, (*NOTES, *notes))


def gem_miner_cifar10(scale: Scale) -> Recipe:
    """ResNet-20 on CIFAR-10 at five densities: Gem-Miner against pruning and random masks; paper scale is for a GPU."""
    epochs, data, series, less = {
        "smoke": (2, "cifar10(train=600, test=500)", LEAST, "600 training and 500 test images"),
        "cpu": (10, "cifar10(train=4_000, test=2_000)", FEW, "4,000 training and 2,000 test images"),
        "paper": (150, "cifar10", ALL, ""),
    }[scale]
    setting = Setting(
        data=data,
        model="resnet20(bias=False)",
        training=Training(epochs=epochs, schedule="multistep"),
        series=series,
        fine=0.01,
        rewind=1000 if scale == "paper" else 0,
        rounds=True,
    )
    cells: list[Cell] = []
    for density in REGULARISER if scale == "paper" else (0.0144,):
        gem = GemMiner(period=5 if scale == "paper" else 1, regulariser=REGULARISER[density])
        cells += _cells(replace(setting, gem=gem), (density,))
    fewer = (
        f"{less} of 50,000 and 10,000, {epochs} of 150 epochs, freezing after every epoch, not every fifth: what"
        " ResNet-20 reaches at paper scale cannot be seen here."
    )
    notes = (CIFAR, fewer) if less else (CIFAR, *PUBLISHED)
    return _recipe("gem-miner-cifar10", "ResNet-20 on CIFAR-10", scale, cells, notes, {"cpu": 2, "paper": 3})


def _training(scale: Scale) -> Training:
    return Training(epochs={"smoke": 2, "cpu": 10, "paper": 20}[scale])


def _cells(setting: Setting, densities: Sequence[float]) -> list[Cell]:
    return [cell for density in densities for cell in setting.cells(density)]


def _recipe(
    name: str,
    what: str,
    scale: Scale,
    cells: Sequence[Cell],
    notes: tuple[str, ...] = NOTES,
    seeds: Mapping[str, int] | None = None,
) -> Recipe:
    beside = {"smoke": (SMOKE, *notes), "cpu": (*notes, "Fewer densities and epochs than at paper scale.")}
    return Recipe(
        name=name,
        scale=scale,
        title=f"Gem-Miner against pruning and random masks: {what}",
        notes=beside.get(scale, notes),
        cells=tuple(cells),
        seeds=tuple(range(({"smoke": 2, "cpu": 3, "paper": 5} | dict(seeds or {}))[scale])),
    )
