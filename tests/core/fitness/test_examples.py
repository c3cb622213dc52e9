from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketry.core.fitness.examples import Examples, prepare, ranges
from ticketry.objectives.classification import CrossEntropy


@given(st.integers(1, 5000))
@settings(max_examples=50, deadline=None)
def test_ranges_cover_all_once_and_grow(n: int) -> None:
    parts = list(ranges(n))
    assert [i for part in parts for i in range(n)[part]] == list(range(n))
    sizes = [part.stop - part.start for part in parts]
    assert sizes == sorted(sizes)
    assert sizes[0] == min(256, max(64, n // 16))
    assert sizes[-1] <= 256


def outputs(found: Examples, weights: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    rows = found.rows(weights, bias)
    return torch.cat([rows[:, : len(block.x) - 1] @ block.x[:-1] for block in found.blocks], 1)


@pytest.mark.parametrize("constant", [0, 30])
@pytest.mark.parametrize("bias", [False, True])
def test_products_are_those_with_the_examples(constant: int, bias: bool) -> None:
    torch.manual_seed(0)
    x = torch.randint(-3, 4, (300, 5, 8)).float()  # integers: sums are exact in any order
    y = torch.arange(300)  # tells which example is which
    x.flatten(1)[:, :constant] = 7
    x.flatten(1)[40:44, 3] = 2
    found = prepare(x, y, CrossEntropy())
    assert (found.order is None) == (constant == 0)
    if constant:
        assert sum(len(block.x) * len(block.targets[0]) for block in found.blocks) < 0.4 * x.numel()
    weights = torch.randint(-3, 4, (6, 40)).float()
    offset = torch.arange(6.0) if bias else None
    labels = torch.cat([block.targets[0] for block in found.blocks])
    assert sorted(labels.tolist()) == y.tolist()
    expected = weights @ x.flatten(1)[labels].T
    assert torch.equal(outputs(found, weights, offset), expected if offset is None else expected + offset[:, None])


def test_the_place_of_each_class_in_a_block() -> None:
    found = prepare(torch.randn(200, 3), torch.arange(200) % 4, CrossEntropy())
    for block in found.blocks:
        y, own = block.targets
        logits = torch.arange(4.0)[:, None].expand(4, len(y))
        assert torch.equal(logits.flatten()[own], y.float())


def test_examples_all_alike() -> None:
    x = torch.full((70, 4), 2.0)
    found = prepare(x, torch.zeros(70, dtype=torch.int64), CrossEntropy())
    assert found.order is not None
    assert len(found.order) == 0
    assert torch.equal(outputs(found, torch.ones(1, 4), None), torch.full((1, 70), 8.0))
