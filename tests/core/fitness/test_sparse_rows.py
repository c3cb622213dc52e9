from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketry.core.fitness.sparse_rows import pays, sparse_rows


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 9), st.integers(1, 20), st.integers(0, 2**30))
def test_a_product_is_that_of_the_whole_matrix(p: int, out: int, inputs: int, n: int, seed: int) -> None:
    draw = torch.Generator().manual_seed(seed)
    weights = torch.randint(-1, 2, (p, out, inputs), generator=draw).float()  # integers: exact in any order
    table = torch.randint(-9, 10, (12, n), generator=draw).float()
    index = torch.randint(0, 12, (p, inputs), generator=draw)
    expected = torch.cat([weight @ table[rows] for weight, rows in zip(weights, index, strict=True)])
    assert torch.equal(sparse_rows(weights, index).times(table), expected)


def test_rows_beyond_the_table_are_its_last() -> None:
    entries = sparse_rows(torch.ones(1, 1, 4), torch.arange(4)[None])
    assert entries.times(torch.tensor([[1.0], [10.0]])).item() == 1 + 3 * 10


def test_it_pays_for_few_weights_and_few_units() -> None:
    assert pays(0.2, 300)
    assert not pays(0.5, 300)
    assert pays(0.5, 10)
    assert not pays(1.0, 10)
