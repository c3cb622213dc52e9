"""An interleaved range coder of asymmetric numeral systems: symbols with known probabilities to bytes and back.

Several coders ("lanes", symbol i belongs to lane i mod lanes) share one stream of 16-bit words, so that NumPy advances
all of them at once. A lane's state x stays in [2^16, 2^32). Integers only. Source: Duda, "Asymmetric numeral systems",
arXiv 1311.2540, 2013; interleaving: Giesen, arXiv 1402.3392, 2014.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ticketry.ticket.reader import Reader, damaged
from ticketry.ticket.tables import BITS, table

LOW = 1 << 16  # lower end of the states, and every lane's state before the first symbol
STEPS = 1 << 12  # about the most symbols of one lane

Symbols = NDArray[np.uint8]


def lanes(symbols: int) -> int:
    """How many lanes share the symbols: three bytes each, for at most 2^12 steps of a vectorised loop."""
    return 1 + symbols // STEPS


def encode(symbols: Symbols, models: Symbols) -> bytes:
    """Code symbols, each by the table that `models` numbers: the last symbol first, so that they are read in order."""
    if len(symbols) == 0:
        return b""
    bounds, place = _bounds(models)
    index = place[models] * 256 + symbols
    frequency = np.diff(bounds).ravel()[index]
    start = bounds[:, :-1].ravel()[index]
    states = np.full(lanes(len(symbols)), LOW, np.uint32)
    words = []
    for at in reversed(range(0, len(symbols), len(states))):
        f = frequency[at : at + len(states)]
        x = states[: len(f)]
        full = x >= f << np.uint32(32 - BITS)
        words.append(x[full].astype("<u2"))
        x >>= full * np.uint32(16)
        x += x // f * ((1 << BITS) - f) + start[at : at + len(f)]
    return states.astype("<u4").tobytes() + b"".join(chunk.tobytes() for chunk in reversed(words))


def decode(data: bytes | memoryview, models: Symbols) -> Symbols:
    """The symbols that `encode` coded with these models. Raises TicketError unless every byte is as it wrote it."""
    reader = Reader(data)
    if len(models) == 0:
        if len(reader.rest()):
            raise damaged("bytes follow its mask")
        return np.zeros(0, np.uint8)
    bounds, place = _bounds(models)
    frequency = np.diff(bounds)
    symbol = np.concatenate([np.repeat(np.arange(256, dtype=np.uint8), f) for f in frequency])
    slot_of_start = np.tile(np.arange(1 << BITS, dtype=np.uint32), len(bounds)) - np.repeat(
        bounds[:, :-1], frequency.ravel()
    )
    # one gather a step: how many slots the symbol has (upper half) and which of them this one is (lower half)
    step = np.repeat(frequency.ravel(), frequency.ravel()) << np.uint32(16) | slot_of_start
    slots = place[models] << BITS
    states = np.frombuffer(reader.bytes(4 * lanes(len(models))), "<u4").astype(np.uint32)
    rest = reader.rest()
    if len(rest) % 2 or states.min() < LOW:
        raise damaged("its coded mask does not begin or end as it must")
    words = np.frombuffer(rest, "<u2").astype(np.uint32)
    used = 0
    for at in range(0, len(models), len(states)):
        slot = slots[at : at + len(states)]
        x = states[: len(slot)]
        slot += x & np.uint32((1 << BITS) - 1)
        now = step[slot]
        x >>= np.uint32(BITS)
        x *= now >> np.uint32(16)
        x += now & np.uint32(0xFFFF)
        empty = np.flatnonzero(x < LOW)
        if len(empty):
            fresh = words[used : used + len(empty)]
            if len(fresh) < len(empty):
                raise damaged("its coded mask ends too early")
            x[empty] = x[empty] << np.uint32(16) | fresh
            used += len(empty)
    if used < len(words) or (states != LOW).any():
        raise damaged("its coded mask does not end as it must")
    symbols: Symbols = symbol[slots]
    return symbols


def _bounds(models: Symbols) -> tuple[NDArray[np.uint32], NDArray[np.intp]]:
    """The tables in use, UInt32[tables, 257], and for every model number its place among them."""
    used = np.flatnonzero(np.bincount(models, minlength=256))
    place = np.zeros(256, np.intp)
    place[used] = np.arange(len(used))
    return np.stack([table(model) for model in used.tolist()]), place
