"""A comparison of the user's own choosing: several methods at several densities, all trained alike."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

from ticketry.core.errors import refuse
from ticketry.core.meters import Budget
from ticketry.core.training.recipe import Training
from ticketry.experiment import Experiment
from ticketry.methods import get
from ticketry.recipes.fitted import Fitted
from ticketry.recipes.plan import Cell, Recipe

NOTE = (
    "Every ticket starts from its untrained weights, drawn as its method draws them, and is trained by the same recipe:"
    " {training}. A fraction {val:g} of the training data is held out. epochs: of search and training together; a"
    " search lasts {search}."
)


def comparison(
    methods: Sequence[str],
    densities: Sequence[float],
    *,
    data: str,
    model: str,
    seeds: int = 3,
    epochs: int | None = None,
    training: Training | None = None,
    val: float = 0.1,
    standardise: bool = False,
) -> Recipe:
    """The runs of a comparison. `epochs`: of every search that takes epochs; None for each method's own default.

    `standardise`: see `Experiment`; the tickets keep that scaling when they are trained.

    A method that has its own density, as `dense` has, is one cell in a group by itself. Raises RequestError for an
    unknown method or a density out of range.
    """
    training = training or Training()
    if not methods or not densities:
        empty = "densities" if methods else "methods"
        raise refuse(empty, "empty", "a list of at least one", "name some, separated by spaces")
    for density in densities:
        if not 0 < density <= 1:
            raise refuse("densities", density, "fractions in (0, 1]", "pass 0.05 to keep 5 % of the weights")
    if seeds < 1:
        raise refuse("seeds", seeds, "at least 1", "choose such a number")
    for name, given in (("methods", methods), ("densities", densities)):
        if len(set(given)) < len(given):
            raise refuse(name, " ".join(map(str, given)), "a list without repetitions", "leave them out")
    kinds: dict[str, Any] = {name: get(name) for name in methods}
    asked = [name for name, kind in kinds.items() if "density" in {f.name for f in fields(kind)}]
    settings = [(f"density {d:g}", f"{d:g}-{name}", name, kinds[name](density=d)) for d in densities for name in asked]
    settings += [("own density", name, name, kind()) for name, kind in kinds.items() if name not in asked]
    cells = []
    for group, cell, series, method in settings:
        budget = Budget(epochs=epochs) if epochs and method.budget.epochs else Budget()
        search = Experiment(method=method, data=data, model=model, budget=budget, val=val, standardise=standardise)
        cells.append(Cell(name=cell, group=group, series=series, work=Fitted(search=search, training=training)))
    said = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in asdict(training).items())
    search_lasts = "as long as its method's default says" if epochs is None else f"{epochs} epochs, if it takes any"
    flags = ["--methods", *methods, "--densities", *(f"{d:g}" for d in densities), "--data", data, "--model", model]
    flags += ["--seeds", str(seeds), *([] if epochs is None else ["--epochs", str(epochs)])]
    for f in fields(Training):
        if getattr(training, f.name) != f.default:
            flags += [f"--training.{f.name.replace('_', '-')}", str(getattr(training, f.name))]
    flags += [] if val == 0.1 else ["--val", f"{val:g}"]
    flags += ["--standardise"] if standardise else []
    scaled = ("Inputs are standardised by the training part.",) if standardise else ()
    return Recipe(
        name="compare",
        scale="own",
        title=f"{len(methods)} methods on {data}, {model}",
        notes=(NOTE.format(training=said, val=val, search=search_lasts), *scaled),
        cells=tuple(cells),
        seeds=tuple(range(seeds)),
        command=shlex.join(["ticketry", "compare", *flags, "--out", "again"]),
    )
