"""Examples without labels, from a file or from data that have some."""

from __future__ import annotations

import os
from pathlib import Path

from ticketry import data
from ticketry.core import regular
from ticketry.core.errors import RequestError, refuse
from ticketry.core.trust import typed
from ticketry.data import files
from ticketry.data.archive import Archive, array
from ticketry.data.dataset import Dataset


def unlabelled(text: str) -> object:
    """Examples (B, ...), not checked yet.

    A `.npy` file; `X_test`, `X` or the one array of an `.npz` file; of data that `load` knows the test part, or all
    where they are undivided. Raises RequestError.
    """
    path = Path(os.path.expanduser(text))
    if path.suffix in (".npy", ".npz"):
        return _of_file(path)
    _, found = data.read(text, typed(text))
    if isinstance(found, Dataset):
        return found.x_test
    return found.parts[0] if len(found.parts) == 2 else found.parts[2]


def _of_file(path: Path) -> object:
    if not path.exists():
        raise refuse("data", f"{path}, which does not exist", "a .npy or .npz file", "correct the path")
    try:
        with regular.opened(path) as file:
            several = file.read(2) == b"PK"  # whatever its name says
        if not several:
            return array(path)
        with Archive(path) as archive:
            names = archive.files
            for name in ("X_test", "X", *names[: len(names) == 1]):
                if name in names:
                    return archive[name]
    except RequestError:  # which is a ValueError, too
        raise
    except files.UNREADABLE as error:
        raise refuse("data", f"{path}, which is not one", "a file of plain arrays", "save it by np.save") from error
    held = ", ".join(names) or "nothing"
    raise refuse("data", f"{path}, which holds {held:.200}", "one with X_test, X or a single array", "name it so")
