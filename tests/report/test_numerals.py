from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketry.report.numerals import count, decimal, duration, percent, shape, times


@pytest.mark.parametrize(
    ("fraction", "least", "text"),
    [
        (0.05, 1, "5.0 %"),
        (0.1, 1, "10.0 %"),
        (1.0, 1, "100.0 %"),
        (0.97725, 2, "97.72 %"),
        (0.00012, 1, "0.012 %"),
        (0.0, 1, "0.0 %"),
        (None, 1, "n/a"),
        (math.nan, 1, "n/a"),
    ],
)
def test_percent(fraction: float | None, least: int, text: str) -> None:
    assert percent(fraction, least) == text


@settings(deadline=None, max_examples=200)
@given(st.floats(min_value=1e-9, max_value=1.0))
def test_percent_is_right_to_two_digits(fraction: float) -> None:
    number, sign = percent(fraction).split()
    assert sign == "%"
    assert float(number) == pytest.approx(100 * fraction, rel=0.05, abs=0)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (59.0, "59.0 s"), (83.2, "1 min 23 s"), (7260.0, "2 h 1 min")]
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_other_numbers() -> None:
    assert [times(x) for x in (0.671, 12.345, 999.4, 1234.5)] == ["0.671", "12.3", "999", "1,234"]
    assert count(1234567) == "1,234,567"
    assert decimal(0.12345) == "0.1235"
    assert decimal(None) == decimal(math.inf) == decimal(math.nan) == "not finite"
    assert shape((300, 784)) == "300 x 784"
