"""What a reader accepts to spend on a file from a stranger: every bound follows from one number, `max_weights`.

A few bytes can ask for any number of weights, since a seed gives them. A file is refused before anything is allocated
for it, and before its lines are looked at one by one. FORMAT.md states the bounds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ticketry.core.errors import TicketError
from ticketry.ticket.content import Header

MAX_WEIGHTS = 1 << 24  # 16.8 million, drawn in about a second; VGG-16 has 15 million
UNBOUNDED = 1 << 62  # for files of one's own


def file_bytes(max_weights: int) -> int:
    """Of a whole file: room for all weights as float32, and as much again."""
    return 8 * _base(max_weights)


def check_file(size: int, max_weights: int) -> None:
    """Raise TicketError for a file of too many bytes."""
    _accept(size, "bytes", file_bytes(max_weights), max_weights)


def check_layout(size: int, max_weights: int) -> None:
    """Of bytes of the layout, which has the header in it."""
    _accept(size, "bytes of header", _base(max_weights) // 16, max_weights)


def check_rows(rows: int, max_weights: int) -> None:
    """Of parameters and tensors that are listed."""
    _accept(rows, "parameters and tensors", _base(max_weights) // 2048, max_weights)


def check_lists(count: int, max_weights: int) -> None:
    """Of lists in a header, before they are read: more than fit into one of the rows and bytes that are allowed."""
    _accept(count, "lists in its header", _base(max_weights) // 128, max_weights)


def check_sizes(header: Header, max_weights: int) -> None:
    """Of weights, inputs and outputs."""
    weights = [p.size for p in header.layers] + [p.size for p in header.rest] + [p.size for p in header.fixed]
    accept(weights, max_weights)
    _accept(math.prod(header.input_shape), "inputs", _base(max_weights) // 4, max_weights)
    _accept(header.outputs, "outputs", _base(max_weights) // 256, max_weights)


def accept(sizes: Sequence[int], max_weights: int) -> None:
    """Raise TicketError for layers of more weights than a reader is willing to allocate."""
    _accept(sum(sizes), "weights", max_weights, max_weights)


def _base(max_weights: int) -> int:
    """A smaller limit is one of weights alone."""
    return max(max_weights, MAX_WEIGHTS)


def _accept(number: int, what: str, most: int, max_weights: int) -> None:
    if number > most:
        allowed = "" if most == max_weights else f" allows ({most})"
        raise TicketError(
            f"the ticket has {_shown(number)} {what}, more than max_weights {max_weights}{allowed};"
            " raise that (--max-weights) to read it, if you trust its writer."
        )


def _shown(number: int) -> str:
    return str(number) if number < 1 << 64 else "more than 2^64"
