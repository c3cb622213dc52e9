from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from ticketry.core.errors import BudgetSpent
from ticketry.core.masks import space
from ticketry.core.meters import Budget, Meters
from ticketry.core.nets.feed import Feed, feed
from ticketry.core.nets.net import Net
from ticketry.core.seed.streams import stream
from ticketry.core.task import Batch, Task
from ticketry.objectives.classification import Classification

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _generator_restored() -> Iterator[None]:
    """These tests draw modules and examples from the global generator; the library never does."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def examples(n: int, *shape: int, classes: int = 3) -> Feed:
    x = torch.randn(n, *shape).numpy()
    return feed(x, np.arange(n) % classes, (0.0,), (1.0,), CPU)


def task_of(module: nn.Module, shape: tuple[int, ...], n: int = 10, lock: bool = False, **given: Any) -> Task:
    """A task of 3 classes on `n` training and 7 validation examples; `lock`: every fourth weight off, next one on."""
    found = space.find(module)
    values = dict(module.named_parameters())
    base = torch.cat([values.pop(layer.name).detach().flatten() for layer in found.layers])
    if lock:
        at = torch.arange(found.total) % 4
        found = found.freeze(off=at == 0, on=at == 1)
    rest = {name: value.detach().clone() for name, value in values.items()}
    settings: dict[str, Any] = {"scale": "none", "augment": False, "seed": 5, "budget": Budget()} | given
    return Task(
        net=Net(module, rest),
        space=found,
        base=base,
        train=examples(n, *shape),
        validation=examples(7, *shape),
        objective=Classification(shape, 3, ""),
        **settings,
    )


def linear(**given: Any) -> Task:
    """A task on two matrices of 20 and 15 weights; the same weights and examples each time."""
    torch.manual_seed(0)
    return task_of(nn.Sequential(nn.Linear(4, 5, bias=False), nn.ReLU(), nn.Linear(5, 3, bias=False)), (4,), **given)


def some_mask(task: Task, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(stream(seed, "mask").bits(task.space.size))


class TestEffective:
    def test_kept_weights_stay_and_others_are_zero(self) -> None:
        task = linear()
        mask = some_mask(task)
        assert torch.equal(task.effective(mask), task.weights * mask)

    def test_static_scale_is_one_factor_from_the_density(self) -> None:
        task = linear(scale="static")
        mask = some_mask(task)
        factor = np.float32(math.sqrt(35 / int(mask.sum())))
        assert torch.equal(task.effective(mask), task.weights * mask * factor)

    def test_dynamic_scale_is_one_factor_a_layer_and_follows_the_mask(self) -> None:
        task = linear(scale="dynamic")
        some, whole = some_mask(task), torch.ones(35, dtype=torch.bool)
        for mask in (some, whole, some_mask(task, 1), some, whole):  # denser and sparser than the one before
            parts = [
                w * m * np.float32(math.sqrt(len(m) / int(m.sum())))
                for w, m in zip(task.weights.split([20, 15]), mask.split([20, 15]), strict=True)
            ]
            assert torch.equal(task.effective(mask), torch.cat(parts))

    def test_an_empty_layer_is_no_division_by_zero(self) -> None:
        task = linear(scale="dynamic")
        mask = torch.arange(35) < 20
        assert task.effective(mask)[20:].eq(0).all()
        assert task.effective(~mask)[20:].equal(task.weights[20:])

    def test_locks_are_included_and_counted(self) -> None:
        task = linear(lock=True, scale="static")
        mask = torch.zeros(task.space.size, dtype=torch.bool)
        effective = task.effective(mask)
        on = torch.arange(35) % 4 == 1
        assert effective[on].ne(0).all()
        assert effective[~on].eq(0).all()
        free = linear(scale="static")
        assert torch.equal(effective, free.effective(on))

    def test_the_answer_is_the_callers_own(self) -> None:
        task = linear()
        first = task.effective(some_mask(task))
        kept = first.clone()
        task.effective(~some_mask(task))
        assert torch.equal(first, kept)
        first.zero_()
        assert torch.equal(task.effective(some_mask(task)), kept)


class TestGradient:
    @pytest.mark.parametrize("scale", ["none", "static", "dynamic"])
    @pytest.mark.parametrize("lock", [False, True])
    def test_it_is_the_derivative_by_the_mask(self, scale: str, lock: bool) -> None:
        task = linear(scale=scale, lock=lock)
        mask = some_mask(task)
        batch = Batch(*task.train.batch(slice(0, 6)))
        loss, grad = task.gradient(mask, batch)

        full = task.space.full(mask)
        sizes, kept = (20, 15), task.space.kept(mask)
        factor = {
            "none": [1.0, 1.0],
            "static": [math.sqrt(35 / sum(kept))] * 2,
            "dynamic": [math.sqrt(n / k) for n, k in zip(sizes, kept, strict=True)],
        }[scale]
        soft = full.double().requires_grad_()
        whole = linear().weights.double()  # the same draw, unlocked
        parts = [w * m * f for w, m, f in zip(whole.split(sizes), soft.split(sizes), factor, strict=True)]
        logits = (batch.x.double() @ parts[0].view(5, 4).T).relu() @ parts[1].view(3, 5).T
        expected = functional.cross_entropy(logits, batch.y)
        expected.backward()
        assert soft.grad is not None
        assert loss == pytest.approx(expected.item(), rel=1e-5)
        assert torch.allclose(grad.double(), task.space.narrow(soft.grad), atol=1e-6)
        assert grad[~mask].abs().sum() > 0  # also where the mask is 0

    def test_loss_since_the_last_line_of_the_log(self) -> None:
        task = linear()
        assert task.take_loss() is None
        losses = [task.gradient(some_mask(task), batch)[0] for batch in task.batches(0, 4)]
        assert task.take_loss() == pytest.approx(sum(losses) / 3)
        assert task.take_loss() is None


class TestBatches:
    def test_an_epoch_is_every_example_once_in_an_order_of_seed_and_epoch(self) -> None:
        task, same, other = linear(), linear(), linear(seed=6)
        assert task.steps_per_epoch(4) == 3
        first = list(task.batches(0, 4))
        assert [len(batch.y) for batch in first] == [4, 4, 2]
        seen = torch.cat([batch.x for batch in first])
        assert torch.equal(seen.sort(0).values, task.train.x.sort(0).values)
        list(same.batches(1, 5))  # nothing is remembered
        again = torch.cat([batch.x for batch in same.batches(0, 2)])
        assert torch.equal(seen, again)
        assert not torch.equal(seen, torch.cat([batch.x for batch in task.batches(1, 4)]))
        assert not torch.equal(seen, torch.cat([batch.x for batch in other.batches(0, 4)]))

    def test_labels_stay_with_their_examples(self) -> None:
        task = linear()
        label = {tuple(x.tolist()): int(y) for x, y in zip(task.train.x, task.train.y, strict=True)}
        for batch in task.batches(0, 3):
            assert [label[tuple(x.tolist())] for x in batch.x] == batch.y.tolist()

    def test_augmentation_depends_on_the_epoch_and_leaves_the_data_alone(self) -> None:
        module = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 3))
        task = task_of(module, (3, 8, 8), augment=True)
        before = task.train.x.clone()
        first = [next(iter(task.batches(epoch, 10))).x for epoch in (0, 0, 1)]
        assert torch.equal(first[0], first[1])
        assert not torch.equal(first[0].sum((1, 2, 3)).sort().values, first[2].sum((1, 2, 3)).sort().values)
        assert torch.equal(task.train.x, before)

    def test_the_listener_hears_how_far_the_epoch_is(self) -> None:
        task, heard = linear(), []
        task.listen(heard.append)
        list(task.batches(0, 5))
        assert heard == [0.0, 0.5]


class TestMeters:
    def test_what_each_call_costs(self) -> None:
        task = linear()
        for batch in task.batches(0, 4):
            task.gradient(some_mask(task), batch)
        assert (task.meters.epochs, task.meters.examples_forward, task.meters.examples_backward) == (1, 10, 10)
        task.fitness(torch.stack([some_mask(task)] * 3))
        assert (task.meters.evaluations, task.meters.examples_forward, task.meters.examples_backward) == (3, 40, 10)
        task.fitness(some_mask(task)[None], Batch(*task.train.batch(slice(0, 2))))
        assert (task.meters.evaluations, task.meters.examples_forward) == (4, 42)
        task.validate(some_mask(task))
        assert (task.meters.evaluations, task.meters.examples_forward) == (4, 49)

    def test_measuring_norms_is_metered(self) -> None:
        task = task_of(nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, 3)), (4,))
        task.validate(some_mask(task))
        assert task.meters.examples_forward == 10 + 7

    @pytest.mark.parametrize("name", ["epochs", "generations", "evaluations", "seconds"])
    def test_the_budget_stops_the_work_before_it_is_done(self, name: str) -> None:
        task = linear(budget=Budget(**{name: 1e-9 if name == "seconds" else 2}))
        begun = 0

        def work() -> None:
            nonlocal begun
            with task.one_step():
                for batch in task.batches(begun, 10):
                    task.fitness(some_mask(task)[None], batch)
                    begun += 1

        with suppress(BudgetSpent):
            for _ in range(3):
                work()
        assert begun == (0 if name == "seconds" else 2)
        assert task.meters.steps == begun
        assert task.meters.evaluations == begun

    def test_a_step_that_is_cut_short_does_not_count_but_its_work_does(self) -> None:
        task = linear(budget=Budget(evaluations=3))
        masks = torch.stack([some_mask(task)] * 2)
        with suppress(BudgetSpent), task.one_step():
            task.fitness(masks)
            task.fitness(masks)
        assert (task.meters.steps, task.meters.evaluations) == (0, 2)

    def test_seconds_are_those_of_steps_and_go_on_after_a_resume(self) -> None:
        task = linear()
        task.resume(Meters(seconds=100.0, steps=3))
        with task.one_step():
            pass
        assert task.meters.steps == 4
        assert 100.0 < task.meters.seconds < 101.0


class TestScores:
    def test_validation_is_the_mean_over_the_validation_split(self) -> None:
        task = linear()
        mask = some_mask(task)
        x, y = task.validation.batch(slice(None))
        w = task.effective(mask)
        logits = (x @ w[:20].view(5, 4).T).relu() @ w[20:].view(3, 5).T
        loss, accuracy = task.validate(mask)
        assert loss == pytest.approx(functional.cross_entropy(logits, y).item(), rel=1e-5)
        assert accuracy == pytest.approx((logits.argmax(1) == y).float().mean().item())

    def test_a_split_longer_than_a_chunk_is_judged_whole(self, monkeypatch: pytest.MonkeyPatch) -> None:
        task = linear()
        whole = task.validate(some_mask(task))
        monkeypatch.setattr("ticketry.core.nets.judge.CHUNK", 3)
        assert task.validate(some_mask(task)) == pytest.approx(whole)

    def test_norm_statistics_come_from_a_random_sample_of_the_training_examples(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("ticketry.core.task.CALIBRATION", 6)
        task = task_of(nn.Sequential(nn.Linear(4, 5, bias=False), nn.BatchNorm1d(5), nn.Linear(5, 3)), (4,))
        mask = some_mask(task)
        drawn = torch.from_numpy(task.stream("norm statistics").permutation(len(task.train))[:6])
        assert sorted(drawn.tolist()) != list(range(6))
        hidden = task.train.x[drawn] @ task.effective(mask)[:20].view(5, 4).T
        assert torch.allclose(task.norms(task.effective(mask))["1.running_mean"], hidden.mean(0), atol=1e-6)

    @pytest.mark.parametrize("batch", [256, 16])
    def test_norm_statistics_are_about_the_same_for_examples_in_any_order(
        self, monkeypatch: pytest.MonkeyPatch, batch: int
    ) -> None:
        """Sorted ones, above all, whose batches would otherwise hold one class each."""
        monkeypatch.setattr("ticketry.core.task.CALIBRATION", 256)
        monkeypatch.setattr("ticketry.core.task.CALIBRATION_BATCH", batch)
        task = task_of(nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, 3)), (4,), n=800)
        flat, train = task.effective(some_mask(task)), task.train
        found = []
        for order in (torch.arange(800), train.x[:, 0].argsort()):
            task.train = replace(train, x=train.x[order], y=train.y[order])
            found.append(task.norms(flat))
        exact = Net.calibrate(task._net, task._named(flat), [train.x], task.meter)
        for name, value in exact.items():
            scale = exact["1.running_var"].sqrt() if name.endswith("mean") else value
            for one in found:
                assert ((one[name] - value).abs() < 0.3 * scale).all()

    @pytest.mark.parametrize("n", [9, 257])
    def test_a_last_batch_of_one_example_does_not_stop_a_network_with_norms(self, n: int) -> None:
        task = task_of(nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, 3)), (4,), n=n)
        mask = some_mask(task)
        assert math.isfinite(task.validate(mask)[0])
        assert all(math.isfinite(task.gradient(mask, batch)[0]) for batch in task.batches(0, 8))
