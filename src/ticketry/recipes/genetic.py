"""Genetic search of strong tickets (arXiv 2411.04658, 2508.08877) against local search, gradients and training."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ticketry.core.meters import Budget
from ticketry.core.seed.weights import Kind
from ticketry.core.seed.weights import Scale as Rescaling
from ticketry.experiment import Experiment
from ticketry.methods.edge_popup import EdgePopup
from ticketry.methods.genetic import Genetic
from ticketry.methods.hill_climbing import HillClimbing
from ticketry.recipes.backprop import Backprop
from ticketry.recipes.plan import Cell, Recipe, Scale
from ticketry.recipes.searched import Searched
from ticketry.recipes.work import Work

SEEDS = {"smoke": 2, "cpu": 5, "paper": 25}
HIDDEN = {"A": "20", "B": "75", "C": "100", "D": "50,50"}  # layers of the published architectures
WEIGHTS: tuple[tuple[Kind, Rescaling], ...] = (
    ("kaiming-normal", "static"),  # the papers scale the fans of the two He recipes by the density
    ("signed-constant", "static"),
    ("uniform", "none"),
)
TUNED: tuple[Kind, ...] = ("signed-constant", "uniform")  # our default, and the weights of the genetic search
PUBLISHED, ADAPTIVE = "genetic as published", "genetic as published, adaptive bound"
LONG = 10**6  # passes, so that the budget ends the walk
NOTES = (
    "genetic: the papers' search, whose best mask a walk on training data then makes sparse; before its walk: the same"
    " search, ended where that begins. hill-climbing: that walk alone, from one random mask; evaluations of a row: with"
    " as many as it took with the same seed, for more passes over the bits. edge-popup: the"
    " papers' settings (SGD on the scores, rate 0.1, momentum 0.9, weight decay 1e-4, cosine, 100 epochs, all layers"
    " equally dense) with three recipes of weights; tuned edge-popup: our defaults, for as many epochs. They keep half"
    " of the weights, or the same number as the genetic search with the same seed. back-propagation: the dense"
    " network of the same shape. Biases are drawn with uniform weights alone, as in the papers: without any, scaling"
    " its inputs only scales the outputs of a network, which two features do not forgive.",
    "Deviations from the papers: a tenth of the training data is held out; edge-popup shuffles its batches and is"
    " judged at the epoch that does best there.",
)
SMOKE = "This is the smoke scale: tiny data, two seeds, searches cut short. The numbers mean nothing."


@dataclass(frozen=True)
class NetworkSetting:
    """A data set and an architecture: what all rows of a group share."""

    key: str
    """Begins the names of the group's directories."""
    title: str
    data: str
    hidden: str
    batch: int
    """Examples a step of the papers' edge-popup."""
    searches: tuple[tuple[str, Genetic, int], ...]
    """Genetic searches: name, method, generations at most. The others take the density of the first."""
    classes: int | None = None
    """Where the recipe counts them up."""
    published: tuple[str, float] = ("", 0.0)
    """The search that the papers found best, and the density that it reached."""

    def cell(
        self,
        series: str,
        method: Genetic | HillClimbing | EdgePopup,
        budget: Budget,
        like: str | None = None,
        takes: Literal["density", "evaluations"] = "density",
    ) -> Cell:
        """A row; `like`: the series whose density, or as many evaluations, it takes."""
        search = Experiment(method=method, data=self.data, model=f"mlp:{self.hidden}", budget=budget)
        return replace(self.row(series, Searched(search=search), like), takes=takes)

    def row(self, series: str, work: Work, like: str | None = None) -> Cell:
        return Cell(
            name=self._directory(series),
            group=self.title,
            series=series,
            work=work,
            like=None if like is None else self._directory(like),
            classes=self.classes,
            published=self.published[1] if series == self.published[0] else None,
        )

    def _directory(self, series: str) -> str:
        return f"{self.key}-{series.replace(',', '').replace(' ', '-')}"


def genetic_moons(scale: Scale) -> Recipe:
    """Two half moons, architectures A to D: genetic search, edge-popup, back-propagation."""
    best = (ADAPTIVE, 0.268), (ADAPTIVE, 0.408), (ADAPTIVE, 0.439), (PUBLISHED, 0.454)
    return _binary("moons", scale, best)


def genetic_circles(scale: Scale) -> Recipe:
    """Two circles, architectures A to D: genetic search, edge-popup, back-propagation."""
    best = (PUBLISHED, 0.337), (PUBLISHED, 0.377), (ADAPTIVE, 0.461), (PUBLISHED, 0.419)
    return _binary("circles", scale, best)


def genetic_digits(scale: Scale) -> Recipe:
    """Handwritten digits, 2 to 10 classes: genetic search, edge-popup, back-propagation."""
    searches = (("genetic", Genetic(), 20 if scale == "smoke" else 11_000),)
    counts = (2, 3) if scale == "smoke" else (2, 3, 4, 5, 10)
    settings = [
        NetworkSetting(
            f"{k}-classes", f"{k} classes: [64, 75, {k}]", f"digits(classes={k})", "75", 250, searches, classes=k
        )
        for k in counts
    ]
    settings += [
        NetworkSetting(letter, f"{letter}: [64, {_spaced(hidden)}, 10]", "digits", hidden, 250, searches)
        for letter, hidden in HIDDEN.items()
        if scale == "paper"
    ]
    return _recipe("digits", scale, settings, "Architectures A to D with 10 classes are left to the paper scale.")


def genetic_blobs(scale: Scale) -> Recipe:
    """Points around 2 to 10 centres: genetic search, edge-popup, back-propagation."""
    each = {"smoke": ", each=100", "cpu": ", each=200", "paper": ""}[scale]
    generations = {"smoke": 20, "cpu": 4000, "paper": 11_000}[scale]
    searches = (("genetic", Genetic(patience=250), generations),)
    settings = [
        NetworkSetting(
            f"{k}-classes",
            f"{k} classes: [2, 100, {k}]",
            f"blobs(classes={k}{each})",
            "100",
            1000,
            searches,
            classes=k,
        )
        for k in ((2, 3) if scale == "smoke" else range(2, 11))
    ]
    settings += [
        NetworkSetting(letter, f"{letter}: [2, {_spaced(hidden)}, 10]", "blobs(classes=10)", hidden, 1000, searches)
        for letter, hidden in HIDDEN.items()
        if scale == "paper"
    ]
    cut = (
        "200 training points a class in place of 3,750, all 1,250 test points a class, 4,000 generations at most in"
        " place of 11,000. Architectures A to D with 10 classes are left to the paper scale."
    )
    return _recipe("blobs", scale, settings, cut)


def _binary(name: str, scale: Scale, published: Sequence[tuple[str, float]]) -> Recipe:
    """Architectures A to D on a set of two features and two classes; `published`: the best search of each."""
    size = {"smoke": "(test=500, train=500)", "cpu": "(train=5000)", "paper": ""}[scale]
    plain, adaptive, tries = (10, 10, 20) if scale == "smoke" else (300, 200, 1000)
    searches = (
        ("genetic", Genetic(), plain),
        (PUBLISHED, Genetic(sparsify="none"), plain),
        (ADAPTIVE, Genetic(sparsify="none", bound="adaptive", connectivity="lax", tries=tries), adaptive),
    )
    settings = [
        NetworkSetting(
            letter, f"{letter}: [2, {_spaced(hidden)}, 2]", name + size, hidden, 1000, searches, published=best
        )
        for (letter, hidden), best in zip(HIDDEN.items(), published, strict=True)
        if scale != "smoke" or letter in "AD"
    ]
    return _recipe(name, scale, settings, "5,000 training points in place of 50,000; all 16,000 test points.")


def _recipe(data: str, scale: Scale, settings: Sequence[NetworkSetting], cut: str) -> Recipe:
    """`cut`: what the cpu scale leaves out."""
    return Recipe(
        name=f"genetic-{data}",
        scale=scale,
        title=f"Genetic search on {data} against edge-popup and back-propagation",
        notes={"smoke": (SMOKE, *NOTES), "cpu": (*NOTES, cut), "paper": NOTES}[scale],
        cells=tuple(cell for setting in settings for cell in _cells(setting, scale)),
        seeds=tuple(range(SEEDS[scale])),
    )


def _cells(setting: NetworkSetting, scale: Scale) -> Iterator[Cell]:
    for series, genetic, generations in setting.searches:
        yield setting.cell(series, genetic, Budget(generations=generations))
        if genetic.sparsify != "none":
            before = math.floor((1 - genetic.reserve) * generations + 1e-9)
            stopped = replace(genetic, sparsify="none")
            yield setting.cell(f"{series}, before its walk", stopped, Budget(generations=before))
        as_many = HillClimbing(passes=LONG)
        yield setting.cell(f"hill-climbing, evaluations of {series}", as_many, Budget(), series, "evaluations")
    yield setting.cell("hill-climbing", HillClimbing(), Budget())
    first, epochs = setting.searches[0][0], Budget(epochs=2 if scale == "smoke" else 100)
    for like, kept in ((None, "half"), (first, "same")):
        for weights, rescaling in WEIGHTS:
            papers = EdgePopup(
                scope="layer", start=0.0, learning_rate=0.1, batch=setting.batch, weights=weights, scale=rescaling
            )
            yield setting.cell(f"edge-popup, {weights}, {kept}", papers, epochs, like)
        for weights in TUNED:
            yield setting.cell(f"tuned edge-popup, {weights}, {kept}", EdgePopup(weights=weights), epochs, like)
    training, draws = 5 if scale == "smoke" else 1000, 20 if scale == "paper" else 0
    dense = Backprop(data=setting.data, model=f"mlp:{setting.hidden}", epochs=training, draws=draws)
    yield setting.row("back-propagation, dense", dense)


def _spaced(hidden: str) -> str:
    return hidden.replace(",", ", ")
