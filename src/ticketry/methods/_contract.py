"""What a search method is. Read this, then `random.py`, then write yours: one paper, one file, no registration.

A method file defines two dataclasses. The *method* is frozen; its fields are its hyperparameters and its command line
flags, each with a docstring that gives unit, range and source. `State` is frozen too and holds plain data (tensors,
numbers, text), named by the method as its `state`; the runner saves and restores it, so whatever is not in it is
forgotten. The three functions are pure:
they change neither their state argument nor the task (whose meters count by themselves).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeVar, runtime_checkable

from ticketry.core.meters import Budget
from ticketry.core.objective import Need
from ticketry.core.seed.weights import Kind, Scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from ticketry.core.masks.candidate import Candidate
    from ticketry.core.task import Task

S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)


class Method(Protocol[S]):
    """How to search."""

    kind: ClassVar[Literal["strong", "trainable"]]
    """Judged with its random weights as they are, or as a mask that is meant to be trained."""
    budget: ClassVar[Budget]
    """Limits that hold when the user gives none. One step is what the paper counts: an epoch, a generation, a pass."""

    answer: ClassVar[Literal["best", "last"]]
    """Which step's mask is the ticket: the best validated, or the last, where a search weighs more than accuracy."""

    needs: ClassVar[frozenset[Need]]
    """What the objective must have: labels, a gradient, classes. On data without them the method is refused."""

    state: ClassVar[type[Any]]
    """The class of its state."""

    @property
    def weights(self) -> Kind:
        """The recipe of the untrained weights."""

    @property
    def scale(self) -> Scale:
        """How the weights are rescaled for the density of the mask."""

    def init(self, task: Task) -> S:
        """The state before the first step; its mask is already a valid answer."""

    def step(self, task: Task, state: S) -> S:
        """One epoch, generation or pass. Raises SearchEnded where the state says that nothing is left to do."""

    def mask(self, task: Task, state: S) -> torch.Tensor | Candidate:
        """Bool[D]: the ticket if the search ended now, at exactly the asked density.

        A search that finds values too, not the seed's, answers with a Candidate that holds both.
        """


@runtime_checkable
class HasFront(Protocol[S_contra]):
    """What a method may define beside: several answers, none of which beats another in both loss and density."""

    def front(self, task: Task, state: S_contra) -> tuple[torch.Tensor | Sequence[Candidate], torch.Tensor]:
        """K masks, Bool[K, D], or Candidates, the densest first, and Float64[K], their losses on the training data."""


@runtime_checkable
class HasTrained(Protocol[S_contra]):
    """What a method may define beside: a search that trains the weights on the way."""

    def trained(self, task: Task, state: S_contra) -> torch.Tensor | None:
        """Float[M], see core/nets/parameters.py: the network as it is now, to be masked; None where it is untrained."""


@runtime_checkable
class HasNotes(Protocol[S_contra]):
    """What a method may define beside: numbers about its search that nobody else could tell."""

    def notes(self, task: Task, state: S_contra) -> dict[str, float]:
        """Finite numbers by names such as `sparsifier_evaluations`, for `result.json` and the report."""


@runtime_checkable
class HasWarnings(Protocol[S_contra]):
    """What a method may define beside: what went wrong in its search, where the ticket does not show it."""

    def warnings(self, task: Task, state: S_contra) -> list[str]:
        """Sentences for `result.json`, the report and standard error: what happened, and which flag helps."""
