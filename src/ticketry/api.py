"""The Python API beside `find`, `train` and `load`: what the command line does, with results that print themselves."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich.console import Console
from torch import nn

from ticketry import objectives, recipes
from ticketry.analysis import landscape as landscapes
from ticketry.analysis.settings import LandscapeSettings
from ticketry.checks import court
from ticketry.core.atomic import write
from ticketry.core.errors import refuse
from ticketry.core.training.recipe import Training
from ticketry.data import Dataset, named
from ticketry.paths import RecipeDirectory, RunDirectory
from ticketry.recipes.compare import comparison
from ticketry.recipes.perform import perform
from ticketry.recipes.plan import Recipe, Scale
from ticketry.report import comparison as comparison_page
from ticketry.report import landscape as landscape_page
from ticketry.report import notebook, verdicts
from ticketry.report.numerals import decimal, quality
from ticketry.runs.executor import local
from ticketry.runs.problem import Handed
from ticketry.ticket.evaluate import evaluate as evaluate_ticket
from ticketry.ticket.module import Ticket

Data = str | Dataset | Sequence[object]
"""A text as on the command line, a Dataset, or the four arrays (X, y, X_test, y_test)."""


@dataclass(frozen=True, repr=False)
class Check:
    """What a check found. `result`: what its `result.json` holds. Printed, it is the table of verdicts."""

    result: dict[str, Any]

    @property
    def verdict(self) -> str:
        """On the ticket: pass, fail, inconclusive or collapsed."""
        return str(self.result["verdict"])

    def __repr__(self) -> str:
        out = io.StringIO()
        verdicts.print_verdicts(self.result, Console(file=out, width=120, markup=False, highlight=False))
        return out.getvalue().rstrip()

    def _repr_html_(self) -> str:
        rows = [verdicts.head(self.result), *verdicts.rows(self.result)]
        return notebook.table(f"verdict on the ticket: {self.verdict}", rows)


@dataclass(frozen=True, repr=False)
class Comparison:
    """What a comparison or a recipe found. `result`: what `recipe.json` holds. Printed, it is the table."""

    directory: RecipeDirectory
    result: dict[str, Any]

    def __repr__(self) -> str:
        out = io.StringIO()
        console = Console(file=out, width=120, markup=False, highlight=False)
        comparison_page.print_comparison(self.result, str(self.directory.report), console)
        return out.getvalue().rstrip()

    def _repr_html_(self) -> str:
        return notebook.framed(self.directory.report.read_text())


@dataclass(frozen=True, repr=False)
class Landscape:
    """The landscape around a ticket. `result`: what `landscape.json` holds. Printed, it is a table of its lines."""

    directory: RunDirectory
    result: dict[str, Any]

    def __repr__(self) -> str:
        return landscape_page.table(self.result)

    def _repr_html_(self) -> str:
        pictures = (f"{svg}<p>{caption}</p>" for svg, caption in landscape_page.figures(self.result))
        return notebook.framed("".join(pictures))


@dataclass(frozen=True, repr=False)
class Evaluation:
    """How a ticket does on some data. `result`: measure, quality under its name, loss, examples, same_data."""

    result: dict[str, Any]

    @property
    def quality(self) -> float:
        """Of its measure: accuracy (a fraction), R2."""
        return float(self.result[self.result["measure"]])

    def __repr__(self) -> str:
        measure, result = objectives.measure(self.result), self.result
        reached = f"{measure.title} {quality(measure, self.quality, 2)}, {measure.loss} {decimal(result['loss'])}"
        return f"{reached} on {result['examples']} examples"

    def _repr_html_(self) -> str:
        return notebook.table(repr(self), [(name, str(value)) for name, value in self.result.items()])


def check(
    ticket: str | Path,
    *,
    data: Data | None = None,
    model: Handed = None,
    out: str | Path | None = None,
    seeds: int = 5,
    training: Training | None = None,
    trained: bool | None = None,
    corrupted: bool = False,
    val: float = 0.1,
    device: str = "cpu",
    quiet: bool = True,
) -> Check:
    """Try the ticket of a finished run's directory, or of a file, against every control; see checks/court.py."""
    return Check(
        court.check(
            ticket,
            data=data,
            model=model,
            out=out,
            seeds=seeds,
            training=training,
            trained=trained,
            corrupted=corrupted,
            val=val,
            device=device,
            quiet=quiet,
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
    device: str = "cpu",
    workers: int | None = 1,
    quiet: bool = True,
) -> Comparison:
    """Search with several methods at several densities, train every ticket alike, and set all side by side.

    `data` that are an object are written beside `out`, as `NAME-data.npz`, and `model` may be a class that can be
    imported: every run must be repeatable from text. `workers`: processes that run at a time, None for one each core;
    with more than 1 a script needs the `if __name__ == "__main__":` that Python asks of all such scripts. Raises
    RequestError.
    """
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
    run: str | Path,
    settings: LandscapeSettings | None = None,
    *,
    data: str | Dataset | None = None,
    model: Handed = None,
    device: str | None = None,
    quiet: bool = True,
) -> Landscape:
    """Measure the masks around a finished run's ticket; see analysis/landscape.py."""
    found = landscapes.landscape(run, settings, data=data, model=model, device=device, quiet=quiet)
    return Landscape(RunDirectory(Path(run)), found)


def evaluate(
    ticket: str | Path | Ticket,
    data: Data,
    split: Literal["test", "train", "all"] = "test",
    *,
    model: Handed = None,
    device: str = "cpu",
) -> Evaluation:
    """Quality and loss of a ticket's network on a split of some data. Raises RequestError and TicketError."""
    opened = ticket if isinstance(ticket, Ticket) else Ticket.load(ticket)
    return Evaluation(evaluate_ticket(opened, data, split, device, model))


def _performed(plan: Recipe, out: str | Path, workers: int | None, quiet: bool) -> Comparison:
    found = perform(plan, out, executor=local(workers), quiet=quiet)
    return Comparison(RecipeDirectory(Path(out)), found)


def _saved(dataset: Dataset, out: Path) -> str:
    """The path of the data beside the comparison, where they are written once."""
    path = out.with_name(f"{out.name}-data.npz").resolve()
    content = io.BytesIO()
    np.savez(content, X_train=dataset.x, y_train=dataset.y, X_test=dataset.x_test, y_test=dataset.y_test)
    if not path.exists() or path.read_bytes() != content.getvalue():
        path.parent.mkdir(parents=True, exist_ok=True)
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
