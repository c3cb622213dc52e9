"""The examples in FORMAT.md are true."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from ticketry.core.seed import philox, quantile, weights
from ticketry.core.seed.weights import KINDS, Kind
from ticketry.ticket import codec, tables

TEXT = (Path(__file__).parents[2] / "FORMAT.md").read_text()
ANSWERS = TEXT[TEXT.index("Answers to check against") :]
KEY = philox.key(0, "weight", "fc1.weight")


def row(start: str) -> list[str]:
    """The hexadecimal numbers in the row of the answers with this start."""
    line = next(line for line in ANSWERS.splitlines() if line.startswith(f"| {start} |"))
    return re.findall(r"`([0-9a-f]+)`", line)


def test_random_words() -> None:
    assert row("key") == [f"{word:016x}" for word in KEY]
    assert row("words") == [f"{word:016x}" for word in philox.words64(KEY, 4)]
    assert row("32-bit words, bits") == [f"{word:08x}" for word in philox.words32(KEY, 3)]
    assert " ".join(map(str, philox.bits(KEY, 8))) in TEXT


def test_normal_numbers() -> None:
    words = np.append(philox.words32(KEY, 3), np.uint32(12345))
    assert all(float(z).hex() in TEXT for z in quantile.normal(words))


@pytest.mark.parametrize("kind", KINDS)
def test_weights(kind: Kind) -> None:
    first = weights.weight(kind, 0, "fc1.weight", (300, 784)).ravel()[:3]
    assert row(f"`{kind}`") == [f"{bits:08x}" for bits in first.view(np.uint32)]


def test_mask() -> None:
    layers = [np.isin(np.arange(n), ones) for n, ones in ((20, [0, 9, 17]), (400, [37, 300]), (6, [1, 2, 4]))]
    assert codec.encode(layers) == bytes.fromhex("030200036901e1a16206ea16")
    assert "03 02 00 03   69 01   e1 a1 62 06   ea 16" in TEXT


def test_trace() -> None:
    state, word = 0x0662A1E1, 0x16EA
    lines = iter(re.findall(r"^\| (10|41) \| (\w+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\w+)", TEXT, re.MULTILINE))
    for model in (10, 10, 10, 41, 41):
        table, slot = tables.table(model).tolist(), state % 32768
        symbol = max(v for v in range(256) if table[v] <= slot)
        slots = table[symbol + 1] - table[symbol]
        following = slots * (state >> 15) + slot - table[symbol]
        numbers = (str(model), f"{state:#x}", str(slot), str(symbol), str(table[symbol]), str(slots), f"{following:#x}")
        assert next(lines) == numbers
        state = following if following >= 65536 else following << 16 | word
    assert state == 65536
