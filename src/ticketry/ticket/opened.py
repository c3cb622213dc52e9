"""A ticket file opened: its bytes, layout, header and counts checked, its mask still coded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ticketry.core.errors import TicketError
from ticketry.ticket import container
from ticketry.ticket.container import SEAL, Entry
from ticketry.ticket.content import Header
from ticketry.ticket.header import from_json
from ticketry.ticket.limits import MAX_WEIGHTS
from ticketry.ticket.reader import Reader, damaged

PARTS = ("buffers", "fixed", "rest", "values")
"""What a float tensor is of: the start of its name up to the first `.`, all but `values` followed by one."""


class Opened(NamedTuple):
    """The parts of a file."""

    header: Header
    locks: tuple[tuple[int, int], ...] | None
    coded: memoryview
    """The coded mask: the searched weights of all layers."""
    digests: dict[str, str]
    """`weights`, `mask` and `ticket`: SHA-256 in hex, as the file states them."""
    tensors: dict[str, Entry]

    @property
    def searched(self) -> list[int]:
        """How many weights of each layer the coded mask covers."""
        locks = self.locks or [(0, 0)] * len(self.header.layers)
        return [layer.size - off - on for layer, (off, on) in zip(self.header.layers, locks, strict=True)]

    def floats(self) -> Iterator[tuple[str, str, Entry]]:
        """The float tensors, with the part and the rest of their names."""
        for name, entry in self.tensors.items():
            if name != "mask":
                part, _, inner = name.partition(".")
                yield part, inner, entry


def open_ticket(data: bytes, max_weights: int = MAX_WEIGHTS) -> Opened:
    """Open a file. Raises TicketError for bytes that are no ticket, or one of more than `max_weights` parameters."""
    text, tensors = container.read(data, max_weights)
    header = from_json(text, max_weights)
    for name in tensors:
        part, _, inner = name.partition(".")
        if name != "mask" and (part not in PARTS or (part == "values") != (inner == "")):
            raise TicketError(f"the ticket has a tensor {name:.60}, unknown to this ticketry; a newer one may read it.")
    reader = Reader(tensors["mask"].data)
    weights, mask = bytes(reader.bytes(SEAL)), bytes(reader.bytes(SEAL))
    locks = None
    if reader.varint(1):
        numbers = [[reader.varint(layer.size), reader.varint(layer.size)] for layer in header.layers]
        locks = tuple((off, on) for off, on in numbers)
        if any(off + on > layer.size for layer, (off, on) in zip(header.layers, locks, strict=True)):
            raise damaged("more weights of a layer are locked than it has")
    digests = {"weights": weights.hex(), "mask": mask.hex(), "ticket": data[-SEAL:].hex()}
    return Opened(header, locks, reader.rest(), digests, tensors)
