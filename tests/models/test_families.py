"""Networks that nobody here wrote: found, evaluated, verified, trained, checked and used, with the same numbers."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.models import families
from torch import nn

from ticketry import data
from ticketry.core.masks.roles import roles
from ticketry.core.meters import Budget
from ticketry.core.nets.net import answer
from ticketry.core.training.recipe import Training
from ticketry.core.trust import typed
from ticketry.experiment import Experiment
from ticketry.methods.edge_popup import EdgePopup
from ticketry.runs import train
from ticketry.runs.find import execute
from ticketry.ticket import file
from ticketry.ticket.evaluate import evaluate

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("transformers") is None, reason="transformers is not installed"),
    pytest.mark.filterwarnings("ignore"),  # theirs
]


@cache
def images() -> data.Dataset:
    draw = np.random.default_rng(0)
    y = np.arange(96) % 4
    x = draw.random((96, 3, 16, 16), np.float32) * 0.5
    x[np.arange(96), :, y * 4] += 0.5
    return data.from_arrays("images", x[:64], y[:64], x[64:], y[64:])


@pytest.mark.parametrize("build", families.FAMILIES, ids=lambda build: build.__name__)
def test_a_family_of_networks(build: Callable[[], nn.Module], tmp_path: Path) -> None:
    method = EdgePopup(density=0.5, batch=16, weights="kaiming-normal")
    model = f"tests.models.families:{build.__name__}"
    wanted = Experiment(method=method, data="images", model=model, budget=Budget(epochs=1), val=0.25)
    run = execute(wanted, tmp_path / "run", dataset=images(), trust=typed(model))
    ticket, built = run.ticket, build()
    assert all(check.ok for check in file.verify(ticket.content))
    scores = evaluate(ticket, images())
    assert scores["accuracy"] == run.result["accuracy"]["test"]
    assert scores["loss"] == pytest.approx(run.result["loss"]["test"], rel=1e-6)
    net = ticket.module()
    with torch.no_grad():
        right = answer(net, torch.from_numpy(images().x_test)).argmax(1) == torch.from_numpy(images().y_test)
    assert right.double().mean().item() == scores["accuracy"]
    _decided(build, net, {name for name, *_ in ticket.content.rest} | {layer.name for layer in ticket.content.layers})
    assert {name for name, _ in built.named_parameters()} == {name for name, _ in net.named_parameters()}
    training = Training(epochs=1, batch=16)
    done = train.train(
        run.directory.ticket, data=images(), out=tmp_path / "out", training=training, val=0.25, trust=typed(model)
    )
    assert evaluate(done.ticket, images())["accuracy"] == done.result["accuracy"]["test"]


def _decided(build: Callable[[], nn.Module], net: nn.Module, drawn: set[str]) -> None:
    """Whatever is not drawn is as the constructor made it, but for biases and for measured statistics of norms."""
    made = build()
    known = roles(made)
    for name, parameter in net.named_parameters():
        if name not in drawn and not (known[name].is_bias and not parameter.any()):  # by the bias rule
            assert torch.equal(parameter, made.get_parameter(name)), name
    for name, buffer in net.named_buffers():
        if not name.endswith(("running_mean", "running_var", "num_batches_tracked")):
            assert torch.equal(buffer, made.get_buffer(name)), name
