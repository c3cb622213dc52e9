"""Rewinding against a plain loop of torch, at every step that can be the rewind point."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.laws import tiny
from torch import nn

from ticketry.core.meters import Budget, Meters
from ticketry.core.seed.streams import stream
from ticketry.core.task import Batch, Task
from ticketry.core.training import engine
from ticketry.core.training.recipe import Training
from ticketry.experiment import Lock
from ticketry.methods.imp import Imp, State
from ticketry.methods.magnitude import Magnitude
from ticketry.runs import checkpoint
from ticketry.runs.train import train

EPOCHS, ROUNDS = 3, 3
BATCHES = {100: 3, 64: 5}  # of 300 examples: steps an epoch
POINTS = [(batch, rewind) for batch, steps in BATCHES.items() for rewind in range(EPOCHS * steps)]
NAMES = {"1": "0", "2": "2"}  # of the model's layers in the plain one


@dataclass
class Plain:
    """A network, its optimiser and its mask as anyone would write them. `mask`: what trains, by name."""

    task: Task
    training: Training
    mask: dict[str, torch.Tensor] = field(default_factory=dict)
    orders: dict[int, list[Batch]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.module = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 4))
        whole = torch.ones(self.task.space.size, dtype=torch.bool)
        self.load(self.task.parameters.untrained(self.task.effective(whole)))
        self.renew()

    def load(self, flat: torch.Tensor) -> None:
        self.module.load_state_dict(self.named(flat))

    def named(self, flat: torch.Tensor) -> dict[str, torch.Tensor]:
        views = self.task.parameters.views(flat)
        return {NAMES[name[2]] + name[3:]: view.clone() for name, view in views.items()}

    def renew(self) -> None:
        self.optimiser: torch.optim.Optimizer
        if self.training.optimiser == "adam":
            self.optimiser = torch.optim.Adam(self.module.parameters(), lr=1, weight_decay=self.training.weight_decay)
            return
        momentum, decay = self.training.momentum, self.training.weight_decay
        self.optimiser = torch.optim.SGD(self.module.parameters(), lr=1, momentum=momentum, weight_decay=decay)

    def cut(self, mask: torch.Tensor) -> None:
        self.mask = self.named(engine.whole(self.task, mask[None])[0])
        self._zero(self.module.state_dict())

    def step(self, number: int, order: int) -> None:
        """Step `number` of the schedule, on its batch of an epoch's order."""
        per_epoch = self.task.steps_per_epoch(self.training.batch)
        if order not in self.orders:
            self.orders[order] = list(self.task.batches(order, self.training.batch))
        batch = self.orders[order][number % per_epoch]
        self.optimiser.param_groups[0]["lr"] = self.training.rate(number, per_epoch)
        self.optimiser.zero_grad()
        nn.functional.cross_entropy(self.module(batch.x), batch.y).backward()
        self._zero({name: value.grad for name, value in self.module.named_parameters()})
        self.optimiser.step()

    def _zero(self, values: dict[str, Any]) -> None:
        with torch.no_grad():
            for name, mask in self.mask.items():
                values[name].mul_(mask)

    @property
    def flat(self) -> torch.Tensor:
        state = self.module.state_dict()
        names = self.named(torch.zeros(self.task.parameters.mask(torch.zeros(480)).numel()))
        return torch.cat([state[name].flatten() for name in names])


def problem(method: Any, epochs: int = 1000, lock: Lock | None = None) -> Task:
    return tiny.problem(method, Budget(epochs=epochs), lock).task


def imp(batch: int, rewind: int) -> Imp:
    return Imp(density=0.512, fraction=0.2, rewind=rewind, batch=batch, weight_decay=1e-2)


def plain_imp(method: Imp) -> tuple[dict[tuple[int, int], torch.Tensor], list[torch.Tensor], torch.Tensor]:
    """The network after every epoch, by round and epochs done, the mask of every round, and what is rewound to."""
    task = problem(method)
    point, per_epoch = max(0, method.rewind), task.steps_per_epoch(method.batch)
    plain, kept = Plain(task, method._training(EPOCHS)), torch.ones(480, dtype=torch.bool)
    after, masks, rewound = {}, [], plain.flat
    for number in range(ROUNDS):
        for step in range(point if number else 0, EPOCHS * per_epoch):
            if step == point:
                rewound = rewound if number else plain.flat
                plain.renew()
            epoch = step // per_epoch
            plain.step(step, number * EPOCHS + epoch)
            after[number, epoch + 1] = plain.flat
        sizes = plain.flat[:480].abs().masked_fill(~kept, -1)
        kept = torch.zeros_like(kept)
        kept[sizes.topk(round(480 * 0.8 ** (number + 1))).indices] = True
        masks.append(kept)
        if method.rewind >= 0:
            plain.load(rewound)
        plain.cut(kept)
    return after, masks, rewound


@pytest.mark.parametrize(("batch", "rewind"), [*POINTS, *((batch, -1) for batch in BATCHES)])
def test_iterative_pruning_is_a_plain_loop_at_every_rewind_point(batch: int, rewind: int) -> None:
    method, point = imp(batch, rewind), max(0, rewind)
    after, masks, rewound = plain_imp(method)
    task = problem(method, EPOCHS * ROUNDS)
    first, *states = tiny.states(method, task)
    assert len(states) == len(after)
    for (number, epoch), expected, state in zip(after, after.values(), states, strict=True):
        if epoch < EPOCHS:
            assert (state.round, state.epoch) == (number, epoch)
            assert torch.allclose(state.flat[0], expected, rtol=1e-3, atol=1e-5)
        else:
            assert torch.equal(state.kept, masks[number])
            assert state.step == point
            assert torch.allclose(state.rewound[0], rewound, rtol=1e-3, atol=1e-5)
    assert torch.equal(method.mask(task, states[-1]), masks[-1])
    sizes = [min(batch, 300 - start) for start in range(0, 300, batch)] * EPOCHS
    assert task.meters.examples_backward == ROUNDS * sum(sizes) - (ROUNDS - 1) * sum(sizes[:point])
    assert task.meters.epochs == len(after)
    assert first.step == 0


@pytest.mark.parametrize(("batch", "rewind"), POINTS)
def test_iterative_pruning_goes_on_from_every_checkpoint(batch: int, rewind: int, tmp_path: Path) -> None:
    method, path = imp(batch, rewind), tmp_path / "checkpoint"
    task, again = (problem(method, EPOCHS * ROUNDS) for _ in range(2))
    state = method.init(task)
    while state.round < ROUNDS:
        checkpoint.save(path, "digest", {"state": state, "meters": task.meters})
        found = checkpoint.load(path, "digest", {"state": State, "meters": Meters}, task.device)
        again.resume(found["meters"])
        state, resumed = method.step(task, state), method.step(again, found["state"])
        assert tiny.same(resumed, state)
        assert again.meters.epochs == task.meters.epochs
        assert again.meters.examples_backward == task.meters.examples_backward


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
@pytest.mark.parametrize(("batch", "rewind"), POINTS)
def test_training_is_a_plain_loop_at_every_rewind_point(batch: int, rewind: int, optimiser: Any) -> None:
    """From the start, and from the rewind point over epochs that are done, in part or in whole."""
    rate = 0.1 if optimiser == "sgd" else 0.01
    training = Training(
        epochs=EPOCHS, batch=batch, rewind=rewind, optimiser=optimiser, learning_rate=rate, weight_decay=1e-2
    )
    task = problem(Magnitude())
    mask, per_epoch = some_mask(), task.steps_per_epoch(batch)
    plain = Plain(task, training)
    for step in range(EPOCHS * per_epoch):
        if step == rewind:
            rewound = plain.flat
            plain.renew()
            plain.cut(mask)
        plain.step(step, step // per_epoch)
    weights = engine.start(task, training, mask[None])
    for number in range(EPOCHS):
        weights = engine.epoch(task, training, weights, mask[None], number, number)
    if rewind:  # at 0 the network begins with its mask
        assert torch.allclose(weights.rewound[0], rewound, rtol=1e-3, atol=1e-5)
    assert torch.allclose(weights.flat[0], plain.flat, rtol=1e-3, atol=1e-5)
    again = engine.again(training, weights.rewound, rewind)
    for number in range(EPOCHS):
        before, done = again, vars(task.meters).copy()
        again = engine.epoch(task, training, again, mask[None], number, number)
        if (number + 1) * per_epoch <= rewind:
            assert again is before
            assert vars(task.meters) == done
    assert torch.equal(again.flat, weights.flat)
    assert torch.equal(again.rewound, weights.rewound)
    assert again.step == weights.step == EPOCHS * per_epoch


@pytest.mark.parametrize("rewind", [1, 3, 4, 8])
def test_a_ticket_that_is_trained_with_a_rewind_point_is_trained_so(rewind: int, tmp_path: Path) -> None:
    found = tiny.execute(tiny.experiment(Magnitude(density=0.3)), tmp_path / "run")
    training = Training(epochs=EPOCHS, batch=100, rewind=rewind)
    trained = train(found, data=tiny.dataset(), training=training, val=0.25, out=tmp_path / "out")
    task, mask = problem(Magnitude()), torch.from_numpy(found.ticket.content.mask.copy())
    plain = Plain(task, training)
    for step in range(EPOCHS * 3):
        if step == rewind:
            plain.renew()
            plain.cut(mask)
        plain.step(step, step // 3)
    values = torch.from_numpy(trained.ticket.content.values)
    assert torch.allclose(values, plain.flat[:480][mask], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("rewind", [0, 2, 4])
def test_locks_hold_before_the_rewind_point(rewind: int) -> None:
    method = Imp(density=0.4, fraction=0.5, rewind=rewind, batch=100)
    task = problem(method, EPOCHS * 2, tiny.LOCK)
    off = engine.whole(task, torch.ones(1, task.space.size, dtype=torch.bool))[0] == 0
    assert int(off.sum()) == 144
    for state in tiny.states(method, task):
        assert not state.flat[0, off].any()
        assert not state.rewound[0, off].any()


def some_mask() -> torch.Tensor:
    return torch.from_numpy(stream(0, "masks").uniform(480)) < 0.3
