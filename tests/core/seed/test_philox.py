"""The generator against its published answers and against a second implementation, written from FORMAT.md."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketry.core.seed import philox

WORD = 1 << 64


def block(counter: list[int], key: list[int]) -> list[int]:
    """One Philox 4x64-10 block in plain Python integers."""
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2E7470EE14C6C93 * c[0], 0xCA5A826395121157 * c[2]
        c = [p1 >> 64 ^ c[1] ^ k[0], p1 % WORD, p0 >> 64 ^ c[3] ^ k[1], p0 % WORD]
        k = [(k[0] + 0x9E3779B97F4A7C15) % WORD, (k[1] + 0xBB67AE8584CAA73B) % WORD]
    return c


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [
        ([0] * 4, [0] * 2, "16554d9eca36314c db20fe9d672d0fdc d7e772cee186176b 7e68b68aec7ba23b"),
        ([WORD - 1] * 4, [WORD - 1] * 2, "87b092c3013fe90b 438c3c67be8d0224 9cc7d7c69cd777b6 a09caebf594f0ba0"),
        (
            [0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89],
            [0x452821E638D01377, 0xBE5466CF34E90C6C],
            "a528f45403e61d95 38c72dbd566e9788 a5a1610e72fd18b5 57bd43b5e52b7fe6",
        ),
    ],
)
def test_published_answers(counter: list[int], key: list[int], answer: str) -> None:
    # known-answer vectors of the Random123 library; they bind the implementation above
    assert block(counter, key) == [int(word, 16) for word in answer.split()]


@given(st.integers(0, WORD - 1), st.integers(0, WORD - 1), st.integers(1, 23))
@settings(max_examples=25, deadline=None)
def test_words_are_blocks_counted_from_one(low: int, high: int, n: int) -> None:
    expected = [word for i in range(1, 7) for word in block([i, 0, 0, 0], [low, high])][:n]
    assert philox.words64((low, high), n).tolist() == expected


def test_key_is_a_hash_of_the_parts() -> None:
    digest = hashlib.sha256(b"ticketry/1|7|weight|fc1.weight").digest()
    assert philox.key(7, "weight", "fc1.weight") == tuple(np.frombuffer(digest, "<u8")[:2].tolist())
    with pytest.raises(ValueError, match=r"\|"):
        philox.key(7, "weight|fc1", "weight")


def test_halves_and_bits_come_lowest_first() -> None:
    key = (1, 2)
    words = philox.words64(key, 3).tolist()
    halves = [half for word in words for half in (word % 2**32, word >> 32)]
    assert philox.words32(key, 5).tolist() == halves[:5]
    assert philox.bits(key, 130).tolist() == [word >> i & 1 for word in words for i in range(64)][:130]


@pytest.mark.parametrize("draw", [philox.words64, philox.words32, philox.bits])
def test_a_shorter_draw_is_a_prefix(draw) -> None:
    whole = draw((3, 4), 301)
    assert all(np.array_equal(draw((3, 4), n), whole[:n]) for n in (0, 1, 2, 63, 64, 65, 300))
