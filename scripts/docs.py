"""The parts of the documentation that come from the code, and the folder that the site is built from.

    python scripts/docs.py           # fill what stands between `<!-- generated: ... -->` and `<!-- end -->` anew
    python scripts/docs.py --check   # exit code 1 where that would change a page
    python scripts/docs.py --stage   # also copy docs/, and what its pages link to outside of it, to build/docs

A page in docs/ links to the files of the checkout, so that links work there; in the stage those files lie beside it.
"""

from __future__ import annotations

import ast
import inspect
import os
import re
import shutil
import sys
import textwrap
import typing
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal

ROOT = Path(__file__).parents[1]
DOCS, STAGE = ROOT / "docs", ROOT / "build" / "docs"
_PART = re.compile(r"(<!-- generated: (?P<kind>[a-z]+)(?P<words>[^>]*) -->\n).*?(<!-- end -->)", re.DOTALL)
_LINK = re.compile(r"(?P<before>\]\(|(?:src|srcset|href)=\")(?P<target>[^)\s\"#]+)(?P<rest>[^)\s\"]*)(?P<after>[)\"])")


def filled(text: str) -> str:
    """A page with its generated parts made anew."""
    return _PART.sub(
        lambda found: found[1] + "\n" + MAKERS[found["kind"]](*found["words"].split()) + "\n\n" + found[4], text
    )


def method(name: str) -> str:
    """What a method promises, and its flags."""
    from ticketry.methods import get

    kind: Any = get(name)
    lasts = _lasts(kind)
    answer = {"best": "the mask of the step that validates best", "last": "the mask of the last step"}[kind.answer]
    judged = {"strong": "untrained, as it is", "trainable": "after training"}[kind.kind]
    said = [
        f"Kind: **{kind.kind}**, so `ticketry check` judges it {judged}.",
        f"A search lasts {lasts or 'as long as the method has something to do'}, unless budget flags say otherwise.",
        f"The ticket is {answer}.",
    ]
    return " ".join(said) + "\n\n" + _table(kind)


def deviations(name: str) -> str:
    """The paragraphs of the method's docstring from `Deviations` on, without that word."""
    from ticketry.methods import get

    page = inspect.getdoc(inspect.getmodule(get(name))) or ""
    said = page[page.index("\nDeviations") + 1 :].partition(":")[2].strip()
    return said[0].upper() + said[1:]


def overview() -> str:
    """Every method with its first line."""
    from ticketry.methods import discover

    rows = []
    for name, kind in discover().items():
        rows.append((f"[`{name}`](methods/{name}.md)", kind.kind, _lasts(kind) or "its rounds", _first(kind)))
    return _rows(("method", "kind", "default length", "what it does"), rows)


def flags(path: str, prefix: str = "") -> str:
    """The fields of a dataclass `package.module:Class` as flags."""
    module, _, name = path.partition(":")
    return _table(getattr(import_module(module), name), prefix)


def api(path: str) -> str:
    """The fields of a dataclass as keyword arguments."""
    module, _, name = path.partition(":")
    return _table(getattr(import_module(module), name), None)


def controls() -> str:
    """Every control, and every corruption, with what it takes from the ticket."""
    from ticketry.checks import controls, corruptions

    rows = [(f"`{name}`", controls.meaning(name)) for name in controls.discover()]
    rows += [(f"`{name}`", f"{corruptions.meaning(name)} With `--corrupted`.") for name in corruptions.discover()]
    return _rows(("control", "what the ticket has to beat"), rows)


def catalogue() -> str:
    """Every recipe with its first line."""
    from ticketry.recipes import discover

    return _rows(("recipe", "what it compares"), [(f"`{name}`", _first(make)) for name, make in discover().items()])


def weights() -> str:
    """The table of weight recipes, which stands in the module that draws them."""
    from ticketry.core.seed import weights

    return "\n".join(line for line in (weights.__doc__ or "").splitlines() if line.startswith("|"))


def networks() -> str:
    """Every built-in model with its first line."""
    from ticketry import models

    rows = []
    for name, module in models.modules().items():
        make = getattr(import_module(f"ticketry.models.{module}"), name.replace("-", "_"))
        rows.append((f"`{name}`", _first(make), _signature(make, keyword_only=True)))
    return _rows(("model", "what it is", "options"), rows)


def sets() -> str:
    """Every built-in data set with its first line."""
    from ticketry import data

    rows = [(f"`{name}`", _first(make), _signature(make)) for name, make in sorted(data._builtins().items())]
    return _rows(("data", "what it is", "arguments"), rows)


def verbs() -> str:
    """Every verb of the command line with its flags."""
    from ticketry.cli import flags, main

    parts = []
    for name, verb in main.VERBS.items():
        shape = getattr(flags, name.capitalize())
        parts.append(f"## {name}\n\n{_first(verb)}\n\n{_table(shape)}")
    return "\n\n".join(parts)


MAKERS: dict[str, Callable[..., str]] = {
    each.__name__: each
    for each in (method, deviations, overview, flags, api, controls, catalogue, weights, networks, sets, verbs)
}


def _table(shape: type, prefix: str | None = "") -> str:
    """Fields of a dataclass: name, default, and docstring with the words that may be given. Fields that are dataclasses
    are left to their own table. `prefix`: of flags; None for arguments in Python.
    """
    said, hints = _docs(shape), typing.get_type_hints(shape)
    rows = []
    for field in fields(shape):
        if is_dataclass(hints[field.name]):
            continue
        shown = field.name if prefix is None else "--" + ".".join(filter(None, (prefix, field.name.replace("_", "-"))))
        name = field.name.upper() if "Positional" in repr(field.type) else shown
        words, what = _values(hints[field.name])
        meaning = f"{said.get(field.name, '')}{f' One of {words}.' if words else ''}".strip()
        rows.append((f"`{name}`", _default(field, what), meaning))
    return _rows(("argument" if prefix is None else "flag", "default", "meaning"), rows) if rows else ""


def _lasts(kind: Any) -> str:
    limits = [(unit, limit) for unit, limit in vars(kind.budget).items() if limit is not None]
    return " and ".join(f"{limit:,} {unit if limit != 1 else unit.removesuffix('s')}" for unit, limit in limits)


def _docs(shape: type) -> dict[str, str]:
    """The docstrings of the fields."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(shape)))
    body = typing.cast("ast.ClassDef", tree.body[0]).body
    found = {}
    for before, after in pairwise(body):
        if (
            isinstance(before, ast.AnnAssign)
            and isinstance(before.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            found[before.target.id] = " ".join(str(after.value.value).split())
    return found


def _values(hint: Any) -> tuple[str, str]:
    """The words that may be given, if only those may, and what else is to be given."""
    if typing.get_origin(hint) is typing.Annotated:
        hint = typing.get_args(hint)[0]
    parts = typing.get_args(hint) if typing.get_origin(hint) in (UnionType, typing.Union) else (hint,)
    words, what = [], ""
    for part in parts:
        if typing.get_origin(part) is Literal:
            words += [f"`{value}`" for value in typing.get_args(part)]
        elif typing.get_origin(part) is tuple:
            what = {str: "names", float: "numbers"}[typing.get_args(part)[0]]
        elif part is not NoneType:
            what = {int: "integer", float: "number", str: "text", Path: "path", bool: "True or False"}[part]
    return ", ".join(words), what


def _default(field: Field[Any], what: str) -> str:
    """The default, or what to give where there is none."""
    if field.default is MISSING:
        return f"*required: {what}*" if field.default_factory is MISSING else ""
    if field.default is False:
        return "*off*"
    if field.default is None or field.default == ():
        return f"*none: {what}*"
    return f"`{field.default:g}`" if isinstance(field.default, float) else f"`{field.default}`"


def _signature(make: Callable[..., object], keyword_only: bool = False) -> str:
    parameters = inspect.signature(make).parameters.values()
    shown = [p for p in parameters if p.kind is p.KEYWORD_ONLY or not keyword_only]
    return ", ".join(f"`{p.name}={p.default!r}`" for p in shown)


def _first(thing: object) -> str:
    return (inspect.getdoc(thing) or "").splitlines()[0]


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def stage() -> None:
    """Copy the pages, and every file outside docs/ that one of them links to, and lead their links there."""
    shutil.rmtree(STAGE, ignore_errors=True)
    shutil.copytree(DOCS, STAGE)
    waiting, done = list(DOCS.rglob("*.md")), set[Path]()
    while waiting:
        page = waiting.pop()
        if page in done:
            continue
        done.add(page)
        text = _LINK.sub(lambda found, page=page: _led(found, page), page.read_text())  # type: ignore[misc]
        staged = _staged(page)
        staged.parent.mkdir(parents=True, exist_ok=True)
        staged.write_text(text)
        waiting += [target for target in _outside(page) if target.suffix == ".md"]
        for target in _outside(page):
            if target.suffix != ".md" and target.is_file():
                _staged(target).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(target, _staged(target))


def _outside(page: Path) -> Iterator[Path]:
    """What a page links to outside docs/."""
    for found in _LINK.finditer(page.read_text()):
        target = (page.parent / found["target"]).resolve()
        if not re.match(r"[a-z]+:", found["target"]) and not target.is_relative_to(DOCS):
            yield target


def _staged(file: Path) -> Path:
    """Where a file lies in the stage; code is shown as text."""
    if file.is_relative_to(DOCS):
        return STAGE / file.relative_to(DOCS)
    plain = file.suffix in (".py", ".c", ".sh", ".toml")
    name = f"{file.name}.txt" if plain else file.name
    return STAGE / file.relative_to(ROOT).with_name("LICENSE.txt" if file.name == "LICENSE" else name)


def _led(found: re.Match[str], page: Path) -> str:
    if re.match(r"[a-z]+:", found["target"]):
        return found[0]
    target = (page.parent / found["target"]).resolve()
    link = os.path.relpath(_staged(target), _staged(page).parent)
    return f"{found['before']}{link}{found['rest']}{found['after']}"


def main(words: Sequence[str]) -> int:
    stale = []
    for page in [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]:
        old = page.read_text()
        new = filled(old)
        if new != old:
            stale.append(page)
            if "--check" not in words:
                page.write_text(new)
    for page in stale:
        print(f"{page.relative_to(ROOT)}: {'stale' if '--check' in words else 'filled anew'}")
    if "--stage" in words:
        stage()
    return 1 if stale and "--check" in words else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
