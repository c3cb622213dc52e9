"""The mask of a layer as an image."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ticketry.report.canvas import FAINT, PIXEL, WIDTH, drawing, place, resize, svg
from ticketry.report.numerals import count, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Pixels = NDArray[np.float64]

TILES = 128  # pixels on a side of an image, beyond which it is averaged over blocks


def first_layer(mask: NDArray[np.bool_], shape: tuple[int, ...], input_shape: tuple[int, ...]) -> str:
    """The mask of a layer, Bool of `shape` (out, in, ...), as an image.

    A linear layer on images (H, W) or (C, H, W): the kept weights of each pixel, summed over the outputs, and the masks
    of the first outputs one by one. A 2-D convolution: the kernels of the first filters. Anything else: the matrix of
    outputs and inputs. Large images are averaged over blocks.
    """
    image = (1, *input_shape) if len(input_shape) == 2 else input_shape
    with drawing(316) as figure:
        if len(shape) == 2 and len(image) == 3 and math.prod(image) == shape[1]:
            _pixels(figure, mask.reshape(shape[0], *image))
        elif len(shape) == 4 and shape[2] * shape[3] > 1:
            _kernels(figure, mask.reshape(shape))
        else:
            _matrix(figure, mask.reshape(shape[0], -1))
        return svg(figure, "Mask of the first layer")


def _pixels(figure: Figure, mask: NDArray[np.bool_]) -> None:
    """Bool[out, C, H, W] of a linear layer: a map for each channel (one for all of more than four), and the units."""
    outputs, channels = mask.shape[:2]
    maps = mask.sum(axis=0, dtype=np.float64)
    maps = maps if channels <= 4 else maps.sum(axis=0, keepdims=True)
    units = np.stack([_shrunk(unit) for unit in mask[:24].mean(axis=1)])
    space = 264 if len(maps) == 1 else 512
    width = space / len(maps) - 16
    below = min(216.0, width * maps.shape[1] / maps.shape[2])
    resize(figure, below + 100)
    for number, pixels in enumerate(maps):
        axes = place(figure, number * (width + 16), 32, width, below)
        drawn = axes.imshow(_shrunk(pixels), cmap="cividis", vmin=0, vmax=max(1.0, maps.max()))
        _bare(axes, "Kept weights of each pixel" if len(maps) == 1 else f"Channel {number + 1}")
    bar = figure.colorbar(drawn, cax=place(figure, 4, 48 + below, 208, 8), orientation="horizontal")
    bar.outline.set_visible(False)
    bar.ax.locator_params(axis="x", integer=True)
    bar.set_label(f"kept weights of a pixel, of {count(outputs * channels // len(maps))}")
    axes = place(figure, space + 16, 32, WIDTH - space - 16, below + 60)
    title = f"Kept inputs of the first {len(units)} of {count(outputs)} units"
    _bare(axes, _share(axes, _mosaic(units, gap=2), title))


def _kernels(figure: Figure, mask: NDArray[np.bool_]) -> None:
    """Bool[out, in, h, w] of a convolution: a column of kernels for each filter, one for each input channel."""
    filters, channels = mask.shape[:2]
    kernels, what = mask[:64].astype(np.float64), "input channels from top to bottom"
    if channels > 4:
        kernels, what = kernels.mean(axis=1, keepdims=True), f"mean of {count(channels)} input channels"
    zoomed = kernels.repeat(4, axis=2).repeat(4, axis=3)
    spaced = np.pad(zoomed, ((0, 0), (0, 0), (0, 1), (0, 0)), constant_values=math.nan)
    columns = spaced.reshape(len(kernels), -1, spaced.shape[-1])[:, :-1]
    grid = _mosaic(columns, gap=4)
    height = min(276.0, WIDTH * grid.shape[0] / grid.shape[1])
    resize(figure, height + 40)
    axes = place(figure, 0, 32, WIDTH, height)
    title = f"Kept weights of the first {len(kernels)} of {count(filters)} filters, {what}"
    _bare(axes, _share(axes, grid, title))


def _matrix(figure: Figure, mask: NDArray[np.bool_]) -> None:
    """Bool[out, in] of any layer, the longer side across."""
    across, down = ("input", "output") if mask.shape[1] >= mask.shape[0] else ("output", "input")
    mask = mask if across == "input" else mask.T
    height = min(232, 24 * mask.shape[0])
    resize(figure, height + 84)
    axes = place(figure, 60, 32, WIDTH - 64, height)
    title = _share(axes, _shrunk(mask, 2 * TILES), "Kept weights", mask.shape)
    axes.set(title=title, xlabel=across, ylabel=down)
    axes.locator_params(integer=True)


def _share(axes: Axes, pixels: Pixels, title: str, shape: tuple[int, ...] | None = None) -> str:
    """Draw kept shares from faint, 0, to blue, the largest; NaN is transparent. Returns the title with that largest.

    `shape`: what a smaller image stands for.
    """
    from matplotlib.colors import LinearSegmentedColormap, to_rgba

    colours = LinearSegmentedColormap.from_list("share", [to_rgba(FAINT, 0.18), to_rgba(PIXEL)])
    extent = None if shape is None else (0.5, shape[1] + 0.5, shape[0] + 0.5, 0.5)
    top = np.nanmax(pixels) or 1.0
    axes.imshow(pixels, cmap=colours, vmin=0, vmax=top, extent=extent, aspect="equal" if shape is None else "auto")
    return title if top == 1 else f"{title} (deepest blue: {percent(top)})"


def _bare(axes: Axes, title: str) -> None:
    axes.set_title(title)
    axes.set_axis_off()
    axes.set_anchor("NW")


def _mosaic(tiles: Pixels, gap: int) -> Pixels:
    """Float[n, h, w] in rows, `gap` transparent pixels apart: about four times as wide as high, in 2^k columns."""
    n, height, width = tiles.shape
    ideal = math.sqrt(4 * n * (height + gap) / (width + gap))
    columns = min(n, 2 ** round(math.log2(max(1.0, ideal))))
    rows = -(-n // columns)
    padded = np.full((rows * columns, height + gap, width + gap), math.nan)
    padded[:n, :height, :width] = tiles
    grid = padded.reshape(rows, columns, height + gap, width + gap).swapaxes(1, 2)
    return grid.reshape(rows * (height + gap), -1)[:-gap, :-gap]


def _shrunk(pixels: Pixels | NDArray[np.bool_], most: int = TILES) -> Pixels:
    """An image averaged over blocks, so that neither side has more than `most` pixels."""
    for axis in (0, 1):
        step = -(-pixels.shape[axis] // most)
        if step > 1:
            starts = np.arange(0, pixels.shape[axis], step)
            sizes = np.diff([*starts, pixels.shape[axis]])
            sums = np.add.reduceat(pixels, starts, axis, dtype=np.float64)
            pixels = sums / (sizes[:, None] if axis == 0 else sizes)
    return pixels.astype(np.float64)
