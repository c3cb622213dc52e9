"""Every law over every objective there is; and each law catches a member that breaks it."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from tests.laws.objectives import LAWS, ObjectiveClass

from ticketry import objectives
from ticketry.core.objective import About
from ticketry.objectives.classification import Classification, CrossEntropy
from ticketry.objectives.regression import Regression, SquaredError

OBJECTIVES = objectives.discover()


def test_objectives_are_found() -> None:
    assert set(OBJECTIVES) >= {"classification", "regression"}
    names = [kind.measure.name for kind in OBJECTIVES.values()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("kind", OBJECTIVES.values(), ids=OBJECTIVES.keys())
@pytest.mark.parametrize("number", LAWS)
def test_law(number: int, kind: ObjectiveClass) -> None:
    LAWS[number](kind)


class SteepError(SquaredError):
    def slope(self, outputs: torch.Tensor, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        losses, change = super().slope(outputs, y)
        return losses, change / 2


class FlatEntropy(CrossEntropy):
    def sums(self, outputs: torch.Tensor, targets: Any) -> torch.Tensor:
        return 2 * super().sums(outputs, targets)


class Steep(Regression):
    loss: ClassVar[SquaredError] = SteepError()


class Flat(Classification):
    loss: ClassVar[CrossEntropy] = FlatEntropy()


class LosesNothing(Regression):
    def reported(self, loss: float | None) -> float | None:
        return loss


class Boasts(Regression):
    guess: ClassVar[tuple[float, float]] = (1.0, 0.5)


class Unlucky(Classification):
    def chance(self, split: Any) -> float:
        return 0.1


class Forgets(Regression):
    @classmethod
    def of(cls, about: About) -> Regression:
        return super().of(about._replace(target=None))


CAUGHT: dict[int, list[ObjectiveClass]] = {
    1: [Steep, Flat],
    2: [Flat],
    3: [LosesNothing],
    4: [Boasts, Unlucky],
    5: [Steep, Forgets],
}


@pytest.mark.parametrize(
    ("number", "member"), [(number, member) for number, members in CAUGHT.items() for member in members]
)
def test_a_broken_member_is_caught(number: int, member: ObjectiveClass) -> None:
    with pytest.raises((AssertionError, ValueError)):
        LAWS[number](member)


def test_every_law_has_a_broken_member() -> None:
    assert set(CAUGHT) == set(LAWS)
