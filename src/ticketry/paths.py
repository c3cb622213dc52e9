"""The only file that knows names in a run directory."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunDirectory:
    """Where a run keeps its things."""

    root: Path

    @property
    def experiment(self) -> Path:
        """The whole resolved configuration and its digest."""
        return self.root / "experiment.json"

    @property
    def log(self) -> Path:
        """One line of JSON a step."""
        return self.root / "log.jsonl"

    @property
    def checkpoint(self) -> Path:
        """The state after the last saved step."""
        return self.root / "checkpoint" / "state.safetensors"

    @property
    def ticket(self) -> Path:
        return self.root / "ticket.tkt"

    @property
    def result(self) -> Path:
        """Written last: its presence means that the run is finished."""
        return self.root / "result.json"

    @property
    def report(self) -> Path:
        return self.root / "report.html"


def write(path: Path, data: bytes | str) -> None:
    """Write a file atomically: a reader sees the old content or the new, never a part, even after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
