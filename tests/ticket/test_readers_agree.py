"""The NumPy reader and the C99 reader give every file the same verdict: the corpus, and random changes to it."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
import tracemalloc
from collections import Counter
from pathlib import Path

import pytest
from tests.ticket import fuzz
from tests.ticket.corpus import make
from tests.ticket.forge import put_together, taken_apart
from tests.ticket.test_c99 import SOURCE, pytestmark  # noqa: F401  # where there is a C compiler

from ticketry.core.errors import TicketError
from ticketry.ticket import file

CORPUS = Path(make.__file__).parent
VERDICTS: dict[str, str] = json.loads((CORPUS / "manifest.json").read_text())
CONSTANT = 2_000_000  # bytes that a reader may take for any file


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The C99 reader for many files, with sanitizers where the compiler has them."""
    program = tmp_path_factory.mktemp("many") / "many"
    command = [
        "cc",
        "-std=gnu99",
        "-ffp-contract=off",
        "-O1",
        f'-DREADER="{SOURCE}"',
        str(Path(__file__).with_name("many.c")),
    ]
    for flags in (["-fsanitize=address,undefined", "-fno-sanitize-recover=all"], []):
        if subprocess.run([*command, *flags, "-o", str(program)], capture_output=True).returncode == 0:
            return program
    pytest.fail("the harness does not compile")


def in_c(program: Path, files: list[bytes], folder: Path) -> list[tuple[bool, float, int]]:
    """Whether each file is right, seconds and bytes of memory. Fails where the process ends before the last."""
    (folder / "batch").write_bytes(b"".join(len(data).to_bytes(4, "little") + data for data in files))
    run = subprocess.run(
        [program, "batch", "results", "one"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"},
    )
    lines = [line.split() for line in (folder / "results").read_text().splitlines()]
    assert run.returncode == 0, f"file {len(lines)}: {run.stderr.decode(errors='replace')[-3000:]}"
    assert len(lines) == len(files)
    assert {line[0] for line in lines} <= {"0", "1"}
    return [(line[0] == "0", float(line[1]), int(line[2])) for line in lines]


def in_python(data: bytes) -> tuple[bool, int]:
    """Whether a file is right, and how many weights it has. Anything but a TicketError of one sentence is a failure."""
    try:
        file.summary(data)
        ticket = file.decode(data)
        weights = len(ticket.mask) + sum(p.size for p in ticket.rest) + sum(p.size for p in ticket.fixed)
        return all(check.ok for check in file.verify(ticket)), weights
    except TicketError as error:
        said = str(error)
    assert "\n" not in said
    assert len(said) < 400
    return False, 0


def test_the_corpus_is_what_its_script_makes() -> None:
    files = {make.file_name(name): (right, data) for name, (right, data) in make.corpus().items()}
    assert {name: "right" if right else "wrong" for name, (right, _) in files.items()} == VERDICTS
    assert {path.name for path in CORPUS.glob("*.tkt")} == VERDICTS.keys()
    assert all((CORPUS / name).read_bytes() == data for name, (_, data) in files.items())


def test_both_readers_give_the_verdict_of_the_corpus(many: Path, tmp_path: Path) -> None:
    files = [(CORPUS / name).read_bytes() for name in VERDICTS]
    wanted = [verdict == "right" for verdict in VERDICTS.values()]
    python = [in_python(data)[0] for data in files]
    c = [right for right, _, _ in in_c(many, files, tmp_path)]
    assert [name for name, *found in zip(VERDICTS, python, c, wanted, strict=True) if len(set(found)) > 1] == []


def test_what_is_taken_apart_is_put_together() -> None:
    for name, verdict in VERDICTS.items():
        data = (CORPUS / name).read_bytes()
        if verdict == "right":
            assert put_together(taken_apart(data)) == data


def agree(many: Path, count: int, seed: int, folder: Path) -> Counter[str]:
    """Compare both readers on so many changed files."""
    draw = random.Random(seed)
    originals = [taken_apart((CORPUS / name).read_bytes()) for name, verdict in VERDICTS.items() if verdict == "right"]
    largest = [parts for parts in originals if len(parts.tensors) > 2]
    found: Counter[str] = Counter()
    for start in range(0, count, 2000):
        files, python = [], []
        for number in range(start, min(count, start + 2000)):
            data = fuzz.mutated(draw.choice(draw.choice([originals, largest])), draw)
            files.append(data)
            watched = number % 50 == 0
            if watched:
                tracemalloc.start()
            began = time.process_time()
            verdict, weights = in_python(data)
            spent = time.process_time() - began
            if watched:
                peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
                assert peak < CONSTANT + 4 * (8 * len(data) + 5 * weights), data
            assert spent < 1 or watched, data
            python.append((verdict, weights))
        for data, (verdict, weights), (right, spent, memory) in zip(
            files, python, in_c(many, files, folder), strict=True
        ):
            if right != verdict:
                (folder / "disagree.tkt").write_bytes(data)
            assert right == verdict, f"C says {right}, Python {verdict}: {folder / 'disagree.tkt'} {data!r}"
            assert spent < 1, data
            assert memory < CONSTANT + 4 * (len(data) + 5 * weights), (memory, data)
            found["right" if right else "wrong"] += 1
    return found


def test_changed_files(many: Path, tmp_path: Path) -> None:
    found = agree(many, 400, 1, tmp_path)
    assert found["right"] > 20
    assert found["wrong"] > 200


@pytest.mark.slow
def test_a_hundred_thousand_changed_files(many: Path, tmp_path: Path) -> None:
    found = agree(many, 100_000, 2, tmp_path)
    print(dict(found))
    assert found.total() == 100_000
