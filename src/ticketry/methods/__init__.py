"""Search methods, one file each, discovered by looking into this folder; torch is not imported by looking."""

from __future__ import annotations

import pkgutil
from dataclasses import is_dataclass
from functools import cache
from importlib import import_module
from typing import Any, cast

from ticketry.core.errors import unknown
from ticketry.methods._contract import Method


@cache
def discover() -> dict[str, type[Method[Any]]]:
    """Every method class by its command line name: `edge-popup` is the class of `edge_popup.py` that has a `step`."""
    found: dict[str, type[Method[Any]]] = {}
    for file in pkgutil.iter_modules(__path__):
        if file.name.startswith("_"):
            continue
        module = import_module(f"{__name__}.{file.name}")
        for member in vars(module).values():
            own = isinstance(member, type) and member.__module__ == module.__name__
            if own and is_dataclass(member) and hasattr(member, "step"):
                found[file.name.replace("_", "-")] = cast("type[Method[Any]]", member)
    return found


def get(name: str) -> type[Method[Any]]:
    """The method class of a command line name; RequestError with the nearest name when there is none."""
    methods = discover()
    if name not in methods:
        raise unknown("method", name, methods)
    return methods[name]


def name_of(method: Method[Any]) -> str:
    """The command line name of a method."""
    return type(method).__module__.rpartition(".")[2].replace("_", "-")


def __getattr__(attribute: str) -> type[Method[Any]]:
    if attribute.startswith("_"):  # a file of this folder on its way in: looking now would find half of them
        raise AttributeError(f"ticketry.methods has no {attribute}")
    for method in discover().values():
        if method.__name__ == attribute:
            return method
    raise AttributeError(f"ticketry.methods has no {attribute}; it has {[m.__name__ for m in discover().values()]}")
