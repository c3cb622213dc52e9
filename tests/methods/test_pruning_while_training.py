"""Gem-Miner, iterative, gradual and one-shot magnitude pruning, the dense network: schedules, cuts, rewinding."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.laws import tiny

from ticketry.core import train
from ticketry.core.errors import RequestError
from ticketry.core.meters import Budget
from ticketry.experiment import Lock
from ticketry.methods.dense import Dense
from ticketry.methods.gem_miner import GemMiner
from ticketry.methods.gradual import Gradual
from ticketry.methods.imp import Imp
from ticketry.methods.one_shot import OneShot

LOCK = Lock(off=0.3, on=0.1)


def states(method: Any, epochs: int, lock: Lock | None = None) -> tuple[Any, list[Any]]:
    task = tiny.problem(method, Budget(epochs=epochs), lock).task
    return task, list(tiny.states(method, task))


def _of(state: Any) -> tuple[Any, ...]:
    return state.flat, state.moments, state.rewound, state.step


class TestGemMiner:
    @pytest.mark.parametrize("lock", [None, LOCK])
    def test_flags_fall_by_equal_factors_and_never_return(self, lock: Lock | None) -> None:
        task, found = states(GemMiner(density=0.2), 5, lock)
        most = 0.7 if lock else 1.0
        kept = [int(state.flags.sum()) + task.space.locked_on for state in found]
        factors = [1, 1, *((0.2 / most) ** (event / 4) for event in range(1, 5))]
        assert kept == pytest.approx([480 * most * factor for factor in factors], abs=1)
        for before, after in itertools.pairwise(found):
            assert not (after.flags & ~before.flags).any()
            assert after.scores.min() >= 0
            assert after.scores.max() <= 1
        last = GemMiner(density=0.2).mask(task, found[-1])
        assert torch.equal(last, found[-1].flags)

    def test_events_come_every_period(self) -> None:
        _, found = states(GemMiner(density=0.25, period=2), 6)
        assert [int(state.flags.sum()) for state in found] == [480, 480, 480, 240, 240, 120, 120]

    def test_no_event_at_all_is_refused(self) -> None:
        method = GemMiner(period=3)
        with pytest.raises(RequestError, match=r"period is 3, but it must be below the 3 epochs"):
            method.init(tiny.problem(method, Budget(epochs=3)).task)

    def test_a_step_is_sgd_on_the_straight_through_gradient_and_the_regulariser(self) -> None:
        method = GemMiner(regulariser=0.01, momentum=0.0, batch=300)
        task = tiny.problem(method, Budget(epochs=4)).task
        state = method.init(task)
        batch = next(iter(task.batches(0, 300)))
        _, gradient = task.gradient(state.scores > 0.5, batch)
        expected = (state.scores - 0.1 * (gradient + 2 * 0.01 * state.scores)).clamp(0, 1)
        assert torch.allclose(method.step(task, state).scores, expected, atol=1e-6)

    def test_a_frozen_score_only_decays(self) -> None:
        _, found = states(GemMiner(regulariser=0.1, density=0.1, momentum=0.0), 3)
        out = ~found[2].flags
        assert out.any()
        assert (found[3].scores[out] <= found[2].scores[out]).all()

    def test_the_regulariser_follows_size_and_density(self) -> None:
        method = GemMiner(density=0.1)
        task, found = states(method, 2)
        expected = 1e-4 * (270_000 / 480) ** 0.75 * math.sqrt(0.144)
        assert method.notes(task, found[-1])["regulariser"] == pytest.approx(expected)

    def test_the_lowest_use_of_each_layer_is_remembered(self) -> None:
        method = GemMiner(regulariser=0.02, density=0.9)
        task, found = states(method, 4)
        parts = ((0, 384), (384, 480))
        for before, after in itertools.pairwise(found):
            used = (after.scores > 0.5) & after.flags
            now = torch.stack([used[a:b].sum() / after.flags[a:b].sum() for a, b in parts])
            assert torch.allclose(after.used, before.used.minimum(now))
        assert 0 < found[-1].used.min() < 1
        assert method.warnings(task, found[-1]) == []

    def test_strict_ties_drop_all_that_tie(self) -> None:
        task, found = states(GemMiner(), 2)
        tied = replace(found[-1], scores=torch.zeros(480), flags=torch.ones(480, dtype=torch.bool))
        exact, strict = (GemMiner(density=0.5, ties=ties).mask(task, tied) for ties in ("exact", "strict"))  # type: ignore[arg-type]
        assert int(exact.sum()) == 240
        assert int(strict.sum()) == 0


class TestImp:
    def test_rounds_cut_equal_fractions_of_what_is_left_and_nothing_returns(self) -> None:
        method = Imp(density=0.512)
        task, found = states(method, 6)
        ends = [state for state in found if state.epoch == 0]
        assert [int(state.kept.sum()) for state in ends] == pytest.approx([480 * 0.8**r for r in range(4)], abs=1)
        assert task.meters.epochs == 6
        for before, after in itertools.pairwise(ends):
            assert not (after.kept & ~before.kept).any()

    def test_weights_go_back_to_the_rewind_point(self) -> None:
        for rewind in (0, 4):
            method = Imp(density=0.64, rewind=rewind, batch=100)
            task, found = states(method, 4)
            for state in (state for state in found[1:] if state.epoch == 0):
                assert torch.equal(state.flat, state.rewound * train.whole(task, state.kept[None]))
                assert state.step == rewind
                assert not state.moments.any()
            untrained = task.parameters.untrained(task.effective(torch.ones(480, dtype=torch.bool)))
            assert torch.equal(found[-1].rewound[0], untrained) == (rewind == 0)

    def test_learning_rate_rewinding_keeps_the_weights(self) -> None:
        _, found = states(Imp(density=0.64, rewind=-1), 4)
        end = next(state for state in found[1:] if state.epoch == 0)
        assert not torch.equal(end.flat != 0, end.rewound != 0)
        assert not torch.equal(end.flat[end.flat != 0], end.rewound[end.flat != 0])

    def test_a_round_cuts_the_smallest_of_the_trained_weights(self) -> None:
        method = Imp(density=0.8, rewind=-1)
        _, found = states(method, 2)
        task = tiny.problem(method, Budget(epochs=2)).task
        trained = train.epoch(task, method._training(2), train.Weights(*_of(found[1])), found[1].kept[None], 1, 1)
        sizes = trained.flat[0, :480].abs()
        assert sizes[found[-1].kept].min() >= sizes[~found[-1].kept].max()

    def test_a_budget_of_fewer_epochs_than_rounds_makes_rounds_larger(self) -> None:
        task, found = states(Imp(density=0.1), 3)
        assert task.meters.epochs == 3
        assert int(found[-1].kept.sum()) == 48

    def test_a_rewind_point_beyond_the_round_is_refused(self) -> None:
        method = Imp(rewind=10_000)
        with pytest.raises(RequestError, match=r"training.rewind is 10000, but it must be below the"):
            method.init(tiny.problem(method, Budget(epochs=8)).task)


class TestGradual:
    @pytest.mark.parametrize("lock", [None, LOCK])
    def test_what_is_cut_stays_zero_and_the_density_arrives(self, lock: Lock | None) -> None:
        method = Gradual(density=0.2, every=2)
        task, found = states(method, 6, lock)
        for before, after in itertools.pairwise(found):
            assert not (after.kept & ~before.kept).any()
            cut = train.whole(task, after.kept[None]) == 0
            assert (after.flat[cut] == 0).all()
            assert (after.moments[0][cut] == 0).all()
        assert int(found[-1].kept.sum()) + task.space.locked_on == 96
        assert int(found[3].kept.sum()) + task.space.locked_on > 96

    def test_nothing_is_cut_before_it_begins(self) -> None:
        _, found = states(Gradual(density=0.2, begin=0.5, every=1), 4)
        assert found[2].kept.all()
        assert not found[3].kept.all()

    def test_fields_out_of_range_are_refused(self) -> None:
        for given in ({"until": 0.0}, {"begin": 0.9, "until": 0.8}, {"every": 0}, {"learning_rate": 0.0}):
            with pytest.raises(RequestError):
                Gradual(**given)  # type: ignore[arg-type]


class TestOneShot:
    def test_it_keeps_the_largest_weights_of_the_plainly_trained_network(self) -> None:
        method = OneShot(density=0.2)
        task, found = states(method, 3)
        dense = torch.ones(1, 480, dtype=torch.bool)
        weights = train.start(task, method._training(3), dense)
        again = tiny.problem(method, Budget(epochs=3)).task
        for number in range(3):
            weights = train.epoch(again, method._training(3), weights, dense, number, number)
        assert torch.equal(found[-1].flat, weights.flat)
        sizes, mask = weights.flat[0, :480].abs(), method.mask(task, found[-1])
        assert int(mask.sum()) == 96
        assert sizes[mask].min() >= sizes[~mask].max()

    @pytest.mark.parametrize("lock", [None, LOCK])
    def test_it_is_iterative_pruning_in_one_round(self, lock: Lock | None) -> None:
        method, one_round = OneShot(density=0.2), Imp(density=0.2, fraction=0.9)
        task, found = states(method, 3, lock)
        other, rounds = states(one_round, 3, lock)
        assert torch.equal(method.mask(task, found[-1]), one_round.mask(other, rounds[-1]))
        assert rounds[-1].round == 1


@pytest.mark.parametrize(("lock", "kept"), [(None, 480), (LOCK, 336)])
def test_the_dense_network_is_all_that_locks_leave(lock: Lock | None, kept: int) -> None:
    task, found = states(Dense(), 1, lock)
    assert sum(task.space.kept(Dense().mask(task, found[-1]))) == kept
