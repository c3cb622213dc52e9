"""What a model's constructor decides is in its ticket, and what cannot be repeated is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.laws import tiny
from tests.runs import networks
from torch import nn

from ticketry.checks import controls
from ticketry.checks.parts import TicketParts
from ticketry.core.errors import RequestError, TicketError
from ticketry.core.generators import lent, states
from ticketry.core.masks.space import find
from ticketry.core.meters import Budget
from ticketry.core.nets.net import answer
from ticketry.core.training.recipe import Training
from ticketry.core.trust import Trust
from ticketry.experiment import Experiment
from ticketry.methods.edge_popup import EdgePopup
from ticketry.models import text_of
from ticketry.runs import train
from ticketry.runs.assembly import Problem
from ticketry.runs.find import execute
from ticketry.runs.run import Run
from ticketry.ticket import file
from ticketry.ticket.evaluate import evaluate
from ticketry.ticket.module import Ticket

TRUST = Trust(("tests.runs.networks",))
KINDS = {name: f"tests.runs.networks:{name}" for name in networks.KINDS}


def experiment(model: str, weights: str = "kaiming-normal") -> Experiment:
    method = EdgePopup(density=0.5, weights=weights)  # type: ignore[arg-type]
    return Experiment(method=method, data="tiny", model=model, budget=Budget(epochs=1), val=0.25)


def found(model: str, out: Path, weights: str = "kaiming-normal") -> Run:
    return tiny.execute(experiment(model, weights), out)


@pytest.fixture(autouse=True)
def _generators_left_alone() -> Iterator[None]:
    before = states()
    yield
    assert states() == before


@pytest.fixture(scope="module", params=[*KINDS, "Words in torch's recipe"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    name, _, recipe = request.param.partition(" in ")
    return found(KINDS[name], tmp_path_factory.mktemp("run") / "run", "torch-default" if recipe else "kaiming-normal")


def logits(net: nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return answer(net, torch.from_numpy(tiny.dataset().x_test))


def test_find_eval_and_module_agree(run: Run) -> None:
    ticket, result = run.ticket, run.result
    assert all(check.ok for check in file.verify(ticket.content))
    again = [evaluate(run.ticket, tiny.dataset()) for _ in range(2)]
    assert again[0] == again[1]
    assert again[0]["accuracy"] == result["accuracy"]["test"]
    assert again[0]["loss"] == pytest.approx(result["loss"]["test"], rel=1e-6)
    right = logits(ticket.module()).argmax(1) == torch.from_numpy(tiny.dataset().y_test)
    assert right.double().mean().item() == result["accuracy"]["test"]


def test_another_build_gives_the_same_network(run: Run) -> None:
    """Whatever the state of the global generators."""
    with lent(77):
        assert torch.equal(logits(run.ticket.module()), logits(run.ticket.module(trainable=True).eval()))


def test_predictions_are_those_of_the_evaluation(run: Run) -> None:
    """Whatever the form of the answers: an object with logits, another floating-point type."""
    d = tiny.dataset()
    found = run.ticket.predict(d.x_test)
    assert found.outputs.dtype == np.float32
    assert found.classes is not None
    assert np.mean(found.classes == d.y_test) == pytest.approx(run.result["accuracy"]["test"])


def test_training_keeps_zeros_and_what_does_not_learn(run: Run, tmp_path: Path) -> None:
    training = Training(epochs=2, batch=32, weight_decay=0.01, momentum=0.9, optimiser="sgd")
    given = {"data": tiny.dataset(), "out": tmp_path / "out", "training": training, "val": 0.25, "trust": TRUST}
    done = train.train(run.directory.ticket, **given)  # type: ignore[arg-type]
    before, after = run.ticket.content, done.ticket.content
    assert (before.fixed, before.zeros, before.built) == (after.fixed, after.zeros, after.built)
    trained = dict(done.ticket.module().named_parameters())
    for name, start, stop in before.zeros:
        assert not trained[name].flatten()[start:stop].any()
    learns = run.ticket.module(trainable=True)
    for name, parameter in learns.named_parameters():
        if not parameter.requires_grad:
            assert torch.equal(trained[name], parameter)
    scores = evaluate(done.ticket, tiny.dataset())
    assert scores["accuracy"] == done.result["accuracy"]["test"]


def test_a_redrawn_ticket_has_the_constants_of_the_constructor(run: Run) -> None:
    parts = TicketParts.of(run.ticket.content)
    altered = controls.discover()["redraw"](parts, 0)
    assert altered is not None
    drawn = {name for name, _, _ in run.ticket.content.rest}
    for name, value in parts.rest.items():
        assert np.array_equal(altered.rest[name], value) != (name in drawn)
    assert all(not altered.rest[name].flat[start:stop].any() for name, start, stop in run.ticket.content.zeros)


EXPECTED = {
    "rms": {"between.scale": 1.0},
    "layer_scale": {"between.scale": np.float32(0.1)},
    "gain": {"between.scale": 1.5},
    "prelu": {"between.weight": 0.25},
    "zero_gamma": {"between.0.weight": 0.5, "between.1.bias": 0.25},
    "Token": {"cls": 0.0},
    "Localised": {},
    "Late": {"shift": 0.25},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_constants_of_the_constructor_are_in_the_header(name: str) -> None:
    header = tiny.problem_of(experiment(KINDS[name])).header
    assert {p.name: p.value for p in header.fixed} == EXPECTED[name]


def test_what_is_no_constant_is_a_tensor() -> None:
    def tensors(name: str) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
        return tiny.problem_of(experiment(KINDS[name])).tensors

    assert np.array_equal(tensors("several")["between.scale"], torch.linspace(0.5, 1.5, 12).numpy())
    assert sorted(tensors("order")) == ["between.order"]
    header = tiny.problem_of(experiment(KINDS["order"])).header
    assert [p.name for p in header.fixed] == ["between.factor"]  # random, but one number
    assert sorted(tensors("features")) == sorted(tensors("hidden_features")) == ["between.matrix"]
    assert tensors("spectral") == {}  # whose estimates nothing uses
    assert sorted(tensors("Localised")) == ["theta.bias"]
    assert sorted(tensors("Words")) == ["places.weight"]


def test_what_is_random_is_drawn_whatever_its_shape() -> None:
    drawn = {p.name for p in tiny.problem_of(experiment(KINDS["Token"])).header.rest}
    assert {"place", "gain"} <= drawn
    assert "cls" not in drawn


@pytest.mark.parametrize("build", networks.REFUSED, ids=lambda build: build.__name__)
def test_what_cannot_be_repeated_or_computed_is_refused_in_a_sentence(
    build: Callable[[], nn.Module], tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match=re.escape(networks.REFUSED[build])) as told:
        tiny.execute(experiment(f"tests.runs.networks:{build.__name__}"), tmp_path / "run")
    sentence = str(told.value)
    assert "\n" not in sentence
    assert len(sentence) < 500
    assert sentence.startswith("model ")


def test_a_class_is_built_twice_and_an_object_once(tmp_path: Path) -> None:
    """An object's constructor cannot be asked again: what no layer of torch draws is kept as it is."""
    with lent(0):
        made, odd = networks.Token(), networks.Dropped()

    def problem(model: nn.Module | type[nn.Module]) -> Problem:
        return tiny.problem_of(experiment(text_of(model)), model=model)

    one, two = problem(made), problem(networks.Token)
    assert {"place", "gain"} <= set(one.tensors)
    assert np.array_equal(one.tensors["gain"], made.gain.detach().numpy())
    assert not two.tensors
    with pytest.raises(RequestError, match="draws from the generator"):
        problem(odd)


def test_a_table_that_is_built_otherwise_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = found(KINDS["order"], tmp_path / "run").ticket
    assert re.fullmatch("[0-9a-f]{16}", ticket.content.built)
    ticket.module()
    monkeypatch.setattr(torch.Tensor, "cos", torch.Tensor.sin)
    with pytest.raises(TicketError, match="makes other buffers or tensors here"):
        ticket.module()


def test_built_in_networks_say_nothing_of_a_constructor() -> None:
    for model in ("mlp:8", "mlp:8(norm='batch')"):
        header = tiny.problem_of(experiment(model)).header
        assert (header.fixed, header.zeros, header.built) == ((), (), "")


def test_a_ticket_with_other_matrices_is_refused(tmp_path: Path) -> None:
    """A matrix that the ticket does not speak of, and one that the model lacks."""
    ticket = found(KINDS["Token"], tmp_path / "run").ticket.content
    with pytest.raises(TicketError, match="cls missing, but here cls is of shape"):
        Ticket(replace(ticket, fixed=(), digests=None), TRUST).module()
    more = replace(ticket, fixed_values={"other": np.ones(3, np.float32)}, digests=None)
    with pytest.raises(TicketError, match="other is missing"):
        Ticket(more, TRUST).module()


def test_a_class_with_random_buffers_is_opened_again(tmp_path: Path) -> None:
    model = networks.Shuffled
    run = execute(experiment(text_of(model)), tmp_path / "run", dataset=tiny.dataset(), model=model)
    assert evaluate(run.ticket, tiny.dataset(), model=model)["accuracy"] == run.result["accuracy"]["test"]
    assert sorted(run.ticket.content.fixed_values) == ["between.order"]


def test_weights_that_do_not_learn_are_not_searched_unless_they_are_named() -> None:
    with lent(0):
        net = networks.Around(nn.Linear(12, 12))
    net.between.requires_grad_(False)
    assert [layer.name for layer in find(net).layers] == ["first.weight", "last.weight"]
    assert [layer.name for layer in find(net, ["between.weight"]).layers] == ["between.weight"]
    assert len(find(net.requires_grad_(False)).layers) == 3


@pytest.mark.parametrize("name", ["order", "frozen", "features", "Words"])
def test_flow_takes_what_is_neither_weight_nor_drawn_in_float64(name: str) -> None:
    task = tiny.problem_of(experiment(KINDS[name])).task
    flat = task.parameters.untrained(task.effective(torch.ones(task.space.size, dtype=torch.bool)))
    assert task.parameters.flow(flat).dtype == torch.float64
