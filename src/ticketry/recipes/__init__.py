"""Published settings as functions; torch is not imported by looking.

A recipe is a public function of a module in this package that takes a scale and returns a `Recipe`; its command line
name has `-` for `_`.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable
from functools import cache
from importlib import import_module

from ticketry.core.errors import unknown
from ticketry.recipes.plan import Recipe, Scale

__all__ = ["Recipe", "Scale", "discover", "get"]


@cache
def discover() -> dict[str, Callable[[Scale], Recipe]]:
    """Every recipe by its command line name."""
    modules = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return {
        name.replace("_", "-"): function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__annotations__ == {"scale": "Scale", "return": "Recipe"}
        and function.__module__ == module.__name__
        and not name.startswith("_")
    }


def get(name: str) -> Callable[[Scale], Recipe]:
    """The recipe of a command line name; RequestError with the nearest name when there is none."""
    recipes = discover()
    if name not in recipes:
        raise unknown("recipe", name, recipes)
    return recipes[name]
