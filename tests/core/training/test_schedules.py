"""Schedules against values worked out by hand."""

from __future__ import annotations

import pytest

from ticketry.core.training import schedules


def test_cosine():
    assert [schedules.cosine(t, 4, 1.0) for t in range(5)] == pytest.approx([1, 0.853553, 0.5, 0.146447, 0], abs=1e-6)
    assert [schedules.cosine(t, 6, 0.8, warmup=2, final=0.2) for t in range(6)] == pytest.approx(
        [0.4, 0.8, 0.8, 0.712132, 0.5, 0.287868], abs=1e-6
    )


def test_multistep():
    rates = [schedules.multistep(step, (2, 4), 1.0, 0.1) for step in range(6)]
    assert rates == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_cubic_density_falls_to_the_end_and_stays():
    assert schedules.cubic_density(0, 0.5, 0.1, until=0.6) == 0.5
    assert schedules.cubic_density(0.3, 0.5, 0.1, until=0.6) == pytest.approx(0.1 + 0.4 / 8)
    assert schedules.cubic_density(0.3, 0.5, 0.1, until=0.6, power=1) == pytest.approx(0.3)
    assert schedules.cubic_density(0.6, 0.5, 0.1, until=0.6) == 0.1
    assert schedules.cubic_density(1, 0.5, 0.1, until=0.6) == 0.1
