"""Writing a file whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

LEFTOVER = ".part"  # ends the name of a file that a kill cut short


def write(path: Path, data: bytes | str) -> None:
    """Write a file atomically: a reader sees the old content or the new, never a part, even after a power cut."""
    temporary = path.with_name(f".{path.name}{LEFTOVER}")
    try:
        with temporary.open("wb") as file:
            file.write(data.encode() if isinstance(data, str) else data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
