"""The walk finds what it must where the answer is known, and never makes its objective worse."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.laws import tiny

from ticketry.core.errors import SearchEnded
from ticketry.core.fitness.kernels import Score
from ticketry.core.masks import bits
from ticketry.core.masks.bits import Bits
from ticketry.core.meters import Budget
from ticketry.core.task import Task
from ticketry.evolution.masks import walk as walking
from ticketry.evolution.masks.population import Floats, ScoredPopulation
from ticketry.evolution.masks.walk import Walk, Whole, exchange, improve, walk_on
from ticketry.methods.genetic import Genetic

EVERY = np.arange(6)


def by_loss(loss: Floats, accuracy: Floats) -> Floats:
    return loss


class Known:
    """Loss 10 + sum of what each kept bit adds, and 3 less where bits 0 and 1 are both off."""

    ADDS = np.array([1.0, 1.0, -2.0, 0.5, -0.2, -0.05])

    def __init__(self, mask: Bits) -> None:
        self.mask = mask.copy()
        self.asked: list[list[int]] = []

    def loss(self, mask: Bits) -> float:
        return 10 + float(self.ADDS[mask].sum()) - 3 * (not mask[:2].any())

    def flips(self, positions: torch.Tensor) -> Score:
        self.asked.append(positions.tolist())
        loss = [self.loss(self.mask ^ (p == EVERY)) for p in positions.tolist()]
        return Score(torch.tensor(loss, dtype=torch.float64), torch.zeros(len(loss), dtype=torch.float64))

    def apply(self, position: int) -> None:
        self.mask[position] ^= True


def walk(mask: Bits, loss: float) -> Walk:
    return Walk(np.stack([bits.pack(mask)] * 2), loss, 0.0, loss, np.inf, loss, int(mask.sum()), 0.0)


def test_every_change_that_helps_is_made_in_the_order_of_its_gain() -> None:
    """Price 0.1. From 1, 3 and 5 kept, changes are worth: 1 off 1.1 + 3, 2 on 1.9, 3 off 0.6, 4 on 0.1, 5 off 0.05.

    Bit 0 on would cost; every change after the first is asked for once more before it is made.
    """
    mask = np.array([False, True, False, True, False, True])
    differ = Known(mask)
    after = improve(differ, mask, walk(mask, differ.loss(mask)), EVERY, by_loss, 0.1)
    assert mask.tolist() == [False, False, True, False, True, False]
    assert differ.mask.tolist() == mask.tolist()
    assert after.loss == differ.loss(mask)
    assert after.changed == 5
    assert differ.asked == [[0, 1, 2, 3, 4, 5], [2], [3], [4], [5]]


def test_a_change_that_another_made_useless_is_not_made() -> None:
    """Bits 0 and 1 are kept and each is a burden of 1; once one is off, the other is worth 3 more. From both off,
    switching one on is never tried again."""

    class Either(Known):
        def loss(self, mask: Bits) -> float:
            return 1.0 - 0.5 * bool(mask[0] or mask[1])  # one of the two is enough

    mask = np.array([False, False, True, True, True, True])
    differ = Either(mask)
    after = improve(differ, mask, walk(mask, 1.0), EVERY[:2], by_loss, 0.1)
    assert mask[:2].tolist() == [True, False]
    assert after.loss == 0.5


def test_what_is_infinite_never_helps() -> None:
    class Broken(Known):
        def loss(self, mask: Bits) -> float:
            return np.inf

    mask = np.ones(6, np.bool_)
    after = improve(Broken(mask), mask, walk(mask, 1.0), EVERY, by_loss, 0.1)
    assert mask.all()
    assert after.loss == 1.0
    after = improve(Broken(mask), mask, walk(mask, np.inf), EVERY, by_loss, 0.1)
    assert mask.all()


def test_pairs_are_exchanged_while_that_helps() -> None:
    """Off in the order 3, 1, 5 (0.5 gained, 1 + 3, ...), on in the order 2, 4, 0: a pair is judged as a whole."""
    mask = np.array([False, True, False, True, False, True])
    differ = Known(mask)
    after = exchange(differ, mask, walk(mask, differ.loss(mask)), EVERY, by_loss)
    assert mask.tolist() == [False, False, True, False, True, True]
    assert after.loss == differ.loss(mask)
    assert after.changed == 4


def tiny_task(budget: Budget | None = None) -> Task:
    return tiny.problem(Genetic(), budget or Budget(generations=10**6)).task


def begin(task: Task, density: float = 0.5) -> Walk:
    words = bits.random(task.stream("begin"), 1, task.space.size, density)
    score = task.fitness(torch.from_numpy(bits.unpack(words, task.space.size)))
    return Walk.start(ScoredPopulation(words, score.loss.numpy(), score.quality.numpy()), task.spent)


def finish(task: Task, now: Walk, accurate: bool, price: float, exchanging: bool = False) -> Walk:
    for _ in range(10_000):
        try:
            now = walk_on(task, now, accurate, price, exchanging)
        except SearchEnded:
            return now
    raise AssertionError("the walk has no end")


@pytest.mark.parametrize("accurate", [False, True])
def test_a_random_mask_becomes_sparse_and_good(accurate: bool) -> None:
    task = tiny_task()
    start = begin(task)
    end = finish(task, start, accurate, 0.1)
    assert end.tried == walking.PASSES * 480
    assert end.evaluations == task.meters.evaluations - 1
    assert bits.count(end.words[0]) < 0.3 * 480
    assert end.quality > start.quality + 0.4
    score = task.fitness(torch.from_numpy(bits.unpack(end.words[1:], 480)))
    assert end.loss == pytest.approx(score.loss[0].item(), rel=1e-4)
    assert end.quality == score.quality[0].item()
    assert (end.dense_loss, end.dense_kept) == (start.loss, bits.count(start.words[0]))


def test_the_answer_is_the_best_mask_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A price that begins far too high leaves nothing of the mask, and it is not found again."""
    monkeypatch.setattr(walking, "DEAR", 1e4)
    task = tiny_task()
    values, masks, now = [], [], begin(task)
    cost = walking.cost_of(False, (math.log(4), 1 / 4))
    for _ in range(20):
        here = bits.unpack(now.words[1], 480)
        values.append(cost(np.array([now.loss]), np.zeros(1))[0] + 0.1 * here.mean())
        masks.append(now.words[1].tolist())
        now = walk_on(task, now, False, 0.1, False)
        best = int(np.argmin(values[: len(values)]))
    values.append(cost(np.array([now.loss]), np.zeros(1))[0] + 0.1 * bits.unpack(now.words[1], 480).mean())
    masks.append(now.words[1].tolist())
    best = int(np.argmin(values))
    assert best < 20
    assert now.words[0].tolist() == masks[best]
    assert now.best_value == pytest.approx(values[best])


def test_a_higher_price_ends_sparser() -> None:
    ends = [finish(tiny_task(), begin(tiny_task()), False, price) for price in (0.01, 0.5)]
    kept = [int(bits.count(end.words[0])) for end in ends]
    assert kept[0] > 2 * kept[1]


def test_the_price_falls_with_the_budget_where_that_ends_first(monkeypatch: pytest.MonkeyPatch) -> None:
    task, prices = tiny_task(Budget(generations=11)), []
    real = improve

    def noted(*args: object) -> Walk:
        prices.append(args[-1])
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(walking, "improve", noted)
    with task.one_step():
        now = begin(task)
    for _ in range(10):
        with task.one_step():
            now = walk_on(task, now, False, 0.48, False)
    assert prices[-1] == pytest.approx(0.48 / 480)
    ratios = np.array(prices[1:]) / np.array(prices[:-1])
    assert ratios[0] == pytest.approx(16 ** (-1 / 10), rel=1e-6)
    assert (ratios < 1).all()


def test_exchanges_keep_the_density_and_lower_the_loss() -> None:
    task = tiny_task()
    start = begin(task, 0.2)
    end = finish(task, start, False, 0.1, exchanging=True)
    assert bits.count(end.words).tolist() == bits.count(start.words).tolist()
    assert end.loss < 0.5 * start.loss


def test_whole_evaluations_lead_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a network has no shortcut, or had none, the walk is the same."""

    def steps(task: Task) -> list[NDArray[np.uint64]]:
        now, found = begin(task), []
        for _ in range(8):
            now = walk_on(task, now, False, 0.1, False)
            found.append(now.words)
        return found

    short = steps(tiny_task())
    monkeypatch.setattr(Task, "neighbours", lambda *_: None)
    task = tiny_task()
    assert [w.tolist() for w in steps(task)] == [w.tolist() for w in short]
    differ, mask = Whole(task, torch.zeros(480, dtype=torch.bool)), torch.zeros(480, dtype=torch.bool)
    differ.apply(7)
    mask[[7, 9]] = True
    assert differ.flips(torch.tensor([9])).loss == task.fitness(mask[None]).loss


def test_a_walk_survives_being_numbers() -> None:
    now = replace(begin(tiny_task()), tried=7, changed=3, evaluations=11)
    again = Walk.of(torch.from_numpy(now.words.view(np.int64)), now.numbers)
    assert np.array_equal(again.words, now.words)
    assert torch.equal(again.numbers, now.numbers)
