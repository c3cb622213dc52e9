"""Numbers as a person reads them, in ASCII."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ticketry.core.objective import Measure


def percent(fraction: float | None, least: int = 1) -> str:
    """A fraction as per cent with at least this many decimals, and two significant digits."""
    if fraction is None or not math.isfinite(fraction):
        return "n/a"
    digits = 1 - math.floor(math.log10(100 * fraction)) if fraction > 0 else 0
    return f"{100 * fraction:.{max(least, digits)}f} %"


def quality(measure: Measure, value: float | None, least: int = 1) -> str:
    """A quality as its measure is written; `least`: decimals of one in per cent."""
    if measure.fraction:
        return percent(value, least)
    return "n/a" if value is None else f"{value:.{least + measure.decimals}f}"


def count(number: int) -> str:
    """A whole number with its thousands apart."""
    return f"{number:,}"


def times(factor: float) -> str:
    """A factor to three digits, never as a power of ten."""
    return f"{factor:.3g}" if 1e-4 <= factor < 999.5 else f"{factor:,.0f}"


def decimal(number: float | None) -> str:
    """A loss to four digits after the point; one that is no number says so."""
    return "not finite" if number is None or not math.isfinite(number) else f"{number:.4f}"


def duration(seconds: float) -> str:
    """Seconds as a person would say them."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def shape(sizes: Sequence[int]) -> str:
    """The sizes of an array's dimensions."""
    return " x ".join(map(str, sizes))
