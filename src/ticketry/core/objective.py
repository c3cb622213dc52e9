"""Objective: what a network is scored by. Nothing in it needs labels or a gradient; those that have them say so.

`objectives/` holds them, one a file. Each is made for one set of data and its training part, by `of`, and given the
splits: it never holds the test split, and what it learns from targets (their mean and scale), it learns from training
examples. The three numbers everybody needs are a loss, which is lowered, a quality, which is reported, and chance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from ticketry.core.fitness.kernels import Networks
    from ticketry.core.fitness.totals import Limit, Score
    from ticketry.core.meters import Meter
    from ticketry.core.nets.feed import Feed
    from ticketry.core.nets.loss import Loss

E = TypeVar("E")

Need = Literal["labels", "gradient", "classes"]
"""What a method may need: losses of labelled examples one by one, their derivatives, classes among which to choose."""

Target = tuple[tuple[float, float], ...]
"""Mean and scale of each output's targets, in the units of the data; empty where targets are not standardised."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """Of quality: its name and how it is written. The higher the better, always."""

    name: str
    """In JSON and on the command line."""
    title: str
    """In a sentence."""
    fraction: bool
    """Whether it is written in per cent, and differences in points."""
    floor: float
    """The least it can be; also of a network whose loss is no finite number."""
    loss: str
    """What the loss beside it is called in a row of numbers."""
    loss_axis: str
    """And as the title of an axis, with its unit."""
    does: str
    """What a network does to data, in a sentence with its quality: `classify`, `fit`."""
    most: float = 1.0
    """The best it can be."""
    margin: float = 0.005
    """What a ticket must be better by in a verdict."""

    @property
    def factor(self) -> float:
        """What a value is multiplied by when it is written."""
        return 100.0 if self.fraction else 1.0

    @property
    def axis(self) -> str:
        """The title of an axis: `accuracy, %`."""
        return f"{self.title}, %" if self.fraction else self.title

    @property
    def decimals(self) -> int:
        """More digits after the point than in per cent."""
        return 0 if self.fraction else 2


class About(NamedTuple):
    """What an objective is made of."""

    input_shape: tuple[int, ...]
    outputs: int
    digest: str
    """Of the data."""
    y: NDArray[Any]
    """Targets of the training part, as the data have them."""
    target: Target | None
    """That of a ticket, where there is one: a network keeps what it was found with."""


class Objective(Protocol[E]):
    """One of them, for some data. `E`: examples made ready to be scored on again and again."""

    measure: ClassVar[Measure]
    has: ClassVar[frozenset[Need]]

    @property
    def input_shape(self) -> tuple[int, ...]: ...
    @property
    def outputs(self) -> int: ...
    @property
    def digest(self) -> str:
        """Of the data that networks are scored on."""

    @property
    def target(self) -> Target:
        """What a ticket must remember of the targets."""

    @property
    def loss(self) -> Loss | None:
        """On labelled examples, for the kernels; None where there are no labels, and so no gradient."""

    @property
    def guess(self) -> tuple[float, float]:
        """Loss and quality of a constant guess, to measure others by."""

    @classmethod
    def of(cls, about: About) -> Objective[E]:
        """The objective on these data. Raises RequestError where it cannot be."""

    def targets(self, y: NDArray[Any]) -> NDArray[Any]:
        """Targets of a split as networks are to meet them."""

    def prepare(self, examples: Feed) -> E:
        """A split, or a part of one, made ready for `score`."""

    def score(self, networks: Networks, examples: E, limit: Limit | None, meter: Meter) -> Score:
        """Mean loss and quality of many networks on all of the examples; see Limit for those that are given up."""

    def judge(self, network: Callable[[torch.Tensor], torch.Tensor], split: Feed, meter: Meter) -> tuple[float, float]:
        """Mean loss and quality of one network on a whole split."""

    def chance(self, split: Feed) -> float:
        """The quality on a split at or below which a trained network has learnt nothing."""

    def reported(self, loss: float | None) -> float | None:
        """A loss in the units that the user knows; None where it is no finite number."""
