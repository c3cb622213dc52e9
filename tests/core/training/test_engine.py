"""Training under masks: what is cut stays zero, many at once are as one by one, and rewinding rewinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import torch
from tests.laws import tiny
from torch import nn

from ticketry.core.errors import RequestError
from ticketry.core.seed.streams import stream
from ticketry.core.task import Task
from ticketry.core.training import compressed, engine
from ticketry.core.training.compressed import Compressed
from ticketry.core.training.recipe import Training
from ticketry.core.trust import typed
from ticketry.data import Dataset
from ticketry.experiment import Experiment
from ticketry.methods.magnitude import Magnitude
from ticketry.runs import checkpoint
from ticketry.runs.problem import problem_of_experiment

TINY = Training(epochs=2, batch=32)
MODELS = ["mlp:24", "tests.core.training.test_engine:normed"]


def normed() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 12, bias=False), nn.BatchNorm1d(12), nn.ReLU(), nn.Linear(12, 4))


def task_of(model: str, dataset: Dataset | None = None) -> Task:
    wanted = Experiment(method=Magnitude(), data="tiny", model=model, val=0.25)
    return problem_of_experiment(wanted, dataset or tiny.dataset(), trust=typed(model)).task


def masks_for(task: Task, p: int) -> torch.Tensor:
    rows = [torch.from_numpy(stream(i, "masks").uniform(task.space.size)) < 0.3 for i in range(p)]
    return torch.stack(rows)


def trained(task: Task, training: Training, masks: torch.Tensor) -> engine.Weights:
    weights = engine.start(task, training, masks)
    for number in range(training.epochs):
        weights = engine.epoch(task, training, weights, masks, number, number)
    return weights


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "changes",
    [
        {"weight_decay": 0.1},
        {"momentum": 0.0},
        {"optimiser": "adam", "learning_rate": 0.01, "weight_decay": 0.1},
        {"schedule": "multistep", "warmup": 0.5},
        {"precision": "bfloat16"},
        {"rewind": 5},
    ],
)
def test_what_the_mask_cuts_is_zero_after_every_epoch_and_the_rest_moves(model: str, changes: dict[str, Any]) -> None:
    task, training = task_of(model), Training(**{"epochs": 2, "batch": 32, **changes})
    masks = masks_for(task, 1)
    cut = engine.whole(task, masks)[0] == 0
    weights = start = engine.start(task, training, masks)
    for number in range(2):
        weights = engine.epoch(task, training, weights, masks, number, number)
        assert (weights.flat[0, cut] == 0).all()
        assert (weights.moments[:, 0, cut] == 0).all()
    assert (weights.flat[0, ~cut] != start.flat[0, ~cut]).float().mean() > 0.9
    loss, accuracy = task.judge(weights.flat[0], task.validation)
    assert accuracy > task.validate(masks[0])[1]
    assert loss < task.validate(masks[0])[0]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    "changes",
    [
        {"momentum": 0.9, "weight_decay": 0.1},
        {"optimiser": "adam", "learning_rate": 0.01, "weight_decay": 0.1},
        {"precision": "bfloat16", "weight_decay": 0.1},
        {"rewind": 5, "weight_decay": 0.1},
    ],
)
def test_it_is_zero_after_every_step_and_from_a_checkpoint_on(
    model: str, changes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, training = task_of(model), Training(**{"epochs": 2, "batch": 32, **changes})
    masks = masks_for(task, 2)
    cut, steps = engine.whole(task, masks) == 0, []

    def checked(training: Training, flat: torch.Tensor, *rest: Any) -> None:
        update(training, flat, *rest)
        steps.append(rest[2])
        if rest[2] >= training.rewind:
            assert (flat[cut] == 0).all()
            assert (rest[1][:, cut] == 0).all()  # of the moments, too

    update = engine.update
    monkeypatch.setattr(engine, "update", checked)
    whole = trained(task, training, masks)
    weights = engine.epoch(task, training, engine.start(task, training, masks), masks, 0, 0)
    checkpoint.save(tmp_path / "checkpoint", "digest", {"weights": weights})
    weights = checkpoint.load(tmp_path / "checkpoint", "digest", {"weights": engine.Weights}, task.device)["weights"]
    assert torch.equal(engine.epoch(task, training, weights, masks, 1, 1).flat, whole.flat)
    assert steps == [*range(2 * task.steps_per_epoch(32))] * 2


@pytest.mark.parametrize("model", MODELS)
def test_many_at_once_are_as_one_by_one(model: str) -> None:
    task = task_of(model)
    masks = masks_for(task, 3)
    together = trained(task, TINY, masks)
    for i in range(3):
        alone = trained(task, TINY, masks[i : i + 1])
        assert torch.allclose(together.flat[i], alone.flat[0], rtol=1e-3, atol=1e-5)
    assert not torch.allclose(together.flat[0], together.flat[1])


@pytest.mark.parametrize("changes", [{}, {"optimiser": "adam", "learning_rate": 0.01}, {"rewind": 5}, {"rewind": 10}])
@pytest.mark.parametrize("p", [1, 3])
def test_few_weights_train_as_they_do_among_many(
    p: int, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lists of kept weights against the matrices, over whole trainings, layers and units without weights too."""
    task, training = task_of("mlp:24,12"), Training(**{"epochs": 3, "batch": 32, **changes})
    masks = torch.stack([torch.from_numpy(stream(i, "few").uniform(task.space.size)) < 0.06 for i in range(p)])
    masks[0, -48:] = False  # of the last layer
    found = []
    for limit in (0.5, 0.0):
        monkeypatch.setattr(compressed, "PAYS", limit)
        with patch.object(Compressed, "gradient", autospec=True, side_effect=Compressed.gradient) as used:
            before = vars(task.meters).copy()
            found.append(trained(task, training, masks))
            assert bool(used.call_count) == (limit > 0)
        spent = {name: value - before[name] for name, value in vars(task.meters).items()}
        assert spent["examples_backward"] == 3 * p * len(task.train)
    few, many = found
    assert torch.allclose(few.flat, many.flat, rtol=1e-3, atol=1e-5)
    assert torch.allclose(few.moments, many.moments, rtol=1e-2, atol=1e-5)
    assert (few.flat[engine.whole(task, masks) == 0] == 0).all()
    assert not torch.equal(few.flat, engine.start(task, training, masks).flat)


@pytest.mark.parametrize("rewind", [0, 5])
def test_networks_of_few_weights_beside_one_of_many_keep_their_kernel(rewind: int) -> None:
    task, training = task_of("mlp:24,12"), Training(epochs=2, batch=32, rewind=rewind)
    uniform = [torch.from_numpy(stream(i, "few").uniform(task.space.size)) for i in range(4)]
    masks = torch.stack([draw < density for draw, density in zip(uniform, (0.05, 0.9, 0.06, 0.8), strict=True)])
    assert compressed.pays(task.parameters, engine.whole(task, masks), "float32").tolist() == [True, False, True, False]
    with patch.object(Compressed, "gradient", autospec=True, side_effect=Compressed.gradient) as used:
        together = trained(task, training, masks)
    assert {len(set(call.args[0].owners.tolist())) for call in used.call_args_list} == {2}
    for i, mask in enumerate(masks):
        alone = trained(task, training, mask[None])
        assert torch.allclose(together.flat[i], alone.flat[0], rtol=1e-3, atol=1e-5)
        assert torch.allclose(together.moments[:, i], alone.moments[:, 0], rtol=1e-2, atol=1e-5)
    assert (together.flat[engine.whole(task, masks) == 0] == 0).all()


def test_a_step_of_a_dense_network_is_that_of_torch() -> None:
    task, training = task_of("mlp:24"), Training(epochs=1, batch=32, momentum=0.9, weight_decay=1e-2)
    masks = torch.ones(1, task.space.size, dtype=torch.bool)
    start, end = engine.start(task, training, masks), trained(task, training, masks)
    module = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 4))
    views = task.parameters.views(start.flat[0])
    module.load_state_dict({("0" if "1" in name else "2") + name[3:]: view for name, view in views.items()})
    optimiser = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-2)
    per_epoch = task.steps_per_epoch(32)
    for step, batch in enumerate(task.batches(0, 32)):
        optimiser.param_groups[0]["lr"] = training.rate(step, per_epoch)
        optimiser.zero_grad()
        nn.functional.cross_entropy(module(batch.x), batch.y).backward()
        optimiser.step()
    for (name, view), theirs in zip(task.parameters.views(end.flat[0]).items(), _ordered(module, views), strict=True):
        assert torch.allclose(view, theirs, rtol=1e-4, atol=1e-6), name


def _ordered(module: nn.Module, views: dict[str, torch.Tensor]) -> list[torch.Tensor]:
    state = module.state_dict()
    return [state[("0" if "1" in name else "2") + name[3:]] for name in views]


def test_rewinding_goes_back_to_dense_weights_and_on_from_there() -> None:
    task, training = task_of("mlp:24"), Training(epochs=2, batch=32, rewind=5)
    masks, dense = masks_for(task, 1), torch.ones(1, task.space.size, dtype=torch.bool)
    whole = trained(task, training, masks)
    assert torch.equal(whole.rewound, trained(task, training, dense).rewound)
    assert (whole.rewound != 0).float().mean() > 0.95
    weights = engine.again(training, whole.rewound, 5)
    for number in range(2):
        weights = engine.epoch(task, training, weights, masks, number, number)
    assert torch.equal(weights.flat, whole.flat)
    with pytest.raises(RequestError, match=r"^rewind is 20, but it must be below the 20 steps of 2 epochs"):
        engine.start(task, Training(epochs=2, batch=32, rewind=20), masks)


@pytest.mark.parametrize("few", [False, True])
def test_a_network_whose_loss_is_not_finite_leaves_the_others_alone(few: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compressed, "PAYS", 0.9 if few else 0.0)
    task = task_of("mlp:24")
    masks = masks_for(task, 2)
    alone = trained(task, TINY, masks[:1])
    weights = engine.start(task, TINY, masks)
    first, second = masks[1].nonzero().flatten()[-2:].tolist()  # of the output layer
    weights.flat[1, first], weights.flat[1, second] = torch.inf, -torch.inf
    for number in range(2):
        weights = engine.epoch(task, TINY, weights, masks, number, number)
    assert torch.allclose(weights.flat[0], alone.flat[0], rtol=1e-3, atol=1e-5)
    assert weights.flat[1, first] == torch.inf


@pytest.mark.parametrize(
    ("name", "value"),
    [("epochs", 0), ("batch", 0), ("learning_rate", 0.0), ("warmup", 20.0), ("momentum", 1.0), ("weight_decay", -1.0)],
)
def test_settings_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(RequestError, match=f"training.{name} is {value:g}"):
        Training(**{name: value})  # type: ignore[arg-type]
