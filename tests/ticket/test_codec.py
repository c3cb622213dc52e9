"""The mask coder: exact on every input, close to the entropy on typical ones, closed to what it did not write."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ticketry.core.errors import TicketError
from ticketry.core.seed.streams import stream
from ticketry.ticket import codec, rans, tables

Bits = NDArray[np.bool_]
LENET = (235200, 30000, 1000)


def bernoulli(sizes: tuple[int, ...], p: float, seed: int = 0) -> list[Bits]:
    return [stream(seed, "bernoulli", i).uniform(n) < p for i, n in enumerate(sizes)]


def clustered(sizes: tuple[int, ...], p: float) -> list[Bits]:
    """Whole runs of 1 to 400 weights are kept, as where units die."""
    layers = []
    for i, n in enumerate(sizes):
        bits = np.zeros(n, np.bool_)
        starts, lengths = stream(0, "starts", i).integers(n, n), 1 + stream(0, "lengths", i).integers(n, 400)
        for start, length in zip(starts, lengths, strict=True):
            if bits.mean() >= p:
                break
            bits[start : start + length] = True
        layers.append(bits)
    return layers


def periodic(sizes: tuple[int, ...], p: float) -> list[Bits]:
    return [np.arange(n) % round(1 / p) == 0 for n in sizes]


def same(a: list[Bits], b: list[Bits]) -> bool:
    return len(a) == len(b) and all(x.dtype == y.dtype and np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@given(st.lists(st.tuples(st.integers(0, 700), st.floats(0, 1)), max_size=6), st.integers(0, 9))
@settings(max_examples=150, deadline=None)
def test_round_trip(layers: list[tuple[int, float]], seed: int) -> None:
    bits = [stream(seed, "bits", i).uniform(n) < p**3 for i, (n, p) in enumerate(layers)]
    sizes = [n for n, _ in layers]
    assert same(codec.decode(codec.encode(bits), sizes), bits)


@given(st.integers(1, 50_000), st.data())
@settings(max_examples=60, deadline=None)
def test_round_trip_of_any_positions(n: int, data: st.DataObject) -> None:
    """Few bits anywhere: long gaps, many escapes, first and last positions."""
    ones = data.draw(st.lists(st.integers(0, n - 1), max_size=20))
    bits = np.zeros(n, np.bool_)
    bits[ones] = True
    assert same(codec.decode(codec.encode([bits, ~bits]), [n, n]), [bits, ~bits])


@pytest.mark.parametrize(
    "bits",
    [
        [],
        [np.zeros(0, np.bool_)],
        [np.zeros(9, np.bool_), np.ones(9, np.bool_)],
        [np.array([True]), np.array([False])],
        [np.arange(100_000) == 99_999, np.zeros(0, np.bool_), np.arange(3) < 1],
        [np.arange(1 << 21) == 0],
    ],
)
def test_round_trip_at_the_edges(bits: list[Bits]) -> None:
    assert same(codec.decode(codec.encode(bits), [len(b) for b in bits]), bits)


def test_thousands_of_layers() -> None:
    sizes = tuple(range(1, 3001, 2))
    bits = [stream(0, "layer", n).uniform(n) < n % 97 / 97 for n in sizes]
    assert same(codec.decode(codec.encode(bits), sizes), bits)


@pytest.mark.parametrize("p", [0.5, 0.45, 0.3, 0.2, 0.12, 0.1, 0.05, 0.01, 0.9])
@pytest.mark.parametrize("structure", [bernoulli, clustered, periodic])
def test_bytes_stay_near_the_entropy(structure, p: float) -> None:
    bits = structure(LENET, p)
    entropy = codec.entropy_bytes(LENET, [int(b.sum()) for b in bits])
    assert len(codec.encode(bits)) <= 1.008 * entropy + 20


def test_small_layers_cost_little() -> None:
    for p in (0.5, 0.2, 0.05):
        bits = bernoulli((40, 60, 20), p)
        assert len(codec.encode(bits)) <= codec.entropy_bytes((40, 60, 20), [int(b.sum()) for b in bits]) + 10


def test_entropy() -> None:
    assert codec.entropy_bytes([16, 8, 8], [8, 0, 8]) == 2
    assert codec.entropy_bytes([1000], [110]) == pytest.approx(62.4895, abs=1e-4)


@pytest.mark.parametrize("model", [*range(8, 32), *range(32, 241)])
def test_tables_are_near_their_exact_probabilities(model: int) -> None:
    table = tables.table(model)
    slots = np.diff(table.astype(np.int64))
    if model < 32:
        p = Fraction(model, 64)
        exact = [p ** v.bit_count() * (1 - p) ** (8 - v.bit_count()) for v in range(256)]
    else:
        theta = Fraction(model, 2048)
        exact = [theta * (1 - theta) ** v for v in range(255)] + [(1 - theta) ** 255]
    assert table[0] == 0
    assert table[256] == 1 << 15
    assert slots.min() >= 1
    assert all(
        int(s) >= (1 - Fraction(1, 128)) * 2**15 * e - Fraction(1, 1000) for s, e in zip(slots, exact, strict=True)
    )


@given(st.integers(1, 1 << 28), st.floats(0, 1))
@settings(max_examples=200, deadline=None)
def test_every_layer_has_a_table(n: int, p: float) -> None:
    kept = min(n, round(n * p**6))
    how = tables.plan(n, kept)
    assert how.rare == min(kept, n - kept)
    assert how.inverted == (kept > n - kept)
    if how.kind == "bytes":
        assert 8 <= how.model < 32
    if how.kind == "gaps":
        assert 32 <= how.model <= 240
        assert how.shift == 0 or how.rare << how.shift <= n / 32


@pytest.mark.parametrize("p", [0.5, 0.3, 0.1, 0.02])
def test_no_other_bytes_are_accepted(p: float) -> None:
    """Whatever is done to the bytes, they are refused, or they are what the coder writes for the mask they give."""
    sizes = (700, 90, 30)
    good = codec.encode(bernoulli(sizes, p))
    draws = iter(stream(0, "damage").integers(5000, 1 << 30).tolist())
    refused = 0
    for _ in range(600):
        bad = bytearray(good)
        at, what = next(draws) % len(bad), next(draws)
        if what % 4 == 0:
            del bad[at]
        elif what % 4 == 1:
            bad.insert(at, what >> 2 & 255)
        else:
            bad[at] ^= 1 << what % 8
        try:
            bits = codec.decode(bytes(bad), sizes)
        except TicketError:
            refused += 1
        else:
            assert codec.encode(bits) == bytes(bad)
    assert refused > 300


def forged(counts: list[int], plain: bytes, symbols: list[int], model: int) -> bytes:
    """Bytes that hold together, with symbols of our choice."""
    return bytes(counts) + plain + rans.encode(np.array(symbols, np.uint8), np.full(len(symbols), model, np.uint8))


FORGERIES = {
    "bits follow the end of a layer": (20, forged([3], b"", [1, 2, 0x12], 10)),
    "a gap leads out of its layer": (400, forged([2, 0], b"\x09", [9, 200], 41)),
    "a layer has too few or too many gaps": (4000, forged([10, 1], bytes(4), [0] * 10 + [255], 41)),
    "a layer's count and its bits disagree": (20, forged([3], b"", [1, 2, 1 | 2], 10)),
    "bits follow the end of its plain bits": (6, b"\x03\x56"),
    "one of its counts is impossible": (4000, forged([10, 2], bytes(4), [0] * 10 + [255] * 2, 41)),
    "its coded mask does not begin or end": (8, b"\x02" + int(tables.table(16)[3] + 1).to_bytes(4, "little") + b"\0\0"),
    "bytes follow its mask": (8, b"\x00\x00"),
}


@pytest.mark.parametrize("message", FORGERIES)
def test_forgeries_are_refused(message: str) -> None:
    n, data = FORGERIES[message]
    with pytest.raises(TicketError, match=message):
        codec.decode(data, [n])


def test_sizes_are_checked_before_anything_is_allocated() -> None:
    with pytest.raises(TicketError, match="1099511627776 weights, more than max_weights 16777216"):
        codec.decode(b"\0", [1 << 40])
    with pytest.raises(TicketError, match="max_weights 99"):
        codec.decode(codec.encode([np.zeros(100, np.bool_)]), [100], max_weights=99)


def test_a_long_varint_is_refused() -> None:
    for data in (b"\xff" * 6, b"\x80\x00", b"\x81\x80\x80\x80\x80\x00", b""):
        with pytest.raises(TicketError):
            codec.decode(data, [1 << 20])
