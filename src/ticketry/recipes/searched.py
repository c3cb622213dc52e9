"""A ticket that is searched, and judged as it was found: one cell of a comparison of strong tickets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

from ticketry.core.trust import Trust, typed
from ticketry.experiment import Experiment
from ticketry.report import reproduce


@dataclass(frozen=True, kw_only=True)
class Searched:
    """One search: a `Work` in the directory of a run."""

    search: Experiment
    records: ClassVar[tuple[str, ...]] = ("",)

    @property
    def data(self) -> str:
        return self.search.data

    @property
    def model(self) -> str:
        return self.search.model

    @property
    def shared_val(self) -> float:
        return self.search.val

    @property
    def resolved(self) -> dict[str, Any]:
        """Those of the search."""
        return self.search.resolved

    @property
    def trust(self) -> Trust:
        """Of its texts, which the user typed or a recipe names; a ticket in its directory may name others."""
        return typed(self.data, self.model)

    def seeded(self, seed: int) -> Self:
        """The same with another seed."""
        return replace(self, search=replace(self.search, seed=seed))

    def on(self, device: str) -> Self:
        """The same on another device."""
        return replace(self, search=replace(self.search, device=device))

    def with_density(self, density: float) -> Self:
        """The same, its method asked for this density; ValueError for a method without."""
        return replace(self, search=at_density(self.search, density))

    def with_evaluations(self, evaluations: int) -> Self:
        """The same within a budget of evaluations."""
        budget = replace(self.search.budget, evaluations=evaluations)
        return replace(self, search=replace(self.search, budget=budget))

    def execute(self, out: Path) -> dict[str, Any]:
        """See `runs.find.execute`."""
        from ticketry.runs.find import execute

        return execute(self.search, out, trust=self.trust).result

    def command(self, out: str) -> str:
        """The search."""
        return reproduce.command(self.search.resolved, out).replace(" \\\n    ", " ")


def at_density(search: Experiment, density: float) -> Experiment:
    """The search with its method asked for a density, in (0, 1]; ValueError for a method that has its own."""
    method: Any = search.method
    if not hasattr(method, "density"):
        raise ValueError(f"{type(method).__name__} takes no density")
    return replace(search, method=replace(method, density=density))
