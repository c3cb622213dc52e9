"""What is wrong with a ticket is said once, whichever method found it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tests.laws import tiny

from ticketry.cli.main import main
from ticketry.experiment import Lock
from ticketry.methods.dense import Dense
from ticketry.methods.gem_miner import GemMiner
from ticketry.methods.random import Random
from ticketry.runs.warn import warnings

DEAD = "no weight is kept in fc2.weight: nothing passes through."


def masked(method: Random | Dense, *kept: int, lock: Lock | None = None) -> list[str]:
    """The warnings for a mask that keeps the first so many searched weights of each layer."""
    task = tiny.problem(method, lock=lock).task
    mask = torch.zeros(task.space.size, dtype=torch.bool)
    for (start, _), count in zip(task.space.segments, kept, strict=True):
        mask[start : start + count] = True
    return warnings(task, method, None, mask)


def test_a_sound_ticket_has_no_warnings() -> None:
    assert masked(Random(density=0.25), 100, 20) == []
    assert masked(Dense(), 384, 96) == []


def test_a_layer_without_a_weight_is_named() -> None:
    assert masked(Random(density=0.25), 120, 0) == [DEAD]
    assert masked(Dense(), 384, 0) == [DEAD]


def test_locked_on_weights_keep_a_layer_alive() -> None:
    assert masked(Random(density=0.35), 120, 0, lock=Lock(on=0.1, budget="uniform")) == []


def test_a_density_that_was_not_reached_is_said() -> None:
    assert masked(Random(density=0.25), 100, 19) == ["the ticket keeps 119 weights, not the 120 of density 0.25."]


@pytest.mark.parametrize(("regulariser", "dead"), [(0.0, False), (500.0, True)])
def test_scores_that_all_fell_are_told_on_standard_error_in_the_result_and_on_the_page(
    regulariser: float, dead: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = f"find gem-miner --data digits --model mlp:8 --budget.epochs 3 --pull always --regulariser {regulariser}"
    assert main([*line.split(), "--out", str(tmp_path / "run")]) == 0
    told = json.loads((tmp_path / "run/result.json").read_text())["warnings"]
    assert len(told) == dead
    assert ("all scores of fc1.weight, fc2.weight fell below 1/2" in "".join(told)) == dead
    assert ("below 1/2" in (tmp_path / "run/report.html").read_text()) == dead
    assert capsys.readouterr().err == "".join(f"ticketry: warning: {warning}\n" for warning in told)


def test_a_ticket_of_strict_ties_that_lost_too_many_is_told() -> None:
    method = GemMiner(density=0.5, ties="strict")
    task = tiny.problem(method).task
    state = method.init(task)
    tied = method.mask(task, replace(state, scores=torch.zeros(480)))
    assert warnings(task, method, state, tied)[-1] == "the ticket keeps 0 weights, not the 240 of density 0.5."
