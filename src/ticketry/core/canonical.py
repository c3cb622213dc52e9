"""One text for one value, and its digest."""

from __future__ import annotations

import hashlib
import json
import math


def canonical(data: object) -> str:
    """JSON with sorted keys and no spaces."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"))


def pretty(data: object) -> str:
    """JSON for people and programs, indented; null for a float that is infinite or none at all, which JSON lacks."""
    return json.dumps(_finite(data), indent=2, allow_nan=False)


def _finite(data: object) -> object:
    if isinstance(data, dict):
        return {name: _finite(value) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not math.isfinite(data) else data


def digest(data: object) -> str:
    """SHA-256 in hex over the canonical JSON of a value."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()
