"""Which import paths may be run, and where their modules are found."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ticketry.core.errors import RequestError
from ticketry.core.spec import parse
from ticketry.core.trust import NOTHING, Trust, permitted, resolve, run, trusting, typed

OWN = """
import functools, os
from math import sqrt
from pathlib import Path
from collections import OrderedDict

class Thing:
    def __init__(self, n=1): self.n = n
    def method(self): return 3
    @classmethod
    def made(cls): return cls()
    @staticmethod
    def plain(): return 4

def make(n=2): return n
def wrapped(f):
    @functools.wraps(f)
    def inner(*a, **k): return f(*a, **k)
    return inner
decorated = wrapped(make)
bound, classbound, partial, instance = Thing().method, Thing.made, functools.partial(make, 3), Thing()
cached, getcwd, lambda_of_another = functools.cache(make), os.getcwd, functools.reduce
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"own_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    return name


@pytest.mark.parametrize("name", ["make", "make(5)", "Thing", "decorated"])
def test_what_a_trusted_module_defines_is_run(own: str, name: str) -> None:
    assert run("model", parse("model", f"{own}:{name}"), Trust((own,))) is not None


@pytest.mark.parametrize(
    "name",
    ["sqrt", "Path", "OrderedDict", "bound", "classbound", "partial", "cached", "getcwd", "lambda_of_another", "os"],
)
def test_nothing_else_is(own: str, name: str) -> None:
    spec = parse("model", f"{own}:{name}")
    with pytest.raises(RequestError, match=r"does not define itself|a module, but it must be a function"):
        resolve("model", spec, Trust((own,)))
    if name != "os":
        assert callable(resolve("model", spec, typed(str(spec))))  # it is the user's own word


@pytest.mark.parametrize(
    ("trust", "allowed"),
    [
        (NOTHING, False),
        (typed("own.net:make(n=1)"), True),
        (typed(" own.net:make( n = 1 ) "), True),
        (typed("own.net:make(n=2)", "own.net:make", "./a path(", "own.net:other(n=1)"), False),
        (Trust(("own.net",)), True),
        (Trust(("own", "own.net.more", "OWN.NET", "own.nets")), False),
        (Trust(("own",)) | typed("own.net:make(n=1)"), True),
    ],
)
def test_a_text_is_allowed_by_itself_or_by_its_exact_module(trust: Trust, allowed: bool) -> None:
    assert permitted(parse("model", "own.net:make(n=1)"), trust) is allowed


@pytest.mark.parametrize("module", sorted(sys.stdlib_module_names))
def test_the_standard_library_is_never_trusted(module: str) -> None:
    with pytest.raises(RequestError, match=f"trust is {module}, but it must be a module that is not of Python's"):
        trusting((module,))
    with pytest.raises(RequestError, match="never of Python's standard library or ticketry's own; do not open"):
        resolve("data", parse("data", f"{module}:f"), Trust((module,)))


def test_an_installed_package_is_not_shadowed_by_a_file_where_one_works(tmp_path: Path) -> None:
    (tmp_path / "jinja2.py").write_text("open('canary', 'w')\ndef shadow(): return 1\n")
    (tmp_path / "mine.py").write_text("import jinja2\ndef make(): return jinja2.__file__\n")
    code = (
        "import sys; sys.path = [p for p in sys.path if p]\n"
        "from ticketry.core.trust import run, typed\nfrom ticketry.core.spec import parse\n"
        "print(run('data', parse('data', 'mine:make'), typed('mine:make')))\n"
        "try: run('data', parse('data', 'jinja2:shadow'), typed('jinja2:shadow'))\n"
        "except ValueError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert str(tmp_path) not in done.stdout
    assert "__init__.py) has no shadow" in done.stdout
    assert not (tmp_path / "canary").exists()
