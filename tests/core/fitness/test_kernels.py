from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.test_task import linear, some_mask, task_of
from torch import nn

from ticketry.core.errors import RequestError
from ticketry.core.fitness import batched, examples
from ticketry.core.fitness.examples import PreparedExamples
from ticketry.core.fitness.kernels import Kernel, Limit, Score
from ticketry.core.nets.feed import feed
from ticketry.core.scaling import Scaling
from ticketry.core.seed.streams import stream
from ticketry.core.task import Batch, Task

KERNELS: tuple[Kernel, ...] = ("loop", "batched")


@pytest.fixture(autouse=True)
def _generator_restored() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def plain(sizes: list[int], n: int = 100, bias: bool = True, whole: bool = False, **given: Any) -> Task:
    """A task on a plain stack; `whole`: of small integers, so that sums are exact in any order and ties abound."""
    torch.manual_seed(sum(sizes))
    parts = [nn.Flatten()]
    for fan_in, out in pairwise(sizes):
        parts += [nn.Linear(fan_in, out, bias=bias), nn.ReLU()]
    module = nn.Sequential(*parts[:-1])
    if whole:
        for parameter in module.parameters():
            parameter.data = torch.randint(-2, 3, parameter.shape).float()
    task = task_of(module, (sizes[0],), n=n, **given)
    if whole:
        task.train.x.round_().clamp_(-1, 1)
    return task


def convolutional(norm: bool) -> Task:
    parts = [nn.Conv2d(2, 4, 3, groups=2), *([nn.BatchNorm2d(4)] if norm else []), nn.Flatten(), nn.Linear(16, 3)]
    return task_of(nn.Sequential(*parts), (2, 4, 4))


def masks_for(task: Task, p: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(stream(seed, "population").bits(p * task.space.size)).view(p, -1)


def relatives(task: Task, p: int) -> torch.Tensor:
    """Copies of one mask with a bit or none flipped."""
    masks = some_mask(task).repeat(p, 1)
    at = torch.arange(1, p)
    masks[at, (7 * at) % task.space.size] ^= True
    return masks


def agree(a: Score, b: Score) -> None:
    assert torch.allclose(a.loss, b.loss, rtol=1e-5, atol=1e-6)
    assert torch.equal(a.quality, b.quality)


class TestAgreement:
    @settings(max_examples=25, deadline=None)
    @given(
        st.lists(st.integers(1, 9), min_size=1, max_size=4),
        st.integers(1, 400),
        st.booleans(),
        st.booleans(),
        st.sampled_from(["none", "static", "dynamic"]),
        st.integers(1, 9),
        st.booleans(),
        st.booleans(),
    )
    def test_of_the_kernels_for_every_stack(
        self, sizes: list[int], n: int, bias: bool, lock: bool, scale: str, p: int, alike: bool, sparse: bool
    ) -> None:
        task = plain([*sizes, 3], n, bias, whole=scale == "none", lock=lock, scale=scale)
        masks = relatives(task, p) if alike else masks_for(task, p)
        if sparse:
            masks &= masks_for(task, p, 1) & masks_for(task, p, 2)
        loop, fast = (task.fitness(masks, kernel=kernel) for kernel in KERNELS)
        assert torch.allclose(loop.loss, fast.loss, rtol=1e-5, atol=1e-6)
        if scale == "none":  # integers: the kernels must break ties alike
            assert torch.equal(loop.quality, fast.quality)
        else:
            assert torch.allclose(loop.quality, fast.quality, atol=1.01 / n)

    @pytest.mark.parametrize("scale", ["none", "static", "dynamic"])
    @pytest.mark.parametrize("lock", [False, True])
    def test_with_each_network_alone(self, scale: str, lock: bool) -> None:
        task = linear(scale=scale, lock=lock)
        masks = masks_for(task, 5)
        expected = [task.judge(task.effective(mask), task.train) for mask in masks]
        for kernel in (*KERNELS, "auto"):
            score = task.fitness(masks, kernel=kernel)
            assert score.loss.dtype == score.quality.dtype == torch.float64
            assert score.loss.tolist() == pytest.approx([loss for loss, _ in expected], rel=1e-5)
            assert score.quality.tolist() == pytest.approx([accuracy for _, accuracy in expected])

    @pytest.mark.parametrize("norm", [False, True])
    def test_of_convolutions_with_each_network_alone(self, norm: bool) -> None:
        task = convolutional(norm)
        masks = masks_for(task, 3)
        expected = [task.judge(task.effective(mask), task.train)[0] for mask in masks]
        assert task.fitness(masks).loss.tolist() == pytest.approx(expected, rel=1e-5)
        with pytest.raises(RequestError, match="kernel is batched"):
            task.fitness(masks, kernel="batched")

    def test_on_a_batch(self) -> None:
        task = plain([6, 5, 3])
        masks, batch = masks_for(task, 4), Batch(*task.train.batch(slice(3, 80, 2)))
        loop, fast = (task.fitness(masks, batch, kernel=kernel) for kernel in KERNELS)
        agree(loop, fast)
        assert not torch.allclose(fast.loss, task.fitness(masks).loss)

    def test_on_images_kept_as_bytes(self) -> None:
        task = plain([12, 5, 3])
        pixels = np.random.default_rng(0).integers(0, 256, (90, 2, 6), dtype=np.uint8)
        kept = feed(pixels, np.arange(90) % 3, Scaling("u8", ((0.013, -1.3),)), torch.device("cpu"), augmented=True)
        assert kept.x.dtype == torch.uint8
        task._prepared = PreparedExamples(kept, task.objective.loss)
        masks = masks_for(task, 4)
        agree(*(task.fitness(masks, kernel=kernel) for kernel in KERNELS))

    def test_of_tied_layers(self) -> None:
        shared = nn.Linear(5, 5)
        task = task_of(nn.Sequential(nn.Linear(4, 5), shared, nn.ReLU(), shared, nn.Linear(5, 3)), (4,))
        masks = masks_for(task, 4)
        agree(*(task.fitness(masks, kernel=kernel) for kernel in KERNELS))

    def test_where_features_hardly_vary(self) -> None:
        task = plain([40, 8, 3], n=300)
        task.train.x[:, ::2] = torch.arange(20.0)
        task.train.x[5:20, ::4] = 3.0
        assert next(iter(task._prepared)).order is not None
        masks = masks_for(task, 6)
        agree(*(task.fitness(masks, kernel=kernel) for kernel in KERNELS))


class TestChunks:
    @pytest.mark.parametrize("alike", [False, True])
    def test_do_not_show(self, alike: bool, monkeypatch: pytest.MonkeyPatch) -> None:
        task = plain([12, 9, 7, 3], n=300)
        masks = relatives(task, 7) if alike else masks_for(task, 7)
        whole = task.fitness(masks)
        monkeypatch.setattr(batched, "BYTES", 2 * 4 * 9 * examples.LARGEST)  # two networks at a time
        parts = task.fitness(masks)
        assert torch.equal(whole.loss, parts.loss)
        assert torch.equal(whole.quality, parts.quality)

    def test_of_a_large_training_set_do_not_show(self, monkeypatch: pytest.MonkeyPatch) -> None:
        task, other = plain([12, 9, 3], n=300), plain([12, 9, 3], n=300)
        monkeypatch.setattr("ticketry.core.fitness.examples.SLAB", 0)
        monkeypatch.setattr("ticketry.core.fitness.examples.READY", 0)
        masks = masks_for(task, 5)
        split = task.fitness(masks, limit=Limit(quality=0.1))
        assert task._prepared._kept is None
        monkeypatch.undo()
        agree(split, other.fitness(masks))
        assert other._prepared._kept is not None

    def test_networks_alike_are_not_computed_twice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        task = plain([16, 32, 3], n=64)
        rows: list[int] = []
        real = examples.Examples.rows

        def spied(self: examples.Examples, weights: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
            rows.append(len(weights))
            return real(self, weights, bias)

        monkeypatch.setattr(examples.Examples, "rows", spied)
        for masks in (masks_for(task, 10), relatives(task, 10)):
            task.fitness(masks)
        assert rows[0] == 10 * 32
        assert rows[1] <= 32 + 9


@pytest.mark.parametrize("kernel", KERNELS)
class TestLimit:
    def test_all_within_have_the_numbers_they_have_without(self, kernel: Kernel) -> None:
        task = plain([10, 12, 3], n=333)
        for masks in (masks_for(task, 30), relatives(task, 30)):
            free = task.fitness(masks, kernel=kernel)
            for limit in (Limit(loss=float(free.loss.median())), Limit(quality=float(free.quality.median()))):
                held = task.fitness(masks, limit=limit, kernel=kernel)
                within = (free.loss <= limit.loss) & (free.quality >= limit.quality)
                assert 0 < within.sum() < 30
                assert torch.equal(held.loss, free.loss.where(within, torch.inf))
                assert torch.equal(held.quality, free.quality.where(within, 0.0))

    def test_hopeless_networks_cost_a_sixteenth(self, kernel: Kernel) -> None:
        task = plain([10, 12, 3], n=2048)
        task._base.mul_(100)
        masks = masks_for(task, 4)
        score = task.fitness(masks, limit=Limit(loss=0.01), kernel=kernel)
        assert torch.isinf(score.loss).all()
        assert task.meters.evaluations == 4
        assert task.meters.examples_forward == 4 * 128

    @pytest.mark.parametrize("alike", [False, True])
    def test_the_rest_go_on_when_some_are_given_up(self, kernel: Kernel, alike: bool) -> None:
        task = plain([10, 32, 12, 3], n=1000)
        task._base.mul_(30)
        masks = relatives(task, 9) if alike else masks_for(task, 9)
        masks[::2] = False
        masks[::2, :5] = torch.eye(5, dtype=torch.bool)
        free = task.fitness(masks, kernel=kernel)
        assert free.loss[1::2].min() > 20 * free.loss[::2].max()
        before = task.meters.examples_forward
        held = task.fitness(masks, limit=Limit(loss=float(free.loss[::2].max())), kernel=kernel)
        assert torch.equal(held.loss[::2], free.loss[::2])
        assert torch.equal(held.quality[::2], free.quality[::2])
        assert held.loss[1::2].isinf().all()
        assert task.meters.examples_forward - before < 5 * 1000 + 4 * 200

    def test_nobody_left(self, kernel: Kernel) -> None:
        task = plain([10, 12, 3])
        score = task.fitness(masks_for(task, 3), limit=Limit(quality=1.1), kernel=kernel)
        assert score.loss.tolist() == [torch.inf] * 3
        assert score.quality.tolist() == [0.0] * 3


class TestBroken:
    @pytest.mark.parametrize("kernel", KERNELS)
    @pytest.mark.parametrize("value", [torch.nan, torch.inf])
    def test_what_is_not_a_number_is_infinitely_bad_and_never_right(self, kernel: Kernel, value: float) -> None:
        task = plain([4, 5, 3])
        task.train.x[17] = value
        score = task.fitness(masks_for(task, 3), kernel=kernel)
        assert score.loss.tolist() == [torch.inf] * 3
        assert score.quality.tolist() == [0.0] * 3

    @pytest.mark.parametrize("kernel", KERNELS)
    def test_overflow_of_one_network_is_its_own(self, kernel: Kernel) -> None:
        task = plain([4, 5, 3], bias=False)
        task.train.x.abs_()
        task._base.fill_(3e38)
        masks = torch.zeros(3, 35, dtype=torch.bool)
        masks[1, :20] = True  # infinite, times weights that are zero
        score = task.fitness(masks, kernel=kernel)
        assert score.loss.isinf().tolist() == [False, True, False]
        assert score.quality[1] == 0

    def test_weights_that_are_not_finite_are_left_to_the_loop(self) -> None:
        module = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))
        module[0].weight.data[0, 0] = torch.nan
        task = task_of(module, (4,))
        assert task.fitness(masks_for(task, 2)).loss.isinf().all()
        with pytest.raises(RequestError, match="kernel"):
            task.fitness(masks_for(task, 2), kernel="batched")

    def test_a_norm_that_always_trains_is_refused(self) -> None:
        norm = nn.BatchNorm1d(5, track_running_stats=False)
        task = task_of(nn.Sequential(nn.Linear(4, 5), norm, nn.Linear(5, 3)), (4,))
        with pytest.raises(RequestError, match=r"model has the batch norm '1' without running statistics.*; build it"):
            task.fitness(masks_for(task, 2))
        chance, batch = torch.full((task.space.size,), 0.5), Batch(*task.train.batch(slice(0, 8)))
        with pytest.raises(RequestError, match="without running statistics"):
            task.natural_gradient(chance, batch, 0, 1)
        assert task.meters.evaluations == 0


def test_nothing_to_evaluate() -> None:
    score = plain([4, 3]).fitness(torch.zeros(0, 12, dtype=torch.bool))
    assert len(score.loss) == len(score.quality) == 0


def test_the_data_stay_as_they_are() -> None:
    task = plain([6, 5, 3])
    before = task.train.x.clone()
    task.fitness(masks_for(task, 3))
    assert torch.equal(task.train.x, before)
