"""Published files: found in $TICKETRY_DATA, else in the user's cache, else downloaded into it; verified each time."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import io
import os
import sys
import tarfile
import tempfile
import time
import urllib.request
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ticketry.core import regular
from ticketry.core.errors import refuse

_FAILURES = (OSError, EOFError, http.client.HTTPException, tarfile.TarError, zlib.error)
_TIMEOUT = 30.0  # seconds without a byte
_SLOWEST = 1000.0  # bytes a second on average, once _TIMEOUT is over
_BESIDE = 2**20  # bytes of an archive beside the files: names, padding, a page about it
_BLOCK = 2**20
_ABANDONED = 86_400.0  # seconds after which a file of a download belongs to nobody


@dataclass(frozen=True)
class Source:
    """Where the files of a data set lie."""

    name: str
    """The data set."""
    folder: str
    """The directory that holds the files, under $TICKETRY_DATA and in the cache."""
    sha256: dict[str, str]
    """Each file's name and checksum in hexadecimal."""
    sizes: tuple[int, ...]
    """The bytes of each file, in the same order: no more are ever read."""
    urls: tuple[str, ...]
    """Mirrors in order of preference: a directory of the files (ending in /) or a .tar.gz archive with them inside.

    Those by https come first; one by http serves because what it sends is known by its checksum.
    """

    @property
    def files(self) -> dict[str, tuple[str, int]]:
        """Checksum and bytes of each file by its name."""
        return {name: (sha, size) for (name, sha), size in zip(self.sha256.items(), self.sizes, strict=True)}


def locate(source: Source) -> Path:
    """The directory that holds all files of the source, verified.

    Raises RequestError where a file is damaged, or where the files are absent and cannot be downloaded.
    """
    own, cache = _absolute(os.environ.get("TICKETRY_DATA")), _cache()
    directories = [root / source.folder for root in (own, cache) if root is not None]
    for directory in directories:
        if all((directory / name).exists() for name in source.sha256):
            _verify(source, directory)
            return directory
    remedy = f"put {', '.join(source.sha256)} there, or set TICKETRY_DATA to the directory that holds {source.folder}/"
    if cache is None:
        nowhere = f"{source.name!r}, whose files are not here, and no directory is known to download them into"
        where = f"in {' or '.join(map(str, directories)) or 'TICKETRY_DATA'}"
        raise refuse("data", nowhere, where, f"set HOME or XDG_CACHE_HOME to an absolute path; or {remedy}")
    failures = []
    for url in source.urls:
        try:
            _download(source, url, directories[-1])
            return directories[-1]
        except _FAILURES as error:
            failures.append(f"{url}: {error}")
    absent = f"{source.name!r}, whose files are not here and could not be downloaded ({'; '.join(failures)})"
    raise refuse("data", absent, f"in {' or '.join(map(str, directories))}", remedy)


def _absolute(text: str | None) -> Path | None:
    """A path in the environment, `~` meaning the home; None where there is none or the home is not known."""
    if not text:
        return None
    path = Path(os.path.expanduser(text))
    return None if str(path).startswith("~") else path.absolute()


def _cache() -> Path | None:
    """The user's; None where no home is known. Relative paths do not count (XDG Base Directory Specification)."""
    for text in (os.environ.get("XDG_CACHE_HOME", ""), "~/.cache"):
        path = os.path.expanduser(text)
        if os.path.isabs(path):
            return Path(path) / "ticketry"
    return None


def _verify(source: Source, directory: Path) -> None:
    for name, (expected, size) in source.files.items():
        path = directory / name
        try:
            with regular.opened(path) as file:
                there = os.fstat(file.fileno()).st_size
                found = hashlib.file_digest(file, "sha256").hexdigest() if there == size else ""
        except OSError as error:
            what = f"{path}, which cannot be read ({error.strerror})"
            raise refuse("data", what, "the published file", "replace it") from error
        if found != expected:
            damaged = f"{path} with SHA-256 {found}" if found else f"{path} of {there:,} bytes"
            published = f"the published file with SHA-256 {expected}" if found else f"the published file of {size:,}"
            raise refuse("data", damaged, published, "delete it or replace it")


def _download(source: Source, url: str, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    _sweep(source, directory)
    print(f"downloading {source.name} from {url} to {directory}", file=sys.stderr)
    if url.endswith("/"):
        for name, (expected, size) in source.files.items():
            with _Stream(url + name, size) as stream:
                _store(stream, directory / name, expected, size)
        return
    missing, total = source.files, sum(source.sizes) + _BESIDE
    with (
        _Stream(url, total) as stream,
        gzip.GzipFile(fileobj=io.BufferedReader(stream, _BLOCK)) as unpacked,
        tarfile.open(fileobj=_Bounded(unpacked, total), mode="r|") as archive,
    ):
        for member in archive:  # only these names are written, wherever the archive says they belong
            content = archive.extractfile(member) if member.isfile() else None
            name = Path(member.name).name
            if content is not None and name in missing:
                _store(content, directory / name, *missing.pop(name))
    if missing:
        raise OSError(f"the archive lacks {', '.join(missing)}")


class _Stream(io.RawIOBase):
    """What an address sends, as it comes in. Raises OSError for more than `most` bytes, and for one that trickles."""

    def __init__(self, url: str, most: int) -> None:
        self._most, self._got, self._began = most, 0, time.monotonic()
        self._response = urllib.request.urlopen(url, timeout=_TIMEOUT)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        block = self._response.read1(len(buffer))  # what is there, and not until so many are
        self._got += len(block)
        seconds = time.monotonic() - self._began
        if self._got > self._most:
            raise OSError(f"it sends more than the {self._most:,} bytes that are published")
        if seconds > _TIMEOUT and self._got < _SLOWEST * seconds:
            raise OSError(f"it sends less than {_SLOWEST:g} bytes a second")
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        self._response.close()
        super().close()


class _Bounded(io.RawIOBase):
    """The first `most` bytes of a stream. Raises OSError for what goes on after them."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, most: int) -> None:
        self._stream, self._left = stream, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        block = self._stream.read(len(buffer))
        self._left -= len(block)
        if self._left < 0:
            raise OSError("the archive holds more than its files are known to have")
        buffer[: len(block)] = block
        return len(block)


def _store(content: IO[bytes] | io.RawIOBase, path: Path, expected: str, size: int) -> None:
    """Write a stream to a file that appears only when it is complete and its checksum is right."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=_prefix(path.name), delete=False) as file:
        try:
            sha, got = hashlib.sha256(), 0
            while block := content.read(_BLOCK):
                got += len(block)
                if got > size:
                    raise OSError(f"{path.name} has more than its {size:,} bytes")
                sha.update(block)
                file.write(block)
            file.flush()
            if sha.hexdigest() != expected:
                raise OSError(f"{path.name} has SHA-256 {sha.hexdigest()} instead of {expected}")
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def _sweep(source: Source, directory: Path) -> None:
    """Remove what downloads left there that were killed; not what one of today may be writing."""
    for name in source.sha256:
        for path in directory.glob(f"{_prefix(name)}*"):
            if time.time() - path.lstat().st_mtime > _ABANDONED:
                path.unlink(missing_ok=True)


def _prefix(name: str) -> str:
    return f".{name}-"
