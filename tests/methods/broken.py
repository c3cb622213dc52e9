"""A sound method, in the manner of edge-popup (Ramanujan et al. 2020), and members that each break one law.

Deviations: everything that is not needed to be tried on the laws.
"""

from __future__ import annotations

import random
import sys
import time
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal
from weakref import WeakKeyDictionary

import numpy as np
import torch

from ticketry.core.errors import BudgetSpent
from ticketry.core.masks.mask import top_k
from ticketry.core.meters import Budget
from ticketry.core.objective import Need
from ticketry.core.seed.weights import Kind, Scale
from ticketry.core.task import Batch, Task


@dataclass(frozen=True)
class State:
    """`scores`: Float[D]; `epoch`: epochs done; `note`: whatever a broken member puts there."""

    scores: torch.Tensor
    epoch: int
    note: Any = ""


@dataclass(frozen=True)
class Sound:
    """Obeys every law."""

    State: ClassVar[type] = State
    kind: ClassVar[Literal["strong", "trainable"]] = "strong"
    budget: ClassVar[Budget] = Budget(epochs=10)
    answer: ClassVar[Literal["best", "last"]] = "best"
    needs: ClassVar[frozenset[Need]] = frozenset({"gradient"})
    state: ClassVar[type[State]] = State

    density: float = 0.5
    """Fraction kept, in (0, 1]."""
    weights: Kind = "signed-constant"
    """Recipe of the weights."""
    scale: Scale = "dynamic"
    """Rescaling of the weights."""

    def init(self, task: Task) -> State:
        return State(torch.from_numpy(task.stream("scores").uniform(task.space.size)).to(task.device), 0)

    def step(self, task: Task, state: State) -> State:
        scores = state.scores.clone()
        for batch in task.batches(state.epoch, 32):
            loss, grad = task.gradient(self.mask(task, replace(state, scores=scores)), batch)
            if np.isfinite(loss):
                scores -= grad
        return replace(state, scores=scores, epoch=state.epoch + 1)

    def mask(self, task: Task, state: State) -> torch.Tensor:
        return top_k(state.scores, task.space.count(self.density))


# Law 1


class ReadsTheClock(Sound):
    def step(self, task: Task, state: State) -> State:
        done = super().step(task, state)
        noise = time.perf_counter_ns() % 1000 / 1000
        return replace(done, scores=done.scores + noise * task.weights)


_draws = [0]


class CountsInTheModule(Sound):
    """Hidden state that outlives the run."""

    def init(self, task: Task) -> State:
        _draws[0] += 1
        return State(torch.from_numpy(task.stream("scores", _draws[0]).uniform(task.space.size)), 0)


# Law 2

_momentum: WeakKeyDictionary[Task, torch.Tensor] = WeakKeyDictionary()
_last: list[torch.Tensor] = []


class KeepsMomentumOutsideTheState(Sound):
    """Repeats from run to run, because every run has a task of its own, but a resumed run starts with none."""

    def step(self, task: Task, state: State) -> State:
        done = super().step(task, state)
        _momentum[task] = done.scores - state.scores + 0.9 * _momentum.get(task, torch.zeros(()))
        return replace(done, scores=state.scores + _momentum[task])


class KeepsTheLastScoresInTheModule(Sound):
    """Repeats from run to run, because init resets it, but not when another run comes between."""

    def init(self, task: Task) -> State:
        state = super().init(task)
        _last[:] = [state.scores]
        return state

    def step(self, task: Task, state: State) -> State:
        _last[:] = [super().step(task, replace(state, scores=_last[0])).scores]
        return replace(state, scores=_last[0], epoch=state.epoch + 1)


# Law 3


class IntMask(Sound):
    def mask(self, task: Task, state: State) -> torch.Tensor:
        return super().mask(task, state).int()


class RowMask(Sound):
    def mask(self, task: Task, state: State) -> torch.Tensor:
        return super().mask(task, state)[None]


class WholeMask(Sound):
    """Bool[N], which is Bool[D] only where nothing is locked."""

    def mask(self, task: Task, state: State) -> torch.Tensor:
        return task.space.full(super().mask(task, state))


class NumpyMask(Sound):
    def mask(self, task: Task, state: State) -> Any:
        return super().mask(task, state).numpy()


# Law 4


class OneTooFew(Sound):
    def mask(self, task: Task, state: State) -> torch.Tensor:
        return top_k(state.scores, max(1, task.space.count(self.density) - 1))


class CountsSearchedOnly(Sound):
    """Density of the searched weights: right until some are locked."""

    def mask(self, task: Task, state: State) -> torch.Tensor:
        return top_k(state.scores, max(1, round(self.density * task.space.size)))


class Threshold(Sound):
    """Keeps all that tie with the last: too many as soon as there are ties, and none where scores are NaN."""

    def mask(self, task: Task, state: State) -> torch.Tensor:
        rounded = state.scores.round(decimals=2)
        return rounded >= rounded.sort(descending=True).values[task.space.count(self.density) - 1]


@dataclass(frozen=True)
class SaysNothingOfItsDensity:
    kind: ClassVar[Literal["strong", "trainable"]] = "strong"
    budget: ClassVar[Budget] = Budget(generations=1)
    weights: Kind = "signed-constant"
    scale: Scale = "none"


# Law 5


class UnlocksWhatIsOn(Sound):
    def step(self, task: Task, state: State) -> State:
        if task.space.on is not None:
            task.space.on.zero_()
        return super().step(task, state)


class SearchesLockedPositions(Sound):
    def init(self, task: Task) -> State:
        if task.space.index is not None:
            task.space.index.copy_(torch.arange(task.space.size))
        return super().init(task)


# Law 7


class GoesOnWithoutBudget(Sound):
    """Catches BudgetSpent and makes its own batches."""

    def step(self, task: Task, state: State) -> State:
        try:
            return super().step(task, state)
        except BudgetSpent:
            task.gradient(self.mask(task, state), Batch(*task.train.batch(slice(0, 32))))
            return state


class SpendsInSecret(Sound):
    """Evaluates through the network itself."""

    def step(self, task: Task, state: State) -> State:
        x, _ = task.train.batch(slice(0, 32))
        task._net.eval_logits(task.space.views(task.effective(self.mask(task, state))), x, {})
        return super().step(task, state)


class TurnsTheMeterBack(Sound):
    def step(self, task: Task, state: State) -> State:
        done = super().step(task, state)
        task.meters.epochs -= 1
        return done


# Law 8


class LooksAtTheTest(Sound):
    """Finds the test split where no method should look for it, and learns from it."""

    def step(self, task: Task, state: State) -> State:
        frame = sys._getframe()
        while frame.f_back and not hasattr(frame.f_locals.get("self"), "_problem"):
            frame = frame.f_back
        if hasattr(frame.f_locals.get("self"), "_problem"):
            frame.f_locals["self"]._problem.test.x.sum()
        return super().step(task, state)


# Law 9


class KeepsATuple(Sound):
    def init(self, task: Task) -> State:
        return replace(super().init(task), note=(1, 2))


class KeepsIntegerKeys(Sound):
    def init(self, task: Task) -> State:
        return replace(super().init(task), note={1: 0.5})


class HidesAnAttribute(Sound):
    """The mask depends on what is not a field."""

    def init(self, task: Task) -> State:
        state = super().init(task)
        object.__setattr__(state, "sign", -1.0)
        return state

    def mask(self, task: Task, state: State) -> torch.Tensor:
        return super().mask(task, replace(state, scores=state.scores * getattr(state, "sign", 1.0)))


# Law 10


@dataclass(frozen=True)
class HasNoDefault(Sound):
    temperature: float = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.temperature is None:
            raise TypeError("missing 1 required positional argument: 'temperature'")


@dataclass(frozen=True)
class HasATuple(Sound):
    """JSON gives a list back."""

    widths: tuple[int, ...] = (1, 2)


# Law 11


class DoesNotSearch(Sound):
    def step(self, task: Task, state: State) -> State:
        for _ in task.batches(state.epoch, 32):
            pass
        return replace(state, epoch=state.epoch + 1)


class SearchesBackwards(Sound):
    def step(self, task: Task, state: State) -> State:
        done = super().step(task, state)
        return replace(done, scores=2 * state.scores - done.scores)


# Law 12


class DrawsFromTorch(Sound):
    def init(self, task: Task) -> State:
        return State(torch.rand(task.space.size), 0)


class DrawsFromNumpy(Sound):
    def init(self, task: Task) -> State:
        return State(torch.from_numpy(np.random.rand(task.space.size)).float(), 0)  # noqa: NPY002


class DrawsFromPython(Sound):
    def init(self, task: Task) -> State:
        return State(torch.tensor([random.random() for _ in range(task.space.size)]), 0)


class WritesIntoItsState(Sound):
    def step(self, task: Task, state: State) -> State:
        done = super().step(task, state)
        state.scores.copy_(done.scores)
        return done


class SortsItsState(Sound):
    def mask(self, task: Task, state: State) -> torch.Tensor:
        state.scores.copy_(state.scores.sort().values)
        return super().mask(task, state)


class WritesIntoTheWeights(Sound):
    """Only where nothing is locked: there `task.weights` is no copy."""

    def init(self, task: Task) -> State:
        if task.space.index is None:
            task._base.abs_()
        return super().init(task)


class WritesIntoTheData(Sound):
    def step(self, task: Task, state: State) -> State:
        task.train.x.clamp_(-1, 1)
        return super().step(task, state)


class LeavesGradientsOff(Sound):
    def init(self, task: Task) -> State:
        torch.set_grad_enabled(False)
        return super().init(task)

    def step(self, task: Task, state: State) -> State:
        with torch.enable_grad():
            return super().step(task, state)


# Law 13


class TakesInNan(Sound):
    def step(self, task: Task, state: State) -> State:
        scores = state.scores.clone()
        for batch in task.batches(state.epoch, 32):
            scores -= task.gradient(self.mask(task, replace(state, scores=scores)), batch)[1]
        return replace(state, scores=scores, epoch=state.epoch + 1)


class StopsAtNan(Sound):
    def step(self, task: Task, state: State) -> State:
        for batch in task.batches(state.epoch, 32):
            if not np.isfinite(task.gradient(self.mask(task, state), batch)[0]):
                raise ValueError("the loss is not a number")
        return replace(state, epoch=state.epoch + 1)


# Law 15


class BreaksTiesByAddress(Sound):
    """Stands for what a device's own selection does: which of equal scores are kept depends on where they lie."""

    def mask(self, task: Task, state: State) -> torch.Tensor:
        turned = state.scores.data_ptr() // 64 % 97 + 1
        return top_k(state.scores.roll(turned), task.space.count(self.density)).roll(-turned)


class BreaksTiesByDevice(Sound):
    def mask(self, task: Task, state: State) -> torch.Tensor:
        mask = torch.zeros_like(state.scores, dtype=torch.bool)
        mask[state.scores.topk(task.space.count(self.density), sorted=False).indices] = True
        return mask
