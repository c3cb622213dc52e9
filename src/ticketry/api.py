"""The Python API beside `find`, `train` and `load`: what the command line does, with results that print themselves."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch import nn

from ticketry import recipes
from ticketry.analysis import landscape as landscapes
from ticketry.analysis.settings import LandscapeSettings
from ticketry.checks import court
from ticketry.core import regular
from ticketry.core.atomic import sweep, write
from ticketry.core.errors import refuse
from ticketry.core.training.recipe import Training
from ticketry.core.trust import Trusted, trusting
from ticketry.data import Dataset, from_arrays, named
from ticketry.paths import RecipeDirectory, RunDirectory
from ticketry.recipes.compare import comparison
from ticketry.recipes.perform import perform
from ticketry.recipes.plan import Recipe, Scale
from ticketry.report.results import Check, Comparison, Evaluation, Landscape
from ticketry.runs.executor import local
from ticketry.runs.problem import Handed
from ticketry.runs.run import Run, place
from ticketry.ticket.evaluate import evaluate as evaluate_ticket
from ticketry.ticket.limits import MAX_WEIGHTS
from ticketry.ticket.module import Ticket

Data = str | Dataset | Sequence[object]
"""A text as on the command line, a Dataset, or the four arrays (X, y, X_test, y_test)."""


def check(
    ticket: str | Path | Run,
    *,
    data: Data | None = None,
    model: Handed = None,
    trust: Trusted = (),
    out: str | Path | None = None,
    seeds: int = 5,
    training: Training | None = None,
    trained: bool | None = None,
    corrupted: bool = False,
    val: float = 0.1,
    device: str = "cpu",
    quiet: bool = True,
    max_weights: int = MAX_WEIGHTS,
) -> Check:
    """Try the ticket of a finished run's directory, or of a file, against every control; see checks/court.py."""
    where, known = place(ticket, "root")
    return Check(
        court.check(
            where,
            data=data,
            model=model,
            trust=known | trusting(trust),
            out=out,
            seeds=seeds,
            training=training,
            trained=trained,
            corrupted=corrupted,
            val=val,
            device=device,
            quiet=quiet,
            max_weights=max_weights,
        )
    )


def compare(
    methods: Sequence[str],
    densities: Sequence[float],
    *,
    data: Data,
    model: str | type[nn.Module],
    out: str | Path,
    seeds: int = 3,
    epochs: int | None = None,
    training: Training | None = None,
    val: float = 0.1,
    standardise: bool = False,
    device: str = "cpu",
    workers: int | None = 1,
    quiet: bool = True,
) -> Comparison:
    """Search with several methods at several densities, train every ticket alike, and set all side by side.

    `data` that are an object are written beside `out`, into `NAME-data`, and `model` may be a class that can be
    imported: every run must be repeatable from text. `workers`: processes that run at a time, None for one each core;
    with more than 1 a script needs the `if __name__ == "__main__":` that Python asks of all such scripts. Raises
    RequestError.
    """
    for name, given in (("methods", methods), ("densities", densities)):
        if isinstance(given, str) or not isinstance(given, Sequence):
            raise refuse(name, repr(given), "a list", f"write [{given!r}]")
    if not all(isinstance(method, str) for method in methods):
        raise refuse("methods", methods, "names, each with its default settings", "write 'edge-popup', say")
    text, dataset = named(data)
    plan = comparison(
        methods,
        densities,
        data=text if dataset is None else _saved(dataset, Path(out)),
        model=_importable(model),
        seeds=seeds,
        epochs=epochs,
        training=training,
        val=val,
        standardise=standardise,
    )
    return _performed(plan.on(device), out, workers, quiet)


def recipe(
    name: str,
    *,
    out: str | Path,
    scale: Scale = "cpu",
    device: str = "cpu",
    workers: int | None = 1,
    quiet: bool = True,
) -> Comparison:
    """Reproduce a published setting; `workers` as for `compare`. Raises RequestError."""
    return _performed(recipes.get(name)(scale).on(device), out, workers, quiet)


def landscape(
    run: str | Path | Run,
    settings: LandscapeSettings | None = None,
    *,
    data: str | Dataset | None = None,
    model: Handed = None,
    trust: Trusted = (),
    device: str | None = None,
    quiet: bool = True,
) -> Landscape:
    """Measure the masks around a finished run's ticket; see analysis/landscape.py."""
    if not isinstance(settings, LandscapeSettings | None):
        raise refuse("settings", f"a {type(settings).__name__}", "a tk.LandscapeSettings", "pass one")
    where, known = place(run, "root")
    trust = known | trusting(trust)
    found = landscapes.landscape(where, settings, data=data, model=model, trust=trust, device=device, quiet=quiet)
    return Landscape(RunDirectory(where), found)


def evaluate(
    ticket: str | Path | Run | Ticket,
    data: Data,
    split: Literal["test", "train", "all"] = "test",
    *,
    model: Handed = None,
    trust: Trusted = (),
    device: str = "cpu",
) -> Evaluation:
    """Quality and loss of a ticket's network on a split of some data. Raises RequestError and TicketError.

    `trust`, here and elsewhere: names of modules whose code the texts in files may run; see core/trust.py.
    """
    if split not in ("test", "train", "all"):
        raise refuse("split", repr(split), "test, train or all", "choose one of these")
    opened = ticket.ticket if isinstance(ticket, Run) else ticket
    opened = opened if isinstance(opened, Ticket) else Ticket.load(opened)
    return Evaluation(evaluate_ticket(opened, data, split, device, model, trust))


def _performed(plan: Recipe, out: str | Path, workers: int | None, quiet: bool) -> Comparison:
    found = perform(plan, out, executor=local(workers), quiet=quiet)
    return Comparison(RecipeDirectory(Path(out)), found)


def _saved(dataset: Dataset, out: Path) -> str:
    """The path of the data beside the comparison, where they are written once."""
    path = out.with_name(f"{out.name}-data").resolve() / "data.npz"
    x, y, x_test, y_test = dataset.x, dataset.y, dataset.x_test, dataset.y_test
    plain = from_arrays("data", x, y, x_test, y_test, labels=dataset.labels or None)
    own = [name for name in ("scaling", "augment", "objective") if getattr(plain, name) != getattr(dataset, name)]
    if own:
        what, allowed = (
            f"a Dataset with {' and '.join(own)} of its own",
            "what its arrays alone make, as runs start anew",
        )
        raise refuse("data", what, allowed, "name a function that returns it, package.module:function")
    content = io.BytesIO()
    arrays: dict[str, Any] = {"X_train": x, "y_train": y, "X_test": x_test, "y_test": y_test}
    np.savez(content, **arrays | ({"class_names": np.array(dataset.labels)} if dataset.labels else {}))
    if not path.exists() or regular.content(path) != content.getvalue():
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep([path.parent])
        write(path, content.getvalue())
    return str(path)


def _importable(model: str | type[nn.Module]) -> str:
    if isinstance(model, str):
        return model
    if isinstance(model, type) and model.__module__ != "__main__" and "." not in model.__qualname__:
        return f"{model.__module__}:{model.__qualname__}"
    found = f"a {model.__name__ if isinstance(model, type) else type(model).__name__} that cannot be imported"
    allowed = "a name, an import path, or a class of a module: a comparison repeats its runs from text"
    raise refuse("model", found, allowed, "put its class into a module")
