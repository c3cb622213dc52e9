"""Reading bytes that nobody has checked yet, and the sentence for those that turn out wrong."""

from __future__ import annotations

from ticketry.core.errors import TicketError

LONGEST = 5  # bytes of a varint: counts stay below 2^35


def damaged(what: str) -> TicketError:
    """The error for bytes that no writer of this format produces."""
    return TicketError(f"the ticket is damaged: {what}; get a fresh copy of it.")


def varint(value: int) -> bytes:
    """Seven bits a byte, lowest first; the top bit says that more follow (unsigned LEB128)."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Reader:
    """A cursor over bytes whose every step stays inside them."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)
        self._at = 0

    def bytes(self, n: int) -> memoryview:
        """The next n bytes."""
        if n > len(self._data) - self._at:
            raise damaged("it ends too early")
        self._at += n
        return self._data[self._at - n : self._at]

    def rest(self) -> memoryview:
        """All bytes that are left."""
        return self.bytes(len(self._data) - self._at)

    def varint(self, most: int) -> int:
        """The next varint; it must be in its shortest form and at most `most`."""
        value = 0
        for i in range(LONGEST):
            byte = self.bytes(1)[0]
            value |= (byte & 0x7F) << 7 * i
            if byte < 0x80:
                if value > most or (byte == 0 and i > 0):
                    raise damaged("one of its counts is impossible")
                return value
        raise damaged("one of its counts is impossible")
