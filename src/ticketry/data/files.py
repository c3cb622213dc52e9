"""Arrays from files: `.npz`, gzip-compressed or plain IDX (MNIST) and the binary format of CIFAR-10."""

from __future__ import annotations

import gzip
import math
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ticketry.core.errors import refuse

Four = tuple[NDArray[np.generic], NDArray[np.generic], NDArray[np.generic], NDArray[np.generic]]
_NAMES = (("X", "y"), ("X_train", "y_train", "X_test", "y_test"))
_TEST = ("X_test", "y_test")
UNREADABLE = (OSError, ValueError, EOFError, TypeError, AttributeError, MemoryError, zipfile.BadZipFile, zlib.error)
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
        if any(path.glob("*train-images*")):
            return Arrays(idx(path))
        raise refuse("data", f"{path}, a directory without such files", *_DIRECTORY)
    if not path.is_file():
        raise refuse("data", f"{path}, which does not exist", "a .npz file or a directory", "correct the path")
    return npz(path)


def npz(path: Path) -> Arrays:
    """The arrays X and y, or X_train, y_train, X_test and y_test, or the last two. Pickled objects are never loaded.

    Names of the classes are an array `class_names`, or one of texts `labels`.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            found = set(archive.files)
            names = next((names for names in (*_NAMES, _TEST) if found.issuperset(names)), None)
            if names is not None:
                known = [archive[name] for name in ("class_names", "labels") if name in found]
                known = [one for one in known if one.dtype.kind in "US" or "class_names" in found]
                parts = tuple(archive[name] for name in names)
                return Arrays((None, None, *parts) if names == _TEST else parts, known[0] if known else None)
    except UNREADABLE as error:
        raise refuse(
            "data", f"{path}, which is not one", "an .npz file of plain arrays", "save it by np.savez"
        ) from error
    held = ", ".join(sorted(found)) or "nothing"
    wanted = "one with X and y, or X_train, y_train, X_test and y_test"
    raise refuse("data", f"{path}, which holds {held}", wanted, "save it with these names")


def idx(directory: Path) -> Four:
    """An MNIST-like directory: `train-images*` and `train-labels*`, and `t10k-` or `test-` of both."""
    test = "t10k" if any(directory.glob("*t10k-images*")) else "test"
    paths = [_one(directory, f"*{part}-{kind}*") for part in ("train", test) for kind in ("images", "labels")]
    x, y, x_test, y_test = (idx_array(path) for path in paths)
    return x, y, x_test, y_test


def idx_array(path: Path) -> NDArray[np.uint8]:
    """The bytes of one IDX file: two zeros, type 8, the number of dimensions, their big-endian sizes, the values."""
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise refuse("data", f"{path}, which is not readable ({error})", "an IDX file", "fetch it again") from error
    dimensions = content[3] if content[:3] == b"\x00\x00\x08" and len(content) > 3 else 0
    start = 4 + 4 * dimensions
    shape = tuple(int.from_bytes(content[at : at + 4], "big") for at in range(4, start, 4))
    if not dimensions or len(content) != start + math.prod(shape):
        raise refuse("data", f"{path}, whose size and header disagree", "an IDX file of bytes", "fetch it again")
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)


def cifar(directory: Path) -> Four:
    """`data_batch_1.bin` and further in order, and `test_batch.bin`, as (N, 3, 32, 32) and labels (N,)."""
    batches = sorted(directory.glob("data_batch*.bin"), key=lambda path: (len(path.name), path.name))
    x, y = cifar_batches(batches)
    return x, y, *cifar_batches([_one(directory, "test_batch*.bin")])


def cifar_batches(paths: Sequence[Path]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The images (N, 3, 32, 32) and labels (N,) of records of 3,073 bytes: label, then red, green and blue plane."""
    contents = [np.fromfile(path, dtype=np.uint8) for path in paths]
    for path, content in zip(paths, contents, strict=True):
        if not content.size or content.size % _RECORD:
            size = f"{path} of {content.size} bytes"
            raise refuse("data", size, f"of whole records of {_RECORD} bytes", "fetch it again")
    records = np.concatenate(contents).reshape(-1, _RECORD)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0]


def _one(directory: Path, pattern: str) -> Path:
    paths = sorted(directory.glob(pattern))
    if len(paths) != 1:
        held = f"{directory}, which holds {len(paths)} files like {pattern}"
        raise refuse("data", held, *_DIRECTORY)
    return paths[0]


_DIRECTORY = ("a directory of IDX (MNIST) or CIFAR-10 binary files, or a .npz file", "put the files there")
