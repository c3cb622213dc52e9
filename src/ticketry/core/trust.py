"""Which import paths may be run: those that the user typed, and those of modules that he trusts; nothing else.

A text `package.module:name(...)` is code. Where the user types it, on the command line or in Python, it is his word.
Texts also stand in tickets and in the directories of runs, and those come from anybody: such a one is refused unless
its module is trusted by name. What is trusted is the module and not whatever can be reached through it: only functions
and classes that the module itself defines are called, and none of Python's standard library or of ticketry.

The working directory is on the path only while such code is imported and called, and comes last: a file in it with the
name of an installed package does not take that one's place.
"""

from __future__ import annotations

import difflib
import importlib
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FunctionType, ModuleType

from ticketry.core.errors import RequestError, refuse
from ticketry.core.spec import Spec, call, parse, quoted, raised

_MODULE = re.compile(r"(?!\d)\w+(\.(?!\d)\w+)*", re.ASCII)
_NEVER = "of Python's standard library or ticketry's own"


@dataclass(frozen=True)
class Trust:
    """The user's word. `modules`: those whose code may be run, by their whole names; `typed`: texts that he typed."""

    modules: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()

    def __or__(self, other: Trust) -> Trust:
        return Trust(self.modules + other.modules, self.typed + other.typed)

    def types(self, spec: Spec) -> bool:
        """Whether the user typed this very text, in whatever spelling."""
        return str(spec) in map(_canonical, self.typed)


Trusted = Trust | Sequence[str]
"""What functions take: names of modules, or a Trust."""
NOTHING = Trust()


def typed(*texts: str) -> Trust:
    """That of texts which the user typed."""
    return Trust(typed=texts)


def trusting(given: Trusted) -> Trust:
    """The Trust of names of modules. Raises RequestError for anything else, and for modules that nobody can trust."""
    if isinstance(given, Trust):
        return given
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise refuse("trust", repr(given), "a tuple of names of modules", f"write ({given!r},)")
    for name in given:
        if not isinstance(name, str) or not _MODULE.fullmatch(name):
            raise refuse("trust", repr(name), "the whole name of a module", "write package.module")
        if _ours(name):
            raise refuse("trust", name, f"a module that is not {_NEVER}", "name the module of the model or the data")
    return Trust(tuple(given))


def permitted(spec: Spec, trust: Trust) -> bool:
    """Whether the import path may be run, as far as that can be said without importing its module."""
    module = spec.target.partition(":")[0]
    return trust.types(spec) or (module in trust.modules and not _ours(module))


def run(field: str, spec: Spec, trust: Trust) -> object:
    """What the function behind an import path returns for the arguments of the text.

    Raises RequestError, in one sentence, where the text may not be run, has no such function, or that raises.
    """
    with _here_importable():
        return call(field, spec, _function(field, spec, trust))


def resolve(field: str, spec: Spec, trust: Trust) -> Callable[..., object]:
    """The function behind an import path; modules in the current directory are found as well as installed ones.

    Raises RequestError where it may not be run, its module cannot be imported or has no such name, or the name cannot
    be called.
    """
    with _here_importable():
        return _function(field, spec, trust)


def _function(field: str, spec: Spec, trust: Trust) -> Callable[..., object]:
    if not spec.imported:
        raise refuse(field, quoted(spec.target), "an import path package.module:name", "write package.module:name")
    own = trust.types(spec)
    module_name, name = spec.target.split(":")
    if not permitted(spec, trust):
        raise _forbidden(field, spec, module_name)
    module = _module(field, spec, module_name)
    if not hasattr(module, name):
        near = difflib.get_close_matches(name, vars(module), n=1, cutoff=0.5)
        absent = f"{quoted(spec.target)}, and {module_name} ({getattr(module, '__file__', 'built in')}) has no {name}"
        raise refuse(field, absent, "the name of a function in it", f"write {near[0] if near else 'another name'}")
    function = getattr(module, name)
    if not callable(function):
        found = f"{quoted(spec.target)}, a {type(function).__name__}"
        raise refuse(field, found, "a function", "name a function of the module")
    if not own and not (isinstance(function, FunctionType | type) and function.__module__ == module_name):
        found = f"{quoted(spec.target)}, which {module_name} does not define itself"
        allowed = "a function or class that its module defines, where a file names it"
        raise refuse(field, found, allowed, f"type it yourself with --{field}, or hand it over in Python")
    return function  # type: ignore[no-any-return]


def _forbidden(field: str, spec: Spec, module: str) -> RequestError:
    """The sentence for an import path that a file names, and whose module is not trusted."""
    other = f"type --{field} yourself, or hand over the {field} in Python ({field}=...)"
    found = f"{quoted(spec)}, code that a file names"
    if _ours(module):
        allowed = f"built in or from a module that you trust, never {_NEVER}"
        return refuse(field, found, allowed, f"do not open that file, or {other}")
    remedy = f'read that code first, then add --trust {module} (in Python trust=("{module}",)), or {other}'
    return refuse(field, found, "built in or from a module that you trust", remedy)


def _ours(module: str) -> bool:
    top = module.partition(".")[0]
    return top in sys.stdlib_module_names or top == __name__.partition(".")[0]


def _module(field: str, spec: Spec, name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        itself = f"{name}.".startswith(f"{error.name}.")
        which = "" if itself else f"imports {error.name!r}, which "
        missing = f"{quoted(spec.target)} whose module {which}was not found"
        allowed = f"a module in {os.getcwd()} or an installed one"
        raise refuse(field, missing, allowed, "correct the name or run from the directory that holds it") from error
    except (Exception, SystemExit) as error:  # the user's own code: what stops it is the user's to hear
        raise raised(field, spec, error, "a module that imports") from error


def _canonical(text: str) -> str:
    try:
        return str(parse("text", text))
    except RequestError:  # a path, say
        return text


@contextmanager
def _here_importable() -> Iterator[None]:
    """The current directory on the path, which a console script, unlike `python -m`, does not have there."""
    here = os.getcwd()
    known = here in sys.path or "" in sys.path
    if not known:
        sys.path.append(here)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        if not known:
            with suppress(ValueError):  # the user's own code may have taken it away
                sys.path.remove(here)
