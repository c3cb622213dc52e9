"""The mask coder: layers of bits to bytes within a fraction of a percent of their entropy, by integers only.

Bytes, in this order: the counts (varints; for every layer its number of ones and, where gaps are coded, how many escape
symbols they need); the plain bits of all layers as one string; the coded symbols of all layers as one sequence.
`tables` says which layer is coded how, `rans` codes the symbols; FORMAT.md has the specification.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ticketry.ticket import rans
from ticketry.ticket.limits import MAX_WEIGHTS, accept
from ticketry.ticket.reader import Reader, damaged, varint
from ticketry.ticket.tables import ESCAPE, Plan, plan

Bits = NDArray[np.bool_]


def entropy_bytes(sizes: Sequence[int], kept: Sequence[int]) -> float:
    """Sum over the layers of n H(k / n), in bytes: what a coder that knows each k needs for a typical mask."""
    total = 0.0
    for n, k in zip(sizes, kept, strict=True):
        total -= sum(m * math.log2(m / n) for m in (k, n - k) if m)
    return total / 8


def encode(layers: Sequence[Bits]) -> bytes:
    """Code the bits of each layer, Bool[n]."""
    counts = bytearray()
    plain: list[Bits] = [np.zeros(0, np.bool_)]
    symbols: list[NDArray[np.uint8]] = [np.zeros(0, np.uint8)]
    models: list[NDArray[np.uint8]] = [np.zeros(0, np.uint8)]
    for layer in layers:
        kept = int(np.count_nonzero(layer))
        how = plan(len(layer), kept)
        bits = layer ^ how.inverted
        counts += varint(kept)
        if how.kind == "plain":
            plain.append(bits)
        elif how.kind == "bytes":
            symbols.append(np.packbits(bits, bitorder="little"))
        elif how.kind == "gaps":
            low, high = _to_gaps(bits, how.shift)
            plain.append(low)
            symbols.append(high)
            counts += varint(len(high) - how.rare)
        if how.model:
            models.append(np.full(len(symbols[-1]), how.model, np.uint8))
    string = np.packbits(np.concatenate(plain), bitorder="little").tobytes()
    return bytes(counts) + string + rans.encode(np.concatenate(symbols), np.concatenate(models))


def counts(reader: Reader, sizes: Sequence[int]) -> list[tuple[int, int]]:
    """For each layer its number of ones and of escape symbols, as the reader's next bytes say."""
    result = []
    for n in sizes:
        kept = reader.varint(n)
        how = plan(n, kept)
        most = ((n - how.rare) >> how.shift) // ESCAPE
        result.append((kept, reader.varint(most) if how.kind == "gaps" else 0))
    return result


def decode(data: bytes | memoryview, sizes: Sequence[int], max_weights: int = MAX_WEIGHTS) -> list[Bits]:
    """The layers that `encode` coded, given their sizes; each is part of one array, and can be written.

    Raises TicketError, before anything is allocated, for more than `max_weights` bits in all, and for every string of
    bytes that `encode` does not produce.
    """
    accept(sizes, max_weights)
    reader = Reader(data)
    numbers = counts(reader, sizes)
    plans = [plan(n, kept) for n, (kept, _) in zip(sizes, numbers, strict=True)]
    lengths = [_symbols(n, how, escapes) for n, how, (_, escapes) in zip(sizes, plans, numbers, strict=True)]
    widths = [n if how.kind == "plain" else how.rare * how.shift for n, how in zip(sizes, plans, strict=True)]
    plain = _unpack(reader, sum(widths))
    models = np.repeat(np.array([how.model for how in plans], np.uint8), lengths)
    symbols = rans.decode(reader.rest(), models)

    flat = np.zeros(sum(sizes), np.bool_)
    layers = [flat[a:b] for a, b in pairwise(np.cumsum([0, *sizes]))]
    cuts = (pairwise(np.cumsum([0, *lengths])), pairwise(np.cumsum([0, *widths])))
    for bits, how, (a, b), (c, d) in zip(layers, plans, *cuts, strict=True):
        if how.kind == "plain":
            bits[:] = plain[c:d]
        elif how.kind == "bytes":
            bits[:] = np.unpackbits(symbols[a:b], count=len(bits), bitorder="little")
            if len(bits) % 8 and symbols[b - 1] >> (len(bits) % 8):
                raise damaged("bits follow the end of a layer")
        elif how.kind == "gaps":
            bits[_from_gaps(symbols[a:b], plain[c:d], how, len(bits))] = True
        if np.count_nonzero(bits) != how.rare:
            raise damaged("a layer's count and its bits disagree")
        bits ^= how.inverted
    return layers


def _symbols(n: int, how: Plan, escapes: int) -> int:
    """How many coded symbols a layer has."""
    return {"bytes": (n + 7) // 8, "gaps": how.rare + escapes}.get(how.kind, 0)


def _unpack(reader: Reader, n: int) -> Bits:
    """The next n bits, in whole bytes whose unused bits must be zero."""
    packed = np.frombuffer(reader.bytes((n + 7) // 8), np.uint8)
    if n % 8 and packed[-1] >> (n % 8):
        raise damaged("bits follow the end of its plain bits")
    return np.unpackbits(packed, count=n, bitorder="little").view(np.bool_)


def _to_gaps(bits: Bits, shift: int) -> tuple[Bits, NDArray[np.uint8]]:
    """The low bits, lowest first, and the symbols of the zeros before each one."""
    gaps = np.diff(np.flatnonzero(bits), prepend=-1) - 1
    low = (gaps[:, None] >> np.arange(shift) & 1).astype(np.bool_).ravel()
    high = gaps >> shift
    escapes = high // ESCAPE
    ends = np.cumsum(escapes + 1) - 1
    symbols = np.full(ends[-1] + 1, ESCAPE, np.uint8)
    symbols[ends] = high - ESCAPE * escapes
    return low, symbols


def _from_gaps(symbols: NDArray[np.uint8], low: Bits, how: Plan, n: int) -> NDArray[np.int64]:
    """The positions of the rare bits in a layer of n."""
    ends = np.flatnonzero(symbols != ESCAPE)
    if len(ends) != how.rare or symbols[-1] == ESCAPE:
        raise damaged("a layer has too few or too many gaps")
    steps = np.ones(how.rare, np.int64)
    for bit, column in enumerate(low.reshape(how.rare, how.shift).T):
        steps += column.astype(np.int64) << bit
    positions: NDArray[np.int64] = (np.cumsum(symbols, dtype=np.int64)[ends] << how.shift) + np.cumsum(steps) - 1
    if positions[-1] >= n:
        raise damaged("a gap leads out of its layer")
    return positions
