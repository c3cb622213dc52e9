"""Data sets: built-in ones by name, own ones from a file, a directory or a function. NumPy only.

A built-in data set is a public function of a module in this package that returns a `Dataset`; its name has `-` for `_`.
"""

from __future__ import annotations

import inspect
import os
import pkgutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from ticketry.core import spec
from ticketry.core.errors import refuse, shorten, unknown
from ticketry.core.trust import NOTHING, Trust, run
from ticketry.data import arrays, files
from ticketry.data.dataset import Augment, Dataset, Split, from_arrays, split

__all__ = ["Augment", "Dataset", "Split", "from_arrays", "load", "named", "names", "read", "split"]


def names() -> list[str]:
    """The built-in data sets."""
    return sorted(_builtins())


def named(given: str | Dataset | Sequence[object]) -> tuple[str, Dataset | None]:
    """The text of data that may be an object, and the Dataset where it is one.

    `given`: a text, a Dataset, or the arrays (X, y, X_test, y_test); of (X, y) alone a part tests. Raises RequestError
    for anything else.
    """
    if isinstance(given, str):
        return given, None
    if isinstance(given, Dataset):
        return given.name, given
    if isinstance(given, tuple | list) and len(given) in (2, 4):
        return "arrays", from_arrays("arrays", *given)
    wanted = "a name, path or import path, a Dataset (tk.from_arrays makes one), or the arrays (X, y, X_test, y_test)"
    raise refuse("data", f"a {type(given).__name__}", wanted, "pass one")


def load(text: str, trust: Trust = NOTHING) -> Dataset:
    """The data set that a text names, with a training part. `trust`: the import paths that may be run; none without it.

    `text` is a built-in name with or without literal arguments (`digits`, `mnist(train=2000)`), the path of an `.npz`
    file or of a directory of IDX or CIFAR-10 files, or an import path `package.module:function` to a function
    returning `(X, y)`, `(X_train, y_train, X_test, y_test)`, a `Dataset` or what scikit-learn's loaders return. A path
    to a directory with a built-in's name is written `./name`. Raises RequestError, in one sentence, for whatever is
    wrong.
    """
    name, found = read(text, trust)
    if isinstance(found, Dataset):
        return found
    if found.parts[0] is None:
        wanted = "one with X and y, or X_train, y_train, X_test and y_test"
        raise refuse("data", f"{name}, which holds X_test and y_test alone", wanted, "add the training part")
    return from_arrays(name, *found.parts, labels=found.labels)


def read(text: str, trust: Trust = NOTHING) -> tuple[str, Dataset | files.Arrays]:
    """The canonical text of the data that a text names, and they themselves: as arrays where those are unchecked."""
    builtins = _builtins()
    target = text.partition("(")[0].strip()
    path = os.path.expanduser(text)
    is_path = os.path.exists(path) or path.endswith(".npz") or (os.sep in text and not spec.Spec(target).imported)
    if is_path and target not in builtins:
        found = files.read(Path(path))
        if text not in trust.typed:
            print(f"read the data {shorten(os.path.abspath(path))}, which the file names", file=sys.stderr)
        return text, found
    named = spec.parse("data", text)
    if named.imported:
        return str(named), _returned(str(named), run("data", named, trust))
    if target not in builtins:
        raise unknown("data", target, builtins, ", a path to an .npz file or directory, and package.module:function")
    return str(named), _returned(str(named), spec.call("data", named, builtins[target]))


def _returned(name: str, result: object) -> Dataset | files.Arrays:
    if isinstance(result, Dataset):
        return replace(result, name=name)
    if isinstance(result, Mapping) and {"data", "target"} <= result.keys():  # scikit-learn's Bunch
        names = result.get("target_names")
        classes = not arrays.measured(result["target"])
        return files.Arrays((result["data"], result["target"]), names if classes else None)
    if not isinstance(result, tuple | list) or len(result) not in (2, 4):
        what = (
            f"{type(result).__name__} of {len(result)}" if isinstance(result, tuple | list) else type(result).__name__
        )
        raise refuse(f"data {name}", f"a {what}", "(X, y) or (X_train, y_train, X_test, y_test)", "return such a tuple")
    return files.Arrays(tuple(result))


def _builtins() -> dict[str, Callable[..., object]]:
    modules = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return {
        name.replace("_", "-"): function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__annotations__.get("return") in ("Dataset", Dataset)
        and function.__module__ == module.__name__ != from_arrays.__module__
        and not name.startswith("_")
    }
