"""The fenced blocks of the documentation: what each is, whether it runs, and how shown output is compared.

    ```sh                  commands, one a line
    ```console             commands after `$ `, each with the output that it must print, if any is shown
    ```python              runs, with what the blocks before it on the page defined
    ```text                what the python block before it must print
    ```x title="FILE"      is written to FILE

All blocks of a page run in order in one empty directory. `<!-- not run: REASON -->` on the line before a block, or on
the second line before it, exempts it: its commands are parsed then, with the real parser, and it is counted.

`<!-- numbers vary -->` in the same place: numbers in the shown output may have any value, all else must be as shown.

In shown output, `...` stands for anything within a line, and on a line by itself for any number of lines. Runs of
spaces are alike. Numbers that were measured (from 100 up, or with decimals) may differ by 5 %: searches by gradient add
up floats, in an order that depends on the processor.
"""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUN = ("sh", "console", "python", "text")

_FENCE = re.compile(r"(?P<indent> *)```(?P<info>.*)")
_MARK = re.compile(r"\s*<!-- not run: (?P<reason>.+) -->\s*")
_VARY = re.compile(r"\s*<!-- numbers vary -->\s*")
_TITLE = re.compile(r'title="(?P<title>[^"]+)"')
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?(?!\w)")  # not the digits of a digest


@dataclass(frozen=True)
class Command:
    """A line for the shell, and the output that the page shows for it; None where it shows none."""

    line: str
    shown: str | None = None

    @property
    def words(self) -> list[str]:
        """Without comment and without leading assignments such as `OMP_NUM_THREADS=1`."""
        words = shlex.split(self.line, comments=True)
        while words and re.match(r"[A-Z_]+=", words[0]):
            words.pop(0)
        return words


@dataclass(frozen=True)
class Block:
    """A fenced block. `line`: of its first fence, from 1; `title`: the file that it is; `reason`: why it does not run;
    `vary`: whether its numbers may have any value.
    """

    page: Path
    line: int
    language: str
    title: str | None
    reason: str | None
    vary: bool
    text: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def commands(self) -> list[Command]:
        """Of `sh` and `console`; a command goes on where its line ends in a backslash."""
        joined = self.text.replace("\\\n", " ")
        if self.language == "sh":
            return [Command(line) for line in joined.splitlines() if line.strip() and not line.startswith("#")]
        found: list[Command] = []
        for line in joined.splitlines():
            if line.startswith("$ "):
                found.append(Command(line[2:]))
            elif found:
                last = found.pop()
                found.append(Command(last.line, line if last.shown is None else f"{last.shown}\n{line}"))
        return found


def pages() -> list[Path]:
    """README.md and every page below docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> Iterator[Block]:
    """Every fenced block of a page, in order."""
    lines = page.read_text().splitlines()
    at = 0
    while at < len(lines):
        opened = _FENCE.fullmatch(lines[at])
        if opened is None:
            at += 1
            continue
        end = next(i for i in range(at + 1, len(lines)) if lines[i].strip() == "```")
        before = lines[at - 1] if lines[at - 1].strip() else lines[at - 2]
        mark = _MARK.fullmatch(before)
        title = _TITLE.search(opened["info"])
        yield Block(
            page=page,
            line=at + 1,
            language=(opened["info"].split() or [""])[0],
            title=title["title"] if title else None,
            reason=mark["reason"] if mark else None,
            vary=_VARY.fullmatch(before) is not None,
            text=textwrap.dedent("\n".join(lines[at + 1 : end])) + "\n",
        )
        at = end + 1


def agrees(shown: str, printed: str, vary: bool = False) -> bool:
    """Whether what a page shows is what was printed, by the rules above."""
    if vary:
        shown, printed = (_NUMBER.sub("0", text) for text in (shown, printed))
    return _lines_agree(_lines(shown), _lines(printed))


def _lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.strip().splitlines()]


def _lines_agree(shown: list[str], printed: list[str]) -> bool:
    if not shown:
        return not printed
    if shown[0] == "...":
        return any(_lines_agree(shown[1:], printed[skip:]) for skip in range(len(printed) + 1))
    return bool(printed) and _line_agrees(shown[0], printed[0]) and _lines_agree(shown[1:], printed[1:])


def _line_agrees(shown: str, printed: str) -> bool:
    pattern, numbers = "", []
    for number, part in enumerate(shown.split("...")):
        pattern += ".*?" if number else ""
        end = 0
        for found in _NUMBER.finditer(part):
            pattern += re.escape(part[end : found.start()]) + f"({_NUMBER.pattern})"
            numbers.append(found[0])
            end = found.end()
        pattern += re.escape(part[end:])
    match = re.fullmatch(pattern, printed)
    return match is not None and all(map(_number_agrees, numbers, match.groups()))


def _number_agrees(shown: str, printed: str) -> bool:
    wanted, found = (float(text.replace(",", "")) for text in (shown, printed))
    if "." not in shown and abs(wanted) < 100:
        return wanted == found
    return abs(wanted - found) <= max(0.02, 0.05 * abs(wanted))
