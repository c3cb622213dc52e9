from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.fitness.test_kernels import convolutional, masks_for, plain
from tests.core.test_task import linear, some_mask, task_of
from torch import nn

from ticketry.core.errors import BudgetSpent
from ticketry.core.fitness import neighbours as kernel
from ticketry.core.fitness.kernels import Score
from ticketry.core.fitness.neighbours import Neighbours
from ticketry.core.meters import Budget
from ticketry.core.task import Batch, Task


def neighbours_of(task: Task, mask: torch.Tensor, batch: Batch | None = None) -> Neighbours:
    found = task.neighbours(mask, batch)
    assert found is not None
    return found


def neighbours(mask: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    masks = mask.repeat(len(positions), 1)
    masks[torch.arange(len(positions)), positions] ^= True
    return masks


def agree(found: Score, expected: Score) -> None:
    """The stated tolerance."""
    assert ((found.loss - expected.loss).abs() <= 1e-5 * expected.loss.clamp(min=1)).all()
    assert torch.equal(found.quality, expected.quality)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.integers(1, 8), min_size=1, max_size=4),
    st.integers(1, 150),
    st.booleans(),
    st.booleans(),
    st.integers(0, 2**30),
)
def test_every_neighbour_has_the_fitness_of_its_mask(
    sizes: list[int], n: int, bias: bool, lock: bool, seed: int
) -> None:
    task = plain([*sizes, 3], n, bias, whole=True, lock=lock)
    mask = masks_for(task, 1, seed)[0]
    differ = neighbours_of(task, mask)
    everywhere = torch.randperm(task.space.size)
    agree(differ.flips(everywhere), task.fitness(neighbours(mask, everywhere)))
    assert torch.equal(differ.mask, mask)
    assert differ.flips(everywhere[:0]).loss.shape == (0,)


def test_a_walk_of_many_flips_stays_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    task = plain([6, 8, 7, 3])
    mask = some_mask(task)
    differ = neighbours_of(task, mask)
    for step in range(150):
        position = (31 * step) % task.space.size
        differ.apply(position)
        mask[position] ^= True
        if step % 13 == 0:
            alone = task.fitness(mask[None])
            assert differ.loss == pytest.approx(float(alone.loss), rel=1e-5)
            assert differ.quality == pytest.approx(float(alone.quality))
    assert torch.equal(differ.mask, mask)
    some = torch.arange(0, task.space.size, 5)
    agree(differ.flips(some), task.fitness(neighbours(mask, some)))


def test_errors_do_not_add_up() -> None:
    """Weights of very different size: what a flip of a large one leaves in the sums is gone after a while."""
    task = plain([3, 4, 3])
    task._base[0] = 1e8
    mask = torch.ones(24, dtype=torch.bool)
    mask[0] = False
    expected = float(task.fitness(mask[None]).loss)
    differ = neighbours_of(task, mask)
    for _ in range(2):
        differ.apply(0)
    assert differ.loss != pytest.approx(expected, rel=1e-5)
    for _ in range(kernel.REFRESH):
        differ.apply(5)
    assert differ.loss == pytest.approx(expected, rel=1e-6)


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    task = plain([6, 8, 3])
    mask, every = some_mask(task), torch.arange(task.space.size)
    whole = neighbours_of(task, mask).flips(every)
    monkeypatch.setattr(kernel, "EXAMPLES", 33)
    monkeypatch.setattr(kernel, "NUMBERS", 33 * 8 * 2)
    agree(neighbours_of(task, mask).flips(every), whole)


def test_a_batch_instead_of_the_training_data() -> None:
    task = plain([6, 8, 3])
    mask, batch = some_mask(task), Batch(*task.train.batch(slice(5, 40)))
    positions = torch.tensor([0, 47, 60])
    agree(neighbours_of(task, mask, batch).flips(positions), task.fitness(neighbours(mask, positions), batch))


def test_what_it_costs() -> None:
    task = linear(budget=Budget(evaluations=6))
    differ = neighbours_of(task, some_mask(task))
    assert (task.meters.evaluations, task.meters.examples_forward) == (1, 10)
    differ.flips(torch.arange(5))
    assert (task.meters.evaluations, task.meters.examples_forward) == (6, 60)
    differ.apply(2)
    assert (task.meters.evaluations, task.meters.examples_forward) == (6, 70)
    with pytest.raises(BudgetSpent):
        differ.flips(torch.arange(1))
    assert task.meters.examples_forward == 70


def test_there_is_none_where_a_bit_changes_more_than_a_weight() -> None:
    tied = nn.Linear(4, 4)
    overflowing = linear()
    overflowing._base.fill_(1e30)
    for task in (
        linear(scale="static"),
        overflowing,
        convolutional(norm=False),
        task_of(nn.Sequential(tied, nn.ReLU(), tied, nn.Linear(4, 3)), (4,)),
    ):
        assert task.neighbours(some_mask(task)) is None
        assert task.meters.evaluations == 0
