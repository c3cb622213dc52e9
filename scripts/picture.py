"""The picture of README.md: a random network on two half moons, and the ticket that a genetic search finds in it.

    python scripts/picture.py      # a few seconds; writes docs/images/ticket-light.svg and ticket-dark.svg

Both columns are real runs of one seed, judged untrained: `dense`, which keeps all weights, and `genetic`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch

import ticketry as tk
from ticketry import data

DATA, MODEL, SEED = "moons(train=1000, test=1000)", "mlp:32", 2
IMAGES = Path(__file__).parents[1] / "docs" / "images"
WIDTH, HEIGHT, PANEL, GRAPH, MAP = 680, 520, 310, 190, 200  # pixels
STEPS, EDGE = (62, 40), 0.85  # of a map; the data lie within +-0.7 in both features
INK = {"light": ("#1f2328", "#8a929b", "#0a7d6c"), "dark": ("#e6edf3", "#7d8590", "#3fd1b5")}  # text, cut, kept
CLASSES = ("#3b82f6", "#f59e0b")
FONT = "font-family=\"system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif\""


def main() -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        kinds = {
            "dense": tk.methods.Dense(weights="uniform"),
            "genetic": tk.methods.Genetic(),
        }
        runs = {
            name: tk.find(method, data=DATA, model=MODEL, seed=SEED, out=Path(folder) / name)
            for name, method in kinds.items()
        }
        columns = {name: _column(run) for name, run in runs.items()}
    IMAGES.mkdir(parents=True, exist_ok=True)
    for theme in INK:
        (IMAGES / f"ticket-{theme}.svg").write_text(_picture(theme, columns))
    for name, (masks, _, result) in columns.items():
        kept = sum(int(mask.sum()) for mask in masks)
        print(f"{name}: {kept} weights, {result['ticket_bytes']} bytes, test accuracy {result['accuracy']['test']:.3f}")


def _column(run: tk.Run) -> tuple[list[np.ndarray], np.ndarray, dict]:
    """The masks of both layers, the class of every point of the map, and the result of a run."""
    ticket = run.ticket
    across, down = (np.linspace(-EDGE, EDGE, n, dtype=np.float32) for n in STEPS)
    points = np.stack(np.meshgrid(across, down[::-1]), -1).reshape(-1, 2)
    dataset = data.load(DATA)
    x = (torch.from_numpy(points) - dataset.mean[0]) / dataset.std[0]
    classes = ticket.module()(x).argmax(1).reshape(STEPS[1], STEPS[0]).numpy()
    return [mask.numpy() for mask in ticket.mask().values()], classes, run.result


def _picture(theme: str, columns: dict) -> str:
    ink, cut, kept = INK[theme]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" {FONT}'
        f' role="img" aria-label="A random network, and the ticket in it">'
    ]
    for left, (name, (masks, classes, result)) in zip((10, WIDTH - PANEL - 10), columns.items(), strict=True):
        whole = name == "dense"
        total, count = result["maskable"], result["kept"]
        right = f"{100 * result['accuracy']['test']:.1f} % right"
        title = "A random network" if whole else "The ticket in it"
        what = f"all {total} random weights" if whole else f"{count} of these weights, unchanged"
        parts.append(_text(left + PANEL / 2, 26, title, ink, 21, "bold"))
        parts.append(_graph(left, 40, masks, cut if whole else kept, ink))
        parts.append(_text(left + PANEL / 2, 40 + GRAPH + 28, what, ink, 18))
        parts.append(_map(left, 40 + GRAPH + 44, classes))
        parts.append(_text(left + PANEL / 2, 40 + GRAPH + 44 + MAP + 30, right, ink, 21, "bold"))
    middle = WIDTH / 2
    arrow = f"M{middle - 14} 130h20m-8 -8l8 8l-8 8"
    parts.append(f'<path d="{arrow}" fill="none" stroke="{ink}" stroke-width="2.5" stroke-linecap="round"/>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _graph(left: float, top: float, masks: list[np.ndarray], line: str, ink: str) -> str:
    """A network of two layers, inputs on the left, with the weights that its masks keep."""
    sizes = [masks[0].shape[1], masks[0].shape[0], masks[1].shape[0]]
    places = []
    for column, size in enumerate(sizes):
        x = left + 20 + column * (PANEL - 40) / 2
        gap = (GRAPH - 12) / 31 if size > 2 else 70
        places.append([(x, top + GRAPH / 2 + (i - (size - 1) / 2) * gap) for i in range(size)])
    path = ""
    for layer, mask in enumerate(masks):
        for end, start in np.argwhere(mask):
            (x0, y0), (x1, y1) = places[layer][start], places[layer + 1][end]
            path += f"M{x0:.0f} {y0:.1f}L{x1:.0f} {y1:.1f}"
    dots = "".join(
        f'<circle cx="{x:.0f}" cy="{y:.1f}" r="{2.4 if len(column) > 2 else 6}"/>'
        for column in places
        for x, y in column
    )
    thick = 1 if masks[0].all() else 1.7
    return f'<path d="{path}" stroke="{line}" stroke-width="{thick}" fill="none"/><g fill="{ink}">{dots}</g>'


def _map(left: float, top: float, classes: np.ndarray) -> str:
    """Where the network sees which class, and some test points in the colours of their own."""
    rows, columns = classes.shape
    w, h = PANEL / columns, MAP / rows
    parts = []
    for kind, colour in enumerate(CLASSES):
        path = ""
        for row in range(rows):
            changes = np.flatnonzero(np.diff(np.concatenate([[0], classes[row] == kind, [0]]).astype(int)))
            for start, stop in changes.reshape(-1, 2):
                length = (stop - start) * w
                path += f"M{left + start * w:.1f} {top + row * h:.1f}h{length:.1f}v{h:.1f}h-{length:.1f}z"
        parts.append(f'<path d="{path}" fill="{colour}" fill-opacity="0.28" shape-rendering="crispEdges"/>')
    dataset = data.load(DATA)
    for (x, y), kind in zip(dataset.x_test[:150], dataset.y_test[:150], strict=True):
        across, down = left + (x + EDGE) / 2 / EDGE * PANEL, top + (EDGE - y) / 2 / EDGE * MAP
        parts.append(f'<circle cx="{across:.1f}" cy="{down:.1f}" r="3" fill="{CLASSES[kind]}"/>')
    return "".join(parts)


def _text(x: float, y: float, words: str, colour: str, size: int, weight: str = "normal") -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="middle" fill="{colour}" font-size="{size}"'
        f' font-weight="{weight}">{words}</text>'
    )


if __name__ == "__main__":
    main()
