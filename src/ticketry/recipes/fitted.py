"""A ticket that is searched and then trained: one cell of a comparison of trainable tickets."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from ticketry.core.canonical import digest
from ticketry.core.training.recipe import Start, Training
from ticketry.paths import FittedDirectory
from ticketry.recipes.searched import Searched


@dataclass(frozen=True, kw_only=True)
class Fitted(Searched):
    """One search and the training of what it found: a `Work` in two directories of runs."""

    training: Training
    start: Start = "untrained"
    """Whether the training begins with the untrained weights or goes on with those that the search trained."""
    records: ClassVar[tuple[str, ...]] = ("search", "trained")

    @property
    def resolved(self) -> dict[str, Any]:
        """All fields, as JSON-ready data."""
        return {"search": self.search.resolved, "training": asdict(self.training), "start": self.start}

    @property
    def digest(self) -> str:
        """SHA-256 in hex over the canonical JSON of `resolved`."""
        return digest(self.resolved)

    def execute(self, out: Path) -> dict[str, Any]:
        """Search into `out/search`, train into `out/trained`, and write `out/result.json`; resumes, or returns it."""
        from ticketry.runs import job

        directory = FittedDirectory(out)
        wanted = job.Composite(
            directory,
            self,
            self.data,
            lambda: None,
            lambda quiet: self._runs(directory),
            lambda runs: self._result(*runs),
        )
        return job.perform(wanted)

    def _runs(self, directory: FittedDirectory) -> tuple[dict[str, Any], dict[str, Any]]:
        """The results of the search and of the training."""
        from ticketry.runs.find import execute
        from ticketry.runs.train import train

        search = self.search
        found = execute(search, directory.search.root, trust=self.trust)
        trained = train(
            found.directory.ticket if self.start == "untrained" else found.directory.trained,
            data=search.data,
            trust=self.trust,
            out=directory.trained.root,
            training=self.training,
            start=self.start,
            val=search.val,
            device=search.device,
        )
        return found.result, trained.result

    def _result(self, found: Mapping[str, Any], trained: Mapping[str, Any]) -> dict[str, Any]:
        return {
            **trained,
            "ticket_bytes": found["ticket_bytes"],
            "untrained": found[found["measure"]],
            "cost": _sum(found["cost"], trained["cost"]),
            "search_cost": found["cost"],
            "digest": {**trained["digest"], "training": trained["digest"]["experiment"], "experiment": self.digest},
        }

    def command(self, out: str) -> str:
        """The search, and then the training."""
        search, from_values = Searched(search=self.search).command(f"{out}/search"), self.start == "trained"
        ticket = f"{out}/search/{'trained' if from_values else 'ticket'}.tkt"
        changed = {
            f"training.{name.replace('_', '-')}": value
            for name, value in asdict(self.training).items()
            if value != getattr(Training(), name)
        }
        own = (("val", self.search.val, 0.1), ("device", self.search.device, "cpu"), ("start", self.start, "untrained"))
        changed |= {name: value for name, value, default in own if value != default}
        flags = [f"--{name} {value}" for name, value in changed.items()]
        words = ["ticketry train", ticket, "--data", shlex.quote(self.data), "--out", f"{out}/trained", *flags]
        return f"{search} && {' '.join(words)}"


def _sum(search: Mapping[str, Any], training: Mapping[str, Any]) -> dict[str, Any]:
    """What both cost together; of memory the larger."""
    return {
        name: max(value, training[name]) if name == "peak_rss_bytes" else value + training[name]
        for name, value in search.items()
    }
