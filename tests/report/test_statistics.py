from __future__ import annotations

import math
from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketry.report.statistics import at_least, estimate, holm, quantile


@pytest.mark.parametrize(
    ("freedom", "confidence", "t"),
    [
        (1, 0.95, 12.7062),
        (2, 0.95, 4.30265),
        (4, 0.95, 2.77645),
        (24, 0.95, 2.06390),
        (4, 0.99, 4.60409),
        (7, 0.5, 0.71114),
    ],
)
def test_quantiles_are_those_of_the_tables(freedom: int, confidence: float, t: float) -> None:
    assert quantile(freedom, confidence) == pytest.approx(t, rel=1e-5)


def test_many_degrees_of_freedom_are_the_normal_law() -> None:
    assert quantile(100_000) == pytest.approx(NormalDist().inv_cdf(0.975), abs=1e-4)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 0.999))
def test_one_and_two_degrees_of_freedom_have_closed_forms(confidence: float) -> None:
    """tan(pi p / 2), the Cauchy law, and p sqrt(2 / (1 - p^2))."""
    assert quantile(1, confidence) == pytest.approx(math.tan(math.pi * confidence / 2), rel=1e-9)
    assert quantile(2, confidence) == pytest.approx(confidence * math.sqrt(2 / (1 - confidence**2)), rel=1e-9)


def test_the_interval_of_a_known_sample() -> None:
    """Five numbers with standard deviation sqrt(2.5): 2.77645 * sqrt(2.5) / sqrt(5) to both sides of 3."""
    found = estimate([1, 2, 3, 4, 5])
    assert (found.mean, found.runs) == (3, 5)
    assert found.half == pytest.approx(2.77645 * math.sqrt(0.5), rel=1e-5)


def test_equal_values_have_an_interval_of_no_width() -> None:
    assert estimate([0.5, 0.5]).half == 0


def test_one_run_says_nothing_of_the_spread() -> None:
    assert (estimate([0.7]).mean, estimate([0.7]).half) == (0.7, None)


def test_a_one_sided_p_is_where_the_interval_ends() -> None:
    """The end of a 95 % interval is where the p of its side is 2.5 %."""
    values = [1.0, 2.0, 3.0, 4.0, 7.0]
    found = estimate(values)
    assert at_least(values, found.mean + (found.half or 0)) == pytest.approx(0.025)
    assert at_least(values, found.mean) == pytest.approx(0.5)
    assert at_least(values, found.mean - (found.half or 0)) == pytest.approx(0.975)


def test_equal_values_are_certain() -> None:
    assert [at_least([0.5, 0.5], bound) for bound in (0.4, 0.5, 0.6)] == [1, 1, 0]


def test_holm_on_a_worked_example() -> None:
    """4 x 0.01, 3 x 0.015, 2 x 0.03, then no less than the one before, and no more than 1."""
    assert holm([0.03, 0.01, 0.04, 0.015]) == pytest.approx([0.06, 0.04, 0.06, 0.045])
    assert holm([0.9, 0.8]) == [1, 1]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []
