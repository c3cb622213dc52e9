"""What a landscape is measured on; apart from the measuring, so that --help needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ticketry.core.errors import refuse


@dataclass(frozen=True, kw_only=True)
class LandscapeSettings:
    """What is measured. Equal settings give equal landscapes of a ticket."""

    directions: int = 3
    """Lines to each target, 1 to 100."""
    points: int = 11
    """Points of a line, both ends included, 2 to 101."""
    grid: int = 15
    """Points on a side of the plane, odd, 3 to 101."""
    split: Literal["val", "train"] = "val"
    """The examples that judge, never those of the test split."""
    examples: int | None = None
    """At most so many of them, drawn by the seed: 1000 will do where a network is slow, as convolutions are."""
    seed: int = 0
    """Decides targets, orders and examples; in [0, 2^63)."""

    def __post_init__(self) -> None:
        for name, low, high in (("directions", 1, 100), ("points", 2, 101), ("grid", 3, 101)):
            value = getattr(self, name)
            if not low <= value <= high:
                raise refuse(name, value, f"from {low} to {high}", "choose such a number")
        if self.grid % 2 == 0:
            raise refuse("grid", self.grid, "odd, so that the ticket is in its middle", f"choose {self.grid + 1}")
        if self.examples is not None and self.examples < 1:
            raise refuse("examples", self.examples, "at least 1", "leave it out to take all of the split")
        if not 0 <= self.seed < 2**63:
            raise refuse("seed", self.seed, "an integer in [0, 2^63)", "choose another seed")
