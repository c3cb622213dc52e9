from __future__ import annotations

import io
import re
from typing import Any

import matplotlib.figure
import pytest
from rich.console import Console
from tests.report.test_page import Reader

from ticketry.report import comparison, comparison_figures

RUN = {"seed": 0, "cost": {"seconds": 30.0}, "command": "ticketry find random --data 'a<b' --out x"}


def cell(series: str, group: str = "A: [2, 20, 2]", **changed: Any) -> dict[str, Any]:
    found = {
        "name": series,
        "group": group,
        "series": series,
        "like": None,
        "classes": None,
        "published": None,
        "method": "edge-popup",
        "data": "mnist",
        "model": "mlp:20",
        "accuracy": {"mean": 0.9341, "half": 0.0081, "runs": 5},
        "difference": {"mean": -0.0123, "half": 0.0101, "runs": 5},
        "density": {"mean": 0.268, "half": 0.013, "runs": 5},
        "cost": {"evaluations": 15300.4, "examples_forward": 4.5e6, "examples_backward": 0, "seconds": 12.34},
        "runs": [RUN, RUN],
    }
    return found | changed


GENETIC = cell("genetic", method="genetic", difference=None, published=0.25)
HALF, LIKE = cell("half"), cell("like", like="genetic")
OUTCOME: dict[str, Any] = {
    "recipe": "genetic-moons",
    "scale": "cpu",
    "title": "Genetic search against edge-popup",
    "command": "ticketry recipe genetic-moons --scale cpu --out again",
    "notes": ["5,000 points & no more."],
    "seeds": [0, 1, 2, 3, 4],
    "environment": {"ticketry": "0.1.0", "cores": 2},
    "cells": [GENETIC, HALF, LIKE, cell("genetic", "2 classes", classes=2), cell("genetic", "3 classes", classes=3)],
}
SINGLE = {"mean": 0.5, "half": None, "runs": 1}


def test_a_row_says_all_in_per_cent() -> None:
    assert tuple(word for word in comparison.row(GENETIC | {"difference": HALF["difference"]}).values() if word) == (
        *("genetic", "73.2 ± 1.3", "75.0", "93.41 ± 0.81", "-1.23 ± 1.01"),
        *("15,300", "4,500", "0", "12.3"),
    )


def test_columns_that_say_nothing_are_left_out() -> None:
    plain = ["", "sparsity", "test accuracy", "minus the first", "evaluations", "forward", "backward", "seconds"]
    assert comparison.heads([HALF]) == plain
    assert "paper" in comparison.heads([HALF, GENETIC])
    trained = cell("t", untrained=0.1, ticket_bytes=3450, cost=HALF["cost"] | {"epochs": 40, "evaluations": 0})
    assert comparison.heads([trained])[4:7] == ["untrained", "bytes", "epochs"]
    assert [comparison.row(trained)[name] for name in ("untrained", "bytes", "epochs")] == ["10.0", "3,450", "40"]


def test_a_single_run_has_no_interval() -> None:
    found = comparison.row(cell("one", accuracy=SINGLE, density=SINGLE, difference=SINGLE))
    names = ("sparsity", "paper", "test accuracy", "minus the first")
    assert tuple(found[name] for name in names) == ("50.0", "", "50.00", "+50.00")


def test_the_page_needs_nothing_beside_itself_and_holds_every_number() -> None:
    html = comparison.page(OUTCOME)
    read = Reader(html)
    assert not {"script", "link", "iframe", "object", "embed"} & set(read.tags)
    assert all(link.startswith("#") for link in read.links)
    assert set(re.findall(r"https?://[^\"'\s<]+", html)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    assert read.tags.count("svg") == 2
    for words in (
        *("Genetic search against edge-popup", "5,000 points & no more.", "seeds 0 to 4", "A: [2, 20, 2]", "2 classes"),
        *(word for each in OUTCOME["cells"] for word in comparison.row(each).values()),
        *("ticketry recipe genetic-moons --scale cpu --out again", RUN["command"], "10 runs", "5 min 0 s", "cores 2"),
    ):
        assert words in read.text


def test_the_table_in_a_pipe_is_not_folded() -> None:
    out = io.StringIO()
    comparison.print_comparison(OUTCOME, "runs/report.html", Console(file=out, markup=False, highlight=False))
    lines = out.getvalue().splitlines()
    assert sum("93.41 ± 0.81" in line and "12.3" in line for line in lines) == 5
    assert lines[-1] == "report: runs/report.html"


@pytest.mark.parametrize("half", [0.5, None])
def test_the_panels_show_what_the_table_says(half: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[matplotlib.figure.Figure] = []
    monkeypatch.setattr(comparison_figures, "svg", lambda figure, title: drawn.append(figure))
    accuracy = {"mean": 0.9, "half": half, "runs": 5}
    comparison_figures.against_sparsity([("A", [GENETIC, HALF, LIKE | {"accuracy": accuracy}])])
    (axes,) = drawn[0].axes
    points = {box.get_label(): box.lines[0] for box in axes.containers}
    assert [float(points["genetic"].get_xdata()[0]), float(points["like"].get_ydata()[0])] == pytest.approx([73.2, 90])
    assert {name: line.get_fillstyle() for name, line in points.items()} == {
        "genetic": "full",
        "half": "full",
        "like": "none",
    }
    assert points["half"].get_color() == points["like"].get_color() != points["genetic"].get_color()
    assert points["half"].get_marker() == points["like"].get_marker(), "hollow and filled ones come in pairs"
    assert axes.get_ylim()[1] <= 101


def test_classes_are_counted_along_the_axis(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[matplotlib.figure.Figure] = []
    monkeypatch.setattr(comparison_figures, "svg", lambda figure, title: drawn.append(figure))
    cells = [cell(name, f"{k}", classes=k) for k in (10, 2) for name in ("genetic", "other")]
    comparison_figures.against_classes(cells)
    left, right = drawn[0].axes
    assert list(left.get_xticks()) == [2, 10]
    assert len(left.containers) == 4
    assert [float(box.lines[0].get_ydata()[0]) for box in right.containers] == pytest.approx([73.2, 73.2])


@pytest.mark.parametrize("others", [12, 0])
def test_the_dense_network_is_a_level_line_and_series_are_told_apart(
    others: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[matplotlib.figure.Figure] = []
    monkeypatch.setattr(comparison_figures, "svg", lambda figure, title: drawn.append(figure))
    whole = cell("dense", method="dense", density={"mean": 1.0, "half": 0.0}, accuracy={"mean": 0.98, "half": None})
    cells = [cell(f"{n}", method=f"{n}", density={"mean": d, "half": 0.0}) for n in range(others) for d in (0.02, 0.1)]
    comparison_figures.against_density([*cells, whole])
    (axes,) = drawn[0].axes
    (level,) = [line for line in axes.lines if line.get_label() == "dense" and line.get_linestyle() == "--"]
    assert list(level.get_ydata()) == pytest.approx([98, 98])
    assert (axes.get_xlim()[1] < 20) == (others > 0), "the picture reaches as far as the searched densities"
    marked = {box.get_label(): (box.lines[0].get_color(), box.lines[0].get_marker()) for box in axes.containers}
    assert len(set(marked.values())) == len(marked) == max(others, 1)
