"""Reading files that may come from anybody: only what is a regular file is opened, and no more is read than is wanted.

A pipe blocks whoever opens it, a device never ends, a directory is no file. They are told by their status, before they
are opened; should one take the file's place in between, opening it does not block, and its status is read once more.
"""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

_KINDS = (
    (stat.S_ISDIR, "it is a directory"),
    (stat.S_ISFIFO, "it is a pipe"),
    (stat.S_ISSOCK, "it is a socket"),
    (stat.S_ISCHR, "it is a device"),
    (stat.S_ISBLK, "it is a device"),
)


def opened(path: Path) -> BufferedReader:
    """A regular file, open for reading. Raises OSError, whose `strerror` says why, for everything else."""
    _check(path, os.stat(path))
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        _check(path, os.fstat(handle))
        return open(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def content(path: Path, most: int | None = None) -> bytes:
    """The bytes of a regular file. Raises OSError as `opened`, and for a file of more than `most` bytes."""
    with opened(path) as file:
        if most is None:
            return file.read()
        found = file.read(min(most, os.fstat(file.fileno()).st_size) + 1)  # as much memory is set aside as is asked for
    if len(found) > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes", str(path))
    return found


def text(path: Path) -> str:
    """The UTF-8 text of a regular file. Raises OSError as `opened`, UnicodeDecodeError for other bytes."""
    return content(path).decode()


def _check(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = next((name for test, name in _KINDS if test(status.st_mode)), "it is no file")
        raise OSError(errno.EINVAL, kind, str(path))
