"""One text for one value, and its digest."""

from __future__ import annotations

import hashlib
import json


def canonical(data: object) -> str:
    """JSON with sorted keys and no spaces."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"))


def digest(data: object) -> str:
    """SHA-256 in hex over the canonical JSON of a value."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()
