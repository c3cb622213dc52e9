from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.laws import tiny
from torch import nn

from ticketry.core.errors import RequestError
from ticketry.core.masks.space import Layer, Space
from ticketry.core.meters import Budget
from ticketry.core.nets.feed import Feed, feed
from ticketry.core.nets.net import Net
from ticketry.core.scaling import AS_IS
from ticketry.core.task import Task
from ticketry.experiment import Lock
from ticketry.methods.edge_popup import EdgePopup, State
from ticketry.objectives.classification import Classification

Floats = NDArray[np.float64]
CPU = torch.device("cpu")


def task_on(weights: list[Floats], x: Floats, y: list[int], epochs: int = 1, **given: Any) -> Task:
    """A stack of matrices without biases, ReLU between them, on all these examples."""
    parts: list[nn.Module] = []
    layers: list[Layer] = []
    for number, weight in enumerate(weights):
        parts += [nn.ReLU()] * bool(number) + [nn.Linear(weight.shape[1], weight.shape[0], bias=False, device="meta")]
        start = layers[-1].stop if layers else 0
        layers.append(Layer(f"{2 * number}.weight", weight.shape, start, start + weight.size))
    examples: Feed = feed(x.astype(np.float32), np.array(y), AS_IS, CPU)
    settings = {"scale": "none", "augment": False, "seed": 0, "budget": Budget(epochs=epochs)} | given
    return Task(
        net=Net(nn.Sequential(*parts), {}),
        space=Space(tuple(layers)),
        base=torch.from_numpy(np.concatenate([w.ravel() for w in weights])).float(),
        train=examples,
        validation=examples,
        objective=Classification((x.shape[1],), weights[-1].shape[0], ""),
        **settings,
    )


def walk(method: EdgePopup, task: Task, state: State | None = None) -> list[State]:
    """All states of a search."""
    states = [state or method.init(task)]
    for _ in range(task.epochs):
        states.append(method.step(task, states[-1]))
    return states


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """Weights kept in each layer, in every call for a gradient."""
    counts: list[list[int]] = []
    real: Callable[..., Any] = Task.gradient

    def noted(task: Task, mask: torch.Tensor, batch: Any) -> Any:
        counts.append(task.space.kept(mask))
        return real(task, mask, batch)

    monkeypatch.setattr(Task, "gradient", noted)
    return counts


class TestOneStep:
    """Three weights, one example x = 1 of class 0: all numbers here can be worked out with a pocket calculator.

    w = (1, -1, 1), scores (0.3, 0.2, 0.1), density 2/3, so the mask is (1, 1, 0) and the logits are (1, -1, 0).
    exp: 2.718282, 0.367879, 1; softmax p: 0.665241, 0.090031, 0.244728. dL/dlogits = p - (1, 0, 0).
    g = w * dL/dlogits = (-0.334759, -0.090031, 0.244728): the kept right weight is drawn up, the unused wrong one down,
    and keeping weight 1 lowers a wrong logit.
    """

    G = (-0.334759, -0.090031, 0.244728)
    SCORES = (0.3, 0.2, 0.1)

    def step(self, scale: str = "none", **settings: Any) -> State:
        task = task_on([np.array([[1.0], [-1.0], [1.0]])], np.array([[1.0]]), [0], scale=scale)
        settings = {"start": 0, "learning_rate": 0.1, "momentum": 0.0, "weight_decay": 0.0} | settings
        method = EdgePopup(density=2 / 3, **settings)
        return method.step(task, State(torch.tensor(self.SCORES), torch.zeros(3), 0))

    def test_plain(self) -> None:
        after = self.step()
        assert after.scores.tolist() == pytest.approx([0.3334759, 0.2090031, 0.0755272], abs=1e-6)
        assert after.epoch == 1

    def test_weight_decay(self) -> None:
        expected = [s - 0.1 * (g + 0.5 * s) for s, g in zip(self.SCORES, self.G, strict=True)]
        assert self.step(weight_decay=0.5).scores.tolist() == pytest.approx(expected, abs=1e-6)

    def test_a_score_that_crosses_zero_is_reflected_with_its_momentum(self) -> None:
        after = self.step(learning_rate=1.0, momentum=0.9)
        assert after.scores.tolist() == pytest.approx([0.634759, 0.290031, 0.144728], abs=1e-6)
        assert after.momentum.tolist() == pytest.approx([self.G[0], self.G[1], -self.G[2]], abs=1e-6)

    def test_dynamic_scale(self) -> None:
        """The logits are (r, -r, 0) with r = sqrt(3/2) = 1.224745, and r multiplies the gradient as well."""
        r = math.sqrt(1.5)
        p = np.exp([r, -r, 0]) / np.exp([r, -r, 0]).sum()
        g = np.array([1, -1, 1]) * r * (p - [1, 0, 0])
        assert self.step(scale="dynamic").scores.tolist() == pytest.approx(self.SCORES - 0.1 * g, abs=1e-6)


def authors(
    weights: list[Floats],
    signed: Floats,
    batches: list[tuple[Floats, NDArray[Any]]],
    settings: dict[str, float],
    k: int,
) -> tuple[Floats, int]:
    """The published algorithm: signed scores ranked by |s|, gradients by hand; and how often a score changed sign."""
    s, momentum, crossings, total = signed.copy(), np.zeros_like(signed), 0, len(batches)
    cut = weights[0].size
    for number, (x, y) in enumerate(batches):
        mask = np.zeros(len(s))
        mask[np.argsort(-np.abs(s), kind="stable")[:k]] = 1
        w1, w2 = weights[0] * mask[:cut].reshape(weights[0].shape), weights[1] * mask[cut:].reshape(weights[1].shape)
        hidden = x @ w1.T
        logits = np.maximum(hidden, 0) @ w2.T
        p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        error = (p - np.eye(len(w2))[y]) / len(y)
        d2 = error.T @ np.maximum(hidden, 0)
        d1 = ((error @ w2) * (hidden > 0)).T @ x
        grad = np.concatenate([(weights[0] * d1).ravel(), (weights[1] * d2).ravel()]) * np.sign(s)
        momentum = settings["momentum"] * momentum + grad + settings["weight_decay"] * s
        before = np.sign(s)
        s = s - settings["learning_rate"] * 0.5 * (1 + math.cos(math.pi * number / total)) * momentum
        crossings += int((before != np.sign(s)).sum())
    return s, crossings


def test_the_walk_is_that_of_the_authors_signed_scores() -> None:
    draw = np.random.default_rng(0)
    weights = [draw.normal(size=(6, 4)), draw.normal(size=(3, 6))]
    x, y = draw.normal(size=(24, 4)), draw.integers(0, 3, 24)
    task = task_on(weights, x, y.tolist(), epochs=3)
    settings = {"learning_rate": 0.7, "momentum": 0.9, "weight_decay": 1e-3}
    method = EdgePopup(density=0.5, start=0.0, batch=8, floor=0, **settings)  # type: ignore[arg-type]
    states = walk(method, task)

    signs = np.where(np.arange(42) % 3 == 0, -1.0, 1.0)  # of which the walk of |s| knows nothing
    batches = []
    for epoch in range(3):
        order = task.stream("order", epoch).permutation(24)
        batches += [(task.train.x[part].double().numpy(), y[part]) for part in np.split(order, 3)]
    signed, crossings = authors(weights, signs * states[0].scores.double().numpy(), batches, settings, k=21)
    assert crossings > 5
    assert np.allclose(states[-1].scores, np.abs(signed), atol=1e-5)


def test_on_signed_constants_it_is_biprop() -> None:
    """Forward sign(w) times the mean |w| of the layer's kept, backward |w| (Diffenderfer and Kailkhura 2021)."""
    method = EdgePopup(density=0.25, scope="layer", start=0, scale="static", learning_rate=0.1, momentum=0, batch=400)
    task = tiny.problem(method, Budget(epochs=1)).task
    state = method.init(task)
    [batch] = task.batches(0, 400)
    scores = [part.clone().requires_grad_() for part in state.scores.split([384, 96])]
    drawn = [part * 2 for part in task.weights.split([384, 96])]  # `scale_fan` of the authors: w / sqrt(density)
    layers = []
    for s, w, shape in zip(scores, drawn, ((24, 16), (4, 24)), strict=True):
        mask = torch.zeros_like(s)
        mask[s.abs().argsort(descending=True)[: len(s) // 4]] = 1
        alpha = (w.abs() * mask).sum() / mask.sum()
        through = alpha * mask + w.abs() * (s.abs() - s.abs().detach())
        layers.append((w.sign() * through).view(shape))
    loss = nn.functional.cross_entropy((batch.x @ layers[0].T).relu() @ layers[1].T, batch.y)
    grads = torch.cat(torch.autograd.grad(loss, scores))
    expected = state.scores - 0.1 * (grads + 1e-4 * state.scores)
    again = tiny.problem(method, Budget(epochs=1)).task
    assert torch.allclose(method.step(again, state).scores, expected.abs(), atol=1e-6)


class TestSchedule:
    def counts(self, used: list[list[int]], epochs: int = 10, lock: Lock | None = None, **settings: Any) -> list[int]:
        """Weights of 480 kept in each of 30 steps."""
        method = EdgePopup(batch=100, **settings)
        walk(method, tiny.problem(method, Budget(epochs=epochs), lock=lock).task)
        assert len(used) == 3 * epochs
        return [sum(kept) for kept in used]

    def test_it_falls_from_start_to_density_and_stays(self, used: list[list[int]]) -> None:
        counts = self.counts(used, density=0.05, start=0.5, until=0.8, power=1.0)
        assert counts[0] == 240
        assert counts[24:] == [24] * 6
        assert all(a > b for a, b in pairwise(counts[:25]))

    def test_power_one_takes_equal_factors(self, used: list[list[int]]) -> None:
        counts = self.counts(used, density=0.05, start=0.5, until=1.0, power=1.0)
        assert counts == [round(240 * 0.1 ** (step / 30)) for step in range(30)]

    def test_a_higher_power_falls_faster_at_first(self, used: list[list[int]]) -> None:
        slow = self.counts(used, density=0.05, until=0.8, power=1.0)
        used.clear()
        fast = self.counts(used, density=0.05, until=0.8, power=3.0)
        assert (slow[0], slow[-1]) == (fast[0], fast[-1])
        assert all(f < s for s, f in zip(slow[1:20], fast[1:20], strict=True))

    @pytest.mark.parametrize("settings", [{"start": 0.0}, {"start": 0.2}, {"density": 0.5}, {"density": 1.0}])
    def test_without_room_to_fall_the_density_is_fixed(self, used: list[list[int]], settings: dict[str, float]) -> None:
        settings = {"density": 0.2} | settings
        assert set(self.counts(used, epochs=2, **settings)) == {round(480 * settings["density"])}

    def test_by_periods_it_falls_at_their_ends_alone_and_arrives_for_the_last(self, used: list[list[int]]) -> None:
        counts = self.counts(used, density=0.125, start=1.0, until=1.0, power=1.0, period=3)
        assert counts[::9] == [480, 240, 120, 60]  # 3 steps an epoch
        assert all(len(set(counts[at : at + 9])) == 1 for at in range(0, 30, 9))

    def test_a_period_as_long_as_the_search_is_refused(self) -> None:
        method = EdgePopup(period=3)
        with pytest.raises(RequestError, match=r"period is 3, but it must be below the 3 epochs"):
            method.init(tiny.problem(method, Budget(epochs=3)).task)

    def test_it_starts_no_higher_than_locks_allow(self, used: list[list[int]]) -> None:
        counts = self.counts(used, density=0.2, start=0.9, lock=Lock(off=0.4, on=0.1))
        assert counts[0] == 288  # 0.6 of 480
        assert counts[-1] == 96


class TestSelection:
    @pytest.mark.parametrize("density", [0.5, 0.337, 0.02])
    @pytest.mark.parametrize("lock", [None, Lock(off=0.3, on=0.01), Lock(off=0.3, on=0.01, budget="igq")])
    def test_layer_scope_gives_every_layer_the_density(self, density: float, lock: Lock | None) -> None:
        method = EdgePopup(density=density, scope="layer")
        task = tiny.problem(method, lock=lock).task
        kept = task.space.kept(method.mask(task, method.init(task)))
        assert sum(kept) == round(density * 480)
        assert kept == pytest.approx([384 * density, 96 * density], abs=1)

    def test_global_scope_keeps_the_largest_scores_of_all(self) -> None:
        method = EdgePopup(density=0.25)
        task = tiny.problem(method).task
        scores = torch.from_numpy(task.stream("test").uniform(480))
        mask = method.mask(task, State(scores, torch.zeros(480), 0))
        assert scores[mask].min() >= scores[~mask].max()

    @pytest.mark.parametrize("floor", [0, 1, 5])
    def test_the_floor_keeps_every_layer_alive(self, floor: int) -> None:
        method = EdgePopup(density=0.1, floor=floor)
        task = tiny.problem(method).task
        scores = torch.cat([torch.linspace(1, 2, 384), torch.linspace(0, 0.5, 96)])
        mask = method.mask(task, State(scores, torch.zeros(480), 0))
        assert task.space.kept(mask) == [48 - floor, floor]
        assert mask[480 - floor :].all()
        assert mask[384 - (48 - floor) : 384].all()

    def test_a_floor_that_does_not_fit_is_refused(self) -> None:
        method = EdgePopup(density=0.01, floor=3)
        task = tiny.problem(method).task
        with pytest.raises(RequestError, match="floor is 3, but 6 weights in 2 layers do not fit into the 5"):
            method.mask(task, method.init(task))

    def test_initial_scores_are_kaiming_uniform_layer_by_layer(self) -> None:
        method = EdgePopup()
        scores = method.init(tiny.problem(method).task).scores.split([384, 96])
        for part, fan_in in zip(scores, (16, 24), strict=True):
            assert 0 <= part.min() < part.max() < fan_in**-0.5
            assert part.mean().item() == pytest.approx(fan_in**-0.5 / 2, rel=0.2)


def test_a_planted_ticket_is_mostly_recovered() -> None:
    """Classes are those that a masked random layer gives: at its density, edge-popup finds that mask again."""
    draw = np.random.default_rng(1)
    weights = np.where(draw.random((5, 16)) < 0.5, -1.0, 1.0)
    planted = np.zeros(80, bool)
    planted[draw.permutation(80)[:32]] = True
    x = draw.normal(size=(2000, 16))
    y = (x @ (weights * planted.reshape(5, 16)).T).argmax(1)
    method = EdgePopup(density=0.4, start=0.8)
    task = task_on([weights], x, y.tolist(), epochs=12)
    untrained, *_, last = walk(method, task)
    before, after = (torch.from_numpy(planted)[method.mask(task, state)].float().mean() for state in (untrained, last))
    assert before < 0.6
    assert after >= 0.9
    assert task.validate(method.mask(task, last))[1] >= 0.9
