"""The C99 decoder, written from FORMAT.md, against the NumPy reader."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ticketry.core.seed.streams import stream
from ticketry.core.seed.weights import KINDS
from ticketry.ticket import file
from ticketry.ticket.file import LayerShape, TicketFile

SOURCE = Path(__file__).parents[2] / "decoders" / "c99" / "ticket.c"
LENET = (
    LayerShape("fc1.weight", (300, 784)),
    LayerShape("fc2.weight", (100, 300)),
    LayerShape("fc3.weight", (10, 100)),
)

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler `cc`")


def compiled(folder: Path, *flags: str) -> Path | None:
    program = folder / "ticket"
    command = ["cc", "-std=c99", "-ffp-contract=off", *flags, str(SOURCE), "-o", str(program)]
    return program if subprocess.run(command, capture_output=True).returncode == 0 else None


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    flags = ("-O2", "-Wall", "-Wextra", "-pedantic", "-Werror")
    built = compiled(tmp_path_factory.mktemp("c99"), *flags)
    assert built is not None, "decoders/c99/ticket.c does not compile without warnings"
    return built


def agree(program: Path, data: bytes, folder: Path) -> None:
    ticket = file.decode(data)
    (folder / "t").write_bytes(data)
    run = subprocess.run([program, "t", "mask", "weights"], cwd=folder, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert all(digest in run.stdout for digest in file.digests(data).values())
    assert (folder / "mask").read_bytes() == ticket.mask.tobytes()
    network = file.effective(ticket)
    assert (folder / "weights").read_bytes() == b"".join(array.tobytes() for array in network.values())


def test_golden_files(program: Path, golden: tuple[TicketFile, Path], tmp_path: Path) -> None:
    agree(program, golden[1].read_bytes(), tmp_path)


@pytest.mark.parametrize("lock", [0, 0.2])
@pytest.mark.parametrize("scale", ["none", "static", "dynamic"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_recipe(program: Path, make, kind: str, scale: str, lock: float, tmp_path: Path) -> None:
    agree(program, file.encode(make(0.3, kind=kind, scale=scale, lock=lock)), tmp_path)


def test_a_regression(program: Path, make, tmp_path: Path) -> None:
    ticket = replace(make(0.3), objective="regression", target=((152.25, 77.0), (-0.5, 2.0**-20)) * 5)
    encoded = file.encode(ticket)
    agree(program, encoded, tmp_path)
    again = file.decode(encoded)
    assert (again.objective, again.target) == (ticket.objective, ticket.target)
    text = b'\\"objective\\":\\"regression\\"'
    assert text in encoded
    assert b"target" not in file.encode(make(0.3))
    assert b"objective" not in file.encode(make(0.3))


@pytest.mark.parametrize("density", [0, 0.5, 0.48, 0.3, 0.12, 0.11, 0.05, 0.01, 0.001, 0.9, 1])
def test_every_density(program: Path, make, density: float, tmp_path: Path) -> None:
    agree(program, file.encode(make(density, kind="xavier-normal", layers=LENET)), tmp_path)


def test_nothing_wrong_passes_and_nothing_crashes(make, tmp_path: Path) -> None:
    program = compiled(tmp_path, "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    if program is None:
        pytest.skip("this C compiler has no sanitizers")
    originals = [file.encode(make(p, kind=kind, lock=lock)) for p, kind, lock in DAMAGED]
    draws = iter(stream(0, "damage").integers(10_000, 1 << 30).tolist())
    for turn in range(150):
        data = bytearray(originals[turn % len(originals)])
        header = int.from_bytes(data[:8], "little") + 8
        low, high = (0, header) if turn % 3 == 0 else (header + 32, len(data) - 32)
        at = low + next(draws) % (high - low)
        data[at] = b'\x00\xff[]"\\,0129'[next(draws) % 11] if turn % 2 else data[at] ^ 1 << next(draws) % 8
        data[-32:] = hashlib.sha256(data[:-32]).digest()
        (tmp_path / "t").write_bytes(data)
        command, calm = [program, "t", "mask", "weights"], {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=calm)
        assert run.returncode in (0, 1), run.stderr
        assert "Sanitizer" not in run.stderr
        assert "runtime error" not in run.stderr
        if at >= header:
            assert run.returncode == 1, f"byte {at} was changed unnoticed"


DAMAGED = [
    (0.5, "uniform", 0),
    (0.3, "kaiming-normal", 0.2),
    (0.05, "signed-constant", 0),
    (0.02, "torch-default", 0.3),
]


def test_wrong_calls(program: Path, make, tmp_path: Path) -> None:
    data = file.encode(make())
    (tmp_path / "t").write_bytes(data[:-1])
    (tmp_path / "short").write_bytes(b"\0" * 39)
    codes = [[program], [program, "none"], [program, "t", "a", "b", "c"], [program, "t"], [program, "short"]]
    assert [subprocess.run(c, cwd=tmp_path, capture_output=True).returncode for c in codes] == [2, 2, 2, 1, 1]
    other = bytearray(data)
    other[int.from_bytes(data[:8], "little") + 8] ^= 1  # the weights' digest
    other[-32:] = hashlib.sha256(other[:-32]).digest()
    (tmp_path / "t").write_bytes(other)
    run = subprocess.run([program, "t"], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 1
    assert "WRONG" in run.stdout.splitlines()[-1]
    assert np.sum([line.endswith(" ok") for line in run.stdout.splitlines()]) == 2
