"""How much memory a file of data may ask for: its header says so before anything is unpacked."""

from __future__ import annotations

import math
import os
from pathlib import Path

from ticketry.core.errors import refuse

VARIABLE = "TICKETRY_DATA_LIMIT"
GIB = 2**30
_DEFAULT = 8.0  # GiB: ImageNet at 32 pixels has 3.9, a hundred of its classes at 128 pixels 6.2
_DEFLATE = 1032  # times as much is the most that this compression unpacks to


def most() -> int:
    """Bytes that one array of a file may take: TICKETRY_DATA_LIMIT GiB, 8 without it. Raises RequestError."""
    given = os.environ.get(VARIABLE)
    try:
        size = float(given) if given else _DEFAULT
    except ValueError:
        size = math.nan
    if not 0 < size < math.inf:
        raise refuse(VARIABLE, repr(given), "a number of GiB above 0", "set it to 16, say, or unset it")
    return round(size * GIB)


def check(path: Path, size: int, packed: int | None = None) -> None:
    """Refuse a file, or a member of one, that is to become `size` bytes; `packed`: how many they are compressed.

    Raises RequestError where that is more than is allowed, or more than so few bytes can unpack to.
    """
    if packed is not None and size > _DEFLATE * (packed + 1):
        what = f"{path}, which promises {size:,} bytes in {packed:,} compressed ones"
        raise refuse("data", what, "a whole file", "fetch it or save it again")
    if size > most():
        what = f"{path} with {size / GIB:.3g} GiB in one array"
        allowed = f"at most {most() / GIB:g} GiB"
        raise refuse("data", what, allowed, f"if you trust it, set {VARIABLE}={math.ceil(size / GIB)} (GiB)")
