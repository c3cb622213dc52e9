from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketry.core.errors import RequestError
from ticketry.core.scaling import AS_IS, Scaling
from ticketry.data import Dataset, from_arrays, split


def data(n: int, seed: int = 0, dtype: str = "uint8") -> Dataset:
    x = np.random.default_rng(seed).integers(0, 256, (n, 3, 2, 2)).astype(dtype)
    return from_arrays("mine", x, np.arange(n) % 2, x[:2], [0, 1])


@given(st.integers(5, 300), st.floats(0.01, 0.99), st.integers(0, 3))
@settings(max_examples=50, deadline=None)
def test_a_split_is_a_partition_of_the_asked_size(n: int, val: float, seed: int) -> None:
    dataset = data(n, seed)
    if not 0 < round(val * n) < n:
        with pytest.raises(RequestError, match="val is "):
            split(dataset, val)
        return
    parts = split(dataset, val)
    assert len(parts.val) == round(val * n)
    assert parts.train.dtype == parts.val.dtype == np.int64
    assert sorted([*parts.train, *parts.val]) == list(range(n))
    again = split(data(n, seed), val)
    np.testing.assert_array_equal(parts.val, again.val)
    assert parts.digest == again.digest


@pytest.mark.parametrize("val", [0, 1, -0.1, 1.5, float("nan"), 0.001])
def test_a_split_without_two_parts_is_refused(val: float) -> None:
    with pytest.raises(RequestError, match=r"val is .* 20 examples"):
        split(data(20), val)


def test_a_split_depends_on_the_data_and_nothing_else() -> None:
    first, renamed = data(200), from_arrays("other", data(200).x, data(200).y, data(200).x_test, [0, 1])
    np.testing.assert_array_equal(split(first).val, split(renamed).val)
    assert not np.array_equal(split(first).val, split(data(200, seed=1)).val)
    assert split(first).digest != split(first, 0.2).digest
    assert (np.bincount(split(data(2000)).val // 500, minlength=4) > 20).all()  # from everywhere, not the end


def test_the_digest_is_the_documented_one_and_covers_all() -> None:
    x, y = np.array([[1, 2], [3, 4]], np.uint8), np.array([0, 1])
    plain = from_arrays("mine", x, y, x, y)
    parts = [b"|u1(2, 2)\1\2\3\4", b"<i8(2,)" + y.astype("<i8").tobytes()]
    assert plain.digest == hashlib.sha256(b"".join(parts * 2)).hexdigest()
    others = [
        from_arrays("mine", x.astype(np.float32), y, x.astype(np.float32), y),
        from_arrays("mine", x[:, None], y, x[:, None], y),
        from_arrays("mine", x, y[::-1], x, y),
        from_arrays("mine", x, y, x, y[::-1]),
        from_arrays("mine", x, y, x[::-1], y),
    ]
    assert len({plain.digest, *(other.digest for other in others)}) == 6


def test_moments_of_pixels_are_per_channel_and_in_units_of_255() -> None:
    dataset = data(100)
    assert dataset.scaling.unit == "u8"
    for channel, (gain, shift) in enumerate(dataset.scaling.pairs):
        values = dataset.x[:, channel] / 255
        mean, std = round(float(values.mean()), 4), round(float(values.std()), 4)
        assert (gain, shift) == (np.float32(1 / (255 * std)), np.float32(-mean / std))
    assert dataset.input_shape == (3, 2, 2)


def test_moments_of_constant_pixels_floats_and_given_ones() -> None:
    flat = np.full((4, 5), 51, np.uint8)
    pair = (float(np.float32(1 / 255)), float(np.float32(-0.2)))
    assert from_arrays("flat", flat, [0, 1, 0, 1], flat, [0, 1, 0, 1]).scaling == Scaling("u8", (pair,))
    assert data(10, dtype="float32").scaling == AS_IS
    chosen = from_arrays("flat", flat, [0, 1, 0, 1], flat, [0, 1, 0, 1], mean=(0.5,), std=(2.0,), augment="crop-flip")
    pair = (float(np.float32(1 / 510)), -0.25)
    assert (chosen.scaling, chosen.augment) == (Scaling("u8", (pair,)), "crop-flip")


@pytest.mark.parametrize(
    ("mean", "std"), [((0.0,), (0.0,)), ((0.0, 1.0), (1.0,)), ((float("nan"),), (1.0,)), ((0.0,), (1e-50,)), ((), ())]
)
def test_moments_that_do_not_fit_are_refused(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    x = np.zeros((4, 5), np.uint8)
    with pytest.raises(RequestError, match="data flat: mean and std"):
        from_arrays("flat", x, [0, 1, 0, 1], x, [0, 1, 0, 1], mean=mean, std=std)
