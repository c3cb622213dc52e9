"""The laws of objectives. Each raises AssertionError when an objective class breaks it, wherever it comes from."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from ticketry import data
from ticketry.core.fitness.kernels import Limit
from ticketry.core.masks import space
from ticketry.core.meters import Budget, Meter
from ticketry.core.nets.feed import Feed, feed
from ticketry.core.nets.net import Net
from ticketry.core.objective import About, Objective
from ticketry.core.seed.streams import stream
from ticketry.core.task import Batch, Task

ObjectiveClass = type[Objective[Any]]
OUTPUTS = 3


def examples(kind: ObjectiveClass, n: int = 90) -> data.Dataset:
    """Inputs of 4 features with targets of the type that the objective takes: labels of 3 classes, or 3 quantities."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(n, 4)).astype(np.float32)
    y: Any = np.arange(n) % OUTPUTS
    if "classes" not in kind.has:
        y = x[:, :OUTPUTS] * [1, 20, 300] + draw.normal(size=(n, OUTPUTS)) + [0, 5, -1000]
    return data.from_arrays("tiny", x, y, x, y)


def objective_of(kind: ObjectiveClass) -> tuple[Objective[Any], data.Dataset]:
    found = examples(kind)
    return kind.of(About((4,), found.outputs, found.digest, found.y, None)), found


def task_of(kind: ObjectiveClass) -> Task:
    objective, found = objective_of(kind)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, OUTPUTS))
    where = space.find(module)
    values = {name: value.detach() for name, value in module.named_parameters()}
    base = torch.cat([values.pop(layer.name).flatten() for layer in where.layers])
    split: Feed = feed(found.x, objective.targets(found.y), found.scaling, torch.device("cpu"))
    given: dict[str, Any] = {"scale": "none", "augment": False, "seed": 5, "budget": Budget()}
    return Task(
        net=Net(module, values), space=where, base=base, objective=objective, train=split, validation=split, **given
    )


def masks_of(task: Task) -> torch.Tensor:
    return torch.from_numpy(stream(0, "masks").bits(6 * task.space.size)).view(6, -1)


def law_1(kind: ObjectiveClass) -> None:
    """The same loss in every layout, as autograd has it: means, sums, slopes, and what judges a split."""
    objective, found = objective_of(kind)
    assert (objective.loss is None) == ("labels" not in kind.has), (
        "labels are said to be there, or not, against the loss"
    )
    loss = objective.loss
    if loss is None:
        return
    y = torch.from_numpy(objective.targets(found.y))
    outputs = torch.from_numpy(np.random.default_rng(1).normal(size=(2, OUTPUTS, len(y)))).double()
    y = y.double() if y.is_floating_point() else y
    sums = loss.sums(outputs.clone(), loss.columns(y))
    mean, slope = loss.slope(outputs, y)
    for one, total, middle, change in zip(outputs, sums.T, mean, slope, strict=True):
        rows = one.T.clone().requires_grad_()
        expected = loss.mean(rows, y)
        assert torch.allclose(loss.each(rows, y).mean(), expected), "the mean is not that of the examples"
        assert torch.allclose(total[0] / len(y), expected), "the sum is not that of the examples"
        assert torch.allclose(total[1], loss.misses(rows, y).sum().double()), "the misses are not those of the examples"
        assert torch.allclose(middle, expected), "the slope's loss is not the mean"
        if "gradient" in kind.has:
            assert torch.allclose(change.T, torch.autograd.grad(expected, rows)[0]), "the slope is not the derivative"
        assert np.allclose(loss.judged(rows.detach(), y), total.tolist()), "a split is judged otherwise"


def law_2(kind: ObjectiveClass) -> None:
    """Population kernels, the loop, neighbours and the plain judge agree; a limit changes no number within it."""
    task = task_of(kind)
    masks = masks_of(task)
    free = task.fitness(masks, kernel="loop")
    alone = torch.tensor([task.judge(task.effective(mask), task.train) for mask in masks])
    for score in (free, task.fitness(masks)):
        assert torch.allclose(score.loss, alone[:, 0].double(), rtol=1e-5), "losses differ from the plain ones"
        assert torch.allclose(score.quality, alone[:, 1].double(), atol=1e-5), "qualities differ from the plain ones"
    near = task.neighbours(masks[0])
    assert (near is None) == ("labels" not in kind.has), "neighbours come of labels"
    if near is not None:
        other = masks[0].clone()
        other[5] ^= True
        flipped, plain = near.flips(torch.tensor([5])), task.fitness(other[None])
        assert torch.allclose(flipped.loss, plain.loss, rtol=1e-4), "a neighbour has another loss"
        assert torch.allclose(flipped.quality, plain.quality, atol=1e-4), "a neighbour has another quality"
    for limit in (Limit(loss=float(free.loss.median())), Limit(quality=float(free.quality.median()))):
        held = task.fitness(masks, limit=limit, kernel="loop")
        within = (free.loss <= limit.loss) & (free.quality >= limit.quality)
        assert torch.equal(held.loss, free.loss.where(within, torch.inf)), "a limit changed a loss"
        assert torch.equal(held.quality, free.quality.where(within, kind.measure.floor)), "a limit changed a quality"


def law_3(kind: ObjectiveClass) -> None:
    """Quality lies between its bounds; what is no number has the least and an infinite loss, in JSON none."""
    task, measure = task_of(kind), kind.measure
    score = task.fitness(masks_of(task))
    assert bool(((score.quality >= measure.floor) & (score.quality <= measure.most)).all()), "quality is out of bounds"
    task._base.fill_(torch.nan)
    task._stack = None
    broken = task.fitness(masks_of(task)[:1] | True)
    assert (broken.loss.item(), broken.quality.item()) == (math.inf, measure.floor), "a broken network is not the worst"
    reached = {measure.name: broken.quality.item(), "loss": task.objective.reported(broken.loss.item())}
    assert json.loads(json.dumps(reached, allow_nan=False))["loss"] is None, "a loss that is not finite was reported"
    assert task.objective.reported(1.0) is not None, "a loss is not reported"


def law_4(kind: ObjectiveClass) -> None:
    """No constant answer is better than chance, and the loss of a constant guess is what it is said to be."""
    task = task_of(kind)
    objective, chance = task.objective, task.objective.chance(task.train)
    loss, quality = objective.guess
    assert loss > 0, "a constant guess loses nothing"
    assert quality <= chance + 1e-9, "a constant guess is better than chance"
    tops = []
    for answer in (*torch.eye(OUTPUTS), torch.zeros(OUTPUTS), torch.full((OUTPUTS,), 0.3)):
        found = objective.judge(lambda x, answer=answer: answer.repeat(len(x), 1), task.train, Meter())
        tops.append(found[1])
        assert found[1] <= chance + 1e-6, f"a constant guess reaches {found[1]}, above chance {chance}"
    assert max(tops) >= quality - 0.05, "no constant guess is as good as it is said to be"


def law_5(kind: ObjectiveClass) -> None:
    """The gradient to the mask is the derivative of the loss; targets come back from what a ticket remembers."""
    task = task_of(kind)
    objective, found = objective_of(kind)
    again = kind.of(About((4,), found.outputs, found.digest, found.y[:7], objective.target))
    same = np.array_equal(objective.targets(found.y), again.targets(found.y)) or not objective.target
    assert same, "a ticket's targets change with the data it is trained on"
    if "gradient" not in kind.has:
        return
    mask, batch = masks_of(task)[0], Batch(*task.train.batch(slice(0, 50)))
    loss, gradient = task.gradient(mask, batch)
    soft = mask.float().requires_grad_()
    weights = task.space.views(task.weights * soft)
    expected = objective.loss.mean(task._net.train_logits(weights, batch.x), batch.y)  # type: ignore[union-attr]
    assert math.isclose(loss, expected.item(), rel_tol=1e-5), "the loss on a batch is another"
    assert torch.allclose(gradient, torch.autograd.grad(expected, soft)[0], atol=1e-5), "the gradient is another"


LAWS: dict[int, Callable[[ObjectiveClass], None]] = {1: law_1, 2: law_2, 3: law_3, 4: law_4, 5: law_5}
