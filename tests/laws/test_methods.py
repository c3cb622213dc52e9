"""Every law over every method there is: a new file in `methods/` is covered without a word here."""

from __future__ import annotations

import pytest
from tests.laws.laws import LAWS, law_15
from tests.laws.tiny import MethodClass

from ticketry import methods

METHODS = methods.discover()


def test_methods_are_found() -> None:
    assert {"edge-popup", "magnitude", "random"} <= set(METHODS)


@pytest.mark.parametrize("method_class", METHODS.values(), ids=METHODS.keys())
@pytest.mark.parametrize("number", LAWS)
def test_law(number: int, method_class: MethodClass) -> None:
    LAWS[number](method_class)


@pytest.mark.cuda
@pytest.mark.parametrize("method_class", METHODS.values(), ids=METHODS.keys())
def test_law_15_on_a_device(method_class: MethodClass) -> None:
    law_15(method_class, "cuda")
