"""Single values of a ticket's header between JSON and Python, every one checked on the way in."""

from __future__ import annotations

import re
import struct
from typing import Any, TypeVar

from ticketry.core.seed.weights import KINDS, SCALES, WeightRecipe
from ticketry.ticket.content import UNITS, DrawnParameter, FixedParameter, LayerShape, Scaling, ZeroRange
from ticketry.ticket.reader import damaged

T = TypeVar("T")
Pair = tuple[float, float]


def choice(value: object, allowed: tuple[T, ...]) -> T:
    """One of the values that are allowed."""
    for known in allowed:
        if type(value) is type(known) and value == known:
            return known
    raise damaged(f"its header has {value!r:.60} where one of {', '.join(map(str, allowed))} must be")


def integer(value: object) -> int:
    """A whole number."""
    if type(value) is not int:
        raise _other(value, "a whole number")
    return value


def text(value: object) -> str:
    """A text."""
    if not isinstance(value, str):
        raise _other(value, "a text")
    return value


def items(value: object, least: int = 0, most: int | None = None) -> list[Any]:
    """A list, of at least and at most so many."""
    if not isinstance(value, list) or len(value) < least or (most is not None and len(value) > most):
        raise _other(value, "a list of a certain length")
    return value


def bits(number: float) -> str:
    """The bits of a float32, as 8 hexadecimal digits."""
    return struct.pack(">f", number).hex()


def number(value: object) -> float:
    """The float32 of such bits."""
    digits = text(value)
    if not re.fullmatch("[0-9a-f]{8}", digits):
        raise _other(value, "the 8 hexadecimal digits of a float32")
    found: float = struct.unpack(">f", bytes.fromhex(digits))[0]
    return found


def pair(row: object) -> Pair:
    """Two float32."""
    first, second = map(number, items(row, 2, 2))
    return first, second


def recipe(value: object) -> WeightRecipe:
    """KIND or KIND/SCALE."""
    kind, _, scale = text(value).partition("/")
    return WeightRecipe(choice(kind, KINDS), choice(scale or "none", SCALES))


def layer(row: object) -> LayerShape:
    """[NAME, d1, ...]."""
    name, *shape = items(row, 1)
    return LayerShape(text(name), tuple(map(integer, shape)))


def drawn(row: object) -> DrawnParameter:
    """[NAME, fan_in, d1, ...]."""
    name, fan_in, *shape = items(row, 2)
    return DrawnParameter(text(name), tuple(map(integer, shape)), integer(fan_in))


def fixed(row: object) -> FixedParameter:
    """[NAME, BITS, d1, ...]."""
    name, value, *shape = items(row, 2)
    return FixedParameter(text(name), tuple(map(integer, shape)), number(value))


def zeros(row: object) -> ZeroRange:
    """[NAME, START, STOP]."""
    name, start, stop = items(row, 3, 3)
    return ZeroRange(text(name), integer(start), integer(stop))


def scaling(value: object) -> Scaling:
    """[UNIT, [GAIN, SHIFT], ...]."""
    unit, *pairs = items(value, 2)
    return Scaling(choice(unit, UNITS), tuple(map(pair, pairs)))


def from_scaling(value: Scaling) -> list[Any]:
    """The other way."""
    return [value.unit, *([bits(gain), bits(shift)] for gain, shift in value.pairs)]


def _other(value: object, wanted: str) -> Exception:
    return damaged(f"its header has {value!r:.60} where {wanted} must be")
