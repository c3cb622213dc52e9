"""A genetic algorithm over masks: no gradient, so whatever can be evaluated can be searched.

A generation, in this order: every individual has, with probability `recombination`, a child by uniform crossover with a
mate among the best `parents`; every individual and child is, with probability `mutation`, copied with one bit flipped;
`migration` x population random masks arrive; all are sorted by performance, then by more zeros, and the best
`population` live on. At the end a walk (evolution/masks/walk.py) makes the best mask sparse. arXiv 2411.04658 and,
with cross-entropy for more than two classes, arXiv 2508.08877. Without `density` the ticket has its own density.

Deviations: duplicates are dropped; adaptive bounds count tries, not seconds; soft drops only what reaches no output;
the sparsifier weighs size against performance on training data and can put weights back (the authors' looks at test
accuracy and only removes); all masks may be held to one `density`, by random changes after each operator.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from ticketry.core.errors import SearchEnded
from ticketry.core.lazy import torch
from ticketry.core.meters import Budget
from ticketry.core.objective import Need
from ticketry.core.seed.weights import Kind, Scale
from ticketry.evolution.masks import archive, generation, population
from ticketry.evolution.masks.bound import Filter
from ticketry.evolution.masks.connectivity import Scheme
from ticketry.evolution.masks.population import Fitness, ScoredPopulation
from ticketry.evolution.masks.walk import Walk, walk_on

if TYPE_CHECKING:
    from ticketry.core.task import Task


@dataclass(frozen=True)
class State:
    """`genomes` Int64[P, W]: the population in packed bits, best first; `loss`, `quality` Float64[P]: training data;
    `best` Int64[2, W]: the ticket (first of the population, later the best that the sparsifier met) and where that is;
    `front` Int64[K, W], `front_loss` Float64[K]: see `front`; `bound` Float64[3]: see evolution/bound.py; `walk`
    Float64[10]: the sparsifier's Walk, none before it; `generation`: how many so far; `unchanged`: with the same best.
    """

    genomes: torch.Tensor
    loss: torch.Tensor
    quality: torch.Tensor
    best: torch.Tensor
    front: torch.Tensor
    front_loss: torch.Tensor
    bound: torch.Tensor
    walk: torch.Tensor
    generation: int = 0
    unchanged: int = 0


@dataclass(frozen=True)
class Genetic:
    """Search of a strong ticket by selection, crossover and mutation."""

    kind: ClassVar[Literal["strong", "trainable"]] = "strong"
    budget: ClassVar[Budget] = Budget(generations=11_000)
    answer: ClassVar[Literal["best", "last"]] = "last"  # not the best validated, which is denser
    needs: ClassVar[frozenset[Need]] = frozenset()
    state: ClassVar[type[State]] = State

    population: int = 100
    """Masks that live, at least 2."""
    recombination: float = 0.3
    """Probability in [0, 1] that an individual has a child by crossover."""
    parents: float = 0.3
    """Fraction in [0, 1] of the population, the best, from which mates are drawn."""
    mutation: float = 0.1
    """Probability in [0, 1] that an individual or child is copied with one bit flipped."""
    migration: float = 0.1
    """Random masks that arrive in a generation, as a fraction in [0, 1] of the population."""
    initial: float = 0.5
    """Probability in (0, 1] that a random mask keeps a weight."""
    fitness: Fitness = "auto"
    """Performance on the training data; auto is accuracy for two classes and the loss otherwise."""
    bound: Filter = "none"
    """Whether random masks must reach an accuracy; an adaptive bound falls while they hardly do."""
    bound_at: float = 0.0
    """That accuracy, in [0, 1]; 0 stands for the papers' 0.85, or 0.7 for small networks."""
    tries: int = 1000
    """Random masks tried for one that reaches the bound, at least 1."""
    connectivity: Scheme = "negligent"
    """Of every mask: anything goes, a path from input to output (lax), no dead ends (soft), only paths (strict)."""
    patience: int = 50
    """Generations with the same best that end the search, at least 1; so does accuracy 1 where that is the fitness."""
    earliest: int = 100
    """Generation before which patience ends nothing, 0 or more."""
    sparsify: Literal["greedy", "none"] = "greedy"
    """Whether the best mask is made sparse at the end (at a fixed density: improved by exchanges)."""
    price: float = 0.05
    """What the sparsifier gives for a density lower by 1, 0 or more, in units of the loss of a constant guess."""
    reserve: float = 0.2
    """Part of the budget that is left to the sparsifier, in [0, 1]."""
    density: float | None = None
    """Fraction of all maskable weights that every mask keeps, in (0, 1]; None leaves it to the search."""
    weights: Kind = "uniform"
    """Recipe of the untrained weights and biases."""
    scale: Scale = "none"
    """Rescaling of the weights by 1/sqrt(density): none, static (of the network) or dynamic (of each layer)."""

    def __post_init__(self) -> None:
        generation.check(self)

    def init(self, task: Task) -> State:
        population.check_classes(task)
        words, bound = generation.source(self, task, 0).first()
        first, none = ScoredPopulation.unknown(words).tensors, ScoredPopulation.unknown(words[:0]).tensors
        return State(*first, first[0][[0, 0]], *none[:2], bound, none[1])

    def step(self, task: Task, state: State) -> State:
        accurate = population.by_accuracy(task, self.fitness)
        elders = ScoredPopulation.of(state.genomes, state.loss, state.quality)
        if len(state.walk) or self._over(task, state, accurate):
            return self._sparsify(task, state, elders, accurate)
        if state.generation == 0:  # evaluated here, where the budget may end it
            elders = population.ranked(population.scored(task, elders.words), accurate)
        words, bound = generation.source(self, task, state.generation + 1).next(elders.words, state.bound)
        limit = population.worst(elders, accurate, self.population)
        young = population.scored(task, words[len(elders.words) :], limit)
        alive = population.survivors(elders, words, young, accurate, self.population)
        front = state.front, state.front_loss
        if state.generation % archive.EVERY == 0:
            front = archive.merge(archive.Front.of(*front), alive).tensors
        same = alive.quality[0] == elders.quality[0] if accurate else alive.loss[0] == elders.loss[0]
        best, unchanged = population.tensor_of(alive.words[[0, 0]]), state.unchanged + 1 if same else 0
        return State(*alive.tensors, best, *front, bound, state.walk, state.generation + 1, unchanged)

    def mask(self, task: Task, state: State) -> torch.Tensor:
        return population.masks_of(task, population.words_of(state.best[0]))

    def front(self, task: Task, state: State) -> tuple[torch.Tensor, torch.Tensor]:
        """Bool[K, D], densest first, and Float64[K]: masks none of which another beats in density and training loss."""
        elders = ScoredPopulation.of(state.genomes, state.loss, state.quality)
        front, loss = archive.merge(archive.Front.of(state.front, state.front_loss), elders).tensors
        return population.masks_of(task, population.words_of(front)), loss

    def notes(self, task: Task, state: State) -> dict[str, float]:
        return Walk.of(state.best, state.walk).notes(task.space) if len(state.walk) else {}

    def _over(self, task: Task, state: State, accurate: bool) -> bool:
        settled = state.generation >= self.earliest and state.unchanged >= self.patience
        perfect = accurate and state.quality[0].item() == 1
        reserved = self.sparsify == "greedy" and task.spent > 1 - self.reserve
        return state.generation > 0 and (settled or perfect or reserved)

    def _sparsify(self, task: Task, state: State, elders: ScoredPopulation, accurate: bool) -> State:
        if self.sparsify == "none":
            raise SearchEnded("the best mask stayed the same")
        walk = Walk.of(state.best, state.walk) if len(state.walk) else Walk.start(elders, task.spent)
        walk = walk_on(task, walk, accurate, self.price, self.density is not None)
        front, loss = archive.merge(archive.Front.of(state.front, state.front_loss), walk.scored).tensors
        return replace(state, best=population.tensor_of(walk.words), walk=walk.numbers, front=front, front_loss=loss)
