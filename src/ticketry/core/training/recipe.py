"""Training: the one recipe by which the weights of a ticket, or of a dense network, are trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

from ticketry.core.errors import refuse
from ticketry.core.training import schedules

Start = Literal["untrained", "trained"]
"""From the weights that the seed gives, or from the values that a ticket file holds."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """How weights are trained."""

    epochs: int = 20
    """Passes over the training data, at least 1; schedules stretch over them."""
    batch: int = 128
    """Examples a step, at least 1."""
    optimiser: Literal["sgd", "adam"] = "sgd"
    """SGD with momentum, or Adam; weight decay is an L2 pull on every parameter in both."""
    learning_rate: float = 0.1
    """Rate of the first step, above 0; about 0.001 suits Adam."""
    schedule: Literal["cosine", "multistep", "constant"] = "cosine"
    """The rate falls to 0 by half a cosine, or to a tenth after 1/2 and again after 3/4 of the steps, or stays."""
    warmup: float = 0.0
    """Epochs over which the rate rises to its value first, 0 or more and fewer than all."""
    momentum: float = 0.9
    """Of SGD, in [0, 1)."""
    weight_decay: float = 1e-4
    """L2 pull on the weights, 0 or more."""
    rewind: int = 0
    """Steps for which the dense network trains before the mask is applied, 0 or more and fewer than all."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of products in the forward and backward pass; bfloat16 needs hardware for it to be faster."""

    def __post_init__(self) -> None:
        for name, allowed, fine in (
            ("epochs", "at least 1", self.epochs >= 1),
            ("batch", "at least 1", self.batch >= 1),
            ("learning_rate", "above 0 and finite", 0 < self.learning_rate < math.inf),
            ("warmup", "0 or more and below epochs", 0 <= self.warmup < self.epochs),
            ("momentum", "in [0, 1)", 0 <= self.momentum < 1),
            ("weight_decay", "0 or more and finite", 0 <= self.weight_decay < math.inf),
            ("rewind", "0 or more", self.rewind >= 0),
        ):
            if not fine:
                raise refuse(f"training.{name}", getattr(self, name), allowed, "choose a value in that range")

    @property
    def moments(self) -> int:
        """Vectors that the optimiser keeps beside the parameters."""
        return 2 if self.optimiser == "adam" else 1

    def check(self, steps_per_epoch: int) -> None:
        """Raise RequestError where the rewind point lies beyond the last step."""
        total = self.epochs * steps_per_epoch
        if self.rewind >= total:
            raise refuse(
                "rewind",
                self.rewind,
                f"below the {total} steps of {self.epochs} epochs",
                "rewind to an earlier step or train for more epochs",
            )

    def rate(self, step: int, steps_per_epoch: int) -> float:
        """The learning rate of step 0..; see `check` for what must hold."""
        total = self.epochs * steps_per_epoch
        warmup = round(self.warmup * steps_per_epoch)
        if self.schedule == "cosine" or step < warmup:
            return schedules.cosine(step, total, self.learning_rate, warmup)
        if self.schedule == "multistep":
            return schedules.multistep(step, (total // 2, total * 3 // 4), self.learning_rate)
        return self.learning_rate


class Sgd(Protocol):
    """What methods that train weights in their search have in common."""

    @property
    def batch(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def momentum(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...


def by_sgd(method: Sgd, epochs: int, rewind: int = 0) -> Training:
    """The training of a method's own fields, by a cosine. Raises RequestError for a field out of its range."""
    return Training(
        epochs=epochs,
        batch=method.batch,
        learning_rate=method.learning_rate,
        momentum=method.momentum,
        weight_decay=method.weight_decay,
        rewind=rewind,
    )
