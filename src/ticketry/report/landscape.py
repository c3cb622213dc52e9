"""The landscape around a ticket, as figures and as a table; `analysis.landscape` says what they show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ticketry import objectives
from ticketry.core.sealed import read_sealed
from ticketry.paths import RunDirectory
from ticketry.report.canvas import FAINT, INK, ORANGE, PIXEL, drawing, logarithmic, place, svg
from ticketry.report.figures import shortened
from ticketry.report.numerals import count, decimal, duration, quality

Landscape = dict[str, Any]
Floats = NDArray[np.float64]

SCHEMA = 1  # of landscape.json
NAMED = 10  # layers that the legend names; of more it names so many, evenly spaced
BANDS = 6  # layers up to which each has the band of its directions
LOG = 30  # times the least loss, above which a scale is logarithmic
TARGETS = {"shuffled": "a random mask that keeps as many weights of each layer", "complement": "the complement"}
SHORT = {"shuffled": "a random mask", "complement": "the complement"}
SPLITS = {"val": "validation", "train": "training"}


def read(directory: RunDirectory, result: dict[str, Any]) -> Landscape | None:
    """The landscape of a run; None where there is none, or one of another ticket or version."""
    found = read_sealed(directory.landscape)
    fits = found is not None and (found.get("schema"), found.get("digest")) == (SCHEMA, result["digest"]["ticket"])
    return found if fits else None


def note(landscape: Landscape) -> str:
    """What was measured on, and what it cost."""
    examples, cost = landscape["examples"], landscape["cost"]
    judged = f"{count(examples)} {SPLITS[landscape['settings']['split']]} example{'' if examples == 1 else 's'}"
    return f"on {judged}: {count(cost['evaluations'])} evaluations in {duration(cost['seconds'])}"


def figures(landscape: Landscape) -> Iterator[tuple[str, str]]:
    """The lines to each target and the plane, each an SVG with its caption."""
    k = landscape["settings"]["directions"]
    means = "one direction" if k == 1 else f"the mean of {k} directions, its band their range"
    for toward, target in TARGETS.items():
        yield (
            _lines(landscape, toward),
            f"From the ticket, t = 0, to {target}, t = 1: a part t of the bits that differ has changed, in random"
            f" order, in all layers or in one alone. Each line is {means}.",
        )
    yield (
        _plane(landscape),
        "A plane with two random masks as axes; the ring is the ticket. At s > 0 the weights of the mask are added, at"
        " s < 0 those that are not in it are taken away, in a part |s| of each layer's positions.",
    )


def table(landscape: Landscape) -> str:
    """Quality and loss, mean of the directions, of each line at the t nearest to 0, 0.1, 0.5 and 1."""
    t = np.array(landscape["t"])
    at = sorted({int(np.abs(t - wanted).argmin()) for wanted in (0, 0.1, 0.5, 1)})
    measure = objectives.measure(landscape)
    rows = [("towards", "layer", *(f"t = {t[i]:.3g}" for i in at))]
    for line in landscape["lines"]:
        reached, loss = (_floats(line[score]).mean(0) for score in (measure.name, "loss"))
        cells = (f"{quality(measure, reached[i], 2)}, {decimal(loss[i])}" for i in at)
        rows.append((line["toward"], line["layer"] or "all", *cells))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def _lines(landscape: Landscape, toward: str) -> str:
    """Quality and loss along the lines to one target, for the whole network and each layer."""
    from matplotlib.colors import LinearSegmentedColormap

    measure = objectives.measure(landscape)
    t, lines = landscape["t"], [line for line in landscape["lines"] if line["toward"] == toward]
    layers = len(lines) - 1
    named = {0, *(1 + i for i in np.linspace(0, layers - 1, min(layers, NAMED)).astype(int))}
    depth = LinearSegmentedColormap.from_list("depth", [PIXEL, FAINT, ORANGE])
    with drawing(268) as figure:
        left, right = place(figure, 36, 32, 288, 184), place(figure, 376, 32, 288, 184)
        for i, line in enumerate(lines):
            look: dict[str, Any] = {"color": depth((i - 1) / max(1, layers - 1)), "linewidth": 1.5, "zorder": 2}
            if i == 0:
                look = {"color": INK, "linewidth": 2.0, "zorder": 3}
            label = shortened(line["layer"] or "all layers", 22) if i in named else None
            for axes, values in ((left, measure.factor * _floats(line[measure.name])), (right, _floats(line["loss"]))):
                axes.plot(t, values.mean(0), label=label, **look)
                if i == 0 or layers <= BANDS:
                    axes.fill_between(t, values.min(0), values.max(0), color=look["color"], alpha=0.15, linewidth=0)
        for axes in (left, right):
            axes.set(xlabel="t", xlim=(0, 1))
            axes.grid(axis="y")
        left.set_title(f"Towards {SHORT[toward]}: {measure.axis}")
        right.set_title(measure.loss_axis)
        right.legend(loc="upper left", bbox_to_anchor=(1.03, 1.04), borderpad=0)
        low, high = _span([line["loss"] for line in lines])
        if high > LOG * low:
            logarithmic(right, "y", low * 0.8, high * 1.25)
        return svg(figure, f"{_capital(measure.title)} and loss on the way to {TARGETS[toward]}")


def _plane(landscape: Landscape) -> str:
    """Quality and loss as images, bright where the network is good."""
    from matplotlib.colors import LogNorm

    measure, at = objectives.measure(landscape), landscape["plane"]["at"]
    edge = 1 + (at[1] - at[0]) / 2  # a pixel reaches half a step to each side of its point
    low, high = _span(landscape["plane"]["loss"])
    norm = LogNorm(low, high) if high > LOG * low else None
    with drawing(384) as figure:
        for left, score, title in ((52, measure.name, _capital(measure.axis)), (500, "loss", measure.loss_axis)):
            values, good = _floats(landscape["plane"][score]), score != "loss"
            axes = place(figure, left, 32, 296, 296)
            drawn = axes.imshow(
                measure.factor * values if good else values,
                cmap="cividis" if good else "cividis_r",
                norm=None if good else norm,
                origin="lower",
                extent=(-edge, edge, -edge, edge),
            )
            for colour, width in (("white", 4), ("black", 2)):  # seen on any colour, in light and dark
                axes.plot(0, 0, "o", markersize=11, markerfacecolor="none", mec=colour, mew=width)
            bar = figure.colorbar(drawn, cax=place(figure, left + 308, 32, 10, 296))
            bar.outline.set_visible(False)
            if norm and not good:
                bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
                bar.ax.yaxis.set_minor_formatter(lambda value, _: "")
            axes.set(title=title, xlabel="s along the first mask", ylabel="s along the second mask")
            axes.set(xticks=(-1, -0.5, 0, 0.5, 1), yticks=(-1, -0.5, 0, 0.5, 1))
        return svg(figure, f"{_capital(measure.title)} and loss on a plane around the ticket")


def _capital(title: str) -> str:
    return title[0].upper() + title[1:]


def _floats(values: object) -> Floats:
    return np.array(values, np.float64)  # None becomes NaN


def _span(losses: object) -> tuple[float, float]:
    """The least and the greatest loss that a logarithm can show; (1, 1) without any."""
    values = _floats(losses).ravel()
    values = values[np.isfinite(values) & (values > 0)]
    return (float(values.min()), float(values.max())) if len(values) else (1.0, 1.0)
