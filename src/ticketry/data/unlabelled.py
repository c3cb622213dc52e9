"""Examples without labels, from a file or from data that have some."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ticketry import data
from ticketry.core.errors import refuse
from ticketry.core.trust import typed
from ticketry.data import files
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
    if not path.is_file():
        raise refuse("data", f"{path}, which does not exist", "a .npy or .npz file", "correct the path")
    try:
        with path.open("rb") as file:
            found = np.load(file, allow_pickle=False)
            if isinstance(found, np.ndarray):
                return found
            names = list(found.files)
            for name in ("X_test", "X", *names[: len(names) == 1]):
                if name in names:
                    return found[name]
    except files.UNREADABLE as error:
        raise refuse("data", f"{path}, which is not one", "a file of plain arrays", "save it by np.save") from error
    held = ", ".join(names) or "nothing"
    raise refuse("data", f"{path}, which holds {held:.200}", "one with X_test, X or a single array", "name it so")
