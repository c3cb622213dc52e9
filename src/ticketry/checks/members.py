"""What stands in a package of controls, by looking: nothing is registered."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from importlib import import_module
from types import ModuleType


def members(package: str, path: Iterable[str], prefix: str = "") -> dict[str, ModuleType]:
    """Every module of a package by the name of its control, in the order of their names."""
    names = sorted(module.name for module in pkgutil.iter_modules(path))
    return {prefix + name.replace("_", "-"): import_module(f"{package}.{name}") for name in names}


def first_line(module: ModuleType) -> str:
    """What a control does, in a line."""
    return (module.__doc__ or "").strip().splitlines()[0]
