from __future__ import annotations

from dataclasses import replace

import pytest

from ticketry.core.errors import BudgetSpent, RequestError
from ticketry.core.meters import Budget, Meter, Meters

NAMES = ["epochs", "generations", "evaluations", "seconds"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_limit_of_nothing_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(RequestError, match=rf"^budget\.{name} is {value}, but it must be above 0 and finite; "):
        Budget(**{name: value})


def test_what_is_not_given_falls_back_on_the_default() -> None:
    assert Budget(epochs=3).over(Budget(epochs=10, seconds=5)) == Budget(epochs=3, seconds=5)
    assert Budget().over(Budget(generations=1)) == Budget(generations=1)


@pytest.mark.parametrize(
    ("name", "work"), [("epochs", "epochs"), ("generations", "steps"), ("evaluations", "evaluations")]
)
def test_a_limit_may_be_reached_but_not_exceeded(name: str, work: str) -> None:
    meter = Meter(Budget(**{name: 5}))
    meter.spend(**{work: 3})
    meter.spend(**{work: 2})
    assert getattr(meter.meters, work) == 5
    with pytest.raises(BudgetSpent, match=rf"budget\.{name} 5 is spent"):
        meter.spend(**{work: 1})
    assert getattr(meter.meters, work) == 5


def test_refused_work_counts_nothing_of_any_kind() -> None:
    meter = Meter(Budget(evaluations=2))
    with pytest.raises(BudgetSpent):
        meter.spend(evaluations=3, epochs=1, steps=1, forward=5, backward=5, losses=[1.0])
    assert replace(meter.meters, seconds=0.0) == Meters()
    assert meter.take_loss() is None


def test_seconds_end_when_they_are_used_up_but_examples_that_were_computed_are_counted() -> None:
    meter = Meter(Budget(seconds=2))
    meter.resume(Meters(seconds=1.0))
    meter.spend(steps=1)
    meter.meters.seconds = 2.0
    for work in ({"steps": 1}, {}, {"evaluations": 1, "forward": 3}):
        with pytest.raises(BudgetSpent, match=r"budget\.seconds 2 is spent"):
            meter.spend(**work)
    meter.spend(forward=3, backward=2, losses=[0.5])
    meter.spend(losses=[1.5])
    assert (meter.meters.steps, meter.meters.examples_forward, meter.meters.examples_backward) == (1, 3, 2)
    assert meter.take_loss() == 1.0


def test_without_limits_everything_is_allowed() -> None:
    meter = Meter()
    meter.spend(evaluations=10**9, epochs=10**9, steps=10**9)
    assert meter.meters.evaluations == meter.meters.epochs == meter.meters.steps == 10**9
    assert meter.part == 0.0
