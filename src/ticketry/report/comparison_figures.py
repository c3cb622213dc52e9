"""Test quality of a recipe's cells against their sparsity, and against the number of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ticketry import objectives
from ticketry.core.objective import Measure
from ticketry.report.canvas import BLUE, INK, ORANGE, drawing, logarithmic, place, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Cells = Sequence[Mapping[str, Any]]

COLOURS = {"edge-popup": ORANGE, "backprop": INK}  # BLUE for every other method
MARKERS = "osD^vP*X<>"  # tell apart the series of one method
TOP, TICKS = 100.5, (0, 50, 80, 90, 95, 97, 98, 99, 100)
LEGEND = 22  # height of a line of the legend, of three columns


def against_sparsity(groups: Sequence[tuple[str, Cells]]) -> str:
    """One panel a group: sparsity against test quality, both with their intervals."""
    styles = _styles([cell for _, cells in groups for cell in cells])
    top = 16 + LEGEND * (-(-len(styles) // 3))
    with drawing(top + 270 * (-(-len(groups) // 2))) as figure:
        for number, (name, cells) in enumerate(groups):
            axes = place(figure, 60 + 444 * (number % 2), top + 28 + 270 * (number // 2), 370, 182)
            for cell in cells:
                density, measure = cell["density"], objectives.measure(cell)
                at = 100 * (1 - density["mean"])
                wide = 100 * (density["half"] or 0)
                _mark(axes, at, cell[measure.name], styles[cell["series"]], wide, measure.factor)
            axes.set_title(name)
            axes.set_xlabel("sparsity, %")
            axes.set_ylabel(f"test {measure.axis}" if number % 2 == 0 else "")
            axes.grid()
            _possible(axes, measure)
            if number == 0:
                _legend(axes)
        return svg(figure, f"Sparsity against test {measure.title} in {len(groups)} settings")


def against_classes(cells: Cells) -> str:
    """Classes against test quality of every series, and against the sparsity of the first one."""
    styles = _styles(cells)
    top = 16 + LEGEND * (-(-len(styles) // 3))
    first, measure = next(iter(styles)), objectives.measure(cells[0])
    classes = sorted({cell["classes"] for cell in cells})
    with drawing(top + 270) as figure:
        left, right = place(figure, 60, top + 28, 462, 182), place(figure, 590, top + 28, 280, 182)
        for number, (series, style) in enumerate(styles.items()):
            line = sorted((cell for cell in cells if cell["series"] == series), key=lambda cell: int(cell["classes"]))
            aside = (number - (len(styles) - 1) / 2) * 0.04  # so that intervals stay apart
            x = [cell["classes"] + aside for cell in line]
            left.plot(
                x, [measure.factor * cell[measure.name]["mean"] for cell in line], color=style["color"], linewidth=0.7
            )
            for at, cell in zip(x, line, strict=True):
                _mark(left, at, cell[measure.name], style, factor=measure.factor)
                if series == first:
                    density = cell["density"]
                    _mark(right, cell["classes"], {**density, "mean": 1 - density["mean"]}, style)
        left.set_title(f"Test {measure.axis}")
        right.set_title(f"Sparsity of {first}, %")
        _possible(left, measure)
        right.set_ylim(0, 100)
        for axes in (left, right):
            axes.set_xlabel("classes")
            axes.set_xticks(classes)
            axes.grid()
        _legend(left)
        return svg(figure, f"Test {measure.title} and sparsity for {len(classes)} numbers of classes")


def against_density(cells: Cells) -> str:
    """Density, logarithmic, against test quality of one network: a line a series, a level one if it is dense."""
    measure = objectives.measure(cells[0])
    styles, dense = _styles(cells), [cell for cell in cells if cell["method"] == "dense"]
    cells = [cell for cell in cells if cell["method"] != "dense"] or dense
    top = 16 + LEGEND * (-(-len(styles) // 3))
    with drawing(top + 380) as figure:
        axes = place(figure, 60, top + 28, 810, 292)
        for number, (series, style) in enumerate(styles.items()):
            line = sorted((c for c in cells if c["series"] == series), key=lambda c: float(c["density"]["mean"]))
            aside = 1 + (number - (len(styles) - 1) / 2) * 0.008  # so that intervals stay apart
            x = [100 * cell["density"]["mean"] * aside for cell in line]
            style = style | {"color": f"C{number}", "marker": MARKERS[number % 9]}  # with ten colours, 90 differ
            axes.plot(
                x, [measure.factor * cell[measure.name]["mean"] for cell in line], linewidth=0.9, color=style["color"]
            )
            for at, cell in zip(x, line, strict=True):
                _mark(axes, at, cell[measure.name], style, factor=measure.factor)
        for cell in dense:
            level = measure.factor * cell[measure.name]["mean"]
            axes.axhline(level, color=INK, linewidth=0.9, linestyle="--", label=cell["series"])
        spread = [100 * cell["density"]["mean"] for cell in cells]
        logarithmic(axes, "x", min(spread) / 1.15, max(spread) * 1.15)
        axes.set_title(f"Test {measure.axis}: {cells[0]['model']} on {cells[0]['data']}")
        axes.set_xlabel("density, %")
        axes.grid()
        _possible(axes, measure)
        if measure.fraction:
            _towards_the_top(axes)
        _legend(axes)
        return svg(figure, f"Density against test {measure.title} of {len(styles)} methods")


def _mark(
    axes: Axes, x: float, estimate: Mapping[str, Any], style: dict[str, Any], wide: float = 0.0, factor: float = 100
) -> None:
    """A point with its intervals; `estimate` times `factor` upwards, `wide` to both sides in units of x."""
    y, high = factor * estimate["mean"], factor * (estimate["half"] or 0)
    axes.errorbar(x, y, yerr=high, xerr=wide, linestyle="none", markersize=5, linewidth=1, **style)


def _styles(cells: Cells) -> dict[str, dict[str, Any]]:
    """Colour, marker, filling and label of each series.

    The colour tells the method. Series with a density of their own are filled, those that take another's are hollow,
    and in their order the hollow ones of a method have the same markers as the filled.
    """
    styles: dict[str, dict[str, Any]] = {}
    used: dict[tuple[str, bool], int] = {}
    for cell in cells:
        series, kind = cell["series"], (cell["method"], cell["like"] is not None)
        if series not in styles:
            number = used[kind] = used.get(kind, -1) + 1
            style = {"color": COLOURS.get(cell["method"], BLUE), "marker": MARKERS[number % len(MARKERS)]}
            styles[series] = {**style, "label": series, "fillstyle": "none" if kind[1] else "full"}
    return styles


def _possible(axes: Axes, measure: Measure) -> None:
    """No room for what cannot be, though intervals may reach there; nor for what is far worse than a guess."""
    low, high = axes.get_ylim()
    least, most = max(measure.floor, -measure.most), measure.most
    axes.set_ylim(max(low, least * measure.factor), min(high, 1.01 * most * measure.factor))


def _towards_the_top(axes: Axes) -> None:
    """More room the nearer to 100 %: equal factors of the error, counted from a little above, are equally far apart."""
    low, high = axes.get_ylim()
    axes.set_yscale("function", functions=(lambda y: -np.log(np.maximum(TOP - y, 0.1)), lambda v: TOP - np.exp(-v)))
    axes.set_ylim(low, min(high, 100))
    axes.set_yticks([tick for tick in TICKS if low <= tick <= high])


def _legend(axes: Axes) -> None:
    """Every label once, above all panels."""
    handles, labels = axes.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    tight = {"borderpad": 0.0, "handletextpad": 0.3, "columnspacing": 1.0, "fontsize": 11.0}
    axes.figure.legend(once.values(), once.keys(), loc="upper left", bbox_to_anchor=(0, 1), ncols=3, **tight)
