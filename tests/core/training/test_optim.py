"""Optimisers equal torch's own classes step by step; schedules have known values."""

from __future__ import annotations

import pytest
import torch

from ticketry.core.training import optim

STEPS, D = 6, 1003


def draws(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def by_class(optimiser, grads, start):
    params = torch.nn.Parameter(start.clone())
    chosen = optimiser([params])
    for grad in grads:
        params.grad = grad.clone()
        chosen.step()
    return params.detach()


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
def test_sgd_is_torch_sgd(momentum, weight_decay):
    start, grads = draws(0, D), draws(1, STEPS, D)
    params, buffer = start.clone(), torch.zeros(D)
    for grad in grads:
        before = grad.clone()
        optim.sgd(params, grad, buffer, 0.1, momentum, weight_decay)
        assert torch.equal(grad, before)
    expected = by_class(
        lambda p: torch.optim.SGD(p, lr=0.1, momentum=momentum, weight_decay=weight_decay, foreach=False),
        grads,
        start,
    )
    torch.testing.assert_close(params, expected, rtol=1e-6, atol=1e-6)
    assert bool(buffer.any()) == (momentum > 0)


@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
def test_adam_is_torch_adam(weight_decay):
    start, grads = draws(0, D), draws(1, STEPS, D)
    params, mean, square = start.clone(), torch.zeros(D), torch.zeros(D)
    for step, grad in enumerate(grads, start=1):
        optim.adam(params, grad, mean, square, step, 0.01, weight_decay=weight_decay)
    expected = by_class(lambda p: torch.optim.Adam(p, lr=0.01, weight_decay=weight_decay, foreach=False), grads, start)
    torch.testing.assert_close(params, expected, rtol=1e-6, atol=1e-6)


def test_a_step_does_not_depend_on_where_memory_starts():
    def step(offset):
        values = torch.zeros(3, D + offset)[:, offset:]
        params, grad, buffer = values.copy_(draws(0, 3, D))
        optim.sgd(params, grad, buffer, 0.1, 0.9, 1e-4)
        return params.clone()

    assert all(torch.equal(step(0), step(offset)) for offset in (1, 3, 5))


def test_reflect_turns_back_what_fell_below_zero():
    params, momentum = torch.tensor([1.0, -2.0, 0.0, -0.5]), torch.tensor([1.0, 1.0, 1.0, -1.0])
    optim.reflect(params, momentum)
    assert params.tolist() == [1, 2, 0, 0.5]
    assert momentum.tolist() == [1, -1, 1, 1]
