"""A ticket file opened: its bytes, layout, header and counts checked, its mask still coded."""

from __future__ import annotations

from typing import NamedTuple

from ticketry.ticket import codec, container
from ticketry.ticket.container import SEAL, Entry
from ticketry.ticket.content import Header
from ticketry.ticket.header import from_json
from ticketry.ticket.reader import Reader, damaged


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


def open_ticket(data: bytes, max_weights: int = codec.MAX_WEIGHTS) -> Opened:
    """Open a file. Raises TicketError for bytes that are no ticket, or one of more than `max_weights` parameters."""
    text, tensors = container.read(data)
    header = from_json(text)
    codec.accept(sum(layer.size for layer in header.layers) + sum(drawn.size for drawn in header.rest), max_weights)
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
