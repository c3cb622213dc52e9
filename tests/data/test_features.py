"""Standardising by a training part."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketry.core.nets.feed import inputs
from ticketry.data.features import standardised


@given(st.integers(2, 40), st.integers(1, 5), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_every_feature_gets_mean_0_and_deviation_1(n: int, features: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    x = (draw.normal(size=(n, features)) * 10 ** draw.uniform(-3, 3, features) + draw.normal(size=features) * 5).astype(
        np.float32
    )
    scaling = standardised(x)
    assert len(scaling.pairs) == features
    z = inputs(x, scaling).double().numpy()
    far = np.abs(x.mean(0)) / x.std(0)  # cancellation: float32 has seven digits
    assert (np.abs(z.mean(0)) < 1e-5 * (1 + far)).all()
    assert (np.abs(z.std(0) - 1) < 1e-5 * (1 + far)).all()


def test_constant_features_are_shifted_only() -> None:
    x = np.array([[5, 0, 1e-45, 3e38, 1], [5, 0, 0, -3e38, 2]], np.float32)
    pairs = standardised(x).pairs
    assert pairs[0] == (1.0, -5.0)
    assert pairs[1] == (1.0, 0.0)
    assert pairs[2][0] == 1.0  # its deviation has no inverse in float32
    assert np.isfinite(pairs).all()
    assert inputs(x, standardised(x)).isfinite().all()


@pytest.mark.parametrize(("shape", "count"), [((6, 4), 4), ((6, 3, 2, 2), 3), ((6, 4, 4), 1), ((6, 2, 2, 2, 2), 1)])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_of_images_it_is_one_pair_a_channel_and_of_the_rest_one(shape: tuple[int, ...], count: int, dtype: str) -> None:
    x = np.random.default_rng(0).integers(0, 256, shape).astype(dtype)
    scaling = standardised(x)
    assert (scaling.unit, len(scaling.pairs)) == ("u8" if dtype == "uint8" else "f32", count)
    z = inputs(x, scaling).numpy()
    assert abs(float(z.mean())) < 1e-5
    assert float(z.std()) == pytest.approx(1, abs=1e-5)
