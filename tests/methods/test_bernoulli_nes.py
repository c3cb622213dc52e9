from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tests.laws import tiny

from ticketry import data
from ticketry.core.errors import RequestError
from ticketry.core.meters import Budget
from ticketry.core.task import Batch, Task
from ticketry.experiment import Experiment, Lock
from ticketry.methods.bernoulli_nes import BernoulliNes, State
from ticketry.runs.problem import problem_of_experiment

Estimate = tuple[float, torch.Tensor]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor]:
    """The probabilities of every call for an estimate."""
    calls: list[torch.Tensor] = []
    real: Callable[..., Estimate] = Task.natural_gradient

    def noting(task: Task, chance: torch.Tensor, *args: Any) -> Estimate:
        calls.append(chance.clone())
        return real(task, chance, *args)

    monkeypatch.setattr(Task, "natural_gradient", noting)
    return calls


def walk(method: BernoulliNes, epochs: int, lock: Lock | None = None) -> tuple[Task, State]:
    task = tiny.problem(method, Budget(epochs=epochs), lock=lock).task
    *_, last = tiny.states(method, task)
    return task, last


@pytest.mark.parametrize("name", ["density", "until", "hot", "cold", "learning_rate"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_numbers_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(RequestError, match=f"{name} is {value}, but it must be"):
        BernoulliNes(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"), [("start", -0.1), ("start", 1.1), ("floor", -1), ("pairs", 0), ("batch", 0)]
)
def test_counts_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(RequestError, match=f"{name} is {value}, but it must be"):
        BernoulliNes(**{name: value})


@pytest.mark.parametrize("lock", [None, Lock(off=0.3, on=0.05)])
def test_the_mode_falls_to_the_density_by_equal_factors(seen: list[torch.Tensor], lock: Lock | None) -> None:
    task, _ = walk(BernoulliNes(density=0.1, batch=100, pairs=1), 10, lock)
    kept = [int((chance >= 0.5).sum()) + task.space.locked_on for chance in seen]
    assert len(kept) == 30
    wanted = [480 * 0.1 * 5 ** (1 - min(1.0, number / 18)) for number in range(30)]
    assert np.allclose(kept, wanted, atol=0.51)


@pytest.mark.parametrize(("cold", "low", "high"), [(1.0, 0.24, 0.25), (0.01, 0.01, 0.1)])
def test_the_distribution_narrows_as_it_cools(seen: list[torch.Tensor], cold: float, low: float, high: float) -> None:
    walk(BernoulliNes(hot=1.0, cold=cold, batch=100, learning_rate=0.01), 10)
    spread = [float((chance * (1 - chance)).mean()) for chance in seen]
    assert spread[0] > 0.249
    assert low < spread[-1] < high


def test_a_step_is_adam_on_the_natural_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    gradient = torch.linspace(-1, 1, 480)
    indices: list[int] = []

    def given(_: Task, chance: torch.Tensor, batch: Batch, index: int, pairs: int, fitness: str) -> Estimate:
        indices.append(index)
        assert (pairs, fitness) == (3, "misses")
        return 0.0, gradient

    monkeypatch.setattr(Task, "natural_gradient", given)
    method = BernoulliNes(pairs=3, fitness="accuracy", batch=100)
    task = tiny.problem(method, Budget(epochs=2)).task
    first = method.init(task)
    last = method.step(task, method.step(task, first))
    assert indices == list(range(6))
    rates = sum(0.05 * 0.5 * (1 + math.cos(math.pi * number / 6)) for number in range(6))
    assert torch.allclose(last.logits, first.logits - rates * gradient.sign(), atol=1e-4)


def test_the_estimates_of_two_steps_are_independent() -> None:
    task = tiny.problem(BernoulliNes()).task
    batch = next(task.batches(0, 256))
    chance = torch.full((480,), 0.5)
    one, again, other = (task.natural_gradient(chance, batch, index, 2)[1] for index in (0, 0, 1))
    assert torch.equal(one, again)
    assert abs(float(torch.nn.functional.cosine_similarity(one, other, dim=0))) < 0.9


def test_weights_are_scaled_by_the_expected_density() -> None:
    scaled, plain = (tiny.problem(BernoulliNes(scale=scale)).task for scale in ("dynamic", "none"))
    plain._base.mul_(2)
    batch = next(scaled.batches(0, 256))
    ours, wanted = (task.natural_gradient(torch.full((480,), 0.25), batch, 0, 2)[1] for task in (scaled, plain))
    assert torch.allclose(ours, wanted, atol=1e-6)


def test_the_estimate_knows_locks() -> None:
    """In a frozen network the gradient is that of the whole one with the locked weights at 0 and 1."""
    method = BernoulliNes()
    frozen, whole = (tiny.problem(method, lock=lock).task for lock in (tiny.LOCK, None))
    assert frozen.space.index is not None
    assert frozen.space.on is not None
    chance = frozen.space.on.float()
    chance[frozen.space.index] = 0.3
    batch = next(frozen.batches(0, 256))
    ours = torch.stack(
        [frozen.natural_gradient(torch.full((frozen.space.size,), 0.3), batch, i, 64)[1] for i in range(8)]
    ).mean(0)
    wanted = torch.stack([whole.natural_gradient(chance, batch, i, 64)[1] for i in range(8)]).mean(0)
    assert torch.allclose(ours, wanted[frozen.space.index], rtol=0.01, atol=1e-4)


def test_it_learns_from_accuracy_alone() -> None:
    task, last = walk(BernoulliNes(fitness="accuracy", batch=50, pairs=16), 30)
    method = BernoulliNes()
    random = task.validate(method.mask(task, method.init(task)))[1]
    assert task.validate(method.mask(task, last))[1] > random + 0.3
    assert task.meters.examples_backward == 0


@pytest.mark.parametrize("model", ["conv2(width=0.1)", "resnet20(width=0.25)"])
def test_convolutions_and_norms_work(model: str) -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(40, 8, 8)).astype(np.float32)
    images = data.from_arrays("images", x, np.arange(40) % 2, x, np.arange(40) % 2)
    method = BernoulliNes(density=0.3, batch=20, pairs=2)
    experiment = Experiment(method=method, data="images", model=model, seed=0, budget=Budget(epochs=1), val=0.25)
    task = problem_of_experiment(experiment, dataset=images).task
    state = method.step(task, method.init(task))
    mask = method.mask(task, state)
    assert int(mask.sum()) == round(0.3 * task.space.total)
    assert math.isfinite(task.validate(mask)[0])
    assert all((state.mean[start:stop] != 0).any() for start, stop in task.space.segments)
