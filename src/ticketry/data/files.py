"""Arrays from files: `.npz`, gzip-compressed or plain IDX (MNIST) and the binary format of CIFAR-10."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ticketry.core import regular
from ticketry.core.errors import RequestError, refuse
from ticketry.data import idx, limit
from ticketry.data.archive import Archive
from ticketry.data.idx import idx_array

__all__ = ["cifar_batches", "idx_array", "npz", "read"]

Four = tuple[NDArray[np.generic], NDArray[np.generic], NDArray[np.generic], NDArray[np.generic]]
_NAMES = (("X", "y"), ("X_train", "y_train", "X_test", "y_test"))
_TEST = ("X_test", "y_test")
UNREADABLE = (OSError, EOFError, ValueError, TypeError, RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error)
_RECORD = 1 + 3 * 32 * 32


class Arrays(NamedTuple):
    """Arrays from outside, not checked yet."""

    parts: tuple[object, ...]
    """(X, y), undivided, or (X, y, X_test, y_test), the first two of which are None where there is a test set alone."""
    labels: object = None
    """Names of the classes."""


def read(path: Path) -> Arrays:
    """What an `.npz` file holds, or a directory of IDX or CIFAR-10 files."""
    if path.is_dir():
        if any(path.glob("data_batch*.bin")):
            return Arrays(cifar(path))
        where = idx.found(path)
        if where is not None:
            return Arrays(idx.read(where))
        raise refuse("data", f"{path}, a directory without such files", *_DIRECTORY)
    if not path.exists():
        raise refuse("data", f"{path}, which does not exist", "a .npz file or a directory", "correct the path")
    return npz(path)


def npz(path: Path) -> Arrays:
    """The arrays X and y, or X_train, y_train, X_test and y_test, or the last two. Pickled objects are never loaded.

    Names of the classes are an array `class_names`, or one of texts `labels`.
    """
    try:
        with Archive(path) as archive:
            found = set(archive.files)
            names = next((names for names in (*_NAMES, _TEST) if found.issuperset(names)), None)
            if names is not None:
                known = [archive[name] for name in ("class_names", "labels") if name in found]
                known = [one for one in known if one.dtype.kind in "US" or "class_names" in found]
                parts = tuple(archive[name] for name in names)
                return Arrays((None, None, *parts) if names == _TEST else parts, known[0] if known else None)
    except RequestError:  # which is a ValueError, too
        raise
    except UNREADABLE as error:
        reason = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
        raise refuse(
            "data", f"{path}, which is not one{reason}", "an .npz file of plain arrays", "save it by np.savez"
        ) from error
    held = ", ".join(sorted(found)) or "nothing"
    wanted = "one with X and y, or X_train, y_train, X_test and y_test"
    raise refuse("data", f"{path}, which holds {held}", wanted, "save it with these names")


def cifar(directory: Path) -> Four:
    """`data_batch_1.bin` and further in order, and `test_batch.bin`, as (N, 3, 32, 32) and labels (N,)."""
    batches = sorted(directory.glob("data_batch*.bin"), key=lambda path: (len(path.name), path.name))
    x, y = cifar_batches(batches)
    return x, y, *cifar_batches([_one(directory, "test_batch*.bin")])


def cifar_batches(paths: Sequence[Path]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The images (N, 3, 32, 32) and labels (N,) of records of 3,073 bytes: label, then red, green and blue plane."""
    contents = [_records(path) for path in paths]
    records = np.concatenate(contents).reshape(-1, _RECORD)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0]


def _records(path: Path) -> NDArray[np.uint8]:
    try:
        with regular.opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            if not size or size % _RECORD:
                what = f"{path} of {size} bytes"
                raise refuse("data", what, f"of whole records of {_RECORD} bytes", "fetch it again")
            limit.check(path, size)
            return np.fromfile(file, np.uint8)
    except OSError as error:
        what = f"{path}, which is not readable ({error.strerror})"
        raise refuse("data", what, "a file of CIFAR-10", "fetch it again") from error


def _one(directory: Path, pattern: str) -> Path:
    paths = sorted(directory.glob(pattern))
    if len(paths) != 1:
        held = f"{directory}, which holds {len(paths)} files like {pattern}"
        raise refuse("data", held, *_DIRECTORY)
    return paths[0]


_DIRECTORY = ("a directory of IDX (MNIST) or CIFAR-10 binary files, or a .npz file", "put the files there")
