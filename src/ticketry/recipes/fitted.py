"""A ticket that is searched and then trained: one cell of a comparison of trainable tickets."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ticketry.core.atomic import write
from ticketry.core.training.recipe import Start, Training
from ticketry.experiment import Experiment, digest
from ticketry.paths import RunDirectory
from ticketry.recipes.searched import Searched, at_density


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """One search and the training of what it found: a `Work` in two directories of runs."""

    search: Experiment
    training: Training
    start: Start = "untrained"
    """Whether the training begins with the untrained weights or goes on with those that the search trained."""
    records = ("search", "trained")

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
        """All fields, as JSON-ready data."""
        return {"search": self.search.resolved, "training": asdict(self.training), "start": self.start}

    @property
    def digest(self) -> str:
        """SHA-256 in hex over the canonical JSON of `resolved`."""
        return digest(self.resolved)

    def seeded(self, seed: int) -> Fitted:
        """The same with another seed."""
        return replace(self, search=replace(self.search, seed=seed))

    def on(self, device: str) -> Fitted:
        """The same on another device."""
        return replace(self, search=replace(self.search, device=device))

    def with_density(self, density: float) -> Fitted:
        """The same, its method asked for this density; ValueError for a method without."""
        return replace(self, search=at_density(self.search, density))

    def execute(self, out: Path) -> dict[str, Any]:
        """Search into `out/search`, train into `out/trained`, and write `out/result.json`; resumes, or returns it."""
        from ticketry.runs.find import execute
        from ticketry.runs.train import train

        path = RunDirectory(out).result
        if path.exists():
            there: dict[str, Any] = json.loads(path.read_text())
            if there["digest"]["fitted"] == self.digest:
                return there
        found = execute(self.search, out / "search")
        directory, search = found.directory, self.search
        where = directory.ticket if self.start == "untrained" else directory.trained
        trained = train(
            where,
            data=search.data,
            out=out / "trained",
            training=self.training,
            start=self.start,
            val=search.val,
            device=search.device,
        )
        result = {
            **trained.result,
            "ticket_bytes": found.result["ticket_bytes"],
            "untrained": found.result[found.result["measure"]],
            "cost": _sum(found.result["cost"], trained.result["cost"]),
            "search_cost": found.result["cost"],
            "digest": {**trained.result["digest"], "fitted": self.digest},
        }
        write(path, json.dumps(result, indent=2) + "\n")
        return result

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
