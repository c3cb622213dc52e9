"""Every default has a trail, or says that it has none: a new field without a row in docs/defaults.md fails here."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import pytest
from tests.docs.blocks import ROOT
from tests.docs.test_docs import _script

from ticketry.core.training.recipe import Training
from ticketry.methods import discover

PAGE = ROOT / "docs" / "defaults.md"
SOURCES = ("Paper", "Pilots", "Neutral", "No trail")


def sections() -> dict[str, dict[str, tuple[str, str]]]:
    """Default and source by flag, by method."""
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for part in re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]:
        rows = re.findall(r"^\| (`--[\w-]+`|budget) \| (.+?) \| (.+) \|$", part, re.MULTILINE)
        assert len({flag for flag, *_ in rows}) == len(rows), "a flag has two rows"
        found[part.split("\n")[0]] = {flag.strip("`"): (default, source) for flag, default, source in rows}
    return found


def wanted(kind: Any) -> dict[str, str]:
    """The defaults as the tables of flags show them."""
    docs = _script("docs")
    shown = {
        "--" + f.name.replace("_", "-"): "*none*" if f.default is None else docs._default(f, "") for f in fields(kind)
    }
    return shown | ({"budget": f"`{docs._lasts(kind) or 'its rounds'}`"} if hasattr(kind, "budget") else {})


KINDS = {**discover(), "training": Training}


@pytest.mark.parametrize("name", KINDS)
def test_every_default_has_a_row_with_its_value(name: str) -> None:
    assert {flag: default for flag, (default, _) in sections()[name].items()} == wanted(KINDS[name])


def test_nothing_else_has_a_row() -> None:
    assert list(sections()) == list(KINDS)


@pytest.mark.parametrize("name", KINDS)
def test_every_row_says_where_it_is_from(name: str) -> None:
    for flag, (_, source) in sections()[name].items():
        assert source.startswith(SOURCES), f"{name} {flag} says {source!r}, which begins with none of {SOURCES}"
        assert source.endswith("."), f"{name} {flag} says {source!r}, no sentence"
        if source.startswith("Pilots"):
            assert re.search(r"\b[AB]\b|records/", source), f"{name} {flag} names no record of its pilots"
