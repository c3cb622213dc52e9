"""The small language that names a model or a data set: `conv4`, `conv4(width=0.5)`, `package.module:name(width=32)`.

Arguments are literals (numbers, strings, True, False, None, and tuples, lists and dictionaries of them); nothing is
ever evaluated.
"""

from __future__ import annotations

import ast
import inspect
import math
import os
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field

from ticketry.core.errors import REASON, RequestError, refuse, shorten, told

LONGEST = 10_000  # characters of a text: reading it stays cheap, whatever it holds
LARGEST = 2**128  # no whole number in it may be so far from zero

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
    if len(text) > LONGEST:
        raise refuse(field, quoted(text), f"a text of at most {LONGEST} characters", "shorten it")
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        raise refuse(field, repr(text), "name, name(width=32) or package.module:name(width=32)", "correct its spelling")
    if found["call"] is None:
        return Spec(found["target"])
    try:
        call = ast.parse(f"f{found['call']}", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        said = error.msg if isinstance(error, SyntaxError) else error
        allowed = "a name with arguments in Python's syntax"
        raise refuse(field, repr(text), allowed, f"correct it ({shorten(said, REASON)})") from error
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        raise refuse(field, repr(text), "one name with one pair of brackets", "correct its spelling")
    kwargs: dict[str, object] = {}
    for keyword in call.keywords:
        if keyword.arg is None or keyword.arg in kwargs:
            raise refuse(field, repr(text), "a name whose arguments each appear once", "write out each as name=value")
        kwargs[keyword.arg] = _literal(field, text, keyword.value)
    return Spec(found["target"], tuple(_literal(field, text, node) for node in call.args), kwargs)


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
            found, allowed = f"{quoted(spec)} ({shorten(error, REASON)})", shorten(f"{spec.target}({takes})")
            raise refuse(field, found, allowed, "correct the arguments") from error
    try:
        return function(*first, *spec.args, **spec.kwargs)
    except RequestError:
        raise
    except (Exception, SystemExit) as error:  # the user's own function: whatever it raises is the user's to hear
        raise raised(field, spec, error, "a call that returns") from error


def raised(field: str, spec: Spec, error: BaseException, allowed: str) -> RequestError:
    """The sentence for what the code behind a name raised, and where."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{os.path.basename(frames[-1].filename)} line {frames[-1].lineno}"
    found = f"{quoted(spec)}, which raised {told(error)} ({where})"
    return refuse(field, found, allowed, "correct its code")


def quoted(text: object) -> str:
    """A text or a spec in quotes, shortened, for a sentence that says more of it."""
    return f"'{shorten(text, REASON)}'"


def whole(field: str, value: object, low: int, high: int) -> int:
    """A literal argument that must be a whole number from low to high, else RequestError."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise refuse(field, repr(value), f"a whole number from {low} to {high}", "correct the argument")
    return value


def _literal(field: str, text: str, node: ast.expr) -> object:
    for part in ast.walk(node):
        if not isinstance(part, _NODES) or (isinstance(part, ast.Constant) and not _plain(part.value)):
            allowed = "a name with literal arguments such as 32, 0.5, 'x', True or (1, 2)"
            raise refuse(field, repr(text), allowed, "write such arguments")
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError) as error:
        allowed = f"a name with literal arguments ({told(error)})"
        raise refuse(field, repr(text), allowed, "correct the arguments") from error


def _plain(value: object) -> bool:
    """Whether a constant is one that a text may hold: its type, and its size where that is a number."""
    if isinstance(value, float):
        return not math.isinf(value)
    return type(value) in _SCALARS and not (isinstance(value, int) and abs(value) >= LARGEST)
