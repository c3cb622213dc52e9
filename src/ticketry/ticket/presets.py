"""What inputs and outputs mean for the built-in image sets: a name in the file instead of numbers and labels."""

from __future__ import annotations

import struct
from typing import NamedTuple

from ticketry.ticket.content import Scaling


class Meaning(NamedTuple):
    """How an example becomes inputs, and the names of the classes."""

    scaling: Scaling | None
    labels: tuple[str, ...]


def _u8(*pairs: str) -> Scaling:
    """A scaling from the bits of its pairs, GAIN:SHIFT."""
    found = [struct.unpack(">2f", bytes.fromhex(pair.replace(":", ""))) for pair in pairs]
    return Scaling("u8", tuple((gain, shift) for gain, shift in found))


# Gain 1 / (255 std) and shift -mean / std of the means and deviations that `ticketry.data` has for these sets.
PRESETS: dict[str, Meaning] = {
    "cifar-10": Meaning(
        _u8("3c82100e:bffea713", "3c83eea5:bffd7a0f", "3c759b94:bfda7890"),
        ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    ),
    "fashion-mnist": Meaning(
        _u8("3c36039d:bf4f6928"),
        (
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
    ),
    "mnist": Meaning(_u8("3c508a14:bed93270"), ()),
}


def normal(scaling: Scaling | None) -> Scaling | None:
    """The same scaling in its shortest form: +0 for -0, one pair for equal ones, None where nothing changes."""
    if scaling is None:
        return None
    pairs = tuple((gain, shift + 0.0) for gain, shift in scaling.pairs)
    pairs = pairs[:1] if len(set(pairs)) == 1 else pairs
    return None if (scaling.unit, pairs) == ("f32", ((1.0, 0.0),)) else Scaling(scaling.unit, pairs)


def name(meaning: Meaning) -> str:
    """The preset of a meaning, or nothing."""
    return next((name for name, known in PRESETS.items() if known == meaning), "")
