"""Only regular files are opened, and every reader of files that come from outside says so in a sentence."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
from tests.laws import tiny

from ticketry.core import regular
from ticketry.core.atomic import append
from ticketry.core.errors import TicketryError
from ticketry.core.sealed import read_object, read_sealed
from ticketry.data import load
from ticketry.data.fetch import Source, locate
from ticketry.methods.magnitude import Magnitude
from ticketry.paths import RunDirectory
from ticketry.runs import checkpoint
from ticketry.ticket import file

KINDS = ("directory", "pipe", "socket", "device")


def put(kind: str, path: Path) -> None:
    """Something that is no regular file."""
    if kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(os.path.relpath(path))  # its path must be short


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_regular_file_is_never_opened(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put(kind, tmp_path / "x")
    with patch("os.open", side_effect=AssertionError), pytest.raises(OSError, match=f"it is a {kind}"):
        regular.content(tmp_path / "x")


def test_a_pipe_that_takes_the_place_of_a_file_blocks_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe")
    with patch("os.stat", return_value=(tmp_path / "file").stat()), pytest.raises(OSError, match="it is a pipe"):
        regular.content(tmp_path / "pipe")


def test_files_are_read_to_the_end_or_to_what_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"12345")
    assert regular.content(tmp_path / "x") == regular.content(tmp_path / "x", 5) == b"12345"
    assert regular.text(tmp_path / "x") == "12345"
    with pytest.raises(OSError, match="it has more than 4 bytes"):
        regular.content(tmp_path / "x", 4)
    with pytest.raises(FileNotFoundError):
        regular.content(tmp_path / "y")


@pytest.mark.parametrize("kind", KINDS)
def test_every_reader_says_so(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TICKETRY_DATA", str(tmp_path))
    readers: dict[str, Callable[[Path], object]] = {
        "x.npz": lambda path: load(str(path)),
        "a/train-images": lambda path: load(str(path.parent)),
        "b/data_batch_1.bin": lambda path: load(str(path.parent)),
        "c/a.bin": lambda path: locate(Source("set", "c", {"a.bin": "0" * 64}, (1,), ())),
        "x.tkt": file.load,
        "y.tkt": file.inspect,
        "state": lambda path: checkpoint.load(path, "", {}, torch.device("cpu")),
    }
    if kind == "directory":
        del readers["x.npz"]  # which may hold data
    for name, reader in readers.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        put(kind, path)
        with pytest.raises(TicketryError, match=f"it is a {kind}"):
            reader(path)


@pytest.mark.parametrize("name", ["record", "result", "log"])
def test_a_pipe_in_the_directory_of_a_run_blocks_nobody(name: str, tmp_path: Path) -> None:
    run = tiny.execute(tiny.experiment(Magnitude()), tmp_path / "run")
    path: Path = getattr(run.directory, name)
    path.unlink()
    os.mkfifo(path)
    if name == "log":
        with pytest.raises(OSError, match=r"log\.jsonl|No such device"):
            append(path, "line")
        return
    assert read_object(path) is None
    assert read_sealed(path) is None
    with pytest.raises(TicketryError):
        tiny.execute(tiny.experiment(Magnitude(density=0.1)), RunDirectory(tmp_path / "run").root)
