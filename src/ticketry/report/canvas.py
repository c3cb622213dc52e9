"""The look of all figures: SVG text whose letters are text and whose colours follow the page's light or dark theme.

matplotlib is imported when the first figure is drawn, used through its object interface, and left as it was found.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 880  # of every figure, in CSS pixels: one unit of its SVG is one pixel, so that text is the size it says
INK, BLUE, ORANGE, FAINT = "#1b1f24", "#0072b2", "#d55e00", "#8a8f98"  # the hues of Okabe and Ito, safe for all eyes
PIXEL = "#1a82c4"  # the blue of an image, which cannot follow the theme: between those of the light and the dark one
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


@contextmanager
def drawing(height: float) -> Iterator[Figure]:
    """An empty figure in our style, whatever style the process has set; its own is in force again afterwards."""
    import matplotlib
    from matplotlib.figure import Figure

    style: Any = {**matplotlib.rcParamsDefault, **STYLE}
    del style["backend"]  # the one parameter that rc_context does not restore
    with matplotlib.rc_context(style):
        yield Figure(figsize=(WIDTH / 72, height / 72), dpi=72, facecolor="none")


def resize(figure: Figure, height: float) -> None:
    """Give an empty figure another height."""
    figure.set_figheight(height / 72)


def place(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes at a place in pixels from the figure's upper left corner."""
    whole = 72 * figure.get_figheight()
    return figure.add_axes((left / WIDTH, 1 - (top + height) / whole, width / WIDTH, height / whole), facecolor="none")


def logarithmic(axes: Axes, name: Literal["x", "y"], low: float, high: float) -> None:
    """A logarithmic axis from low to high, with plain numbers: 1, 2, 5, 10, ... or, over many decades, 1, 10, ..."""
    from matplotlib.ticker import LogLocator

    axes.set(**{f"{name}scale": "log", f"{name}lim": (low, high)})
    axis = axes.xaxis if name == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 300 * low else (1.0,)))
    axis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.set_minor_formatter(lambda value, _: "")


def svg(figure: Figure, title: str) -> str:
    """The figure as an inline SVG element; `title`, of plain words, is for readers who cannot see it."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r'width="[\d.]+pt" height="[\d.]+pt"', f'role="img" aria-label="{title}"', text, count=1)
    text = re.sub(r' id="[a-z]+[0-9.a-z]*_[0-9_a-z.]+"', "", text)
    for colour, themed in THEMED.items():
        text = text.replace(colour, themed)
    return text
