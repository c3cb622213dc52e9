"""Rules of the source text: imports go one way, torch comes late, files stay short, nothing global is drawn from."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

import ticketry

ROOT = Path(ticketry.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in FILES]

# Each part may import what stands above it; parts of one line do not import one another.
ORDER = (
    ("core.errors", "core.lazy", "core.atomic", "core.regular", "core.version", "core.canonical"),
    ("core.device", "core.spec", "core.meters", "core.sealed", "core.scaling", "core.generators"),
    ("core.trust",),
    ("core.seed",),
    ("core.masks",),
    ("core.nets",),
    ("core.fitness",),
    ("core.objective",),
    ("core.task",),
    ("core.training",),
    ("data", "models", "objectives", "evolution"),
    ("methods",),
    ("ticket",),
    ("paths", "experiment"),
    ("report",),
    ("runs",),
    ("checks", "analysis", "recipes", "ship"),
    ("api", "cli"),
    ("__main__",),
)
RANK = {part: rank for rank, parts in enumerate(ORDER) for part in parts}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def part_of(path: Path) -> str:
    return room(path.relative_to(ROOT).with_suffix("").parts)


def room(parts: Sequence[str]) -> str:
    """Which part a file or a dotted name belongs to; the rooms of `core` have ranks of their own."""
    return ".".join(parts[: 2 if parts[0] == "core" else 1])


def imported(node: ast.AST) -> Iterator[str]:
    """Dotted names that an import statement takes, and no names of other statements."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "relative imports hide where they go"
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def called(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """The dotted text of everything that is called, with the call."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_imports_go_one_way(path: Path) -> None:
    here = part_of(path)
    if here in ("__init__", "core.__init__"):  # public names, imported when used
        return
    for node in ast.walk(tree(path)):
        for name in imported(node):
            top, *rest = name.split(".")
            if top != "ticketry":
                continue
            there = room(rest)
            if there != here:
                assert RANK[there] < RANK[here], f"line {node.lineno}: {here} imports {name}"  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_files_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 250


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_nothing_unsafe_is_used(path: Path) -> None:
    """No pickle, no evaluation of text, no catch-all keyword arguments, no check that -O takes away."""
    for node in ast.walk(tree(path)):
        banned = {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal"}
        assert not banned & {name.partition(".")[0] for name in imported(node)}
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            assert node.args.kwarg is None, f"line {node.lineno}: **{node.args.kwarg and node.args.kwarg.arg}"
        assert not isinstance(node, ast.Assert), f"line {getattr(node, 'lineno', 0)}: an assert"
    for name, call in called(path):
        assert name not in ("eval", "exec", "torch.save", "torch.load", "np.load", "numpy.load") or (
            name.endswith(".load")
            and any(k.arg == "allow_pickle" and ast.unparse(k.value) == "False" for k in call.keywords)
        ), f"line {call.lineno}: {name}"


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_module_that_a_text_names_is_imported_in_one_place(path: Path) -> None:
    """Everywhere else a module is one of this package, or is named in the source: see core/trust.py."""
    for name, call in called(path):
        assert name != "__import__", f"line {call.lineno}"
        if name.rpartition(".")[2] == "import_module" and path.relative_to(ROOT).parts != ("core", "trust.py"):
            first = ast.unparse(call.args[0])
            own = ("f'{__name__}.", "f'{package}.", "f'ticketry.", "'ticketry.")
            late = path.name == "lazy.py"  # which is given names by the source
            assert first.startswith(own) or late, f"line {call.lineno}: {first}"


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_what_exceptions_say_is_bounded_in_one_place(path: Path) -> None:
    """Their kind and text come from anywhere: `core.errors.told` makes one short line of them."""
    if path.relative_to(ROOT).parts != ("core", "errors.py"):
        assert not re.search(r"type\((error|exc|exception|e)\)\.__name__", path.read_text())


def test_no_part_of_the_package_is_ignored() -> None:
    """git, ruff and the build leave out what `.gitignore` names, wherever it is unless its name begins with a slash."""
    lines = (ROOT.parents[1] / ".gitignore").read_text().splitlines()
    anywhere = {line.strip("/") for line in lines if not line.startswith("/")}
    assert not anywhere & {part for path in FILES for part in path.relative_to(ROOT).parts}


DRAWS = {
    *("rand", "randn", "randint", "randperm", "rand_like", "randn_like", "normal", "bernoulli", "multinomial"),
    *("seed", "manual_seed", "set_rng_state", "random", "choice", "shuffle", "permutation", "standard_normal"),
    *("normal_", "uniform_", "random_", "bernoulli_", "exponential_", "default_rng", "RandomState"),
}


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_nothing_global_is_drawn_from(path: Path) -> None:
    """Random numbers come from `seed.philox` alone. A user's own model borrows the global generators."""
    if path == ROOT / "core/generators.py":
        return  # which lends them to the user's model, and puts them back
    for node in ast.walk(tree(path)):
        assert not {"random", "secrets", "uuid"} & {name.partition(".")[0] for name in imported(node)}
    for name, call in called(path):
        owner, _, last = name.rpartition(".")
        if owner.split(".")[0] in ("torch", "np", "numpy", "nn", "init") and last in DRAWS:
            inside = "fork_rng" in path.read_text() and name == "torch.default_generator.manual_seed"
            assert inside, f"line {call.lineno}: {name}"
        if owner in ("np.random", "numpy.random"):
            assert last == "Philox", f"line {call.lineno}: {name}"
        assert not (last.endswith("_") and last in DRAWS), f"line {call.lineno}: {name}"
        if part_of(path) == "data" and (last.startswith("make_") or last == "train_test_split"):
            assert any(k.arg == "random_state" for k in call.keywords), f"line {call.lineno}: {name} draws globally"


LATE = """
import sys, json, contextlib, io
loaded = {}
def note(what):
    loaded[what] = sorted({"numpy", "torch", "matplotlib", "scipy", "sklearn", "jinja2"} & set(sys.modules))
import ticketry
note("import")
from ticketry.cli.main import main
for words in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            code = main(words)
        except SystemExit as stop:
            code = stop.code or 0
    note(" ".join(words[:2]))
    assert code == 0 and out.getvalue(), (words, code)
import ticketry.data, ticketry.models, ticketry.ticket.file, ticketry.core.spec, ticketry.core.masks.mask
import ticketry.core.seed.weights, ticketry.core.seed.locks, ticketry.core.seed.streams
import ticketry.core.masks.allocation, ticketry.core.training.optim, ticketry.core.training.schedules
ticketry.data.names(), ticketry.models.names()
note("data and file")
print(json.dumps(loaded))
"""


def test_what_is_heavy_is_imported_when_needed_and_not_before(finished: Path) -> None:
    ticket = str(finished / "ticket.tkt")
    words = [
        ["--help"],
        ["--version"],
        ["find", "--help"],
        *([verb, "--help"] for verb in ("show", "verify", "eval", "train", "check", "landscape", "recipe", "compare")),
        ["recipe", "genetic-moons", "--help"],
        *(["find", method, "--help"] for method in ("edge-popup", "random", "gem-miner", "imp", "snip")),
        ["show", ticket],
        ["show", ticket, "--json"],
        ["verify", ticket, "--digest"],
    ]
    ran = subprocess.run(
        [sys.executable, "-c", LATE, json.dumps(words)], capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stderr
    loaded = json.loads(ran.stdout)
    assert loaded["import"] == []
    assert loaded["data and file"] == ["numpy"]
    assert all(heavy in ([], ["numpy"]) for heavy in loaded.values()), loaded
    assert len(loaded) >= 9


def test_the_map_in_the_design_is_true() -> None:
    """Every folder of the package with exactly its files, in the block under `Layout`."""
    text = (ROOT.parents[1] / "DESIGN.md").read_text()
    block = text.split("## Layout\n```\n")[1].split("```")[0]
    drawn: dict[str, str] = {}
    above: list[str] = []
    for line in block.split("src/ticketry/\n")[1].splitlines():
        if not line.startswith("  "):
            break
        if line[:18].strip():
            depth, name = (len(line) - len(line.lstrip())) // 2, line.split("/")[0].strip()
            above = [*above[: depth - 1], name]
            here = "/".join(above) if name != "." else "."
            drawn[here] = ""
        drawn[here] += " " + line[18:]
    rooms = {path.parent for path in FILES} | {ROOT}
    assert set(drawn) == {str(room.relative_to(ROOT)) for room in rooms}
    for name, said in drawn.items():
        files = {path.stem for path in (ROOT / name).glob("*.py")} - {"__init__", "__main__"}
        assert set(said.split("|")[0].split()) == files, name
