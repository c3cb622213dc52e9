from __future__ import annotations

import pytest

from ticketry.core.errors import BudgetSpent, RequestError
from ticketry.core.meters import Budget, Meters

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
    meters, budget = Meters(), Budget(**{name: 5})
    meters.allow(budget, **{work: 3})
    meters.allow(budget, **{work: 2})
    assert getattr(meters, work) == 5
    with pytest.raises(BudgetSpent, match=rf"budget\.{name} 5 is spent"):
        meters.allow(budget, **{work: 1})
    assert getattr(meters, work) == 5


def test_refused_work_counts_nothing_of_any_kind() -> None:
    meters = Meters()
    with pytest.raises(BudgetSpent):
        meters.allow(Budget(evaluations=2), evaluations=3, epochs=1, steps=1)
    assert meters == Meters()


def test_seconds_end_when_they_are_used_up() -> None:
    meters, budget = Meters(seconds=1.9), Budget(seconds=2)
    meters.allow(budget, steps=1)
    meters.seconds = 2.0
    with pytest.raises(BudgetSpent, match=r"budget\.seconds 2 is spent"):
        meters.allow(budget)


def test_without_limits_everything_is_allowed() -> None:
    meters = Meters()
    meters.allow(Budget(), evaluations=10**9, epochs=10**9, steps=10**9)
    assert meters.evaluations == meters.epochs == meters.steps == 10**9
