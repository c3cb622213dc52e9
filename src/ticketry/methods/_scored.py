"""What methods share that score weights and keep the best, in one round or in several."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, Protocol

from ticketry.core.errors import refuse
from ticketry.core.lazy import torch
from ticketry.core.masks import allocation
from ticketry.core.masks.mask import counts, top_k_floor, top_k_layers

if TYPE_CHECKING:
    from ticketry.core.nets.feed import Batch
    from ticketry.core.task import Task


class ScoreMethod(Protocol):
    """The fields that such methods have in common."""

    @property
    def density(self) -> float: ...
    @property
    def floor(self) -> int: ...


def check(method: ScoreMethod) -> None:
    """Raise RequestError for a field out of its range."""
    for name, allowed, fine in (
        ("density", "a fraction in (0, 1]", 0 < method.density <= 1),
        ("rounds", "at least 1", getattr(method, "rounds", 1) >= 1),
        ("examples", "at least 1", getattr(method, "examples", 1) >= 1),
        ("floor", "0 or more", method.floor >= 0),
        ("learning_rate", "above 0 and finite", 0 < getattr(method, "learning_rate", 1.0) < math.inf),
        ("batch", "at least 1", getattr(method, "batch", 1) >= 1),
    ):
        if not fine:
            raise refuse(name, getattr(method, name), allowed, "choose a value in that range")


def kept(
    task: Task,
    scores: torch.Tensor,
    density: float,
    floor: int,
    progress: float,
    layers: allocation.Allocation | Literal["global"] = "global",
    ties: Literal["exact", "strict"] = "exact",
) -> torch.Tensor:
    """Bool[D]: the best of Float[D], at a density that falls by equal factors, from all at 0 to `density` at 1.

    `layers`: whether all are ranked together, or each layer has its share. `ties`: strict cuts all that tie with the
    best of those cut. A score of -inf is cut already.
    """
    space, most = task.space, task.space.most
    count = space.count(most * (density / most) ** progress if progress < 1 else density)
    left = scores > -math.inf
    if ties == "strict" and int(left.sum()) < count:
        return left
    if layers == "global":
        mask = top_k_floor(scores, count, space.segments, space.floors(floor, count))
    else:
        shares = space.shares(layers, count, floor, counts(left, space.segments))
        mask = top_k_layers(scores, space.segments, shares)
    if ties == "strict":
        for start, stop in ((0, space.size),) if layers == "global" else space.segments:
            ranked, cut = scores[start:stop], (left & ~mask)[start:stop]
            if bool(cut.any()):
                mask[start:stop] = ranked > ranked[cut].max()
    return mask


def over(
    task: Task, mask: torch.Tensor, density: float, floor: int, layers: allocation.Allocation | Literal["global"]
) -> list[slice]:
    """The parts of Bool[D], all of it or some layers, that keep more than they would at this density; see `kept`."""
    space, count = task.space, task.space.count(density)
    if layers == "global":
        return [slice(None)] if int(mask.sum()) > count else []
    used, shares = counts(mask, space.segments), space.shares(layers, count, floor)
    return [slice(*part) for part, n, k in zip(space.segments, used, shares, strict=True) if n > k]


def magnitudes(task: Task, flat: torch.Tensor, left: torch.Tensor) -> torch.Tensor:
    """Float[D]: the absolute weights of one network, Float[1, M], that are left, Bool[D]; -inf for the others."""
    return task.space.narrow(flat[0, : task.space.total]).abs().masked_fill_(~left, -math.inf)


def batch(task: Task, each: int) -> Batch:
    """`each` training examples of every class, or as many as it has, drawn by the task's seed.

    Without classes ten times as many in all, as if there were ten.
    """
    from ticketry.core.nets.feed import Batch  # here, because torch is imported late

    order = torch.from_numpy(task.stream("scored").permutation(len(task.train))).to(task.device)
    if "classes" not in task.objective.has:
        return Batch(*task.train.batch(order[: 10 * each]))
    labels = task.train.y[order]
    places = [order[labels == label][:each] for label in range(int(labels.max()) + 1)]
    return Batch(*task.train.batch(torch.cat(places)))
