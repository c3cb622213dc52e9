"""The documentation does what it says: every example runs, every link leads somewhere, nothing generated is stale."""

from __future__ import annotations

import contextlib
import io
import re
import runpy
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import tyro
from tests.docs.blocks import ROOT, RUN, Block, agrees, blocks, pages

from ticketry import methods
from ticketry.cli import main as cli

PAGES = [pytest.param(page, id=str(page.relative_to(ROOT))) for page in pages()]
SHELL = ("ls", "cat", "cp", "cc", "./ticket")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty current directory with the decoders of the checkout, no data sets in sight; what is imported from it is
    forgotten afterwards, and methods written to src/ticketry/methods in it are found.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("TICKETRY_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ".cache"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(tmp_path / "src" / "ticketry" / "methods")])
    (tmp_path / "decoders").symlink_to(ROOT / "decoders")
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]
    methods.discover.cache_clear()


@pytest.mark.parametrize("page", PAGES)
def test_examples_run(page: Path, folder: Path) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    printed = ""
    for block in blocks(page):
        if block.reason is not None:
            continue
        if block.title is not None:
            file = folder / block.title
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
            methods.discover.cache_clear()
            if block.language == "python":
                compile(block.text, block.title, "exec")
        elif block.language == "python":
            printed = _python(block, names)
        elif block.language == "text":
            assert agrees(block.text, printed, block.vary), (
                f"{block.place} shows\n{block.text}\nbut this is printed:\n{printed}"
            )
        elif block.language in ("sh", "console"):
            _commands(block)


@pytest.mark.parametrize("page", PAGES)
def test_every_block_runs_or_says_why_not(page: Path) -> None:
    last: Block | None = None
    for block in blocks(page):
        if block.reason is None and block.title is None:
            assert block.language in RUN, f"{block.place} is of language {block.language!r} and is not marked"
        if block.reason is None and block.language == "text":
            after = last is not None and last.language == "python" and last.reason is None and last.title is None
            assert after, f"{block.place} shows the output of no python block"
        last = block


@pytest.mark.parametrize("page", PAGES)
def test_blocks_that_do_not_run_parse(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parse = tyro.cli

    def only_parse(*args: Any, **kwargs: Any) -> None:
        raise Parsed(parse(*args, **kwargs))

    monkeypatch.setattr(tyro, "cli", only_parse)
    for block in blocks(page):
        if block.reason is None:
            continue
        if block.language == "python":
            compile(block.text, block.place, "exec")
        elif block.language in ("sh", "console"):
            for command in block.commands:
                _parses(command.words, block.place)


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_flags_in_the_text_exist(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inline code: whole commands parse, scripts and targets are there, flags are those of some table of flags."""
    tables = "\n".join(page.read_text() for page in pages())
    scripts = ("--quick", "--records", "--alone", "--pilots")
    known = {"--help", "--version", *scripts, *re.findall(r"^\| `(--[\w.-]+)` \|", tables, re.MULTILINE)}
    parse = tyro.cli

    def only_parse(*args: Any, **kwargs: Any) -> None:
        raise Parsed(parse(*args, **kwargs))

    monkeypatch.setattr(tyro, "cli", only_parse)
    for code in re.findall(r"`([^`\n]+(?:\n[^`\n]+)?)`", _prose(page)):
        words = code.split()
        place = f"{page.relative_to(ROOT)}: `{code}`"
        for word in words:
            if word.startswith("--") and "*" not in word:
                assert word in known, f"{place}: {word} is the flag of nothing"
        if words[0] in ("make", "python"):
            _parses(words, place)
        elif words[:2] in (["ticketry", "recipe"], ["ticketry", "compare"]) and len(words) > 2:
            _parses([*words, *([] if "--out" in words else ["--out", "x"])], place)


def test_what_does_not_run_is_counted() -> None:
    every = [block for page in pages() for block in blocks(page)]
    reasons = Counter(block.reason for block in every if block.reason is not None)
    said = "; ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    assert sum(reasons.values()) < len(every) / 2
    pytest.skip(f"{sum(reasons.values())} of {len(every)} blocks of the documentation are parsed only: {said}")


@pytest.mark.parametrize(
    "page",
    [
        *PAGES,
        *(pytest.param(ROOT / f"{name}.md", id=name) for name in ("CONTRIBUTING", "DESIGN", "FORMAT", "CHANGELOG")),
    ],
)
def test_links_lead_somewhere(page: Path) -> None:
    for link in _links(page):
        target, _, anchor = link.partition("#")
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{page.relative_to(ROOT)} links to {link}, which is not there"
        if anchor and file.suffix == ".md":
            assert anchor in _anchors(file), f"{page.relative_to(ROOT)} links to {link}, and there is no such heading"


def test_every_page_is_in_the_navigation() -> None:
    listed = (ROOT / "zensical.toml").read_text()
    missing = [
        str(page.relative_to(ROOT / "docs"))
        for page in pages()[1:]
        if f'"{page.relative_to(ROOT / "docs")}"' not in listed
    ]
    assert not missing


def test_generated_parts_are_fresh() -> None:
    generate = _script("docs")
    for page in pages():
        assert generate.filled(page.read_text()) == page.read_text(), f"{page.name} is stale: run `make docs`"


def test_every_method_control_and_recipe_has_its_place() -> None:
    for name in methods.discover():
        assert (ROOT / "docs" / "methods" / f"{name}.md").exists(), f"the method {name} has no page"


class Parsed(Exception):
    """What the real parser made of a command that is not to run."""


def _python(block: Block, names: dict[str, Any]) -> str:
    output = io.StringIO()
    code = compile("\n" * block.line + block.text, str(block.page), "exec")  # so that a traceback names the line
    with contextlib.redirect_stdout(output):
        exec(code, names)
    return output.getvalue()


def _commands(block: Block) -> None:
    status = 0
    wanted = [*(command.words for command in block.commands[1:]), []]
    for command, following in zip(block.commands, wanted, strict=True):
        if command.words == ["echo", "$?"]:
            assert command.shown is not None
            assert command.shown.strip() == str(status), f"{block.place}: exit code {status}"
            continue
        status, printed = _run(command.words, command.line)
        expected_to_fail = following == ["echo", "$?"]
        assert status == 0 or expected_to_fail, f"{block.place}: `{command.line}` ends with {status}:\n{printed}"
        if command.shown is not None and command.shown.strip():
            assert agrees(command.shown, printed, block.vary), (
                f"{block.place} shows for `{command.line}`\n{command.shown}\nbut this is printed:\n{printed}"
            )


def _run(words: Sequence[str], line: str) -> tuple[int, str]:
    """Exit code and output of one command; ticketry and python run in this process, which has torch already."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        if words[0] == "ticketry":
            try:
                return cli.main(words[1:]), output.getvalue()
            except SystemExit as end:  # --help
                return int(end.code or 0), output.getvalue()
        if words[0] == "python":
            runpy.run_path(words[1], run_name="__main__")
            return 0, output.getvalue()
    if words[0] not in SHELL:
        raise AssertionError(f"`{line}`: only ticketry, python, {', '.join(SHELL)} run here; mark the block")
    if words[0] == "cc" and shutil.which("cc") is None:
        pytest.skip("there is no C compiler `cc`")
    done = subprocess.run(line, shell=True, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def _parses(words: Sequence[str], place: str) -> None:
    if words[0] == "make":
        makefile = (ROOT / "Makefile").read_text()
        assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in words[1:]), f"{place}: {words}"
    elif words[0] == "ticketry" and len(words) > 1 and not words[1].startswith("-"):
        with pytest.raises(Parsed) as parsed:
            _main(words[1:], place)  # which returns where it refuses the request before it is parsed
        if words[1] == "compare":
            for name in parsed.value.args[0].methods:
                methods.get(name)
    elif words[0] in ("python", "sh") and len(words) > 1 and not words[1].startswith("-"):
        assert (ROOT / words[1]).exists(), f"{place}: {words[1]} is not there"
    else:
        assert words[0] in ("ticketry", "python", "python3", ".", "pip", "pytest", "export", "cc", *SHELL), (
            f"{place}: {words}"
        )


def _main(words: Sequence[str], place: str) -> int:
    try:
        return cli.main(words)
    except SystemExit as end:
        raise AssertionError(f"{place}: `ticketry {' '.join(words)}` does not parse") from end


def _links(page: Path) -> Iterator[str]:
    """Relative links and images outside of fenced blocks and code."""
    text = re.sub(r"`[^`]*`", "", _prose(page))
    for found in _LINK.finditer(text):
        link = next(group for group in found.groups() if group)
        if not re.match(r"[a-z]+:", link):
            yield link.removesuffix("#only-light").removesuffix("#only-dark")


def _prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def _anchors(page: Path) -> set[str]:
    """Those of the headings, as GitHub and the site make them."""
    titles = re.findall(r"^#+ (.+)$", _prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def _script(name: str) -> ModuleType:
    spec = spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
