"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

LEFTOVER = ".part"  # ends the name of a file that a kill cut short
_NEW = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


def write(path: Path, data: bytes | str) -> None:
    """Write a file atomically: a reader sees the old content or the new, never a part, even after a power cut.

    The temporary file lies beside it under a name that nobody can foresee, and is never an existing one.
    """
    temporary = path.with_name(f".{os.urandom(12).hex()}{LEFTOVER}")
    try:
        handle = os.open(temporary, _NEW | os.O_EXCL, 0o666)
        try:
            _pour(handle, data.encode() if isinstance(data, str) else data)
            os.fsync(handle)
        finally:
            os.close(handle)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def append(path: Path, line: str) -> None:
    """Add a line to a file, which is made where there is none; a kill may cut it short."""
    handle = os.open(path, _NEW | os.O_APPEND | os.O_NONBLOCK, 0o666)
    try:
        _pour(handle, f"{line}\n".encode())
    finally:
        os.close(handle)


def _pour(handle: int, data: bytes) -> None:
    """Write all of it: a single call may take less."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def is_leftover(name: str) -> bool:
    """Whether a file's name is one that `write` gives to its temporary files."""
    return re.fullmatch(r"\.[0-9a-f]{24}" + re.escape(LEFTOVER), name) is not None


def leftovers(folders: Iterable[Path]) -> Iterator[Path]:
    """The temporary files that killed processes left in these folders, as far as they exist; links are not followed."""
    for folder in folders:
        if folder.is_dir() and not folder.is_symlink():
            yield from (path for path in folder.iterdir() if is_leftover(path.name))


def sweep(folders: Iterable[Path]) -> None:
    """Remove the leftovers of these folders."""
    for path in list(leftovers(folders)):
        path.unlink(missing_ok=True)
