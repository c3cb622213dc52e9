"""The figures of a report as SVG text: real text, colours that follow the page's light or dark theme, masks as pixels.

matplotlib is imported when the first figure is drawn, used through its object interface, and left as it was found.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ticketry.report.text import count, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Pixels = NDArray[np.float64]

WIDTH = 880  # of every figure, in CSS pixels: one unit of its SVG is one pixel, so that text is the size it says
INK, BLUE, ORANGE, FAINT = "#1b1f24", "#0072b2", "#d55e00", "#8a8f98"  # the hues of Okabe and Ito, safe for all eyes
THEMED = {INK: "currentColor", BLUE: "var(--blue, #0072b2)", ORANGE: "var(--orange, #d55e00)"}
STYLE: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 12.0,
    "axes.titlesize": 12.0,
    "axes.titlelocation": "left",
    "axes.titlepad": 10.0,
    "axes.labelsize": 12.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.axisbelow": True,
    "axes.unicode_minus": False,
    "grid.color": FAINT,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.color": FAINT,
    "ytick.labelcolor": INK,
    "image.interpolation": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "ticketry",
}
POINTS = 500  # of a curve; a longer log is thinned to this many
ROWS = 40  # layers that get a named bar each; more are drawn as a skyline
TILES = 128  # pixels on a side of an image, beyond which it is averaged over blocks


def curves(log: Sequence[dict[str, Any]], chosen: int = -1) -> str:
    """Validation accuracy, and training and validation loss, over the steps of `log.jsonl`; "" for fewer than two.

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

    def series(name: str, scale: float = 1.0) -> Pixels:
        values = np.array([math.nan if line.get(name) is None else line[name] for line in log], np.float64)
        return np.where(np.isfinite(values), values, math.nan) * scale

    with _figure(248) as figure:
        left, right = _at(figure, 36, 32, 384, 164), _at(figure, 492, 32, 384, 164)
        accuracy = series("val_accuracy", 100.0)
        left.plot(x, accuracy[shown], color=BLUE, **dot)
        left.set_title("Validation accuracy, %")
        losses = {"training": series("train_loss"), "validation": series("val_loss")}
        for (name, values), colour, line in zip(losses.items(), (ORANGE, BLUE), ("--", "-"), strict=True):
            if not np.isnan(values).all():
                right.plot(x, values[shown], line, color=colour, label=name, **dot)
        right.set_title("Cross-entropy loss, nats")
        finite = np.concatenate([values[~np.isnan(values)] for values in losses.values()])
        if len(finite) == 0:
            right.text(0.5, 0.5, "no finite loss", ha="center", transform=right.transAxes)
        else:
            right.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderpad=0, columnspacing=1.2)
            if 0 < finite.min() < finite.max() / 30:
                _logarithmic(right, "y")
        if marked is not None:
            left.plot(at[marked], accuracy[marked], "o", color=BLUE, markersize=9, markerfacecolor="none")
            left.set_title(f"chosen: {unit} {count(at[marked])}, {accuracy[marked]:.2f} %", loc="right", color=BLUE)
        for axes in (left, right):
            if marked is not None:
                axes.axvline(at[marked], color=BLUE, linewidth=1, linestyle=":")
            axes.set_xlabel(unit)
            axes.locator_params(axis="x", integer=True)
            axes.grid(axis="y")
        return _svg(figure, f"Validation accuracy and loss over {len(log)} {unit}s")


def layer_bars(names: Sequence[str], kept: Sequence[int], sizes: Sequence[int]) -> str:
    """The density of every layer, beside that of the network; logarithmic where layers differ more than tenfold."""
    density = 100.0 * np.array(kept, np.float64) / np.array(sizes, np.float64)
    whole = 100.0 * sum(kept) / sum(sizes)
    positive = density[density > 0]
    log = len(positive) > 0 and positive.max() > 10 * positive.min()
    named = len(names) <= ROWS
    height = 24 * len(names) if named else 480
    labels = [_shortened(name) for name in names] if named else []
    margin = 16 + max(map(len, labels), default=2) * 7
    with _figure(height + 84) as figure:
        axes = _at(figure, margin, 32, WIDTH - margin - (250 if named else 4), height)
        place = range(1, len(names) + 1)
        axes.barh(place, density, height=0.66 if named else 1.0, color=BLUE)
        axes.set_ylim(len(names) + 0.5, 0.5)
        axes.tick_params(axis="y", length=0)
        if named:
            axes.set_yticks(place, labels)
        for y in place[: len(labels)]:
            share, some = percent(density[y - 1] / 100), f"{count(kept[y - 1])} of {count(sizes[y - 1])}"
            for text, right in ((share, -180), (some, 0)):
                axes.annotate(
                    text, (WIDTH + right, y), xycoords=("figure pixels", "data"), ha="right", va="center_baseline"
                )
        if log:
            _logarithmic(axes, "x")
            axes.set_xlim(positive.min() / 2, min(100.0, positive.max() * 1.5))
        axes.grid(axis="x")
        axes.axvline(whole, color=ORANGE, linewidth=1.5, linestyle="--")
        axes.set_title("Density of each layer" if named else "Density of each layer, from the first to the last")
        axes.set_title(f"- - network {percent(whole / 100)}", loc="right", color=ORANGE)
        axes.set_xlabel(f"weights kept, % of the layer{' (logarithmic)' if log else ''}")
        return _svg(figure, f"Density of {len(names)} layers")


def first_layer(mask: NDArray[np.bool_], shape: tuple[int, ...], input_shape: tuple[int, ...]) -> str:
    """The mask of a layer, Bool of `shape` (out, in, ...), as an image.

    A linear layer on images (H, W) or (C, H, W): the kept weights of each pixel, summed over the outputs, and the masks
    of the first outputs one by one. A 2-D convolution: the kernels of the first filters. Anything else: the matrix of
    outputs and inputs. Large images are averaged over blocks.
    """
    image = (1, *input_shape) if len(input_shape) == 2 else input_shape
    with _figure(316) as figure:
        if len(shape) == 2 and len(image) == 3 and math.prod(image) == shape[1]:
            _pixels(figure, mask.reshape(shape[0], *image))
        elif len(shape) == 4 and shape[2] * shape[3] > 1:
            _kernels(figure, mask.reshape(shape))
        else:
            _matrix(figure, mask.reshape(shape[0], -1))
        return _svg(figure, "Mask of the first layer")


def _pixels(figure: Figure, mask: NDArray[np.bool_]) -> None:
    """Bool[out, C, H, W] of a linear layer: a map for each channel (one for all of more than four), and the units."""
    outputs, channels = mask.shape[:2]
    maps = mask.sum(axis=0, dtype=np.float64)
    maps = maps if channels <= 4 else maps.sum(axis=0, keepdims=True)
    units = np.stack([_shrunk(unit) for unit in mask[:24].mean(axis=1)])
    space = 264 if len(maps) == 1 else 512
    width = space / len(maps) - 16
    below = min(216.0, width * maps.shape[1] / maps.shape[2])
    for number, pixels in enumerate(maps):
        axes = _at(figure, number * (width + 16), 32, width, 216)
        drawn = axes.imshow(_shrunk(pixels), cmap="cividis", vmin=0, vmax=max(1.0, maps.max()))
        _bare(axes, "Kept weights of each pixel" if len(maps) == 1 else f"Channel {number + 1}")
    bar = figure.colorbar(drawn, cax=_at(figure, 0, 48 + below, 216, 8), orientation="horizontal")
    bar.outline.set_visible(False)
    bar.ax.locator_params(axis="x", integer=True)
    bar.set_label(f"kept weights of a pixel, of {count(outputs * channels // len(maps))}")
    axes = _at(figure, space + 16, 32, WIDTH - space - 16, 276)
    title = f"Kept inputs of the first {len(units)} of {count(outputs)} units"
    _bare(axes, _share(axes, _mosaic(units, 2.6 if len(maps) == 1 else 1.5, gap=2), title))


def _kernels(figure: Figure, mask: NDArray[np.bool_]) -> None:
    """Bool[out, in, h, w] of a convolution: a column of kernels for each filter, one for each input channel."""
    filters, channels = mask.shape[:2]
    kernels, what = mask[:64].astype(np.float64), "input channels from top to bottom"
    if channels > 4:
        kernels, what = kernels.mean(axis=1, keepdims=True), f"mean of {count(channels)} input channels"
    zoomed = kernels.repeat(4, axis=2).repeat(4, axis=3)
    axes = _at(figure, 0, 32, WIDTH, 276)
    title = f"Kept weights of the first {len(kernels)} of {count(filters)} filters, {what}"
    _bare(axes, _share(axes, _mosaic(np.stack([_mosaic(one, 0, gap=1) for one in zoomed]), 3.2, gap=4), title))


def _matrix(figure: Figure, mask: NDArray[np.bool_]) -> None:
    """Bool[out, in] of any layer, the longer side across."""
    across, down = ("input", "output") if mask.shape[1] >= mask.shape[0] else ("output", "input")
    mask = mask if across == "input" else mask.T
    height = min(232, 24 * mask.shape[0])
    figure.set_figheight((height + 84) / 72)
    axes = _at(figure, 60, 32, WIDTH - 64, height)
    title = _share(axes, _shrunk(mask.astype(np.float64), 2 * TILES), "Kept weights", mask.shape)
    axes.set(title=title, xlabel=across, ylabel=down)
    axes.locator_params(integer=True)


def _share(axes: Axes, pixels: Pixels, title: str, shape: tuple[int, ...] | None = None) -> str:
    """Draw kept shares from faint, 0, to blue, the largest; NaN is transparent. Returns the title with that largest.

    `shape`: what a smaller image stands for.
    """
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    colours = LinearSegmentedColormap.from_list("share", [to_rgba(FAINT, 0.18), to_rgba(BLUE)])
    extent = None if shape is None else (0.5, shape[1] + 0.5, shape[0] + 0.5, 0.5)
    top = np.nanmax(pixels) or 1.0
    axes.imshow(pixels, cmap=colours, vmin=0, vmax=top, extent=extent, aspect="equal" if shape is None else "auto")
    return title if top == 1 else f"{title} (deepest blue: {percent(top)})"


def _at(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes at a place in pixels from the figure's upper left corner."""
    whole = 72 * figure.get_figheight()
    return figure.add_axes((left / WIDTH, 1 - (top + height) / whole, width / WIDTH, height / whole), facecolor="none")


def _logarithmic(axes: Axes, name: Literal["x", "y"]) -> None:
    """A logarithmic axis with plain numbers."""
    axes.set(**{f"{name}scale": "log"})
    axis = axes.xaxis if name == "x" else axes.yaxis
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_formatter(lambda value, _: "")


def _bare(axes: Axes, title: str) -> None:
    axes.set_title(title)
    axes.set_axis_off()
    axes.set_anchor("NW")


def _mosaic(tiles: Pixels, aspect: float, gap: int) -> Pixels:
    """Float[n, h, w] in rows, `gap` transparent pixels apart, together about `aspect` as wide as high (0: a column)."""
    n, height, width = tiles.shape
    columns = min(n, max(1, round(math.sqrt(n * aspect * (height + gap) / (width + gap)))))
    rows = -(-n // columns)
    padded = np.full((rows * columns, height + gap, width + gap), math.nan)
    padded[:n, :height, :width] = tiles
    grid = padded.reshape(rows, columns, height + gap, width + gap).swapaxes(1, 2)
    return grid.reshape(rows * (height + gap), -1)[:-gap, :-gap]


def _shrunk(pixels: Pixels, most: int = TILES) -> Pixels:
    """An image averaged over blocks, so that neither side has more than `most` pixels."""
    for axis in (0, 1):
        step = -(-pixels.shape[axis] // most)
        if step > 1:
            starts = np.arange(0, pixels.shape[axis], step)
            sizes = np.diff([*starts, pixels.shape[axis]])
            pixels = np.add.reduceat(pixels, starts, axis) / (sizes[:, None] if axis == 0 else sizes)
    return pixels


def _shortened(name: str, most: int = 30) -> str:
    return name if len(name) <= most else f"{name[: most // 2 - 1]}...{name[2 - most // 2 :]}"


@contextmanager
def _figure(height: float) -> Iterator[Figure]:
    """An empty figure in our style, whatever style the process has set; its own is in force again afterwards."""
    import matplotlib
    from matplotlib.figure import Figure

    style: Any = {**matplotlib.rcParamsDefault, **STYLE}
    del style["backend"]  # the one parameter that rc_context does not restore
    with matplotlib.rc_context(style):
        yield Figure(figsize=(WIDTH / 72, height / 72), dpi=72, facecolor="none")


def _svg(figure: Figure, title: str) -> str:
    """The figure as an inline SVG element with a title for readers who cannot see it."""
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(buffer, format="svg", metadata={**nothing, "Title": title})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', r'role="img"', text, count=1)
    text = re.sub(r' id="[a-z]+[0-9.a-z]*_[0-9_a-z.]+"', "", text)
    for colour, themed in THEMED.items():
        text = text.replace(colour, themed)
    return text
