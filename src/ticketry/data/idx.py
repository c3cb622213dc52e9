"""IDX, the format of MNIST, plain or compressed by gzip, and directories of such files as they are found.

A file: two zeros, a byte for the type, the number of dimensions, their sizes and the values, all big-endian.
"""

from __future__ import annotations

import gzip
import io
import math
import os
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ticketry.core import regular
from ticketry.core.errors import refuse
from ticketry.data import limit

_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_GZIP = b"\x1f\x8b"
_MOST = 32  # dimensions
_QMNIST = 8  # columns of its label files: class, series, writer, digit, NIST's class, number, duplicate, none


def found(directory: Path) -> Path | None:
    """Where the files lie: there, or in `raw` or `NAME/raw` below, where torchvision puts them; None: nowhere.

    Raises RequestError where there are several such folders.
    """
    for pattern in (".", "raw", "*/raw"):
        places = sorted({path.parent for path in directory.glob(f"{pattern}/*train-images*")})
        if len(places) == 1:
            return places[0]
        if places:
            what = f"{directory}, with such files in {' and '.join(map(str, places))}"
            raise refuse("data", what, "the directory of one set", f"name {places[0]}, say")
    return None


def read(directory: Path) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """`train-images*` and `train-labels*`, and `t10k-` or `test-` of both, in a directory, as arrays of one data set.

    Whole numbers that are pixels, 0 to 255, become uint8, of whatever type they are; of labels in QMNIST's eight
    columns the first is the class.
    """
    test = "t10k" if any(directory.glob("*t10k-images*")) else "test"
    x, x_test = (_images(directory, f"*{part}-images*") for part in ("train", test))
    y, y_test = (_labels(directory, f"*{part}-labels*") for part in ("train", test))
    return x, y, x_test, y_test


def idx_array(path: Path) -> NDArray[Any]:
    """The array of one file, in the byte order of the machine. Raises RequestError for what is no such file."""
    try:
        with regular.opened(path) as file:
            size = os.fstat(file.fileno()).st_size
            packed = file.read(2) == _GZIP
            file.seek(0)
            if not packed:
                return _values(path, file, size, None)
            with io.BufferedReader(gzip.GzipFile(fileobj=file)) as unpacked:
                return _values(path, unpacked, None, size)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise refuse("data", f"{path}, which is not readable ({reason})", "an IDX file", "fetch it again") from error


def _values(path: Path, file: io.BufferedIOBase, size: int | None, packed: int | None) -> NDArray[Any]:
    """Of a plain file of `size` bytes, or of one of `packed` bytes unpacked."""
    start = file.read(4)
    kind, dimensions = (start[2], start[3]) if len(start) == 4 else (0, 0)
    if start[:2] != b"\0\0" or kind not in _TYPES or not 1 <= dimensions <= _MOST:
        types = ", ".join(np.dtype(one).name for one in _TYPES.values())
        raise refuse("data", f"{path}, which does not begin as one", f"an IDX file of {types}", "fetch it again")
    sizes = file.read(4 * dimensions)
    shape = tuple(int.from_bytes(sizes[at : at + 4], "big") for at in range(0, 4 * dimensions, 4))
    dtype = np.dtype(_TYPES[kind])
    count = math.prod(shape) * dtype.itemsize
    whole = 4 + 4 * dimensions + count
    if size is not None and size != whole:
        raise _disagree(path, shape, dtype)
    limit.check(path, whole, packed)
    content = np.empty(count, np.uint8)
    view, got = content.data, 0
    while got < count and (more := file.readinto(view[got:])):
        got += more
    if got < count or file.read(1):
        raise _disagree(path, shape, dtype)
    return content.view(dtype).astype(dtype.newbyteorder("="), copy=False).reshape(shape)


def _disagree(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Exception:
    what = f"{path}, whose size and header (shape {shape}, {dtype.name}) disagree"
    return refuse("data", what, "a whole IDX file", "fetch it again")


def _images(directory: Path, pattern: str) -> NDArray[Any]:
    """uint8, or floats."""
    path, images = _one(directory, pattern)
    if images.dtype.kind not in "iu" or not images.size:
        return images
    low, high = int(images.min()), int(images.max())
    if not 0 <= low <= high <= 255:
        what = f"{path} of {images.dtype} from {low} to {high}"
        raise refuse(
            "data", what, "of pixels from 0 to 255, or of floats", "convert it, or save it as an .npz of floats"
        )
    return images.astype(np.uint8, copy=False)


def _labels(directory: Path, pattern: str) -> NDArray[Any]:
    labels = _one(directory, pattern)[1]
    qmnist = labels.dtype == np.int32 and labels.ndim == 2 and labels.shape[1] == _QMNIST
    return labels[:, 0] if qmnist else labels


def _one(directory: Path, pattern: str) -> tuple[Path, NDArray[Any]]:
    """The one file of that name and its array; NAME beside NAME.gz is one file where they hold the same."""
    paths = sorted(directory.glob(pattern))
    if not paths or len({str(path).removesuffix(".gz") for path in paths}) > 1:
        held = f"{directory}, which holds {len(paths)} files like {pattern}"
        raise refuse("data", held, "a directory of IDX files with one of each", "put it there, or move the others away")
    array, *others = (idx_array(path) for path in paths)
    if any(array.dtype != other.dtype or not np.array_equal(array, other) for other in others):
        what = f"{directory}, where {' and '.join(path.name for path in paths)} hold different things"
        raise refuse("data", what, "a directory with one of them", "delete the one that is wrong")
    return paths[0], array
