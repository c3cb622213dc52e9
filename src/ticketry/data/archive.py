"""Arrays of `.npz` and `.npy` files, checked by their headers before they are unpacked. Nothing pickled is loaded."""

from __future__ import annotations

import io
import math
import os
import zipfile
from pathlib import Path
from tokenize import TokenError
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ticketry.core import regular
from ticketry.core.errors import refuse
from ticketry.data import limit

_SUFFIX = ".npy"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what NumPy writes; others unpack without a bound
_HEADER = 10_000  # bytes at most, as NumPy allows
_SAVE = "save it by np.savez or np.savez_compressed"


class Archive:
    """An open `.npz` file. Raises OSError, ValueError, zlib.error, zipfile.BadZipFile or, of a member, RequestError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = regular.opened(path)
        try:
            self._zip = zipfile.ZipFile(self._file)
        except BaseException:
            self._file.close()
            raise
        members = {one.filename: one for one in self._zip.infolist()}
        self._members = {name.removesuffix(_SUFFIX): one for name, one in members.items()}

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._zip.close()
        self._file.close()

    @property
    def files(self) -> list[str]:
        """The names of its arrays."""
        return list(self._members)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """One of them; see `files`."""
        member, where = self._members[name], self._path / name
        if member.compress_type not in _METHODS:
            raise refuse("data", f"{where}, compressed by another method", "deflated or stored", _SAVE)
        limit.check(where, member.file_size, member.compress_size)
        with self._zip.open(member) as file:
            _check(file, where, member.file_size)
        with self._zip.open(member) as file:
            return npy.read_array(file, allow_pickle=False)  # of either order and of either byte order


def array(path: Path) -> NDArray[Any]:
    """The array of an `.npy` file, checked alike. Raises OSError, ValueError or RequestError."""
    with regular.opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        limit.check(path, size)
        _check(file, path, size)
        file.seek(0)
        return npy.read_array(file, allow_pickle=False)


def _check(file: IO[bytes], where: Path, size: int) -> None:
    """Refuse what is not an array of numbers or texts, in `size` bytes with its header."""
    shape, dtype, begins = _header(file, where)
    kind = _foreign(dtype)
    if kind:
        raise refuse("data", f"{where}, an array of {kind}", "an array of numbers or texts", _SAVE)
    if min(shape, default=0) < 0 or begins + math.prod(shape) * dtype.itemsize != size:
        what = f"{where}, whose header (shape {shape!s:.80}, {dtype}) and size ({size:,} bytes) disagree"
        raise refuse("data", what, "a whole array", _SAVE)


def _header(file: IO[bytes], where: Path) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Shape, type and the place where the values begin."""
    start = file.read(npy.MAGIC_LEN)
    version = npy.read_magic(io.BytesIO(start))
    readers = {(1, 0): (2, npy.read_array_header_1_0), (2, 0): (4, npy.read_array_header_2_0)}
    if version not in readers:
        what = f"{where}, an array file of version {version[0]}.{version[1]}"
        raise refuse("data", what, "one of version 1.0 or 2.0", _SAVE)
    digits, reader = readers[version]
    length = file.read(digits)
    count = int.from_bytes(length, "little")
    if count > _HEADER:
        raise refuse("data", f"{where}, with a header of {count:,} bytes", f"of at most {_HEADER:,}", _SAVE)
    header = length + file.read(count)
    try:
        shape, _, dtype = reader(io.BytesIO(header))
    except (ValueError, TypeError, SyntaxError, TokenError, RecursionError, MemoryError) as error:
        what = f"{where}, with a header that says no shape and type"
        raise refuse("data", what, "an array of numbers or texts", _SAVE) from error
    return shape, dtype, len(start) + len(header)


def _foreign(dtype: np.dtype[Any]) -> str:
    """What else than numbers or texts it holds; nothing where it does not."""
    if dtype.hasobject:
        return "objects, which would be pickled"
    if dtype.kind not in "buifcSU" or not dtype.itemsize:
        return "records or other things" if dtype.kind == "V" else str(dtype)
    return ""
