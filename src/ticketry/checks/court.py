"""Try a ticket against its controls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ticketry.checks import controls, corruptions
from ticketry.checks.judgement import Trial
from ticketry.checks.trial import TrialJob
from ticketry.checks.verdict import LEAST
from ticketry.core.errors import refuse
from ticketry.core.training.recipe import Training
from ticketry.core.trust import Trusted, trusting, typed
from ticketry.data import Dataset, named
from ticketry.paths import RunDirectory
from ticketry.runs import job, pages
from ticketry.runs.problem import Handed
from ticketry.ticket import file
from ticketry.ticket.limits import MAX_WEIGHTS


def check(
    path: str | Path,
    *,
    data: str | Dataset | Sequence[object] | None = None,
    model: Handed = None,
    trust: Trusted = (),
    out: str | Path | None = None,
    seeds: int = 5,
    training: Training | None = None,
    trained: bool | None = None,
    corrupted: bool = False,
    val: float = 0.1,
    device: str = "cpu",
    quiet: bool = True,
    max_weights: int = MAX_WEIGHTS,
) -> dict[str, Any]:
    """Try the ticket of a finished run's directory, or of a file, against every control: what `result.json` will hold.

    `trained`: None for tickets of kind trainable only; strong tickets are judged with their untrained weights.
    `data`: None for those of the run. `model`: one of the same structure, for a ticket whose model was handed over, or
    the text of one. `trust`: names of modules whose code the texts of the ticket and of the run may run.
    `corrupted`: also against what its search finds on corrupted data (see
    checks/corruptions), which takes a run's directory, and the time of a search for each corruption and draw. A
    finished check is returned at once; an unfinished one is resumed. `max_weights`: the most that the file may ask for
    (ticket/limits.py). Raises RequestError for a wrong request.
    """
    if seeds < LEAST:
        raise refuse("seeds", seeds, f"at least {LEAST}", "a verdict needs the spread of several draws")
    path, trust = Path(path), trusting(trust)
    run = RunDirectory(path)
    if corrupted and not path.is_dir():
        allowed = "the directory of a run for --corrupted, which repeats its search"
        raise refuse("ticket", path, allowed, "name that, or leave out --corrupted")
    source = run.ticket if path.is_dir() else path
    encoded = file.read(source, max_weights)
    ticket = file.decode(encoded, max_weights)
    name, dataset = named(ticket.data.rpartition(":")[0] if data is None else data)
    trust |= typed(*([] if data is None else [name]))
    trial = Trial(
        ticket=file.digests(encoded, max_weights)["ticket"],
        data=name,
        training=training or Training(),
        val=val,
        device=device,
        seeds=seeds,
        trained=ticket.kind == "trainable" if trained is None else trained,
        controls=(*controls.discover(), *(corruptions.discover() if corrupted else ())),
    )
    own = run.check_corrupted if corrupted else run.check
    beside = own.root if path.is_dir() else source.with_name(f"{source.stem}-check")
    directory = RunDirectory(Path(out) if out else beside)
    repeats = path if corrupted else None
    outcome = job.perform(TrialJob(trial, ticket, directory, dataset, model, repeats, trust), quiet)
    if path.is_dir() and directory.root == beside and run.report.exists() and run.result.exists():
        pages.renew(run, directory.result)
    return outcome
