"""Published files: found in $TICKETRY_DATA, else in the user's cache, else downloaded into it; verified each time."""

from __future__ import annotations

import hashlib
import http.client
import os
import sys
import tarfile
import tempfile
import urllib.request
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ticketry.core.errors import refuse

_FAILURES = (OSError, EOFError, http.client.HTTPException, tarfile.TarError, zlib.error)
_TIMEOUT = 30.0  # seconds without a byte


@dataclass(frozen=True)
class Source:
    """Where the files of a data set lie."""

    name: str
    """The data set."""
    folder: str
    """The directory that holds the files, under $TICKETRY_DATA and in the cache."""
    sha256: dict[str, str]
    """Each file's name and checksum in hexadecimal."""
    urls: tuple[str, ...]
    """Mirrors in order of preference: a directory of the files (ending in /) or a .tar.gz archive with them inside."""


def locate(source: Source) -> Path:
    """The directory that holds all files of the source, verified.

    Raises RequestError where a file is damaged, or where the files are absent and cannot be downloaded.
    """
    own = os.environ.get("TICKETRY_DATA")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "ticketry"
    directories = [root / source.folder for root in ((Path(own), cache) if own else (cache,))]
    for directory in directories:
        if all((directory / name).is_file() for name in source.sha256):
            _verify(source, directory)
            return directory
    failures = []
    for url in source.urls:
        try:
            _download(source, url, directories[-1])
            return directories[-1]
        except _FAILURES as error:
            failures.append(f"{url}: {error}")
    raise refuse(
        "data",
        f"{source.name!r}, whose files are not here and could not be downloaded ({'; '.join(failures)})",
        f"in {' or '.join(map(str, directories))}",
        f"put {', '.join(source.sha256)} there, or set TICKETRY_DATA to the directory that holds {source.folder}/",
    )


def _verify(source: Source, directory: Path) -> None:
    for name, expected in source.sha256.items():
        with (directory / name).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            damaged = f"{directory / name} with SHA-256 {found}"
            raise refuse("data", damaged, f"the published file with SHA-256 {expected}", "delete it or replace it")


def _download(source: Source, url: str, directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    print(f"downloading {source.name} from {url} to {directory}", file=sys.stderr)
    if url.endswith("/"):
        for name, expected in source.sha256.items():
            with urllib.request.urlopen(url + name, timeout=_TIMEOUT) as response:
                _store(response, directory / name, expected)
        return
    missing = dict(source.sha256)
    with (
        urllib.request.urlopen(url, timeout=_TIMEOUT) as response,
        tarfile.open(fileobj=response, mode="r|gz") as archive,
    ):
        for member in archive:  # only these names are written, wherever the archive says they belong
            content = archive.extractfile(member) if member.isfile() else None
            name = Path(member.name).name
            if content is not None and name in missing:
                _store(content, directory / name, missing.pop(name))
    if missing:
        raise OSError(f"the archive lacks {', '.join(missing)}")


def _store(content: IO[bytes], path: Path, expected: str) -> None:
    """Write a stream to a file that appears only when it is complete and its checksum is right."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
        try:
            sha = hashlib.sha256()
            while block := content.read(1 << 20):
                sha.update(block)
                file.write(block)
            file.flush()
            if sha.hexdigest() != expected:
                raise OSError(f"{path.name} has SHA-256 {sha.hexdigest()} instead of {expected}")
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise
