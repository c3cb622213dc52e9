"""The small language that names a model or a data set: `conv4`, `conv4(width=0.5)`, `package.module:name(width=32)`.

Arguments are literals (numbers, strings, True, False, None, and tuples, lists and dictionaries of them); nothing is
ever evaluated.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import inspect
import math
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from ticketry.core.errors import RequestError, refuse

_TEXT = re.compile(r"(?P<target>[^\s()]+)\s*(?P<call>\(.*\))?", re.DOTALL)
_IMPORT = re.compile(r"(?!\d)\w+(\.(?!\d)\w+)*:(?!\d)\w+", re.ASCII)
_NODES = (ast.Constant, ast.UnaryOp, ast.USub, ast.Tuple, ast.List, ast.Dict, ast.Load)
_SCALARS = (bool, int, float, str, type(None))


@dataclass(frozen=True)
class Spec:
    """A name with literal arguments. `str(spec)` is canonical: equal specs print alike, and the text parses back."""

    target: str
    args: tuple[object, ...] = ()
    kwargs: dict[str, object] = field(default_factory=dict)

    @property
    def imported(self) -> bool:
        """Whether the target is an import path `package.module:name`, not a built-in name."""
        return _IMPORT.fullmatch(self.target) is not None

    def __str__(self) -> str:
        given = [*map(repr, self.args), *(f"{name}={value!r}" for name, value in sorted(self.kwargs.items()))]
        return f"{self.target}({', '.join(given)})" if given else self.target


def parse(field: str, text: str) -> Spec:
    """Read `name`, `name(32, width=0.5)` or `package.module:name(...)`.

    Raises RequestError, naming `field`, where the text is not of this form or an argument is not a literal.
    """
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        raise refuse(field, repr(text), "name, name(width=32) or package.module:name(width=32)", "correct its spelling")
    if found["call"] is None:
        return Spec(found["target"])
    try:
        call = ast.parse(f"f{found['call']}", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else error
        raise refuse(field, repr(text), "a name with arguments in Python's syntax", f"correct it ({reason})") from error
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise refuse(field, repr(text), "one name with one pair of brackets", "correct its spelling")
    kwargs: dict[str, object] = {}
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg in kwargs:
            raise refuse(field, repr(text), "a name whose arguments each appear once", "write out each as name=value")
        kwargs[keyword.arg] = _literal(field, text, keyword.value)
    return Spec(found["target"], tuple(_literal(field, text, node) for node in call.args), kwargs)


def resolve(field: str, spec: Spec) -> Callable[..., object]:
    """The function behind an import path; modules in the current directory are found as well as installed ones.

    Raises RequestError where the module cannot be imported, or has no such name, or the name cannot be called.
    """
    if not spec.imported:
        raise refuse(field, repr(spec.target), "an import path package.module:name", "write package.module:name")
    module_name, name = spec.target.split(":")
    with _current_directory_importable():
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            itself = f"{module_name}.".startswith(f"{error.name}.")
            missing = f"{spec.target!r} whose module {'' if itself else f'imports {error.name!r}, which '}was not found"
            allowed = f"a module in {os.getcwd()} or an installed one"
            raise refuse(field, missing, allowed, "correct the name or run from the directory that holds it") from error
        except (
            Exception,
            SystemExit,
        ) as error:  # the user's own code: what stops it is the user's to hear
            raise _raised(field, spec, error, "a module that imports") from error
    if not hasattr(module, name):
        near = difflib.get_close_matches(name, vars(module), n=1, cutoff=0.5)
        absent = f"{spec.target!r}, and {module_name} has no {name}"
        raise refuse(field, absent, "the name of a function in it", f"write {near[0] if near else 'another name'}")
    function = getattr(module, name)
    if not callable(function):
        found = f"{spec.target!r}, a {type(function).__name__}"
        raise refuse(field, found, "a function", "name a function of the module")
    return function  # type: ignore[no-any-return]


def call(field: str, spec: Spec, function: Callable[..., object], *first: object) -> object:
    """`function(*first, *spec.args, **spec.kwargs)`.

    Raises RequestError where the arguments do not fit the signature, or the function raises.
    """
    try:
        signature = inspect.signature(function)
    except (ValueError, TypeError):  # functions of C extensions have none: the call itself then judges the arguments
        signature = None
    if signature is not None:
        parameters = list(signature.parameters.values())[len(first) :]
        takes = ", ".join(str(each.replace(annotation=inspect.Parameter.empty)) for each in parameters)
        try:
            signature.bind(*first, *spec.args, **spec.kwargs)
        except TypeError as error:
            raise refuse(field, f"'{spec}' ({error})", f"{spec.target}({takes})", "correct the arguments") from error
    with _current_directory_importable():
        try:
            return function(*first, *spec.args, **spec.kwargs)
        except RequestError:
            raise
        except (Exception, SystemExit) as error:  # the user's own function: whatever it raises is the user's to hear
            raise _raised(field, spec, error, "a call that returns") from error


def whole(field: str, value: object, low: int, high: int) -> int:
    """A literal argument that must be a whole number from low to high, else RequestError."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise refuse(field, repr(value), f"a whole number from {low} to {high}", "correct the argument")
    return value


def _literal(field: str, text: str, node: ast.expr) -> object:
    for part in ast.walk(node):
        constant = not isinstance(part, ast.Constant) or type(part.value) in _SCALARS
        finite = not (isinstance(part, ast.Constant) and isinstance(part.value, float) and math.isinf(part.value))
        if not (isinstance(part, _NODES) and constant and finite):
            allowed = "a name with literal arguments such as 32, 0.5, 'x', True or (1, 2)"
            raise refuse(field, repr(text), allowed, "write such arguments")
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError) as error:
        raise refuse(field, repr(text), f"a name with literal arguments ({error})", "correct the arguments") from error


def _raised(field: str, spec: Spec, error: BaseException, allowed: str) -> RequestError:
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{os.path.basename(frames[-1].filename)} line {frames[-1].lineno}"
    reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return refuse(field, f"'{spec}', which raised {reason} ({where})", allowed, "correct its code")


@contextmanager
def _current_directory_importable() -> Iterator[None]:
    """A console script, unlike `python -m`, does not have the current directory on its path."""
    here = os.getcwd()
    sys.path.insert(0, here)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        with suppress(ValueError):  # the user's own code may have taken it away
            sys.path.remove(here)
