"""What the numbers of an example become."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketry.core.errors import RequestError
from ticketry.core.nets.feed import feed, inputs
from ticketry.core.scaling import AS_IS, Scaling, numbers, standard

BYTES = np.arange(256, dtype=np.uint8)
U8 = Scaling("u8", ((0.0127, -0.42),))


@pytest.mark.parametrize("quotient", [np.float32(255), np.float64(255)])
def test_every_byte_and_its_255th_part_are_the_same_number(quotient: np.floating) -> None:  # type: ignore[type-arg]
    parts = (BYTES / quotient).astype(np.float32)
    found = numbers("x", parts, U8)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, BYTES)


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_floats_between_bytes_are_times_255(values: list[float]) -> None:
    x = np.array(values, np.float32)[:, None]
    np.testing.assert_array_equal(numbers("x", x, U8).astype(np.float32), x * np.float32(255))


@pytest.mark.parametrize("values", [[-0.1, 0.5], [0.5, 1.01], [37.0, 200.0]])
def test_floats_that_are_no_parts_of_255_are_refused_by_a_ticket_of_bytes(values: list[float]) -> None:
    with pytest.raises(RequestError, match=r"^x is floats from .* but it must be uint8, or floats in \[0, 1\]"):
        numbers("x", np.array(values, np.float32), U8)


def test_bytes_are_refused_where_floats_were_searched() -> None:
    with pytest.raises(RequestError, match=r"^x is an array of uint8, but it must be floats"):
        numbers("x", BYTES, AS_IS)


@given(st.integers(1, 4), st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_inputs_are_number_times_gain_plus_shift_rounded_twice_wherever_they_are_made(channels: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    x = draw.integers(0, 256, (5, channels, 3, 2), dtype=np.uint8)
    found = standard("u8", draw.uniform(0, 1, channels).tolist(), draw.uniform(0.1, 1, channels).tolist())
    assert found is not None
    gain, shift = (np.array(one, np.float32)[:, None, None] for one in zip(*found.pairs, strict=True))
    wanted = (x.astype(np.float32) * gain).astype(np.float32) + shift
    y, device = np.zeros(5, np.int64), torch.device("cpu")
    here = [feed(x, y, found, device, late).batch(slice(None))[0].numpy() for late in (False, True)]
    as_floats = numbers("x", (x / 255).astype(np.float32), found)
    for one in [*here, inputs(x, found).numpy(), inputs(as_floats, found).numpy()]:
        assert one.dtype == np.float32
        np.testing.assert_array_equal(one.view(np.uint32), wanted.view(np.uint32))


def test_equal_pairs_are_one_and_what_float32_cannot_hold_is_none() -> None:
    assert standard("f32", (0.0, 0.0), (1.0, 1.0)) == AS_IS
    assert standard("u8", (0.5, 0.25), (0.5, 0.5)) == Scaling(
        "u8", tuple((float(np.float32(1 / 127.5)), shift) for shift in (-1.0, -0.5))
    )
    for mean, std in ((0.0, 0.0), (0.0, -1.0), (math.nan, 1.0), (0.0, math.nan), (0.0, 1e-50), (1e38, 1e-5)):
        assert standard("f32", (mean,), (std,)) is None


def test_numbers_as_they_are_stay_and_are_a_copy() -> None:
    x = np.array([[-0.0, 1e-45, 3.4e38]], np.float32)
    for made in (inputs(x, AS_IS), feed(x, np.zeros(1, np.int64), AS_IS, torch.device("cpu")).x):
        np.testing.assert_array_equal(made.numpy().view(np.uint32), x.view(np.uint32))
        made.zero_()
        assert x[0, 2] == np.float32(3.4e38)
