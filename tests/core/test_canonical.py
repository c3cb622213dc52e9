"""JSON that every reader of JSON reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ticketry.core.canonical import pretty
from ticketry.core.sealed import read_sealed, write_sealed


def test_what_json_lacks_is_null(tmp_path: Path) -> None:
    data = {"loss": float("nan"), "all": [1.5, float("inf"), (float("-inf"), 2)], "text": "NaN", "many": 10**400}
    wanted = {"loss": None, "all": [1.5, None, [None, 2]], "text": "NaN", "many": 10**400}
    assert json.loads(pretty(data), parse_constant=lambda name: pytest.fail(name)) == wanted
    assert write_sealed(tmp_path / "r", data) == read_sealed(tmp_path / "r") == wanted


def test_no_command_prints_json_another_way() -> None:
    import ticketry

    root = Path(ticketry.__file__).parent
    assert "json.dumps" not in (root / "cli" / "verbs.py").read_text()
