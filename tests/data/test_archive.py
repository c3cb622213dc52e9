"""Hostile array files: the right values or one sentence, and never more memory than the file is worth."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ticketry.core.errors import RequestError
from ticketry.data import load
from ticketry.data.archive import Archive

X = np.arange(60, dtype=np.float32).reshape(20, 3)
Y = np.arange(20) % 3


def npy(array: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def forged(header: str, content: bytes = b"", version: tuple[int, int] = (1, 0), length: int | None = None) -> bytes:
    text = f"{header}\n".encode("latin1")
    size = struct.pack("<H" if version == (1, 0) else "<I", len(text) if length is None else length)
    return b"\x93NUMPY" + bytes(version) + size + text + content


def described(dtype: str = "'<f4'", shape: str = "(20, 3)", order: str = "False") -> str:
    return f"{{'descr': {dtype}, 'fortran_order': {order}, 'shape': {shape}, }}"


def archive(path: Path, content: bytes, kind: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", kind) as file:
        file.writestr("X.npy", content)
        file.writestr("y.npy", npy(Y))
    return path


HOSTILE = {
    "no array": b"nothing",
    "empty": b"",
    "no header": b"\x93NUMPY\x01\x00",
    "version 3": forged(described(), X.tobytes(), (3, 0)),
    "version 9": forged(described(), X.tobytes(), (9, 0)),
    "header of 4 GiB": forged(described(), X.tobytes(), (2, 0), 2**32 - 1),
    "header cut": forged(described(), b"", (1, 0), 5000),
    "header no dictionary": forged("[1, 2]", X.tobytes()),
    "header code": forged("__import__('os').abort()", X.tobytes()),
    "header nested": forged("(" * 5000 + ")" * 4000, X.tobytes()),
    "header lacks shape": forged("{'descr': '<f4', 'fortran_order': False, }", X.tobytes()),
    "shape negative": forged(described(shape="(-20, 3)"), X.tobytes()),
    "shape negative twice": forged(described(shape="(-20, -3)"), X.tobytes()),
    "shape no tuple": forged(described(shape="60"), X.tobytes()),
    "shape of text": forged(described(shape="('a', 3)"), X.tobytes()),
    "shape of floats": forged(described(shape="(20.0, 3)"), X.tobytes()),
    "shape huge": forged(described(shape="(10**9, 10**9)".replace("10**9", "1000000000")), X.tobytes()),
    "shape beyond": forged(described(shape=f"({2**62}, 4)"), X.tobytes()),
    "shape wraps to the size": forged(described(shape=f"({2**60 + 15}, 16)"), X.tobytes()),
    "shape of 100 dimensions": forged(described(shape=f"({'1, ' * 98}20, 3)"), X.tobytes()),
    "shape of large numbers": forged(described(shape=f"({'9' * 4000}, {'9' * 4000})"), X.tobytes()),
    "shape less": forged(described(shape="(10, 3)"), X.tobytes()),
    "shape more": forged(described(shape="(21, 3)"), X.tobytes()),
    "nothing of a size": forged(described(dtype="'<U0'", shape="(1000000000000, 3)")),
    "objects": forged(described(dtype="'|O'"), b"\x80\x04N."),
    "objects by NumPy": npy(np.array([[None]] * 20, object)),
    "records": npy(np.zeros((20, 3), [("a", "<f4"), ("b", "<i8")])),
    "records of objects": forged(described(dtype="[('a', '|O')]"), b"\x80\x04N."),
    "void": forged(described(dtype="'|V4'"), X.tobytes()),
    "type unknown": forged(described(dtype="'<q9'"), X.tobytes()),
    "dates": npy(np.zeros((20, 3), "<M8[s]")),
    "complex": npy(X.astype(np.complex64)),
    "texts": npy(X.astype(str)),
    "whole numbers": npy(X.astype(np.int64)),
    "not finite": npy(np.full((20, 3), np.nan, np.float32)),
    "one number": npy(np.float32(1)),
    "nobody": npy(X[:0]),
    "no features": npy(X[:, :0]),
}


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_array_is_one_sentence(name: str, kind: int, tmp_path: Path) -> None:
    path = archive(tmp_path / "x.npz", HOSTILE[name], kind)
    tracemalloc.start()
    try:
        with pytest.raises(RequestError, match=r"^data ") as caught:
            load(str(path))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000
    assert most < 4e6


RIGHT = {
    "plain": npy(X),
    "version 2": forged(described(), X.tobytes(), (2, 0)),
    "Fortran order": npy(np.asfortranarray(X)),
    "big-endian": npy(X.astype(">f4")),
    "big-endian Fortran": npy(np.asfortranarray(X.astype(">f8"))),
    "float16": npy(X.astype(np.float16)),
    "float64": npy(X.astype(np.float64)),
}


@pytest.mark.parametrize("name", RIGHT)
def test_an_unusual_array_has_its_values(name: str, tmp_path: Path) -> None:
    dataset = load(str(archive(tmp_path / "x.npz", RIGHT[name])))
    whole = {tuple(row) for row in np.concatenate([dataset.x, dataset.x_test]).tolist()}
    assert whole == {tuple(row) for row in X.tolist()}
    assert dataset.digest == load(str(archive(tmp_path / "x.npz", RIGHT["plain"]))).digest


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["|b1", "|u1", "<i2", ">i4", "<f2", ">f8", "<c8", "<U3", "|S2"])
@pytest.mark.parametrize("shape", [(5,), (4, 3), (2, 3, 2), (0, 3), ()])
def test_every_array_that_numpy_writes_comes_back(
    shape: tuple[int, ...], dtype: str, order: Any, tmp_path: Path
) -> None:
    given = np.arange(int(np.prod(shape))).reshape(shape).astype(dtype, order=order)
    np.savez(tmp_path / "x.npz", a=given)
    with Archive(tmp_path / "x.npz") as found:
        np.testing.assert_array_equal(found["a"], given)
        assert found["a"].dtype == given.dtype


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_without_a_bound_are_refused(kind: int, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="compressed by another method"):
        load(str(archive(tmp_path / "x.npz", npy(X), kind)))


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = np.zeros((64, 2**20), np.uint8)
    path = tmp_path / "x.npz"
    np.savez_compressed(path, X=zeros, y=np.arange(64) % 2)
    assert path.stat().st_size < 2e5
    monkeypatch.setenv("TICKETRY_DATA_LIMIT", "0.05")
    tracemalloc.start()
    with pytest.raises(RequestError, match=r"x\.npz/X with 0\.0625 GiB in one array, .* set TICKETRY_DATA_LIMIT=1 "):
        load(str(path))
    assert tracemalloc.get_traced_memory()[1] < 4e6
    tracemalloc.stop()
    monkeypatch.setenv("TICKETRY_DATA_LIMIT", "1")
    assert load(str(path)).x.shape == (52, 2**20)
    monkeypatch.setenv("TICKETRY_DATA_LIMIT", "much")
    with pytest.raises(RequestError, match="TICKETRY_DATA_LIMIT is 'much', but it must be a number of GiB above 0"):
        load(str(path))


def test_a_directory_of_the_archive_that_lies_is_refused(tmp_path: Path) -> None:
    """A size in the archive's directory that no such number of bytes unpacks to, or that is too small."""
    whole = archive(tmp_path / "x.npz", npy(X)).read_bytes()
    size = struct.pack("<I", len(npy(X)))
    for lie in (2**31, len(npy(X)) - 4, 10):
        assert whole.count(size) >= 2
        (tmp_path / "x.npz").write_bytes(whole.replace(size, struct.pack("<I", lie)))
        with pytest.raises(RequestError, match="data is"):
            load(str(tmp_path / "x.npz"))
