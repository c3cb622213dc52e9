"""Examples without labels are read with the care that data with labels get."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ticketry.core.errors import RequestError
from ticketry.data import limit
from ticketry.data.unlabelled import unlabelled

X = np.arange(12, dtype=np.float32).reshape(4, 3)


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "npz by content.npy", "npy by content.npz"])
def test_what_is_there_is_read(name: str, tmp_path: Path) -> None:
    content = io.BytesIO()
    if name in ("x.npz", "npz by content.npy"):
        np.savez_compressed(content, X=X)
    else:
        np.save(content, X)
    (tmp_path / name).write_bytes(content.getvalue())
    assert np.array_equal(np.asarray(unlabelled(str(tmp_path / name))), X)


@pytest.mark.parametrize("name", ["x.npy", "x.npz"])
def test_no_more_is_unpacked_than_is_allowed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    many = np.zeros(100_000, np.float32)
    if name == "x.npy":
        np.save(tmp_path / name, many)
    else:
        np.savez_compressed(tmp_path / name, X=many)
    monkeypatch.setenv(limit.VARIABLE, str(100_000 / limit.GIB))
    with pytest.raises(RequestError, match=f"if you trust it, set {limit.VARIABLE}"):
        unlabelled(str(tmp_path / name))


@pytest.mark.parametrize("name", ["pipe.npy", "pipe.npz"])
def test_a_pipe_does_not_block(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(RequestError, match="which is not one"):
        unlabelled(str(tmp_path / name))


def test_nothing_pickled_is_loaded(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{}], object))
    with pytest.raises(RequestError, match="objects, which would be pickled"):
        unlabelled(str(tmp_path / "x.npy"))


def test_a_member_that_promises_too_much(tmp_path: Path) -> None:
    content = io.BytesIO()
    np.save(content, X)
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("X.npy", content.getvalue()[:-4])
    with pytest.raises(RequestError, match="disagree"):
        unlabelled(str(tmp_path / "x.npz"))
