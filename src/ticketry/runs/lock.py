"""One process at a time in a directory."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from ticketry.core.errors import RequestError, refuse

LOCK = ".lock"
PATIENCE = 5.0  # seconds to wait for another process, which may be about to end
_EVERY = 0.05
_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextmanager
def hold(root: Path) -> Iterator[None]:
    """Keep other processes out of an existing directory; raises RequestError, saying who it is, where one is there.

    The lock is the kernel's (flock): it ends with its process, however that ends, so none is ever left behind. Where
    nothing can be written nothing is locked.
    """
    path = root / LOCK
    try:
        handle = _held(path)
    except OSError as error:
        if error.errno not in _READ_ONLY or os.access(root, os.W_OK):
            allowed = f"a directory with a {LOCK} that can be locked ({error.strerror})"
            raise refuse("out", root, allowed, f"remove {path}") from None
        yield
        return
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # before the lock goes, so that whoever waits for this file tries anew
        os.close(handle)


def _held(path: Path) -> int:
    """The open and locked file of that path."""
    waited = 0.0
    while True:
        handle, ours = _opened(path)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_there(path, handle):
                if ours:
                    os.ftruncate(handle, 0)
                    now = datetime.now().isoformat(" ", "seconds")
                    os.write(handle, f"process {os.getpid()} on {socket.gethostname()} since {now}".encode())
                return handle
        except BlockingIOError:
            if waited >= PATIENCE:
                holder = os.pread(handle, 200, 0).decode(errors="replace") or "another process"
                raise RequestError(
                    f"out is {path.parent}, which is in use by {holder}; wait for its end, or name another directory."
                ) from None
            time.sleep(_EVERY)
            waited += _EVERY
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _opened(path: Path) -> tuple[int, bool]:
    """The open file, and whether it can be written: not that of another user, which can be locked all the same."""
    flags = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o666), True
    except PermissionError:
        if not path.exists():
            raise
        return os.open(path, os.O_RDONLY | flags), False


def _is_there(path: Path, handle: int) -> bool:
    """Whether the locked file is still the one of that name: its last holder may have removed it."""
    try:
        there = path.lstat()
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (os.fstat(handle).st_dev, os.fstat(handle).st_ino)
