"""What networks are scored by, one objective a file, discovered by looking into this folder.

An objective is the class of its file that has a `score`; `core/objective.py` says what it offers. Data name theirs.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, cast

from ticketry.core.errors import unknown
from ticketry.core.objective import Measure, Objective


@cache
def discover() -> dict[str, type[Objective[Any]]]:
    """Every objective by its name, that of its file."""
    found: dict[str, type[Objective[Any]]] = {}
    for file in pkgutil.iter_modules(__path__):
        module = import_module(f"{__name__}.{file.name}")
        for member in vars(module).values():
            if isinstance(member, type) and member.__module__ == module.__name__ and hasattr(member, "score"):
                found[file.name.replace("_", "-")] = cast("type[Objective[Any]]", member)
    return found


def get(name: str) -> type[Objective[Any]]:
    """The objective of a name; RequestError with the nearest name when there is none."""
    if name not in discover():
        raise unknown("objective", name, discover())
    return discover()[name]


def name_of(objective: Objective[Any]) -> str:
    """The name of an objective."""
    return type(objective).__module__.rpartition(".")[2].replace("_", "-")


def measure(result: Mapping[str, Any]) -> Measure:
    """The measure that a result in JSON speaks of; accuracy where it says nothing, as older ones do."""
    name = result.get("measure", "accuracy")
    known = {kind.measure.name: kind.measure for kind in discover().values()}
    if name not in known:
        raise unknown("measure", str(name), known)
    return known[name]
