"""SNIP, SynFlow and GraSP against known answers: perturbation, conservation, finite differences."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.laws import tiny

from ticketry.core.errors import RequestError
from ticketry.core.task import Task
from ticketry.methods import _scored
from ticketry.methods.grasp import Grasp
from ticketry.methods.snip import Snip
from ticketry.methods.synflow import Synflow

METHODS = (Snip, Synflow, Grasp)


def last(method: Any, task: Task) -> Any:
    *_, state = tiny.states(method, task)
    return state


def loss_of(task: Task, flat: torch.Tensor, batch: Any, temperature: float = 1.0) -> torch.Tensor:
    w1, b1, w2, b2 = (task.parameters.views(flat)[name] for name in _names(task))
    hidden = (batch.x.double() @ w1.T + b1).relu()
    return torch.nn.functional.cross_entropy((hidden @ w2.T + b2) / temperature, batch.y)


def _names(task: Task) -> tuple[str, ...]:
    return ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias")


def everything(task: Task) -> torch.Tensor:
    return task.parameters.untrained(task.effective(torch.ones(task.space.size, dtype=torch.bool))).double()


def test_snip_is_the_effect_of_a_small_removal() -> None:
    method = Snip()
    task = tiny.problem(method).task
    scores, batch, flat = last(method, task).scores, _scored.batch(task, 25), everything(task)
    for place in (0, 100, 383, 384, 479):
        smaller, larger = flat.clone(), flat.clone()
        smaller[place] *= 1 - 1e-4
        larger[place] *= 1 + 1e-4
        effect = (loss_of(task, larger, batch) - loss_of(task, smaller, batch)) / 2e-4
        assert scores[place].item() == pytest.approx(abs(effect.item()), rel=1e-2, abs=1e-6)


def test_grasp_is_the_curvature_along_the_gradient() -> None:
    method = Grasp(temperature=2.0)
    task = tiny.problem(method).task
    scores, batch = last(method, task).scores, _scored.batch(task, 25)
    flat = everything(task).requires_grad_()
    [gradient] = torch.autograd.grad(loss_of(task, flat, batch, 2.0), flat)
    ahead, behind = ((flat + sign * 1e-5 * gradient).detach().requires_grad_() for sign in (1, -1))
    [up], [down] = (torch.autograd.grad(loss_of(task, at, batch, 2.0), at) for at in (ahead, behind))
    expected = (flat * (up - down) / 2e-5).detach()[: task.space.total]
    assert torch.allclose(scores.double(), expected, rtol=1e-3, atol=1e-6)


def test_synaptic_flow_is_the_same_through_every_layer_and_hidden_unit() -> None:
    method = Synflow(rounds=1)
    task = tiny.problem(method).task
    flow = task.parameters.flow(task.parameters.untrained(task.effective(torch.ones(480, dtype=torch.bool))))
    first, second = flow[:384].view(24, 16), flow[384:480].view(4, 24)
    assert torch.allclose(first.sum(1), second.sum(0))  # conserved at a unit (Tanaka et al., theorem 1)
    assert first.sum() == pytest.approx(second.sum().item())
    w1, w2 = (w.double().abs() for w in task.space.views(task.weights).values())
    assert first.sum() == pytest.approx((w2 @ w1 @ torch.ones(16, dtype=torch.float64)).sum().item())


def test_synflow_in_many_rounds_keeps_every_layer_alive_where_one_shot_does_not() -> None:
    kept = {}
    for rounds in (1, 100):
        method = Synflow(density=0.05, rounds=rounds, floor=0)
        task = tiny.problem(method, tiny.Budget()).task
        kept[rounds] = min(task.space.kept(method.mask(task, last(method, task))))
    assert kept[100] > 0
    assert kept[100] >= kept[1]


def test_iterative_snip_differs_from_one_shot() -> None:
    task = tiny.problem(Snip()).task
    masks = [method.mask(task, last(method, task)) for method in (Snip(density=0.1), Snip(density=0.1, rounds=3))]
    assert not torch.equal(*masks)


def test_a_scored_batch_has_as_many_of_every_class() -> None:
    task = tiny.problem(Snip()).task
    assert _scored.batch(task, 5).y.bincount().tolist() == [5, 5, 5, 5]
    assert len(_scored.batch(task, 10_000).y) == len(task.train)


@pytest.mark.parametrize("method", METHODS)
def test_fields_out_of_range_are_refused(method: Any) -> None:
    for name, value in (("density", 0.0), ("floor", -1)):
        with pytest.raises(RequestError, match=f"{name} is"):
            method(**{name: value})
    with pytest.raises(RequestError, match="rounds is 0"):
        Snip(rounds=0)
    with pytest.raises(RequestError, match="temperature is 0"):
        Grasp(temperature=0.0)
