"""Results in a notebook: a page in a frame of its own, or a plain table."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence


def framed(page: str, height: int = 640) -> str:
    """A whole HTML page within another, `height` pixels high, neither of which sees the other's styles.

    The page may be a file from anybody: in its sandbox no script runs, and nothing of the notebook can be reached.
    """
    return f'<iframe sandbox="" srcdoc="{html.escape(page)}" width="100%" height="{height}" frameborder="0"></iframe>'


def table(title: str, rows: Iterable[Sequence[str]]) -> str:
    """Lines of cells under a sentence."""
    lines = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows)
    return f"<p>{html.escape(title)}</p><table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"
