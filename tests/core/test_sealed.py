"""JSON objects that come from a directory: whole ones are read, and nothing else is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ticketry.core.sealed import read_object, read_sealed, write_sealed


def test_what_is_written_is_read(tmp_path: Path) -> None:
    content = {"a": [1, None, {"b": "two\nlines\tand é"}], "c": {}}
    assert write_sealed(tmp_path / "x", content) == content == read_sealed(tmp_path / "x")


@pytest.mark.parametrize("text", ["\x1b]0;title\x07", "a\rb", "\0", "\x7f", "\x9b31m"])
@pytest.mark.parametrize("place", ["value", "key", "nested"])
def test_a_text_that_a_terminal_would_obey_is_not(tmp_path: Path, text: str, place: str) -> None:
    content = {"value": {"a": text}, "key": {text: 1}, "nested": {"a": [{"b": [text]}]}}[place]
    write_sealed(tmp_path / "x", content)
    assert read_object(tmp_path / "x") is None
    assert read_sealed(tmp_path / "x") is None


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "deep").write_text("[" * 100_000)
    (tmp_path / "list").write_text(json.dumps([1]))
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "deep", "list", "zero", "absent", "."):
        assert read_object(tmp_path / name) is None
