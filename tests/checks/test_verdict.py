"""The rule: what each verdict asks for, and that both verdicts on a ticket keep their level, by simulation."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from ticketry.checks.verdict import LEVEL, MARGIN, Tried, Word, overall, verdicts

GOOD = (0.97, 0.971, 0.969)
BAD = (0.9, 0.901, 0.899)


def decide(ticket: Sequence[float], control: Sequence[float], **given: object) -> Word:
    """The word of a control that stands alone."""
    name = str(given.pop("name", "shuffle"))
    _, found = verdicts(Tried(ticket), {name: Tried(control, bool(given.pop("whole", True)))}, 0.11)
    return found[name].word


@pytest.mark.parametrize(
    ("control", "word"),
    [
        ((0.95, 0.951, 0.949), "pass"),
        ((0.969, 0.9705, 0.9685), "fail"),
        ((0.98, 0.981, 0.979), "fail"),
        ((0.92, 0.971, 0.95), "inconclusive"),
        ((0.966, 0.967, 0.965), "fail"),  # certain, but less than the margin
        ((0.963, 0.966, 0.963), "inconclusive"),  # better for certain, perhaps by less than that
        ((0.1, 0.1, 0.1), "collapsed"),
    ],
)
def test_of_one_control_alone_the_interval_decides(control: Sequence[float], word: Word) -> None:
    assert decide(GOOD, control) == word


def test_a_fail_is_held_to_the_number_of_controls() -> None:
    """Differences 0, 0.001, -0.001 against a margin of 0.005: t = -5 sqrt(3), p of 2 degrees of freedom in closed form.

    It is 0.65 %: enough beside two others that are at no risk, whose ps are 1, and not beside three.
    """
    t = 5 * math.sqrt(3)
    p = (1 - t / math.sqrt(2 + t * t)) / 2
    close, others = Tried((0.97, 0.97, 0.97)), [Tried(BAD)] * 4
    for beside in range(5):
        controls = {"shuffle": close} | {str(n): other for n, other in enumerate(others[:beside])}
        verdict, found = verdicts(Tried(GOOD), controls, 0.11)
        assert found["shuffle"].p == pytest.approx((beside + 1) * p)
        assert found["shuffle"].word == verdict == ("fail" if (beside + 1) * p < LEVEL else "inconclusive")
        assert all(found[str(n)].word == "pass" for n in range(beside))
    assert 3 * p < LEVEL < 4 * p


def test_looks_are_not_of_the_family_and_the_collapsed_are() -> None:
    controls = {"complement": Tried(GOOD), "corrupted-half": Tried(GOOD), "a": Tried((0.97, 0.97, 0.97))}
    alone = verdicts(Tried(GOOD), {"a": controls["a"]}, 0.11)[1]["a"].p
    assert verdicts(Tried(GOOD), controls, 0.11)[1]["a"].p == alone
    controls["b"] = Tried((0.1, 0.1, 0.1))
    found = verdicts(Tried(GOOD), controls, 0.11)[1]
    assert found["a"].p == pytest.approx(2 * alone)
    assert found["b"].word == "collapsed"


def test_dead_controls_and_looks_have_no_say() -> None:
    assert decide(GOOD, BAD, whole=False) == "collapsed"
    assert decide(GOOD, BAD, name="complement") == "look"
    with pytest.raises(ValueError, match="too few"):
        decide(GOOD[:2], BAD[:2])
    assert overall(["pass", "collapsed", "look"]) == "pass"
    assert overall(["pass", "inconclusive"]) == "inconclusive"
    assert overall(["pass", "inconclusive", "fail"]) == "fail"
    assert overall(["collapsed", "look"]) == "inconclusive"
    assert overall(["pass"], Tried(GOOD).lives(0.11)) == "pass"
    assert overall(["pass"], Tried(GOOD, whole=False).lives(0.11)) == "collapsed"
    assert overall(["pass"], Tried(BAD).lives(0.9)) == "collapsed"


CHECKS = 500  # benchmarks/bench_verdict.py has more of them, and other cases
SLACK = 4 * math.sqrt(LEVEL * (1 - LEVEL) / CHECKS)  # four standard errors, 2.8 %


def simulated(beyond: Sequence[float], shared: float, draws: int = 5, whole: bool = True) -> Counter[str]:
    """Verdicts on tickets that truly have these points beyond their controls, of one kind a call.

    `shared`: the part of a difference's variance that is the ticket's own and so in all differences. `whole`: of all
    controls together; else the worst of the verdicts on each by itself, which was the rule before.
    """
    random, sd, said = np.random.default_rng(7), 0.004, Counter[str]()
    for _ in range(CHECKS):
        ticket = 0.9 + sd * math.sqrt(shared) * random.standard_normal(draws)
        noise = sd * math.sqrt(1 - shared) * random.standard_normal((len(beyond), draws))
        controls = {str(i): Tried((0.9 - d + noise[i]).tolist()) for i, d in enumerate(beyond)}
        if whole:
            said[verdicts(Tried(ticket.tolist()), controls, 0.11)[0]] += 1
        else:
            each = [verdicts(Tried(ticket.tolist()), {name: one}, 0.11)[1][name] for name, one in controls.items()]
            said[overall([one.word for one in each])] += 1
    return said


@pytest.mark.parametrize("shared", [0.0, 0.5])
@pytest.mark.parametrize("draws", [3, 5])
def test_a_ticket_with_the_margin_over_all_controls_fails_at_its_level(shared: float, draws: int) -> None:
    assert simulated([MARGIN] * 8, shared, draws)["fail"] / CHECKS < LEVEL + SLACK


def test_before_it_failed_as_often_as_one_of_eight_intervals_misses() -> None:
    """The known answer 1 - 0.975^8 for differences that share nothing, which the simulation must find."""
    assert simulated([MARGIN] * 8, 0.0, whole=False)["fail"] / CHECKS == pytest.approx(1 - 0.975**8, abs=2.4 * SLACK)


def test_some_that_are_below_the_margin_do_not_make_others_fail_wrongly() -> None:
    """Holm's procedure goes on after the first rejection: words beside true margins keep the level as well."""
    random, wrong = np.random.default_rng(3), 0
    for _ in range(CHECKS):
        controls = {str(i): Tried(row) for i, row in enumerate((0.9 + 0.004 * random.standard_normal((8, 5))).tolist())}
        controls |= {"low": Tried((0.95 + 0.0001 * random.standard_normal(5)).tolist())}
        found = verdicts(Tried([0.905] * 5), controls, 0.11)[1]
        assert found["low"].word == "fail"
        wrong += any(found[str(i)].word == "fail" for i in range(8))
    assert wrong / CHECKS < LEVEL + SLACK


@pytest.mark.parametrize("shared", [0.0, 0.5])
def test_a_ticket_without_the_margin_over_one_control_passes_at_its_level(shared: float) -> None:
    """The worst case: all the others are beaten for certain, so that the pass hangs on one; there it is exact."""
    passed = simulated([MARGIN] + [0.2] * 7, shared)["pass"] / CHECKS
    assert abs(passed - LEVEL) < SLACK
