"""Training under masks: what they cut stays exactly zero, whatever optimiser, momentum and weight decay.

Parameters start at zero where the mask is, gradients are multiplied by it, and so the optimiser's moments never see
anything there: no projection is needed after a step. Many networks train at once on the same batches, which for plain
stacks are the same few products; the numbers are those of training them one by one, up to rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ticketry.core import optim
from ticketry.core.lazy import torch
from ticketry.core.training import Training

if TYPE_CHECKING:
    from ticketry.core.task import Task


@dataclass(frozen=True, eq=False)
class Weights:
    """P networks in training. `step`: steps done.

    `flat` Float[P, M]: all their parameters, see core/parameters.py; `moments` Float[K, P, M]: of the optimiser;
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

    `order`: number of the epoch's data order, which depends on it and the seed alone. A network whose loss is not
    finite misses that step.
    """
    from ticketry.core.compressed import compressed  # here, because torch is imported late

    kept, per_epoch = whole(task, masks), task.steps_per_epoch(training.batch)
    flat, moments, rewound = weights.flat.clone(), weights.moments.clone(), weights.rewound
    step, first = number * per_epoch, max(weights.step, number * per_epoch)
    if first == training.rewind:
        rewound = _cut(flat, moments, kept)
    few = compressed(task.parameters, kept, training.precision) if first >= training.rewind else None
    now, states = (flat, moments) if few is None else (few.take(flat), few.take(moments))
    for step, batch in enumerate(task.batches(order, training.batch), start=number * per_epoch):
        if step < first:
            continue
        if first < step == training.rewind:
            rewound = _cut(flat, moments, kept)
        if few is None:
            losses, gradient = task.parameters.gradient(now, batch.x, batch.y, training.precision)
            if step >= training.rewind:
                gradient.mul_(kept)
        else:
            losses, gradient = few.gradient(now, batch.x, batch.y)
        lost = torch.tensor([not math.isfinite(loss) for loss in losses], device=now.device)
        before = (now.clone(), states.clone()) if bool(lost.any()) else None
        update(training, now, gradient, states, step, per_epoch)
        if before is not None:
            lost = lost if few is None else lost[few.owners]
            now[lost], states[:, lost] = before[0][lost], before[1][:, lost]
    if few is not None:
        few.put(now, flat)
        few.put(states, moments)
    return replace(weights, flat=flat, moments=moments, rewound=rewound, step=step + 1)


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
