"""Hill climbing over one-bit changes of a mask: stochastic local search without gradients, restarted if asked.

From a random mask, all bits are tried in a random order, `passes` times; a change that helps is made. What helps is
weighed as loss + price x density on the training data, at a price that falls to its value on the way, so that the mask
ends sparse (evolution/masks/walk.py). This is random bit-climbing (Davis 1991, "Bit-climbing, representational bias,
and test suite design", ICGA), which any evolutionary search should be held against (Mitchell et al. 1993, "When will a
genetic algorithm outperform hill climbing?", NIPS). Without `density` the ticket has its own density.

Deviations: the changes of a chunk of bits are evaluated together and made in the order of their gain; equal masks are
not moved between; the penalty of density, and its fall, are ours; at a fixed density changes come in pairs; each of the
`restarts` begins at a random mask, not at a perturbed one, and the best mask of all walks is the ticket.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

import numpy as np

from ticketry.core.errors import SearchEnded, refuse, unknown
from ticketry.core.lazy import torch
from ticketry.core.masks import bits
from ticketry.core.masks.bits import Words
from ticketry.core.meters import Budget
from ticketry.core.objective import Need
from ticketry.core.seed.weights import Kind, Scale
from ticketry.evolution.masks import archive, operators, population
from ticketry.evolution.masks.population import Fitness, ScoredPopulation
from ticketry.evolution.masks.walk import PASSES, Walk, walk_on

if TYPE_CHECKING:
    from ticketry.core.task import Task


@dataclass(frozen=True)
class State:
    """`ticket` Int64[W]: the best mask of all walks so far, in packed bits; `value`: its objective, infinite before;
    `words` Int64[2, W]: the best mask of this walk and where it is; `walk` Float64[10]: its Walk, none before its first
    step; `number`: walks that have ended; `front` Int64[K, W], `front_loss` Float64[K]: see `front`.
    """

    ticket: torch.Tensor
    words: torch.Tensor
    walk: torch.Tensor
    front: torch.Tensor
    front_loss: torch.Tensor
    value: float = math.inf
    number: int = 0


@dataclass(frozen=True)
class HillClimbing:
    """Search of a strong ticket by local search from a random mask."""

    kind: ClassVar[Literal["strong", "trainable"]] = "strong"
    budget: ClassVar[Budget] = Budget()
    answer: ClassVar[Literal["best", "last"]] = "last"  # not the best validated, which is denser
    needs: ClassVar[frozenset[Need]] = frozenset()
    state: ClassVar[type[State]] = State

    passes: int = PASSES
    """Times that all bits are tried in a walk, at least 1; where the budget ends before, the price falls with it."""
    restarts: int = 0
    """Walks after the first, 0 or more, each from a random mask of its own."""
    initial: float = 0.5
    """Probability in (0, 1] that a random mask keeps a weight."""
    fitness: Fitness = "auto"
    """Performance on the training data; auto is accuracy for two classes and the loss otherwise."""
    price: float = 0.05
    """What is given for a density lower by 1, 0 or more, in units of the loss of a constant guess."""
    density: float | None = None
    """Fraction of all maskable weights that every mask keeps, in (0, 1]; None leaves it to the search."""
    weights: Kind = "uniform"
    """Recipe of the untrained weights and biases."""
    scale: Scale = "none"
    """Rescaling of the weights by 1/sqrt(density): none, static (of the network) or dynamic (of each layer)."""

    def __post_init__(self) -> None:
        if self.fitness not in get_args(Fitness):
            raise unknown("fitness", self.fitness, get_args(Fitness))
        for name, allowed, fine in (
            ("passes", "at least 1", self.passes >= 1),
            ("restarts", "0 or more", self.restarts >= 0),
            ("initial", "in (0, 1]", 0 < self.initial <= 1),
            ("price", "0 or more and finite", 0 <= self.price < math.inf),
            ("density", "in (0, 1] or none", self.density is None or 0 < self.density <= 1),
        ):
            if not fine:
                raise refuse(name, getattr(self, name), allowed, "choose such a value")

    def init(self, task: Task) -> State:
        population.check_classes(task)
        first = population.tensor_of(self._random(task, 0))
        nothing = torch.empty(0, dtype=torch.float64)
        return State(first[0], first[[0, 0]], nothing, first[:0], nothing)

    def step(self, task: Task, state: State) -> State:
        accurate = population.by_accuracy(task, self.fitness)
        walk = self._walk(task, state)
        if walk.tried == self.passes * task.space.size:
            if state.number == self.restarts:
                raise SearchEnded("the last walk has come to its end")
            state = replace(state, walk=state.walk[:0], number=state.number + 1)
            walk = self._walk(task, state)
        walk = walk_on(task, walk, accurate, self.price, self.density is not None, self.passes, (state.number,))
        front, loss = archive.merge(archive.Front.of(state.front, state.front_loss), walk.scored).tensors
        words, ticket, value = population.tensor_of(walk.words), state.ticket, state.value
        if walk.best_value <= value:
            ticket, value = words[0], walk.best_value
        return State(ticket, words, walk.numbers, front, loss, value, state.number)

    def mask(self, task: Task, state: State) -> torch.Tensor:
        return population.masks_of(task, population.words_of(state.ticket))

    def front(self, task: Task, state: State) -> tuple[torch.Tensor, torch.Tensor]:
        """Bool[K, D], densest first, and Float64[K]: masks none of which another beats in density and training loss."""
        return population.masks_of(task, population.words_of(state.front)), state.front_loss

    def notes(self, task: Task, state: State) -> dict[str, float]:
        return {"walks": state.number + 1}

    def _walk(self, task: Task, state: State) -> Walk:
        """The walk under way, or a new one, whose random mask is evaluated."""
        if len(state.walk):
            return Walk.of(state.words, state.walk)
        start = population.scored(task, self._random(task, state.number))
        loss = np.where(np.isnan(start.loss), np.inf, start.loss)  # from which any number is better
        return Walk.start(ScoredPopulation(start.words, loss, start.quality), task.spent)

    def _random(self, task: Task, number: int) -> Words:
        """The random mask that a walk begins at, UInt64[1, W]."""
        space, draw = task.space, task.stream("hill climbing", number)
        if self.density is None:
            return bits.random(draw, 1, space.size, self.initial)
        kept = space.count(self.density)
        words = bits.random(draw, 1, space.size, kept / space.size)
        return operators.exactly(words, space.size, kept, task.stream("hill climbing exactly", number))
