"""The only file that knows names in the directories of jobs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Directory:
    """Where a job keeps its things; see runs/job.py."""

    root: Path

    @property
    def record(self) -> Path:
        """What the directory is for: the whole resolved configuration and its digest. Written first."""
        return self.root / "experiment.json"

    @property
    def log(self) -> Path:
        """One line of JSON a step, for whoever looks; never read back by the job."""
        return self.root / "log.jsonl"

    @property
    def checkpoint(self) -> Path:
        """The state after the last saved step."""
        return self.root / "checkpoint" / "state.safetensors"

    @property
    def result(self) -> Path:
        """Written last: its presence means that the job is finished."""
        return self.root / "result.json"

    @property
    def ticket(self) -> Path | None:
        """The ticket that the result speaks of; None where there is no one ticket."""
        return None


class RunDirectory(Directory):
    """Where a run keeps its things."""

    @property
    def ticket(self) -> Path:
        return self.root / "ticket.tkt"

    @property
    def trained(self) -> Path:
        """The network as the search left it, where the method trains one: a ticket with values."""
        return self.root / "trained.tkt"

    @property
    def front(self) -> Path:
        """Directory of the tickets on the Pareto front, where the method keeps one."""
        return self.root / "front"

    def front_ticket(self, number: int) -> Path:
        """The ticket at a place of the front; 0 is the densest."""
        return self.front / f"{number:03}.tkt"

    @property
    def landscape(self) -> Path:
        """The fitness of the masks around the ticket, where it was measured."""
        return self.root / "landscape.json"

    @property
    def check(self) -> RunDirectory:
        """Where the ticket is tried against its controls."""
        return RunDirectory(self.root / "check")

    @property
    def check_corrupted(self) -> RunDirectory:
        """The same with the searches on corrupted data, which take long: the quick check stays beside it."""
        return RunDirectory(self.root / "check-corrupted")

    def search(self, name: str) -> RunDirectory:
        """A search that a check needs."""
        return RunDirectory(self.root / "searches" / name)

    @property
    def report(self) -> Path:
        return self.root / "report.html"


class FittedDirectory(Directory):
    """Where a search, and the training of what it found, keep theirs."""

    @property
    def ticket(self) -> Path:
        return self.trained.ticket

    @property
    def search(self) -> RunDirectory:
        return RunDirectory(self.root / "search")

    @property
    def trained(self) -> RunDirectory:
        return RunDirectory(self.root / "trained")


class RecipeDirectory(Directory):
    """Where a recipe keeps its things; every run has its own directory below."""

    @property
    def record(self) -> Path:
        """Which recipe at which scale, and the digest of all its settings."""
        return self.root / "plan.json"

    @property
    def result(self) -> Path:
        """All numbers; written last."""
        return self.root / "recipe.json"

    @property
    def table(self) -> Path:
        """One line a run, for spreadsheets."""
        return self.root / "runs.csv"

    @property
    def report(self) -> Path:
        return self.root / "report.html"
