from __future__ import annotations

import base64
import io
import math
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from matplotlib.image import imread

from ticketry.objectives.classification import ACCURACY
from ticketry.report.figures import curves, layer_bars
from ticketry.report.mask_image import first_layer

Lines = Callable[..., list[dict[str, Any]]]


def texts(svg: str) -> list[str]:
    """What a reader can read; fails unless the SVG is well-formed."""
    return [element.text or "" for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("text")]


def images(svg: str) -> list[np.ndarray[Any, Any]]:
    """The embedded pictures, RGBA in [0, 1]."""
    return [imread(io.BytesIO(base64.b64decode(data))) for data in re.findall(r"base64,([^\"]+)", svg)]


def blueness(image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Whether a pixel of a share image is of full blue."""
    return np.asarray((image[..., 3] == 1) & (image[..., 2] > 0.7))


def test_curves_name_their_axes_and_mark_the_choice(lines: Lines) -> None:
    shown = texts(curves(lines(5), ACCURACY, chosen=4))
    assert {"Validation accuracy, %", "Cross-entropy loss, nats", "training", "validation", "epoch"} <= set(shown)
    assert "chosen: epoch 4, 87.50 %" in shown


def test_curves_are_over_steps_where_epochs_stand_still(lines: Lines) -> None:
    shown = texts(curves(lines(5, epochs=0), ACCURACY))
    assert "step" in shown
    assert not any("chosen" in text for text in shown)


def test_curves_need_two_steps(lines: Lines) -> None:
    assert curves([], ACCURACY) == curves(lines(1), ACCURACY) == ""


@pytest.mark.parametrize("loss", [None, math.nan, math.inf])
def test_curves_without_a_loss_say_so(lines: Lines, loss: float | None) -> None:
    assert "no finite loss" in texts(curves(lines(3, train_loss=loss, val_loss=loss), ACCURACY, chosen=1))


def test_a_missing_loss_leaves_the_other_curve(lines: Lines) -> None:
    shown = texts(curves(lines(3, train_loss=None), ACCURACY))
    assert "validation" in shown
    assert "training" not in shown


def test_a_long_log_stays_a_small_figure(lines: Lines) -> None:
    log = [line | {"val_accuracy": line["step"] * 7919 % 1000 / 1000} for line in lines(20_000)]
    assert len(curves(log, ACCURACY, chosen=19_999)) < 60_000


def test_loss_of_many_magnitudes_is_logarithmic_with_plain_numbers(lines: Lines) -> None:
    log = [line | {"train_loss": 10.0 ** -line["step"], "val_loss": None} for line in lines(6)]
    assert {"0.1", "0.001", "1e-05"} <= set(texts(curves(log, ACCURACY)))


def test_bars_say_counts_and_densities() -> None:
    shown = texts(layer_bars(["fc1.weight", "fc2.weight"], [1000, 50], [20_000, 100]))
    assert {"fc1.weight", "5.0 %", "1,000 of 20,000", "50.0 %", "50 of 100", "- - network 5.2 %"} <= set(shown)
    assert "weights kept, % of the layer" in shown


def test_bars_are_logarithmic_beyond_tenfold() -> None:
    shown = texts(layer_bars(["a", "b", "dead"], [1, 50, 0], [100, 100, 100]))
    assert "weights kept, % of the layer (logarithmic)" in shown
    assert {"1", "10", "0 of 100"} <= set(shown)


def test_names_of_layers_are_escaped_and_shortened() -> None:
    svg = layer_bars(["<script>$x$&", "a" * 40 + "b"], [1, 1], [2, 2])
    assert "<script>" not in svg
    shown = texts(svg)
    assert "<script>$x$&" in shown
    assert "aaaaaaaaaaaaaa...aaaaaaaaaaaab" in shown


def test_hundreds_of_layers_fit() -> None:
    svg = layer_bars([f"layer{i}" for i in range(300)], list(range(300)), [300] * 300)
    assert "Density of each layer, from the first to the last" in texts(svg)
    assert len(svg) < 120_000


def test_pixels_of_a_linear_layer_are_where_their_weights_are() -> None:
    mask = np.zeros((30, 6, 7), bool)
    mask[:, 1, 5] = True  # kept by all units
    mask[0, 4, 2] = True
    svg = first_layer(mask.ravel(), (30, 42), (6, 7))
    counts, units = max(images(svg), key=lambda image: image.shape[0] == 6), images(svg)[-1]
    brightest = np.argwhere(counts[..., 0] == counts[..., 0].max())
    assert brightest.tolist() == [[1, 5]]
    first = blueness(units)[:6, :7]
    assert np.argwhere(first).tolist() == [[1, 5], [4, 2]]
    assert "Kept inputs of the first 24 of 30 units" in texts(svg)
    assert "kept weights of a pixel, of 30" in texts(svg)


def test_channels_of_a_linear_layer_are_side_by_side() -> None:
    shown = texts(first_layer(np.ones(4 * 3 * 5 * 5, bool), (4, 75), (3, 5, 5)))
    assert {"Channel 1", "Channel 2", "Channel 3", "kept weights of a pixel, of 4"} <= set(shown)
    many = texts(first_layer(np.ones(4 * 9 * 5 * 5, bool), (4, 225), (9, 5, 5)))
    assert {"Kept weights of each pixel", "kept weights of a pixel, of 36"} <= set(many)


def test_kernels_of_a_convolution() -> None:
    mask = np.zeros((16, 3, 3, 3), bool)
    mask[0, 2, 1, 0] = True
    svg = first_layer(mask.ravel(), mask.shape, (3, 32, 32))
    assert "Kept weights of the first 16 of 16 filters, input channels from top to bottom" in texts(svg)
    assert not images(svg)[0][12, :, 3].any()  # the gap between the first two channels
    blue = np.argwhere(blueness(images(svg)[0]))
    low, high = 2 * 13 + 4, 2 * 13 + 8  # the third kernel of 3 x 4 pixels and a gap; its second row
    assert (blue.min(axis=0).tolist(), blue.max(axis=0).tolist()) == ([low, 0], [high - 1, 3])


def test_kernels_of_many_channels_are_averaged() -> None:
    mask = np.zeros((8, 10, 3, 3), bool)
    mask[0, :2] = True
    shown = texts(first_layer(mask.ravel(), mask.shape, (10, 9, 9)))
    assert any("mean of 10 input channels (deepest blue: 20.0 %)" in text for text in shown)


@pytest.mark.parametrize(
    ("shape", "input_shape"),
    [((20, 2), (2,)), ((1, 1), (1,)), ((5, 1, 1, 1), (1, 8, 8)), ((7, 3, 5), (3, 50)), ((4, 2, 3, 3, 3), (2, 9, 9, 9))],
)
def test_any_other_layer_is_a_matrix(shape: tuple[int, ...], input_shape: tuple[int, ...]) -> None:
    mask = np.zeros(shape, bool)
    mask[0] = True
    shown = texts(first_layer(mask.ravel(), shape, input_shape))
    assert {"input", "output"} <= set(shown)


def test_an_empty_layer_is_an_image_too() -> None:
    assert not blueness(images(first_layer(np.zeros(40, bool), (20, 2), (2,)))[0]).any()


def test_a_large_layer_is_averaged_to_a_small_image() -> None:
    mask = np.random.default_rng(0).random((2000, 3000)) < 0.25
    svg = first_layer(mask.ravel(), mask.shape, (3000,))
    assert max(images(svg)[0].shape) <= 256
    assert len(svg) < 200_000
    image = first_layer(np.ones(2 * 500 * 500, bool), (2, 250_000), (500, 500))
    assert all(max(picture.shape) <= 262 for picture in images(image))


def test_figures_leave_the_style_of_the_process_alone(lines: Lines) -> None:
    plain = curves(lines(3), ACCURACY)
    matplotlib.rcParams["axes.edgecolor"] = "#ff0000"
    matplotlib.rcParams["lines.linewidth"] = 7.0
    before = dict(matplotlib.rcParams)
    try:
        assert curves(lines(3), ACCURACY) == plain
        assert dict(matplotlib.rcParams) == before
    finally:
        matplotlib.rcdefaults()


def test_colours_follow_the_page(lines: Lines) -> None:
    svg = curves(lines(3), ACCURACY, chosen=2)
    assert "var(--blue, #0072b2)" in svg
    assert "currentColor" in svg
    assert "#1b1f24" not in svg
