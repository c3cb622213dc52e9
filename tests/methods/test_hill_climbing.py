"""Local search: tiny problems are solved exactly, a walk is the genetic search's, restarts never make it worse."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
import torch
from tests.laws import tiny
from tests.methods.test_edge_popup import task_on

from ticketry.core.errors import RequestError
from ticketry.core.masks import bits
from ticketry.core.meters import Budget
from ticketry.core.task import Task
from ticketry.evolution.masks import population
from ticketry.evolution.masks.population import ScoredPopulation
from ticketry.evolution.masks.walk import PASSES, Walk, walk_on
from ticketry.methods.hill_climbing import HillClimbing, State

LONG = Budget(generations=10**9)


def small() -> Task:
    """3 x 4 weights of one matrix, so that all 4096 masks can be tried; 40 examples of 3 classes."""
    draw = np.random.default_rng(3)
    return task_on([draw.uniform(-1, 1, (3, 4))], draw.normal(size=(40, 4)), (np.arange(40) % 3).tolist(), budget=LONG)


def ended(method: HillClimbing, task: Task, most: int = 10_000) -> State:
    *_, state = tiny.states(method, task, most)
    return state


def objective(task: Task, masks: torch.Tensor, price: float) -> torch.Tensor:
    """Loss in units of a constant guess, and what the density costs: Bool[P, D] -> Float64[P]."""
    return task.fitness(masks).loss / task.objective.guess[0] + price * masks.sum(1) / task.space.total


@pytest.mark.parametrize(("price", "passes"), [(0.0, 12), (0.05, 100)])
def test_with_restarts_the_best_of_all_masks_is_found(price: float, passes: int) -> None:
    """A pass is one chunk here, so that it takes many until the price has nearly fallen."""
    task = small()
    every = torch.tensor(list(product([False, True], repeat=12)))
    values = objective(task, every, price)
    method = HillClimbing(restarts=3, price=price, passes=passes)
    state = ended(method, task)
    assert torch.equal(method.mask(task, state), every[values.argmin()])
    assert state.value == pytest.approx(values.min().item(), rel=1e-6)
    assert (state.number, method.notes(task, state)) == (3, {"walks": 4})


@pytest.mark.parametrize("kept", [1, 4, 9])
def test_at_a_density_the_best_of_that_density_is_found(kept: int) -> None:
    task = small()
    every = torch.tensor(list(product([False, True], repeat=12)))
    right = every[every.sum(1) == kept]
    method = HillClimbing(restarts=5, density=kept / 12)
    assert torch.equal(method.mask(task, ended(method, task)), right[objective(task, right, 0).argmin()])


def test_a_walk_is_that_of_the_walk_alone_from_a_mask_of_the_stream() -> None:
    task, other = (tiny.problem(HillClimbing(), LONG).task for _ in range(2))
    state = ended(HillClimbing(), task)
    words = bits.random(other.stream("hill climbing", 0), 1, 480, 0.5)
    score = other.fitness(torch.from_numpy(bits.unpack(words, 480)))
    walk = Walk.start(ScoredPopulation(words, score.loss.numpy(), score.quality.numpy()), 0.0)
    while walk.tried < PASSES * 480:
        walk = walk_on(other, walk, False, 0.05, False, which=(0,))
    assert state.ticket.tolist() == walk.words[0].view(np.int64).tolist()
    assert state.value == walk.best_value
    assert task.meters.evaluations == other.meters.evaluations


def test_restarts_go_on_from_other_masks_and_keep_the_best() -> None:
    alone = ended(HillClimbing(passes=2), tiny.problem(HillClimbing(), LONG).task)
    method, task = HillClimbing(passes=2, restarts=3), tiny.problem(HillClimbing(), LONG).task
    values, ends = [], []
    for state in tiny.states(method, task, 1000):
        values.append(state.value)
        ends.append((state.number, state.walk[3].item() if len(state.walk) else math.inf))
    firsts = [value for (number, value), after in zip(ends, [*ends[1:], (9, 0)], strict=True) if after[0] > number]
    assert len(set(firsts)) == 4
    assert all(b <= a for a, b in pairwise(values))
    assert firsts[0] == alone.value >= values[-1] == min(firsts)
    score = objective(task, method.mask(task, state)[None], method.price)
    assert score.item() == pytest.approx(values[-1], rel=1e-4)


def test_the_budget_ends_a_walk_of_many_passes_at_the_final_price() -> None:
    """As sparse as a walk that its passes end; where the price has not fallen it is far sparser."""
    ends = [
        ended(HillClimbing(passes=passes, price=price), tiny.problem(HillClimbing(), Budget(evaluations=most)).task)
        for passes, price, most in ((12, 0.05, 10**9), (10**6, 0.05, 7000), (12, 0.8, 10**9))
    ]
    walked, ended_by_budget, dear = (int(bits.count(population.words_of(end.ticket))) for end in ends)
    assert 0.6 * walked < ended_by_budget < 1.6 * walked
    assert dear < 0.5 * walked


def test_a_start_that_is_no_number_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    real = population.scored

    def broken(*given: Any) -> ScoredPopulation:
        found = real(*given)
        return ScoredPopulation(found.words, np.full_like(found.loss, np.nan), found.quality)

    monkeypatch.setattr(population, "scored", broken)
    task = tiny.problem(HillClimbing(), LONG).task
    state = HillClimbing().step(task, HillClimbing().init(task))
    assert math.isfinite(state.value)


def test_no_mask_of_the_front_is_beaten_by_another() -> None:
    method, task = HillClimbing(restarts=1), tiny.problem(HillClimbing(), LONG).task
    masks, losses = method.front(task, ended(method, task))
    assert len(masks) > 5
    assert (masks.sum(1).diff() < 0).all()
    assert (losses.diff() > 0).all()


def wrong() -> Iterator[tuple[dict[str, Any], str]]:
    yield {"passes": 0}, "passes is 0, but it must be at least 1; "
    yield {"restarts": -1}, "restarts is -1, but it must be 0 or more; "
    yield {"initial": 0.0}, "initial is 0.0, but it must be in (0, 1]; "
    yield {"fitness": "loss"}, "fitness is 'loss', which does not exist; known are accuracy, auto, cross_entropy: "
    yield {"price": math.nan}, "price is nan, but it must be 0 or more and finite; "
    yield {"density": 1.5}, "density is 1.5, but it must be in (0, 1] or none; "


@pytest.mark.parametrize(("given", "sentence"), [*wrong()])
def test_a_setting_out_of_range_is_refused(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RequestError) as error:
        HillClimbing(**given)
    assert str(error.value).startswith(sentence)


def test_labels_all_alike_are_refused() -> None:
    task = task_on([np.eye(3)], np.random.default_rng(0).normal(size=(20, 3)), [1] * 20, budget=LONG)
    with pytest.raises(RequestError, match=r"^data is of class 1 alone in its training part"):
        HillClimbing().init(task)
