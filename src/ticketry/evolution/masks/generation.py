"""Where the new masks of a genetic search come from: random ones that pass what is asked of them, and children."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from ticketry.core.errors import BudgetSpent, RequestError, refuse, unknown
from ticketry.core.masks import bits
from ticketry.core.masks.bits import Bits, Words
from ticketry.core.seed.streams import Stream
from ticketry.evolution.masks import bound, operators
from ticketry.evolution.masks.bound import Bound
from ticketry.evolution.masks.connectivity import Graph, Scheme, graph, sieve
from ticketry.evolution.masks.population import Fitness, scored

if TYPE_CHECKING:
    import torch

    from ticketry.core.task import Task


class GeneticSettings(Protocol):
    """What a genetic method says about its new masks; see `methods/genetic.py`."""

    @property
    def population(self) -> int: ...
    @property
    def recombination(self) -> float: ...
    @property
    def parents(self) -> float: ...
    @property
    def mutation(self) -> float: ...
    @property
    def migration(self) -> float: ...
    @property
    def initial(self) -> float: ...
    @property
    def bound(self) -> bound.Filter: ...
    @property
    def bound_at(self) -> float: ...
    @property
    def tries(self) -> int: ...
    @property
    def connectivity(self) -> Scheme: ...
    @property
    def patience(self) -> int: ...
    @property
    def earliest(self) -> int: ...
    @property
    def price(self) -> float: ...
    @property
    def reserve(self) -> float: ...
    @property
    def density(self) -> float | None: ...


@dataclass(frozen=True, eq=False)
class Source:
    """The new masks of one generation. Everything drawn is a function of the task's seed and the generation."""

    settings: GeneticSettings
    task: Task
    generation: int
    kept: int | None
    """Ones of every mask, or None for any number."""
    graph: Graph | None
    """Of the layers; None where paths do not matter."""

    def first(self) -> tuple[Words, torch.Tensor]:
        """Different random masks, UInt64[P, W], P the population or as many as there are, and the bound afterwards,
        Float64[3] as Bound.numbers."""
        n, shapes = self.settings.population, [layer.shape for layer in self.task.space.layers]
        try:
            words, after = self._random(n, Bound(self.settings.bound_at or bound.start(shapes)).numbers)
        except BudgetSpent:
            evaluations = self.task.budget.evaluations
            allowed = "enough to find masks that reach the bound"
            raise refuse("budget.evaluations", evaluations, allowed, "raise it or lower --bound-at") from None
        if self.settings.bound == "static" and len(words) < n:
            raise bound.refuse_static(Bound.of(after), self.settings.tries)
        if not len(words):
            raise RequestError(
                f"connectivity is {self.settings.connectivity}, but none of {n * operators.ATTEMPTS} random masks "
                f"leads from an input to an output; raise --initial or pass --connectivity negligent."
            )
        return bits.distinct(words), after

    def next(self, elders: Words, now: torch.Tensor) -> tuple[Words, torch.Tensor]:
        """The elders, UInt64[P, W], best first, and after them what is new: children of crossover, mutated copies of
        elders and children, and migrants. Also the bound afterwards, which is `now` before."""
        rates, d, p = self.settings, self.task.space.size, len(elders)
        passed = None if self.graph is None else self._sieve
        segments = () if self.graph is None else self.task.space.segments
        numbers = self._draw("choose").integers(6 * p, 2**32)  # one stream: a stream takes longer than its numbers
        lovers = np.flatnonzero(numbers[:p] < rates.recombination * 2**32)
        mates = numbers[3 * p :][: len(lovers)] * max(1, operators.share(rates.parents, p)) >> 32
        young = operators.recombine(elders, d, lovers, mates, self._draw, passed)
        copied = np.flatnonzero(numbers[p : 2 * p + len(young)] < rates.mutation * 2**32)
        where = numbers[4 * p :][: len(copied)]
        copies = operators.mutate(elders, young, d, copied, where, self._draw, passed, segments)
        migrants, now = self._random(operators.share(rates.migration, rates.population), now)
        whole = np.concatenate([elders, young, copies, migrants])
        if self.kept is not None:
            whole = operators.exactly(whole, d, self.kept, self._draw("exactly"))
        return bits.distinct(whole, p), now

    def _random(self, n: int, now: torch.Tensor) -> tuple[Words, torch.Tensor]:
        """n random masks, or fewer where they are not found, and the bound afterwards."""
        kind, tries = self.settings.bound, self.settings.tries
        if kind == "none":
            return self._some(n, 0), now
        floor = 0.01 + self.task.objective.guess[1]  # the published 0.51 for two classes

        def draw(chunk: int) -> Words:
            return self._some(bound.CHUNK, chunk)

        found, after = bound.fill(n, Bound.of(now), kind, tries, floor, draw, self._accuracy)
        return np.stack(found) if found else draw(0)[:0], after.numbers

    def _some(self, n: int, chunk: int) -> Words:
        """The random masks number `chunk`: n of them, or fewer where too few lead anywhere."""
        space, density = self.task.space, self.settings.initial
        if self.kept is not None:
            density = self.kept / space.size

        def make(rows: NDArray[np.int64], attempt: int) -> Words:
            words = bits.random(self._draw("random", chunk, attempt), len(rows), space.size, density)
            if self.kept is None:
                return words
            return operators.exactly(words, space.size, self.kept, self._draw("random exactly", chunk, attempt))

        return operators.persist(make, n, bits.width(space.size), None if self.graph is None else self._sieve)

    def _accuracy(self, words: Words) -> NDArray[np.float64]:
        return scored(self.task, words).quality

    def _sieve(self, words: Words) -> tuple[Words, Bits]:
        if self.graph is None:
            return words, np.ones(len(words), np.bool_)
        return sieve(self.graph, self.settings.connectivity, words, self.task.space.size)

    def _draw(self, purpose: str, *index: int) -> Stream:
        return self.task.stream(purpose, self.generation, *index)


def source(settings: GeneticSettings, task: Task, generation: int) -> Source:
    """The source of a generation. Raises RequestError for paths that cannot be followed in this model."""
    space, paths = task.space, None
    if settings.connectivity != "negligent":
        index, on = (None if t is None else t.cpu().numpy() for t in (space.index, space.on))
        paths = graph(settings.connectivity, [layer.shape for layer in space.layers], index, on)
    kept = None if settings.density is None else space.count(settings.density)
    return Source(settings, task, generation, kept, paths)


def check(settings: GeneticSettings) -> None:
    """Raises RequestError where a setting does not exist or is out of its range."""
    for name, known in (
        ("fitness", get_args(Fitness)),
        ("bound", get_args(bound.Filter)),
        ("connectivity", get_args(Scheme)),
        ("sparsify", ("greedy", "none")),
    ):
        if getattr(settings, name) not in known:
            raise unknown(name, getattr(settings, name), known)
    rates = ("recombination", "parents", "mutation", "migration", "reserve", "bound_at")
    density = settings.density
    for name, allowed, fine in (
        *((name, "in [0, 1]", 0 <= getattr(settings, name) <= 1) for name in rates),
        ("population", "at least 2", settings.population >= 2),
        ("initial", "in (0, 1]", 0 < settings.initial <= 1),
        ("tries", "at least 1", settings.tries >= 1),
        ("patience", "at least 1", settings.patience >= 1),
        ("earliest", "0 or more", settings.earliest >= 0),
        ("price", "0 or more and finite", 0 <= settings.price < math.inf),
        ("density", "in (0, 1] or none", density is None or 0 < density <= 1),
        ("connectivity", "negligent beside a density", density is None or settings.connectivity == "negligent"),
    ):
        if not fine:
            raise refuse(name, getattr(settings, name), allowed, "choose such a value")
