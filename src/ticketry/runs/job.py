"""The one engine: whatever takes long is a Job in a directory of its own, begun once, and stopped as often as you like.

The record of what the directory is for is written first, `result.json` last. In between, the whole state (of the job,
its log and its meters) lies in one checkpoint; everything else in the directory is output and is never read back. So
a job that was killed at any instant goes on from its last checkpoint and ends with the bytes of one that was not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch

from ticketry.core.atomic import append, leftovers, sweep, write
from ticketry.core.canonical import canonical
from ticketry.core.errors import refuse, unended
from ticketry.core.sealed import write_sealed
from ticketry.paths import Directory, RunDirectory
from ticketry.runs import checkpoint, record
from ticketry.runs.lock import LOCK, hold
from ticketry.runs.record import Recorded

CHECKPOINT_EVERY = 2.0  # seconds between checkpoints, and so the most that a kill costs beside the step under way
PATIENCE = 20  # times what a checkpoint takes must pass before the next one
S = TypeVar("S")
T = TypeVar("T")
Line = Mapping[str, Any]


class Job(Protocol[S]):
    """Work on a state S, a dataclass of plain data, see runs/checkpoint.py. A job object is used once."""

    @property
    def directory(self) -> Directory:
        """Where it is done."""

    @property
    def wanted(self) -> Recorded:
        """What decides its result."""

    @property
    def source(self) -> str:
        """What the data are called."""

    @property
    def handed(self) -> Sequence[str]:
        """What was handed over as objects in Python (data, model), so that no command can repeat it."""

    @property
    def known(self) -> Mapping[str, str]:
        """Of what `prepare` returns, that which is known before it: of data that were handed over."""

    @property
    def kinds(self) -> Mapping[str, Any]:
        """The type of each field of the state."""

    @property
    def device(self) -> torch.device:
        """Where the tensors of the state are; known once it is prepared."""

    def prepare(self) -> Mapping[str, str]:
        """Build what the work needs, and return the digests of its data that must not change. Writes nothing.

        Raises RequestError where the request is wrong. What follows is called after it.
        """

    def first(self) -> S:
        """The state before the first step; as `prepare`, it refuses and writes nothing."""

    def restored(self, fields: Mapping[str, Any]) -> S:
        """The state with these fields, which a checkpoint had."""

    def gather(self, quiet: bool) -> None:
        """Do the jobs below, in directories of their own, that this one needs first; each resumes by itself."""

    def step(self, state: S) -> tuple[S, Line | None] | None:
        """The next state, and a line for the log if there is one; None where nothing is left to do."""

    def finish(self, state: S) -> dict[str, Any]:
        """Write all results but `result.json`, and return what that holds; must do the same when done again."""

    def watch(self, quiet: bool) -> AbstractContextManager[object]:
        """Shows how far the work is, around all steps."""


@dataclass(frozen=True)
class Composite(Generic[T]):
    """A job without a state of its own: `below` does others, which resume by themselves, and `end` makes a result."""

    directory: Directory
    wanted: Recorded
    source: str
    check: Callable[[], None]
    """Raises RequestError where the request is wrong."""
    below: Callable[[bool], T]
    """Told whether to be quiet."""
    end: Callable[[T], dict[str, Any]]
    gathered: list[T] = field(default_factory=list)
    handed: Sequence[str] = ()
    known: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, Any] = field(default_factory=dict)
    device: torch.device = torch.device("cpu")  # noqa: RUF009

    def prepare(self) -> Mapping[str, str]:
        self.check()
        return {}

    def first(self) -> None:
        return None

    def restored(self, fields: Mapping[str, Any]) -> None:
        return None

    def gather(self, quiet: bool) -> None:
        self.gathered.append(self.below(quiet))

    def step(self, state: None) -> None:
        return None

    def finish(self, state: None) -> dict[str, Any]:
        return self.end(self.gathered[-1])

    def watch(self, quiet: bool) -> AbstractContextManager[object]:
        return nullcontext()


@unended("the run")
def perform(job: Job[S], quiet: bool = True) -> dict[str, Any]:
    """Do a job, resume it or return what it ended with: the content of `result.json`.

    Raises RequestError, having written nothing, for a wrong request, a directory that is another's or in use.
    """
    directory, wanted, fresh = job.directory, job.wanted, None
    if not record.begun(directory, wanted):
        fresh = job.prepare(), job.first()
        try:
            directory.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refuse("out", directory.root, f"writable ({error.strerror})", "name another path") from None
    elif directory.result.exists():
        record.check_data(directory, job.source, job.known)
        return record.result(tidy(directory), wanted)
    with hold(directory.root):
        sweep(_folders(directory))
        if fresh is None or record.begun(directory, wanted):  # or another process was faster
            if directory.result.exists():
                record.check_data(directory, job.source, job.known)
                return record.result(directory, wanted)
            record.check_data(directory, job.source, job.prepare())
            state, ended, log = _reopened(job)
        else:
            (digests, state), ended, log = fresh, False, list[str]()
            record.begin(directory, wanted, digests, job.handed)
        job.gather(quiet)
        with job.watch(quiet):
            state = _steps(job, state, ended, log)
        return write_sealed(directory.result, job.finish(state))


def tidy(directory: Directory) -> Directory:
    """Remove what killed processes left in a finished job's directory; the same directory."""
    if any(leftovers(_folders(directory))) or (directory.root / LOCK).exists():
        with hold(directory.root):
            sweep(_folders(directory))
    return directory


def _folders(directory: Directory) -> tuple[Path, ...]:
    """Where this job writes files, and no other."""
    return directory.root, directory.checkpoint.parent, RunDirectory(directory.root).front


def _reopened(job: Job[S]) -> tuple[S, bool, list[str]]:
    """The state of the checkpoint, whether it is the last one, and the lines of the log up to it."""
    directory = job.directory
    state, ended, log = None, False, list[str]()
    if directory.checkpoint.exists():
        kinds = {**job.kinds, "ended": bool, "log": torch.Tensor}
        parts = checkpoint.load(directory.checkpoint, job.wanted.digest, kinds, job.device)
        ended, log = parts.pop("ended"), bytes(parts.pop("log").cpu().numpy()).decode().splitlines()
        state = job.restored(parts)
    if log or directory.log.exists():
        write(directory.log, "".join(f"{line}\n" for line in log))
    return job.first() if state is None else state, ended, log


def _steps(job: Job[S], state: S, ended: bool, log: list[str]) -> S:
    """Step until nothing is left to do, and save the state now and then and at the end."""
    saved, due = time.perf_counter(), CHECKPOINT_EVERY
    while not ended:
        done = job.step(state)
        ended = done is None
        if done is not None:
            state, line = done
            if line is not None:
                log.append(canonical(line))
                append(job.directory.log, log[-1])
        now = time.perf_counter()
        if job.kinds and (ended or now - saved > due):
            _save(job, state, ended, log)
            saved = time.perf_counter()
            due = CHECKPOINT_EVERY + PATIENCE * (saved - now)
    return state


def _save(job: Job[S], state: S, ended: bool, log: list[str]) -> None:
    text = bytearray("".join(f"{line}\n" for line in log).encode())
    lines = torch.frombuffer(text, dtype=torch.uint8) if text else torch.empty(0, dtype=torch.uint8)
    parts = {name: getattr(state, name) for name in job.kinds}
    checkpoint.save(job.directory.checkpoint, job.wanted.digest, {**parts, "ended": ended, "log": lines})
