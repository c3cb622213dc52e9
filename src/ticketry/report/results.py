"""Results of the Python API that print themselves: as text in a program, with table and pictures in a notebook."""

from __future__ import annotations

import html
import io
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from ticketry import objectives
from ticketry.core import regular
from ticketry.paths import RecipeDirectory, RunDirectory
from ticketry.report import comparison, evaluation, landscape, notebook, verdicts
from ticketry.report.numerals import decimal, quality


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
        comparison.print_comparison(self.result, str(self.directory.report), console)
        return out.getvalue().rstrip()

    def _repr_html_(self) -> str:
        return notebook.framed(regular.text(self.directory.report))


@dataclass(frozen=True, repr=False)
class Landscape:
    """The landscape around a ticket. `result`: what `landscape.json` holds. Printed, it is a table of its lines."""

    directory: RunDirectory
    result: dict[str, Any]

    def __repr__(self) -> str:
        return landscape.table(self.result)

    def _repr_html_(self) -> str:
        pictures = (f"{svg}<p>{caption}</p>" for svg, caption in landscape.figures(self.result))
        return notebook.framed("".join(pictures))


@dataclass(frozen=True, repr=False)
class Evaluation:
    """How a ticket does on some data.

    `result`: measure, quality under its name, loss, examples, same_data; of classes also which are taken for which, as
    `ticket/confusion.py` has it.
    """

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
        said = [(name, str(value)) for name, value in self.result.items() if not isinstance(value, list)]
        lines = evaluation.lines(self.result)
        return notebook.table(repr(self), said) + (f"<pre>{html.escape(chr(10).join(lines))}</pre>" if lines else "")
