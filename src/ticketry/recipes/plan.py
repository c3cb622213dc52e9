"""What a recipe is: a table whose cells are settings, each run with several seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ticketry.core.canonical import digest
from ticketry.recipes.work import Work

Scale = Literal["smoke", "cpu", "paper"]
Scaled = Scale | Literal["own"]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One setting, and so one row of the table."""

    name: str
    """Of its directory; no other cell of the recipe has it."""
    group: str
    """Cells of one group are compared with one another and stand together."""
    series: str
    """What differs within a group, in the reader's words; the same in every group."""
    work: Work
    """What is run; each run puts its own seed in."""
    like: str | None = None
    """Name of an earlier cell: the work is given what this cell came to with the same seed."""
    takes: Literal["density", "evaluations"] = "density"
    """What of `like` it is given: its density as the one to keep, or its evaluations as a budget."""
    classes: int | None = None
    """Of the data, where the recipe counts them up."""
    published: float | None = None
    """The density that the paper reports."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A published setting or a comparison, ready to be run."""

    name: str
    scale: Scaled
    """Of a published setting; `own` for a comparison that a user put together."""
    title: str
    """One sentence: what is compared."""
    notes: tuple[str, ...]
    """What a reader of the table must know: sources, deviations, what this scale leaves out."""
    cells: tuple[Cell, ...]
    seeds: tuple[int, ...]
    command: str = ""
    """What makes it again, where it is not `ticketry recipe NAME`."""
    device: str = "cpu"
    """Where its runs are; see `on`."""

    @property
    def again(self) -> str:
        """The command that makes it again."""
        command = self.command or f"ticketry recipe {self.name} --scale {self.scale} --out again"
        return command if self.device == "cpu" else f"{command} --device {self.device}"

    def on(self, device: str) -> Recipe:
        """The same on another device, as far as its works know others."""
        cells = [replace(cell, work=cell.work.on(device)) for cell in self.cells]
        return replace(self, cells=tuple(cells), device=device)

    @property
    def runs(self) -> tuple[CellRun, ...]:
        """All runs, seed by seed, so that a recipe that was stopped has whole seeds to show."""
        return tuple(CellRun(cell, seed) for seed in self.seeds for cell in self.cells)

    @property
    def resolved(self) -> dict[str, Any]:
        """What its directory says of it."""
        return {"recipe": self.name, "scale": self.scale}

    @property
    def digest(self) -> str:
        """SHA-256 in hex over all that decides the numbers."""
        cells = [[cell.name, cell.like, cell.takes, cell.work.resolved] for cell in self.cells]
        return digest([self.name, self.scale, self.seeds, cells])


@dataclass(frozen=True)
class CellRun:
    """One run of a recipe."""

    cell: Cell
    seed: int

    @property
    def path(self) -> Path:
        """Its directory within that of the recipe."""
        return Path(self.cell.name) / f"s{self.seed}"

    @property
    def needs(self) -> Path | None:
        """The directory of the run that must be finished before."""
        return None if self.cell.like is None else self.path.parent.with_name(self.cell.like) / self.path.name

    def work(self, results: Mapping[Path, Mapping[str, Any]]) -> Work:
        """What to run, given the results of finished runs by their path."""
        work = self.cell.work.seeded(self.seed)
        if self.needs is None:
            return work
        there = results[self.needs]
        if self.cell.takes == "evaluations":
            return work.with_evaluations(there["cost"]["evaluations"])
        return work.with_density(max(there["kept"], 1) / there["maskable"])  # exact, not the rounding of a table
