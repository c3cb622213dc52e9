"""The course of a search and the densities of its layers as figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ticketry.core.objective import Measure
from ticketry.report.canvas import BLUE, ORANGE, WIDTH, drawing, logarithmic, place, svg
from ticketry.report.numerals import count, percent, quality

POINTS = 500  # of a curve; a longer log is thinned to this many
ROWS = 40  # layers that get a named bar each; more are drawn as a skyline


def curves(log: Sequence[dict[str, Any]], measure: Measure, chosen: int = -1) -> str:
    """Validation quality, and training and validation loss, over the steps of `log.jsonl`; "" for fewer than two.

    `chosen`: the step whose mask became the ticket, which is marked. Losses that are None or not finite leave gaps.
    """
    if len(log) < 2:
        return ""
    epochs = [line.get("epochs") or 0 for line in log]
    by_epoch = all(a < b for a, b in pairwise(epochs))
    unit, at = ("epoch", epochs) if by_epoch else ("step", [line["step"] for line in log])
    marked = next((i for i, line in enumerate(log) if line["step"] == chosen), None)
    shown = np.unique(np.linspace(0, len(log) - 1, min(POINTS, len(log))).astype(int))
    x = np.array(at)[shown]
    dot: dict[str, Any] = {"marker": "o", "markersize": 4.0} if len(shown) <= 30 else {}

    def series(name: str, scale: float = 1.0) -> NDArray[np.float64]:
        values = np.array([line.get(name) for line in log], np.float64)  # None becomes NaN
        return np.where(np.isfinite(values), values, math.nan) * scale

    with drawing(248) as figure:
        left, right = place(figure, 36, 32, 384, 164), place(figure, 492, 32, 384, 164)
        reached = series(f"val_{measure.name}", measure.factor)
        left.plot(x, reached[shown], color=BLUE, **dot)
        left.set_title(f"Validation {measure.axis}")
        losses = {"training": series("train_loss"), "validation": series("val_loss")}
        for (name, values), colour, line in zip(losses.items(), (ORANGE, BLUE), ("--", "-"), strict=True):
            if not np.isnan(values).all():
                right.plot(x, values[shown], line, color=colour, label=name, **dot)
        right.set_title(measure.loss_axis)
        finite = np.concatenate([values[~np.isnan(values)] for values in losses.values()])
        if len(finite) == 0:
            right.text(0.5, 0.5, "no finite loss", ha="center", transform=right.transAxes)
        else:
            right.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderpad=0, columnspacing=1.2)
            if 0 < finite.min() < finite.max() / 30:
                logarithmic(right, "y", finite.min() * 0.8, finite.max() * 1.25)
        if marked is not None:
            left.plot(at[marked], reached[marked], "o", color=BLUE, markersize=9, markerfacecolor="none")
            best = quality(measure, log[marked][f"val_{measure.name}"], 2)
            left.set_title(f"chosen: {unit} {count(at[marked])}, {best}", loc="right", color=BLUE)
        for axes in (left, right):
            if marked is not None:
                axes.axvline(at[marked], color=BLUE, linewidth=1, linestyle=":")
            axes.set_xlabel(unit)
            axes.locator_params(axis="x", integer=True)
            axes.grid(axis="y")
        return svg(figure, f"Validation {measure.title} and loss over {len(log)} {unit}s")


def layer_bars(names: Sequence[str], kept: Sequence[int], sizes: Sequence[int]) -> str:
    """The density of every layer, beside that of the network; logarithmic where layers differ more than tenfold."""
    density = 100.0 * np.array(kept, np.float64) / np.array(sizes, np.float64)
    whole = 100.0 * sum(kept) / sum(sizes)
    positive = density[density > 0]
    log = len(positive) > 0 and positive.max() > 10 * positive.min()
    named = len(names) <= ROWS
    height = 24 * len(names) if named else 480
    labels = [shortened(name) for name in names] if named else []
    margin = 16 + max(map(len, labels), default=2) * 7
    with drawing(height + 84) as figure:
        axes = place(figure, margin, 32, WIDTH - margin - (250 if named else 4), height)
        rows = range(1, len(names) + 1)
        axes.barh(rows, density, height=0.66 if named else 1.0, color=BLUE)
        axes.set_ylim(len(names) + 0.5, 0.5)
        axes.tick_params(axis="y", length=0)
        if named:
            axes.set_yticks(rows, labels)
        for y in rows[: len(labels)]:
            share, part = percent(density[y - 1] / 100), f"{count(kept[y - 1])} of {count(sizes[y - 1])}"
            for text, end in ((share, WIDTH - 180), (part, WIDTH)):
                axes.annotate(text, (end, y), xycoords=("figure pixels", "data"), ha="right", va="center_baseline")
        if log:
            logarithmic(axes, "x", positive.min() / 2, min(100.0, positive.max() * 1.5))
        axes.grid(axis="x")
        axes.axvline(whole, color=ORANGE, linewidth=1.5, linestyle="--")
        axes.set_title("Density of each layer" if named else "Density of each layer, from the first to the last")
        axes.set_title(f"- - network {percent(whole / 100)}", loc="right", color=ORANGE)
        axes.set_xlabel(f"weights kept, % of the layer{' (logarithmic)' if log else ''}")
        return svg(figure, f"Density of {len(names)} layers")


def front(tickets: Sequence[dict[str, Any]], chosen: dict[str, Any], measure: Measure) -> str:
    """Validation quality over density of the `front` of `result.json`, and of the result itself."""
    density = 100.0 * np.array([ticket["density"] for ticket in tickets])
    qualities = measure.factor * np.array([ticket[f"val_{measure.name}"] for ticket in tickets])
    here, reached = 100.0 * chosen["density"], measure.factor * chosen[measure.name]["val"]
    own = quality(measure, chosen[measure.name]["val"], 2)
    with drawing(248) as figure:
        axes = place(figure, 48, 32, 824, 164)
        axes.plot(density, qualities, "o-", color=ORANGE, markersize=4.0, linewidth=1)
        axes.plot(here, reached, "o", color=BLUE, markersize=9, markerfacecolor="none")
        axes.set_title(f"Validation {measure.axis}")
        axes.set_title(f"the ticket: {percent(here / 100)} of the weights, {own}", loc="right", color=BLUE)
        axes.set_xlabel("density, %")
        axes.margins(x=0.03, y=0.12)
        axes.grid()
        return svg(figure, f"Validation {measure.title} of {len(tickets)} tickets over their density")


def shortened(name: str, most: int = 30) -> str:
    """A name of at most so many letters, its middle left out."""
    return name if len(name) <= most else f"{name[: most // 2 - 1]}...{name[2 - most // 2 :]}"
