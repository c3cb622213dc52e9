"""The device that a user names."""

from __future__ import annotations

import torch

from ticketry.core.errors import refuse


def device(name: str) -> torch.device:
    """`cpu`, `cuda` or `cuda:N`. Raises RequestError for another name, or a device that this machine does not have."""
    if not isinstance(name, str):
        raise refuse("device", f"a {type(name).__name__}", "cpu, cuda or cuda:N", "choose one of these")
    kind, _, number = name.partition(":")
    if kind not in ("cpu", "cuda") or (number and not number.isdecimal()):
        raise refuse("device", repr(name), "cpu, cuda or cuda:N", "choose one of these")
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        found = f"only {torch.cuda.device_count()} were" if torch.cuda.is_available() else "no CUDA device was"
        raise refuse("device", name, f"one that is here, and {found} found", "pass --device cpu")
    return torch.device(name)
