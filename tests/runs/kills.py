"""Killing a job by SIGKILL at each of its file operations in turn, in a process that is a copy of this one."""

from __future__ import annotations

import csv
import json
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

OPERATIONS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.link", "os.symlink")
TIMES = {"seconds", "peak_rss_bytes", "seal"}  # the seal is over the others


def die_at(number: int, root: Path) -> None:
    """From now on, die at the `number`-th (from 1) file operation below a directory; half of a write is done before.

    Reading does not count: nothing is changed by it. Every piece of data on its way to a file is two operations, one
    before any of it is written and one after its first half.
    """
    count, below, write = [0], str(root), os.write

    def step() -> None:
        count[0] += 1
        if count[0] == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(event: str, args: tuple[Any, ...]) -> None:
        if event not in OPERATIONS or below not in str(args[0]):
            return
        if event != "open" or args[2] & (os.O_WRONLY | os.O_RDWR):
            step()

    def torn(handle: int, data: bytes) -> int:
        step()
        half = write(handle, data[: len(data) // 2])
        step()
        return half + write(handle, data[half:])

    os.fsync = lambda handle: None  # slow, and nothing to a kill
    sys.addaudithook(audit)
    os.write = torn  # type: ignore[assignment]


def in_a_copy(work: Callable[[], object], before: Callable[[], object]) -> int:
    """The exit code of a process that is a copy of this one and does this: 0, 1 for an exception, -9 where it died."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a copy that has one of several threads
        process = os.fork()
    if process == 0:
        code = 1
        try:
            before()
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def every_kill(work: Callable[[Path], object], root: Path, step: int = 1) -> Iterator[Path]:
    """Directories in which the work was killed at one of its file operations each, `step` apart, until it ends."""
    number = 1
    while True:
        out = root / f"killed-{number}"
        code = in_a_copy(lambda out=out: work(out), lambda number=number, out=out: die_at(number, out))  # type: ignore[misc]
        assert code in (0, -signal.SIGKILL), f"killed at operation {number}, it ended with {code}"
        if code == 0:
            return
        yield out
        number += step


def content(root: Path) -> dict[str, object]:
    """All that a directory holds, by name, without what depends on the time; no page, which shows times."""
    found: dict[str, object] = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_dir() or path.suffix in (".html", ".safetensors"):
            found[name] = None
        elif path.suffix == ".jsonl":
            found[name] = [timeless(json.loads(line)) for line in path.read_text().splitlines()]
        elif path.suffix == ".json":
            found[name] = timeless(json.loads(path.read_text()))
        elif path.suffix == ".csv":
            rows = csv.DictReader(path.read_text().splitlines())
            found[name] = [{key: value for key, value in row.items() if key not in TIMES} for row in rows]
        else:
            found[name] = path.read_bytes()
    return found


def timeless(value: Any) -> Any:
    """JSON data without times and memory."""
    if isinstance(value, dict):
        return {name: timeless(inner) for name, inner in value.items() if name not in TIMES}
    return [timeless(inner) for inner in value] if isinstance(value, list) else value
