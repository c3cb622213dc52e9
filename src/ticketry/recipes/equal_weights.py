"""Gem-Miner against pruning and random masks, all of them from the same untrained weights.

What Gem-Miner's own comparison leaves open: its tickets have signed constants, its rivals' Kaiming normal weights, and
part of the difference may be the weights (Frankle et al. 2021, arXiv 2009.08576, ask for equal ones). Here every method
draws signed constants, those of one seed the same for all, and no seed is one that settings were chosen with.
"""

from __future__ import annotations

from dataclasses import replace

from ticketry.core.seed.weights import WeightRecipe
from ticketry.core.training.recipe import Training
from ticketry.recipes.gem_miner import LENET, ROUNDS
from ticketry.recipes.plan import Recipe, Scale
from ticketry.recipes.trainable import ALL, LEAST, PUBLISHED, ComparisonSetting

SIGNED = WeightRecipe("signed-constant", "dynamic")
LATE_STEP = 500
"""Beyond the first epoch of 422 steps, and about an eighth of a training of ten."""
SERIES = tuple(name for name in ALL if name not in (PUBLISHED, "magnitude at init"))
"""Without magnitude at initialisation, of which signed constants have but one a layer."""
NOTES = (
    "Every method draws the same signed constants, scaled by the density of each layer as gem-miner's are. Every ticket"
    " but lrr's starts from them, and every one is trained by the same recipe (SGD, rate 0.1, momentum 0.9, weight"
    " decay 1e-4, cosine, batch 128); a tenth of the training data is held out. epochs: search and training together."
    " All methods but those weights have the settings of the recipes of gem-miner.",
    f"{ROUNDS} imp goes back to the untrained weights, imp with late rewinding, search and training, to step"
    f" {LATE_STEP}; weights of lrr train on to the end.",
    "Seeds 10 to 14, with which nothing was chosen.",
)


def equal_weights_mnist(scale: Scale) -> Recipe:
    """LeNet-300-100 on MNIST: Gem-Miner, IMP and the baselines, all from signed constants."""
    return _recipe("mnist", "MNIST", scale)


def equal_weights_fashion(scale: Scale) -> Recipe:
    """LeNet-300-100 on Fashion-MNIST: Gem-Miner, IMP and the baselines, all from signed constants."""
    return _recipe("fashion", "Fashion-MNIST", scale)


def _recipe(name: str, what: str, scale: Scale) -> Recipe:
    training = Training(epochs={"smoke": 2, "cpu": 10, "paper": 20}[scale])
    data = what.lower()
    setting = ComparisonSetting(
        data=data, model="lenet-300-100", training=training, series=SERIES, late=LATE_STEP, weights=SIGNED
    )
    if scale == "smoke":
        setting = replace(setting, data=f"{data}(train=2_000, test=500)", series=(*LEAST, "imp"), late=15)
    densities = {"smoke": (0.05,), "cpu": (0.05, 0.0144, 0.0059), "paper": LENET}[scale]
    few = ("This is the smoke scale: one density, two seeds, few epochs and images. The numbers mean little.",)
    return Recipe(
        name=f"equal-weights-{name}",
        scale=scale,
        title=f"Gem-Miner, pruning and random masks from equal weights: LeNet-300-100 on {what}",
        notes=(*few, *NOTES) if scale == "smoke" else NOTES,
        cells=tuple(setting.cells(densities)),
        seeds=(10, 11) if scale == "smoke" else (10, 11, 12, 13, 14),
    )
