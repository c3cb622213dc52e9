"""Training under masks: what they cut stays exactly zero, whatever optimiser, momentum and weight decay.

Parameters start at zero where the mask is, gradients are multiplied by it, and so the optimiser's moments never see
anything there: no projection is needed after a step. Many networks train at once on the same batches, which for plain
stacks are the same few products; the numbers are those of training them one by one, up to rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ticketry.core.lazy import torch
from ticketry.core.training import optim
from ticketry.core.training.recipe import Training

if TYPE_CHECKING:
    from ticketry.core.nets.feed import Batch
    from ticketry.core.task import Task
    from ticketry.core.training.compressed import Compressed


@dataclass(frozen=True, eq=False)
class Weights:
    """P networks in training. `step`: steps done.

    `flat` Float[P, M]: all their parameters, see core/nets/parameters.py; `moments` Float[K, P, M]: of the optimiser;
    `rewound` Float[P, M]: the parameters at the rewind point, once it has been reached, before the mask.
    """

    flat: torch.Tensor
    moments: torch.Tensor
    rewound: torch.Tensor
    step: int = 0


def start(task: Task, training: Training, masks: torch.Tensor) -> Weights:
    """The untrained networks that the masks Bool[P, D] select; dense ones where training rewinds to a later step."""
    training.check(task.steps_per_epoch(training.batch))
    if training.rewind:
        masks = torch.ones_like(masks)
    flat = torch.stack([task.parameters.untrained(task.effective(mask)) for mask in masks])
    return again(training, flat, 0)


def again(training: Training, flat: torch.Tensor, step: int) -> Weights:
    """Networks Float[P, M] about to take a step, their optimiser's moments zero."""
    return Weights(flat, flat.new_zeros(training.moments, *flat.shape), flat, step)


def whole(task: Task, masks: torch.Tensor) -> torch.Tensor:
    """Float[P, M], 1 for what the masks Bool[P, D] let train: kept weights and all that is never masked."""
    return torch.stack([task.parameters.mask(task.space.full(mask)) for mask in masks])


def epoch(task: Task, training: Training, weights: Weights, masks: torch.Tensor, number: int, order: int) -> Weights:
    """Train through epoch `number` (from 0) of the schedule under Bool[P, D], from the step that the weights are at.

    An epoch whose steps are all done changes and meters nothing. `order`: number of the epoch's data order, which
    depends on it and the seed alone. A network whose loss is not finite misses that step.
    """
    kept, per_epoch = whole(task, masks), task.steps_per_epoch(training.batch)
    first, end = max(weights.step, number * per_epoch), (number + 1) * per_epoch
    if first >= end:
        return weights
    dense = None if task.space.index is None else whole(task, torch.ones_like(masks[:1]))  # locks hold before the masks
    flat, moments, rewound = weights.flat.clone(), weights.moments.clone(), weights.rewound
    if first == training.rewind:
        rewound = _cut(flat, moments, kept)
    groups = _groups(task, training, flat, moments, kept, first)
    skipped = first - number * per_epoch
    for step, batch in enumerate(task.batches(order, training.batch, skipped), start=first):
        if first < step == training.rewind:
            rewound = _cut(flat, moments, kept)
        for group in groups:
            losses, gradient = group.gradient(batch, group.kept if step >= training.rewind else dense)
            lost = torch.tensor([not math.isfinite(loss) for loss in losses], device=flat.device)
            before = (group.now.clone(), group.states.clone()) if bool(lost.any()) else None
            update(training, group.now, gradient, group.states, step, per_epoch)
            if before is not None:
                lost = lost if group.few is None else lost[group.few.owners]
                group.now[lost], group.states[:, lost] = before[0][lost], before[1][:, lost]
    for group in groups:
        group.put(flat, moments)
    return replace(weights, flat=flat, moments=moments, rewound=rewound, step=end)


@dataclass(frozen=True, eq=False)
class _Group:
    """Networks that go through the same kernel: the dense ones, or those of few weights. `rows`: which of all.

    `now`, `states`: their parameters and moments, Float[P, M] and Float[K, P, M], or the kept of these as `few` lists
    them; changed in place.
    """

    task: Task
    training: Training
    rows: torch.Tensor
    kept: torch.Tensor
    few: Compressed | None
    now: torch.Tensor
    states: torch.Tensor

    def gradient(self, batch: Batch, trains: torch.Tensor | None) -> tuple[list[float], torch.Tensor]:
        """Losses and gradients; `trains`: 1 where there is to be one, Float[P, M] or Float[1, M], or None: all."""
        if self.few is not None:
            return self.few.gradient(self.now, batch.x, batch.y)
        found = self.task.parameters.gradient(self.now, batch.x, batch.y, self.training.precision)
        if trains is not None:
            found[1].mul_(trains)
        return found

    def put(self, flat: torch.Tensor, moments: torch.Tensor) -> None:
        """Write what came out into Float[P, M] and Float[K, P, M] of all networks."""
        if self.now is flat:
            return
        if self.few is None:
            flat[self.rows], moments[:, self.rows] = self.now, self.states
            return
        mine, theirs = flat[self.rows], moments[:, self.rows]
        self.few.put(self.now, mine)
        self.few.put(self.states, theirs)
        flat[self.rows], moments[:, self.rows] = mine, theirs


def _groups(
    task: Task, training: Training, flat: torch.Tensor, moments: torch.Tensor, kept: torch.Tensor, first: int
) -> list[_Group]:
    """The networks by kernel, where masks are on already; before that all are dense, and `flat` is what changes."""
    from ticketry.core.training.compressed import Compressed, pays  # here, because torch is imported late

    light = pays(task.parameters, kept, training.precision) & (first >= training.rewind)
    heavy = (~light).nonzero().flatten()
    if len(heavy) == len(flat):
        return [_Group(task, training, heavy, kept, None, flat, moments)]
    groups = [_Group(task, training, heavy, kept[heavy], None, flat[heavy], moments[:, heavy])] if len(heavy) else []
    rows = light.nonzero().flatten()
    few = Compressed(task.parameters, kept[rows])
    now, states = few.take(flat[rows]), few.take(moments[:, rows])
    return [*groups, _Group(task, training, rows, kept[rows], few, now, states)]


def _cut(flat: torch.Tensor, moments: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
    """Apply the masks, in place; returns the parameters before."""
    before = flat.clone()
    flat.mul_(kept)
    moments.zero_()
    return before


def update(
    training: Training, flat: torch.Tensor, gradient: torch.Tensor, moments: torch.Tensor, step: int, per_epoch: int
) -> None:
    """One step of the optimiser on the parameters and its moments, in place."""
    rate = training.rate(step, per_epoch)
    if training.optimiser == "sgd":
        optim.sgd(flat, gradient, moments[0], rate, training.momentum, training.weight_decay)
    else:
        since = step - training.rewind if step >= training.rewind else step
        optim.adam(flat, gradient, moments[0], moments[1], since + 1, rate, weight_decay=training.weight_decay)
