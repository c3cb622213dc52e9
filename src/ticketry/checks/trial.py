"""A check as a job: the ticket and its controls, trained side by side on the same data in the same order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ticketry import data
from ticketry.checks import controls, judgement, searches
from ticketry.checks.judgement import Trial
from ticketry.checks.parts import TicketParts
from ticketry.core.meters import Budget, Meters
from ticketry.core.task import Task
from ticketry.core.training import engine
from ticketry.core.training.engine import Weights
from ticketry.core.trust import Trust
from ticketry.data import Dataset
from ticketry.paths import RunDirectory
from ticketry.runs.job import Line
from ticketry.runs.problem import Handed, handed, known, problem_of_ticket
from ticketry.runs.progress import SearchProgress
from ticketry.runs.run import Run
from ticketry.ticket.content import TicketFile


@dataclass(frozen=True, eq=False)
class TrialState:
    """`draws`: what was found in those that are done; `line`: in the one under way, so far.

    `weights`: of the networks in training, `epoch` epochs of this draw after its start; None between two draws.
    """

    draws: list[dict[str, Any]]
    line: dict[str, Any]
    weights: Weights | None
    epoch: int
    meters: Meters


class TrialJob:
    """A check as a job; see runs/job.py. `repeats`: the run whose search is repeated on corrupted data, if one is."""

    kinds: Mapping[str, Any] = {
        "draws": list[dict[str, Any]],
        "line": dict[str, Any],
        "weights": Weights | None,
        "epoch": int,
        "meters": Meters,
    }

    def __init__(
        self,
        wanted: Trial,
        ticket: TicketFile,
        directory: RunDirectory,
        dataset: Dataset | None,
        model: Handed,
        repeats: Path | None,
        trust: Trust,
    ) -> None:
        self.wanted, self.directory, self.source = wanted, directory, wanted.data
        self.handed = handed(dataset, model)
        self._ticket, self._given, self._model, self._repeats = ticket, dataset, model, repeats
        self._trust = trust
        self._runs: Mapping[str, list[Run]] = {}
        self._drawn: tuple[int, dict[str, TicketParts]] = (-1, {})

    @property
    def known(self) -> Mapping[str, str]:
        return known(self._given, self.wanted.val)

    def prepare(self) -> Mapping[str, str]:
        wanted, run, where = self.wanted, self.wanted.digest[:16], self._repeats
        self._dataset = data.load(wanted.data, self._trust) if self._given is None else self._given
        self._problem = problem_of_ticket(
            self._ticket, wanted.data, wanted.val, wanted.device, run, self._dataset, self._model, self._trust
        )
        self._task = self._problem.task
        if wanted.trained:
            wanted.training.check(self._task.steps_per_epoch(wanted.training.batch))
        source, device = wanted.data, wanted.device
        self._again = None if where is None else searches.repeatable(where, self._dataset, source, device)
        return self._problem.digests

    @property
    def device(self) -> torch.device:
        return self._task.device

    def first(self) -> TrialState:
        if self._again is not None:
            searches.rehearse(self._again, self._dataset, self._model, self._trust)
        return TrialState([], {}, None, 0, self._task.meters)

    def restored(self, fields: Mapping[str, Any]) -> TrialState:
        self._task.resume(fields["meters"])
        return TrialState(**{**fields, "meters": self._task.meters})

    def gather(self, quiet: bool) -> None:
        """The searches on corrupted data, one a draw for each corruption."""
        if self._again is not None:
            given = self._dataset, self._model, self._trust
            self._runs = searches.search(self._again, *given, self.wanted.seeds, self.directory, quiet)

    def step(self, state: TrialState) -> tuple[TrialState, Line | None] | None:
        """The beginning of a draw, or an epoch of all its networks."""
        wanted, training, draw = self.wanted, self.wanted.training, len(state.draws)
        if draw == wanted.seeds:
            return None
        if state.weights is None:
            return self._begin(state, draw)
        tried = self._tried(draw)
        masks = torch.stack([torch.from_numpy(one.mask) for one in tried.values()]).to(self.device)
        number = draw * training.epochs + state.epoch
        with self._task.one_step():
            weights = engine.epoch(self._task, training, state.weights, masks, state.epoch, number)
        if state.epoch + 1 < training.epochs:
            return replace(state, weights=weights, epoch=state.epoch + 1), None
        return self._ended(state, {**state.line, "trained": self._judged(tried, weights.flat)})

    def _begin(self, state: TrialState, draw: int) -> tuple[TrialState, Line | None]:
        tried, training = self._tried(draw), self.wanted.training
        flat = _parameters(self._task, tried.values())
        line = {
            "draw": draw,
            "kept": {name: one.kept for name, one in tried.items()},
            "untrained": self._judged(tried, flat),
        }
        if not self.wanted.trained:
            return self._ended(state, line)
        if training.rewind:  # dense until then
            flat = _parameters(self._task, [replace(one, mask=np.ones_like(one.mask)) for one in tried.values()])
        return replace(state, line=line, weights=engine.again(training, flat, 0), epoch=0), None

    def _ended(self, state: TrialState, line: dict[str, Any]) -> tuple[TrialState, Line]:
        line = {**line, "cost": asdict(self._task.meters)}
        return replace(state, draws=[*state.draws, line], line={}, weights=None, epoch=0), line

    def _tried(self, draw: int) -> dict[str, TicketParts]:
        """The ticket and every altered one by name, those that this draw compares."""
        if self._drawn[0] != draw:
            whole = TicketParts.of(self._ticket)
            altered = {name: alter(whole, draw) for name, alter in controls.discover().items()}
            tried = {judgement.TICKET: whole, **{name: one for name, one in altered.items() if one is not None}}
            for name, runs in self._runs.items():
                tried[name] = replace(whole, mask=runs[draw].ticket.content.mask.copy())
            self._drawn = (draw, tried)
        return self._drawn[1]

    def _judged(self, tried: Mapping[str, TicketParts], flat: torch.Tensor) -> dict[str, float]:
        test = self._problem.test
        return {name: self._task.judge(one, test)[1] for name, one in zip(tried, flat, strict=True)}

    def finish(self, state: TrialState) -> dict[str, Any]:
        """Verdicts from the draws."""
        searched, objective = searches.cost(self._runs), self._task.objective
        chance = objective.chance(self._problem.test)
        kind, draws = self._ticket.kind, state.draws
        outcome = judgement.outcome(self.wanted, kind, draws, objective.measure, chance, searched)
        return {**outcome, "digest": {"experiment": self.wanted.digest, **self._problem.digests}}

    def watch(self, quiet: bool) -> AbstractContextManager[object]:
        wanted, task = self.wanted, self._task
        budget = Budget(epochs=wanted.seeds * (wanted.training.epochs if wanted.trained else 1))
        bar = SearchProgress(f"checking {wanted.ticket[:8]}", budget, task.meters, quiet)
        task.listen(bar.update)
        return bar


def _parameters(task: Task, altered: Iterable[TicketParts]) -> torch.Tensor:
    """Float[P, M]: all parameters of altered tickets, untrained."""
    rows = []
    for one in altered:
        flat = task.parameters.untrained(torch.from_numpy(one.effective).to(task.device))
        for name, view in task.parameters.views(flat).items():
            if name in one.rest:
                view.copy_(torch.from_numpy(one.rest[name]))
        rows.append(flat)
    return torch.stack(rows)
