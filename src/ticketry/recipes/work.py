"""What a cell of a recipe runs, whatever it is. Another kind of work is another file with a class like this."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, Self


class Work(Protocol):
    """Plain data that can be sent to another process; equal works give equal numbers on equal software."""

    @property
    def data(self) -> str:
        """The text of the data that it learns from and is judged on."""

    @property
    def model(self) -> str:
        """The text of the network."""

    @property
    def shared_val(self) -> float | None:
        """The fraction of the data that validates in `data.split`, which all runs share; None if it draws its own."""

    @property
    def records(self) -> tuple[str, ...]:
        """Directories within its own whose `experiment.json` names the split that a run began with; "" is its own."""

    @property
    def resolved(self) -> dict[str, Any]:
        """All that decides its numbers, as JSON-ready data."""

    def seeded(self, seed: int) -> Self:
        """The same with another seed."""

    def on(self, device: str) -> Self:
        """The same on another device; unchanged where it knows one alone."""

    def with_density(self, density: float) -> Self:
        """The same, asked for this density, in (0, 1]; ValueError where there is none to ask for."""

    def with_evaluations(self, evaluations: int) -> Self:
        """The same, allowed so many fitness evaluations, 1 or more; ValueError where it takes none."""

    def execute(self, out: Path) -> dict[str, Any]:
        """Run, resume or return it in a directory, whose `result.json` is written last: what that holds.

        Which is at least: method, seed, density, kept, maskable; accuracy, or what is named as
        `measure`, of train, val and test; cost with epochs,
        evaluations, examples_forward, examples_backward and seconds; digest of data and, with a `shared_val`, of split.
        Of a ticket also ticket_bytes and, once it is trained, its accuracy when untrained.
        """

    def command(self, out: str) -> str:
        """One line of shell that repeats it into a directory, or prints its numbers."""
