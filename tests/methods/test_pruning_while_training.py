"""Gem-Miner, iterative, gradual and one-shot magnitude pruning, the dense network: schedules, cuts, rewinding."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.laws import tiny

from ticketry.core.errors import RequestError
from ticketry.core.masks import mask as mask_of
from ticketry.core.meters import Budget
from ticketry.core.training import engine, optim, schedules
from ticketry.experiment import Lock
from ticketry.methods.dense import Dense
from ticketry.methods.gem_miner import GemMiner
from ticketry.methods.gradual import Gradual
from ticketry.methods.imp import Imp
from ticketry.methods.one_shot import OneShot

LOCK = Lock(off=0.3, on=0.1)
PUBLISHED = GemMiner(
    layers="global",
    pull="always",
    lowest=0,
    optimiser="sgd",
    learning_rate=0.1,
    scale="none",
    regulariser=0.01,
    batch=300,
)


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

    @pytest.mark.parametrize("ties", ["exact", "strict"])
    def test_layers_have_their_shares_after_every_event(self, ties: Any) -> None:
        method = GemMiner(density=0.1, ties=ties)
        task, found = states(method, 5)
        for event, state in enumerate(found[1:]):
            shares = task.space.shares("igq", round(480 * 0.1 ** (event / 4)), 1)
            assert mask_of.counts(state.flags, task.space.segments) == shares
        mask = GemMiner(density=0.1, layers="uniform").mask(task, found[0])
        assert mask_of.counts(mask, task.space.segments) == [38, 10]

    def test_events_come_every_period(self) -> None:
        _, found = states(GemMiner(density=0.25, period=2), 6)
        assert [int(state.flags.sum()) for state in found] == [480, 480, 480, 240, 240, 120, 120]

    def test_no_event_at_all_is_refused(self) -> None:
        method = GemMiner(period=3)
        with pytest.raises(RequestError, match=r"period is 3, but it must be below the 3 epochs"):
            method.init(tiny.problem(method, Budget(epochs=3)).task)

    def test_a_published_step_is_sgd_on_the_straight_through_gradient_and_the_regulariser(self) -> None:
        task = tiny.problem(PUBLISHED, Budget(epochs=4)).task
        state = PUBLISHED.init(task)
        assert state.scores.min() < 0.1
        batch = next(iter(task.batches(0, 300)))
        _, gradient = task.gradient(state.scores > 0.5, batch)
        expected = (state.scores - 0.1 * (gradient + 2 * 0.01 * state.scores)).clamp(0, 1)
        assert torch.allclose(PUBLISHED.step(task, state).scores, expected, atol=1e-6)

    @pytest.mark.parametrize("in_use", [480, 400, 241, 240])
    @pytest.mark.parametrize("layers", ["global", "igq"])
    def test_a_step_is_adam_and_a_decay_where_too_many_scores_are_in_use(self, layers: Any, in_use: int) -> None:
        method = GemMiner(density=0.5, regulariser=10, batch=300, layers=layers)
        task = tiny.problem(method, Budget(epochs=4)).task
        state = method.init(task)
        assert state.scores.min() >= 0.5
        scores = torch.where(torch.arange(480) < in_use, state.scores.clamp(min=0.51), 0.3)
        _, gradient = task.gradient(scores > 0.5, next(iter(task.batches(3, 300))))
        rate = schedules.cosine(3, 4, 0.003)
        moments = torch.zeros(2, 480)
        expected = scores.clone()
        optim.adam(expected, gradient, moments[0], moments[1], 4, rate)
        shares = task.space.shares("igq", 240)  # the schedule has arrived at one half
        used = min(in_use, 384), max(0, in_use - 384)
        for (start, stop), n, most in zip(task.space.segments, used, shares, strict=True):
            over = in_use > 240 if layers == "global" else n > most
            expected[start:stop] *= 1 - 20 * rate if over else 1
        after = method.step(task, replace(state, scores=scores, epoch=3))
        assert torch.allclose(after.scores, expected.clamp(0, 1), atol=1e-6)

    def test_scores_in_use_follow_their_schedule_ahead_of_the_flags(self) -> None:
        method = GemMiner(density=0.1, regulariser=30, batch=25)
        _, found = states(method, 20)
        in_use = [int(((state.scores > 0.5) & state.flags).sum()) for state in found]
        assert in_use[0] == 480
        assert in_use[12] <= 80
        assert int(found[12].flags.sum()) > 100

    def test_a_layer_that_was_dead_once_is_remembered(self) -> None:
        method = GemMiner(density=0.9)
        task = tiny.problem(method, Budget(epochs=3)).task
        state = method.step(task, method.init(task))
        assert not state.dead.any()
        assert method.warnings(task, state) == []
        low = state.scores.clone()
        low[384:] = 0
        state = method.step(task, method.step(task, replace(state, scores=low)))
        assert state.dead.tolist() == [False, True]
        assert "all scores of fc2.weight fell below 1/2" in method.warnings(task, state)[0]

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
            ends = [after for before, after in itertools.pairwise(found) if after.round > before.round]
            assert len(ends) == 2
            for state in ends:
                assert torch.equal(state.flat, state.rewound * engine.whole(task, state.kept[None]))
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
        trained = engine.epoch(task, method._training(2), engine.Weights(*_of(found[1])), found[1].kept[None], 1, 1)
        sizes = trained.flat[0, :480].abs()
        assert sizes[found[-1].kept].min() >= sizes[~found[-1].kept].max()

    def test_a_budget_of_fewer_epochs_than_rounds_makes_rounds_larger(self) -> None:
        task, found = states(Imp(density=0.1), 3)
        assert task.meters.epochs == 3
        assert int(found[-1].kept.sum()) == 48

    def test_a_rewind_point_beyond_the_round_is_refused(self) -> None:
        method = Imp(rewind=10_000)
        with pytest.raises(RequestError, match=r"^rewind is 10000, but it must be below the"):
            method.init(tiny.problem(method, Budget(epochs=8)).task)


class TestGradual:
    @pytest.mark.parametrize("lock", [None, LOCK])
    def test_what_is_cut_stays_zero_and_the_density_arrives(self, lock: Lock | None) -> None:
        method = Gradual(density=0.2, every=2)
        task, found = states(method, 6, lock)
        for before, after in itertools.pairwise(found):
            assert not (after.kept & ~before.kept).any()
            cut = engine.whole(task, after.kept[None]) == 0
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
        weights = engine.start(task, method._training(3), dense)
        again = tiny.problem(method, Budget(epochs=3)).task
        for number in range(3):
            weights = engine.epoch(again, method._training(3), weights, dense, number, number)
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
