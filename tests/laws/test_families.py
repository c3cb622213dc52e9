"""Every method on a network of every family: a new file in `methods/` is covered without a word here."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
from tests.laws import families

from ticketry import methods

METHODS = methods.discover()


@pytest.fixture(autouse=True)
def _older_forms() -> Iterator[None]:
    with warnings.catch_warnings():
        families.ignore_warnings_of_torch()
        yield


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("family", families.FAMILIES)
def test_a_method_on_a_family(family: str, name: str) -> None:
    families.law(METHODS[name], name, family)
