from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from tests.report.test_figures import images, texts
from tests.report.test_page import EDGE, RANDOM, Make, Reader

from ticketry.core.sealed import write_sealed
from ticketry.experiment import Experiment
from ticketry.report.landscape import SCHEMA, figures, note, read, table
from ticketry.report.page import page

LAYERS = ("fc1.weight", "fc2.weight")


def made(layers: Sequence[str] = LAYERS, k: int = 3, points: int = 11, grid: int = 5, **changed: Any) -> dict[str, Any]:
    """A landscape whose accuracy falls from 0.9 as its loss rises from 0.2, by 0.01 more in each direction."""
    t, at = np.arange(points) / (points - 1), np.linspace(-1, 1, grid)
    away = t + 0.01 * np.arange(k)[:, None] * t
    square = (at[:, None] ** 2 + at**2) / 2
    line = {"accuracy": (0.9 - 0.5 * away).tolist(), "loss": (0.2 + away).tolist()}
    return {
        "schema": SCHEMA,
        "settings": {"directions": k, "split": "val"},
        "examples": 6000,
        "ticket": {"accuracy": 0.9, "loss": 0.2},
        "t": t.tolist(),
        "lines": [{"toward": x, "layer": y, **line} for x in ("shuffled", "complement") for y in (None, *layers)],
        "plane": {"at": at.tolist(), "accuracy": (0.9 - square / 2).tolist(), "loss": (0.2 + square).tolist()},
        "cost": {"evaluations": 1234, "examples_forward": 5, "seconds": 61.0},
        "digest": "0" * 64,
    } | changed


def test_lines_name_their_layers_axes_and_target() -> None:
    (first, caption), (second, other), _ = figures(made())
    assert {"Towards a random mask: accuracy, %", "Cross-entropy loss, nats", "t"} <= set(texts(first))
    assert {"all layers", *LAYERS} <= set(texts(first))
    assert "Towards the complement: accuracy, %" in texts(second)
    assert "keeps as many weights of each layer" in caption
    assert "to the complement, t = 1" in other
    assert caption.endswith("Each line is the mean of 3 directions, its band their range.")
    assert next(figures(made(k=1)))[1].endswith("Each line is one direction.")


def test_the_plane_has_the_ticket_in_its_middle_and_is_bright_where_good() -> None:
    svg, caption = list(figures(made()))[2]
    assert {"Accuracy, %", "Cross-entropy loss, nats", "s along the first mask", "s along the second mask"} <= set(
        texts(svg)
    )
    assert "the ring is the ticket" in caption
    planes = [image for image in images(svg) if image.shape[0] == image.shape[1]]
    assert len(planes) == 2
    for image in planes:
        light = image[..., :3].mean(axis=2)
        n = len(light)
        assert light[n // 2, n // 2] == light.max()
        assert light[0, 0] == light.min()


def test_rows_of_the_plane_go_up_and_columns_right() -> None:
    grid = np.zeros((5, 5))
    grid[4, 0] = 1  # the last coordinate along the second axis, the first along the first: upper left
    plane = {"at": np.linspace(-1, 1, 5).tolist(), "accuracy": grid.tolist(), "loss": grid.tolist()}
    svg = list(figures(made(plane=plane)))[2][0]
    light = images(svg)[0][..., :3].mean(axis=2)
    assert re.search(
        r"<image[^>]* width=.5. height=.5. transform=.matrix\([\d.]+ 0 0 -", svg
    )  # the first row is lowest
    assert light[4, 0] > light[0, 0] == light[0, 4] == light[4, 4]


def test_colours_follow_the_page_but_for_images() -> None:
    svg = next(figures(made()))[0]
    assert "currentColor" in svg
    assert "var(--orange, #d55e00)" in svg
    assert "#1b1f24" not in svg


def test_losses_of_many_magnitudes_are_logarithmic() -> None:
    steep = made()
    for line in steep["lines"]:
        line["loss"] = [[10.0 ** (i - 3) for i in range(11)]] * 3
    steep["plane"]["loss"] = np.logspace(-3, 3, 25).reshape(5, 5).tolist()
    for svg, _ in figures(steep):
        assert {"0.1", "10", "1000"} <= set(texts(svg))


@pytest.mark.parametrize("every", [False, True])
def test_losses_that_are_not_finite_leave_gaps(every: bool) -> None:
    broken = made()
    for line in broken["lines"]:
        line["loss"] = [[None if every or i > 5 else 0.2 for i in range(11)]] * 3
    broken["plane"]["loss"][0] = [None] * 5
    if every:
        broken["plane"]["loss"] = [[None] * 5] * 5
    assert len([texts(svg) for svg, _ in figures(broken)]) == 3
    assert table(broken).count("not finite") == (24 if every else 6)


def test_a_loss_of_zero_can_be_drawn() -> None:
    zero = made()
    zero["plane"]["loss"] = np.where(np.eye(5, dtype=bool), 0.0, 50.0).tolist()
    zero["plane"]["loss"][0][1] = 0.01
    for line in zero["lines"]:
        line["loss"] = [[0.0, 0.001, *[5.0] * 9]] * 3
    assert len([texts(svg) for svg, _ in figures(zero)]) == 3


def test_many_layers_fit() -> None:
    names = [f"block{i}.{'deep.' * 8}weight" for i in range(60)]
    svg = next(figures(made(names)))[0]
    shown = [text for text in texts(svg) if text.startswith("block") and text.endswith("...ep.weight")]
    assert len(shown) == 10
    assert max(map(len, shown)) == 22
    assert len(svg) < 100_000


def test_one_layer_and_the_least_sizes() -> None:
    assert len([texts(svg) for svg, _ in figures(made(["only.weight"], k=1, points=2, grid=3))]) == 3


def test_names_of_layers_are_escaped() -> None:
    svg = next(figures(made(["<script>$x$&"])))[0]
    assert "<script>" not in svg
    assert "<script>$x$&" in texts(svg)


def test_the_table_shows_means_at_the_nearest_points() -> None:
    head, first, *rest = table(made()).splitlines()
    assert re.split(r"\s{2,}", head) == ["towards", "layer", "t = 0", "t = 0.1", "t = 0.5", "t = 1"]
    assert re.split(r"\s{2,}", first)[:4] == ["shuffled", "all", "90.00 %, 0.2000", "84.95 %, 0.3010"]
    assert len(rest) == 5
    assert re.split(r"\s{2,}", table(made(points=7)).splitlines()[0])[2:] == ["t = 0", "t = 0.167", "t = 0.5", "t = 1"]


def test_the_note_says_what_it_cost() -> None:
    assert note(made()) == "on 6,000 validation examples: 1,234 evaluations in 1 min 1 s"
    assert note(made(examples=1)).startswith("on 1 validation example:")


class TestPage:
    @pytest.mark.parametrize(
        ("experiment", "says"),
        [(EDGE, "around the ticket and on 6"), (RANDOM, "around the ticket, with untrained weights")],
    )
    def test_it_shows_the_landscape_of_its_ticket(self, make_run: Make, experiment: Experiment, says: str) -> None:
        directory, result = make_run(experiment)
        write_sealed(directory.landscape, made(digest=result["digest"]["ticket"]))
        seen = Reader(page(directory, result))
        assert seen.tags.count("svg") == 6
        assert says in seen.text
        assert all(link.startswith(("#", "data:image/png;base64,")) for link in seen.links)

    @pytest.mark.parametrize("changed", [{"digest": "1" * 64}, {"schema": SCHEMA + 1}])
    def test_it_shows_no_other(self, make_run: Make, changed: dict[str, Any]) -> None:
        directory, result = make_run(EDGE)
        write_sealed(directory.landscape, made(**{"digest": result["digest"]["ticket"]} | changed))
        assert read(directory, result) is None
        assert Reader(page(directory, result)).tags.count("svg") == 3
