"""Losses in every layout against plain torch, and every kernel that is given one against the plain network."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import r2_score
from torch.nn import functional

from ticketry import data
from ticketry.core.errors import RequestError
from ticketry.core.meters import Budget
from ticketry.core.nets.loss import Loss, quality
from ticketry.core.objective import About
from ticketry.core.seed.weights import Scale
from ticketry.core.task import Batch, Task
from ticketry.core.training.compressed import Compressed
from ticketry.experiment import Experiment, Lock
from ticketry.methods.random import Random
from ticketry.objectives.classification import CrossEntropy
from ticketry.objectives.regression import Regression, SquaredError
from ticketry.runs.problem import problem_of_experiment

LOSSES: dict[str, Loss] = {"classification": CrossEntropy(), "regression": SquaredError()}
PLAIN = {"classification": functional.cross_entropy, "regression": functional.mse_loss}
KINDS = st.sampled_from(sorted(LOSSES))
EVERY = settings(max_examples=40, deadline=None)


def targets(kind: str, draw: np.random.Generator, n: int, outputs: int) -> torch.Tensor:
    if kind == "classification":
        return torch.from_numpy(draw.integers(0, outputs, n))
    return torch.from_numpy(draw.normal(size=(n, outputs)))


@EVERY
@given(
    KINDS, st.integers(1, 4), st.integers(2, 6), st.integers(1, 40), st.integers(0, 99), st.sampled_from([1.0, 50.0])
)
def test_every_layout_is_plain_torch(kind: str, p: int, outputs: int, n: int, seed: int, size: float) -> None:
    draw, loss = np.random.default_rng(seed), LOSSES[kind]
    y = targets(kind, draw, n, outputs)
    all_outputs = torch.from_numpy(size * draw.normal(size=(p, outputs, n)))
    means, slopes = loss.slope(all_outputs, y)
    sums = loss.sums(all_outputs.clone(), loss.columns(y))
    for one, mean, slope, total in zip(all_outputs, means, slopes, sums.T, strict=True):
        rows = one.T.clone().requires_grad_()
        expected = PLAIN[kind](rows, y)
        assert torch.allclose(mean, expected)
        assert torch.allclose(loss.mean(rows, y), expected)
        assert torch.allclose(loss.each(rows, y).mean(), expected)
        assert torch.allclose(total[0], n * expected)
        assert torch.allclose(slope.T, torch.autograd.grad(expected, rows)[0])
        judged = loss.judged(rows.detach(), y)
        assert judged == pytest.approx(total.tolist())
        reached = quality(judged[1], loss.worst(y), loss.floor)
        if kind == "classification":
            assert reached == pytest.approx(float((rows.argmax(1) == y).double().mean()))
        elif n > 1:
            ratio = (rows - y).square().sum() / (y - y.mean(0)).square().sum()
            assert reached == pytest.approx(max(-1000.0, 1 - ratio.item()), rel=1e-6, abs=1e-9)


def test_r2_of_one_output_is_that_of_scikit_learn() -> None:
    draw, loss = np.random.default_rng(0), SquaredError()
    y, outputs = torch.from_numpy(draw.normal(size=(50, 1))), torch.from_numpy(draw.normal(size=(50, 1)))
    assert quality(loss.judged(outputs, y)[1], loss.worst(y), loss.floor) == pytest.approx(r2_score(y, outputs))


@pytest.mark.parametrize("y", [[[2.0]], [[2.0], [2.0]]])
def test_of_targets_all_alike_nothing_can_be_told(y: list[list[float]]) -> None:
    loss = SquaredError()
    assert quality(loss.judged(torch.zeros(len(y), 1), torch.tensor(y))[1], loss.worst(torch.tensor(y)), -1000.0) == 0


def task(kind: str, hidden: str, outputs: int, n: int, seed: int, scale: Scale, lock: bool) -> Task:
    """A task on `n` training examples of 5 features, a tenth more to validate."""
    draw, whole = np.random.default_rng(seed), n + max(1, n // 9)
    x = draw.normal(size=(whole, 5)).astype(np.float32)
    y: Any = np.arange(whole) % outputs
    if kind == "regression":
        y = 10 * draw.normal(size=(whole, outputs)) + 5
    dataset = data.from_arrays("drawn", x, y, x[:outputs], y[:outputs])
    method = Random(weights="kaiming-normal", scale=scale)
    locks = Lock(off=0.2, on=0.2) if lock else Lock()
    wanted = Experiment(method=method, data="drawn", model=hidden, lock=locks, budget=Budget(), seed=seed)
    return problem_of_experiment(wanted, dataset=dataset).task


@settings(max_examples=15, deadline=None)
@given(
    KINDS,
    st.sampled_from(["mlp", "mlp:7", "mlp:9,4"]),
    st.integers(2, 4),
    st.integers(30, 300),
    st.integers(0, 9),
    st.sampled_from(["none", "dynamic"]),
    st.booleans(),
)
def test_fitness_kernels_are_the_plain_loop(
    kind: str, hidden: str, outputs: int, n: int, seed: int, scale: Scale, lock: bool
) -> None:
    one = task(kind, hidden, outputs, n, seed, scale, lock)
    masks = torch.from_numpy(np.random.default_rng(seed).random((5, one.space.size)) < 0.4)
    alone = [one.judge(one.effective(mask), one.train) for mask in masks]
    for kernel in ("loop", "batched"):
        score = one.fitness(masks, kernel=kernel)  # type: ignore[arg-type]
        assert score.loss.tolist() == pytest.approx([loss for loss, _ in alone], rel=1e-4)
        assert score.quality.tolist() == pytest.approx([reached for _, reached in alone], rel=1e-4, abs=2.01 / n)
    near = one.neighbours(masks[0])
    assert (near is None) == (scale == "dynamic")
    if near is not None:
        positions = torch.arange(0, one.space.size, 3)
        flipped = masks[0].repeat(len(positions), 1)
        flipped[torch.arange(len(positions)), positions] ^= True
        ours, plain = near.flips(positions), one.fitness(flipped)
        assert torch.allclose(ours.loss, plain.loss, rtol=1e-4)
        if kind == "regression":  # equal logits, of units without weights, may be told apart by rounding
            assert torch.allclose(ours.quality, plain.quality, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", LOSSES)
def test_gradients_by_hand_of_few_weights_and_by_autograd_agree(kind: str) -> None:
    one = task(kind, "mlp:12,6", 3, 80, 0, "none", lock=False)
    masks = torch.from_numpy(np.random.default_rng(0).random((2, one.space.size)) < 0.2)
    flat = torch.stack([one.parameters.untrained(one.effective(mask)) for mask in masks])
    kept = torch.stack([one.parameters.mask(mask) for mask in masks])
    batch = Batch(*one.train.batch(slice(0, 40)))
    losses, gradient = one.parameters.gradient(flat, batch.x, batch.y)
    stack, one.parameters.stack = one.parameters.stack, None
    plain, expected = one.parameters.gradient(flat, batch.x, batch.y)
    one.parameters.stack = stack
    assert losses == pytest.approx(plain, rel=1e-5)
    assert torch.allclose(gradient, expected, atol=1e-6)
    few = Compressed(one.parameters, kept)
    some, listed = few.gradient(few.take(flat), batch.x, batch.y)
    assert some == pytest.approx(plain, rel=1e-5)
    assert torch.allclose(listed, few.take(expected), atol=1e-6)


@EVERY
@given(
    st.integers(1, 3),
    st.integers(2, 30),
    st.sampled_from([0.0, 1.0, -273.15, 1e6, 1.7e9, -1.7e12, 1e30]),
    st.floats(-0.5, 9),
    st.integers(0, 9),
)
def test_targets_are_standardised_by_the_training_part(k: int, n: int, mean: float, more: float, seed: int) -> None:
    """However far from zero they lie, and however little of that float32 can tell apart; or they are refused."""
    unit = float(np.spacing(np.float32(abs(mean))))
    y = mean + 16 * unit * 10**more * np.random.default_rng(seed).normal(size=(n, k))
    deviations = np.sqrt(np.square(y - np.float64(np.float32(y.mean(0)))).mean(0))
    units = np.spacing(np.abs(y.mean(0)).astype(np.float32)).astype(np.float64)
    enough = deviations >= np.maximum(16 * units, np.finfo(np.float32).tiny)
    if not enough.all():
        with pytest.raises(RequestError, match=r"^y(\[:, \d\])? is .* or float32 cannot tell targets apart; "):
            Regression.of(About((1,), k, "", y, None))
        return
    found = Regression.of(About((1,), k, "", y, None))
    standard = found.targets(y).astype(np.float64)
    assert np.abs(standard.mean(0)).max() <= 1 / 32 + 1e-6  # half a unit of at least sixteen
    assert np.allclose(np.square(standard).mean(0), 1, atol=1e-5)
    assert all(float(np.float32(number)) == number for pair in found.target for number in pair)
    scale, shift = (np.array(column, np.float32) for column in list(zip(*found.target, strict=True))[::-1])
    answers = (found.targets(y) * scale + shift).astype(np.float64)  # as a module computes them
    assert (np.square(answers - y).mean(0) <= 4e-3 * y.var(0) + 1e-300).all()  # a unit squared, of 16 squared
    square = found.target[0][1] ** 2 if k == 1 else 1.0
    assert found.reported(2.0) == pytest.approx(2 * square)
    assert found.reported(math.inf) is found.reported(None) is found.reported(math.nan) is None


@pytest.mark.parametrize(
    ("mean", "deviation", "remedy"),
    [(1.7e12, 30_000.0, "subtract 1.7e+12 from it"), (1e6, 0.5, "subtract 1e+06 from it"), (0.0, 1e-45, "multiply it")],
)
def test_targets_that_float32_cannot_tell_apart_are_refused(mean: float, deviation: float, remedy: str) -> None:
    y = mean + deviation * np.array([[-1.0], [1.0]])
    with pytest.raises(RequestError, match=rf"^y is {re.escape(f'{mean:g} on')} average, .*; {re.escape(remedy)}"):
        Regression.of(About((1,), 1, "", y, None))
    if mean:
        assert Regression.of(About((1,), 1, "", y - mean, None)).target == ((0.0, deviation),)


def test_a_training_part_without_differences_keeps_its_units() -> None:
    assert Regression.of(About((1,), 1, "", np.full((5, 1), 1.7e12), None)).target[0][1] == 1.0
