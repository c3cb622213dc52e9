from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from tests.core.test_task import linear, task_of
from torch import nn

from ticketry.core import population
from ticketry.core.population import Kernel
from ticketry.core.streams import stream
from ticketry.core.task import Task


@pytest.fixture(autouse=True)
def _generator_restored() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def convolutional(norm: bool) -> Task:
    parts = [nn.Conv2d(2, 4, 3, groups=2), *([nn.BatchNorm2d(4)] if norm else []), nn.Flatten(), nn.Linear(16, 3)]
    return task_of(nn.Sequential(*parts), (2, 4, 4))


def masks_for(task: Task, p: int) -> torch.Tensor:
    return torch.from_numpy(stream(0, "population").bits(p * task.space.size)).view(p, -1)


@pytest.mark.parametrize("scale", ["none", "static", "dynamic"])
@pytest.mark.parametrize("lock", [False, True])
def test_fitness_is_that_of_each_network_alone(scale: str, lock: bool) -> None:
    task = linear(scale=scale, lock=lock)
    masks = masks_for(task, 5)
    expected = [task.judge(task.effective(mask), task.train) for mask in masks]
    for kernel in ("loop", "batched", "auto"):
        score = task.fitness(masks, kernel=kernel)
        assert score.loss.dtype == score.accuracy.dtype == torch.float64
        assert score.loss.tolist() == pytest.approx([loss for loss, _ in expected], rel=1e-5)
        assert score.accuracy.tolist() == pytest.approx([accuracy for _, accuracy in expected])


def test_convolutions_agree_too() -> None:
    task = convolutional(norm=False)
    masks = masks_for(task, 4)
    loop, batched = (task.fitness(masks, kernel=kernel) for kernel in ("loop", "batched"))
    assert torch.allclose(loop.loss, batched.loss, rtol=1e-5)
    assert torch.equal(loop.accuracy, batched.accuracy)


def test_norms_have_the_statistics_of_each_network() -> None:
    task = convolutional(norm=True)
    masks = masks_for(task, 3)
    expected = [task.judge(task.effective(mask), task.train)[0] for mask in masks]
    assert task.fitness(masks).loss.tolist() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kernel", ["loop", "batched"])
def test_chunks_do_not_show(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    task = linear()
    masks = masks_for(task, 7)
    whole = task.fitness(masks, kernel=kernel)
    monkeypatch.setattr(population, "BYTES", 2 * 4 * (35 + 4 * 4 * 10))  # two networks at a time
    parts = task.fitness(masks, kernel=kernel)
    assert torch.allclose(whole.loss, parts.loss, rtol=1e-6)
    assert torch.equal(whole.accuracy, parts.accuracy)


@pytest.mark.parametrize("kernel", ["loop", "batched"])
def test_what_is_not_a_number_is_infinitely_bad_and_never_right(kernel: Kernel) -> None:
    task = linear()
    networks = [torch.full((35,), torch.nan), torch.full((35,), torch.inf), task.weights]
    score = population.score(task._net, task.space, networks, task.train.x, task.train.y, task.norms, kernel)
    assert score.loss[:2].tolist() == [torch.inf, torch.inf]
    assert score.loss[2].isfinite()
    assert score.accuracy[:2].tolist() == [0, 0]
