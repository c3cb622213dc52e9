from __future__ import annotations

import pytest
import torch
from torch import nn

from ticketry.core.errors import RequestError
from ticketry.core.masks import space
from ticketry.core.meters import Meter
from ticketry.core.nets.net import Net

Named = dict[str, torch.Tensor]


def net_of(module: nn.Module) -> tuple[Net, Named, Named]:
    """A module as a Net, its own maskable weights, and the other parameters."""
    rest = {name: value.detach().clone() for name, value in module.named_parameters()}
    weights = {layer.name: rest.pop(layer.name) for layer in space.find(module).layers}
    return Net(module, rest), weights, rest


def times(weights: Named, factor: float) -> Named:
    return {name: value * factor for name, value in weights.items()}


def normed() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 2))


@pytest.fixture(autouse=True)
def _generator_restored() -> object:
    """These tests draw modules from the global generator; the library never does."""
    with torch.random.fork_rng(devices=[]):
        yield


def test_the_forward_pass_is_that_of_the_module_with_the_given_weights() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(2, 4, 3, groups=2), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3))
    x = torch.randn(6, 2, 4, 4)
    expected = module(x).detach()
    net, weights, _ = net_of(module)
    assert torch.equal(net.eval_logits(weights, x, {}), expected)
    assert torch.equal(net.train_logits(weights, x), expected)
    assert torch.equal(net.eval_logits(times(weights, 0), x, {}), module[3].bias.expand(6, 3))
    assert torch.equal(module(x), expected)  # the module's own weights are untouched


def test_the_module_has_its_weights_back_after_a_pass_that_fails() -> None:
    module = nn.Sequential(nn.Linear(4, 3), nn.Linear(2, 2))
    net, weights, _ = net_of(module)
    before = dict(module.named_parameters())
    with pytest.raises(RequestError, match="raises RuntimeError"):
        net.eval_logits(times(weights, 2), torch.zeros(1, 4), {})
    assert all(value is before[name] for name, value in module.named_parameters() if name in weights)


def test_tied_weights_are_one_weight() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    module[1].weight = module[0].weight
    net, weights, _ = net_of(module)
    x = torch.randn(2, 3)
    assert list(weights) == ["0.weight"]
    w = 2 * weights["0.weight"]
    assert torch.allclose(net.eval_logits(times(weights, 2), x, {}), x @ w.T @ w.T)
    leaf, same = (weights["0.weight"].clone().requires_grad_() for _ in range(2))
    net.train_logits({"0.weight": leaf}, x).sum().backward()
    (x @ same.T @ same.T).sum().backward()
    assert leaf.grad is not None
    assert same.grad is not None
    assert torch.allclose(leaf.grad, same.grad)


def test_calibration_is_the_plain_average_over_the_batches() -> None:
    net, weights, rest = net_of(normed())
    batches = list(torch.randn(3, 8, 4) * torch.tensor([1.0, 3.0, 0.5]).view(3, 1, 1) + 2)
    hidden = [x @ weights["0.weight"].T + rest["0.bias"] for x in batches]
    buffers = net.calibrate(weights, batches, Meter())
    assert sorted(buffers) == ["1.running_mean", "1.running_var"]
    assert torch.allclose(buffers["1.running_mean"], torch.stack([h.mean(0) for h in hidden]).mean(0), atol=1e-6)
    assert torch.allclose(buffers["1.running_var"], torch.stack([h.var(0) for h in hidden]).mean(0), atol=1e-5)


def test_instance_norms_are_calibrated_too() -> None:
    net, weights, _ = net_of(nn.Sequential(nn.Conv1d(1, 3, 1), nn.InstanceNorm1d(3, track_running_stats=True)))
    batches = list(torch.randn(2, 8, 1, 5) + 4)
    buffers = net.calibrate(weights, batches, Meter())
    hidden = [net.module[0](x) for x in batches]
    expected = torch.stack([h.mean(2).mean(0) for h in hidden]).mean(0)
    assert torch.allclose(buffers["1.running_mean"], expected, atol=1e-5)


def test_calibration_remembers_nothing_from_before() -> None:
    net, weights, _ = net_of(normed())
    x, other = torch.randn(8, 4), torch.randn(16, 4) * 9
    fresh = net.calibrate(weights, [x], Meter())
    net.train_logits(weights, other)
    net.calibrate(times(weights, 2), [other, other], Meter())
    again = net.calibrate(weights, [x], Meter())
    assert all(torch.equal(fresh[name], again[name]) for name in fresh)


def test_evaluation_uses_the_given_statistics_whatever_the_search_saw_since() -> None:
    net, weights, rest = net_of(normed())
    x, other = torch.randn(8, 4), torch.randn(16, 4) * 9
    buffers = net.calibrate(weights, [x], Meter())
    kept = {name: value.clone() for name, value in buffers.items()}
    before = net.eval_logits(weights, other, buffers)
    net.train_logits(weights, other)
    assert torch.equal(net.eval_logits(weights, other, buffers), before)
    assert all(torch.equal(buffers[name], kept[name]) for name in kept)
    hidden = other @ weights["0.weight"].T + rest["0.bias"]
    normal = (hidden - buffers["1.running_mean"]) / (buffers["1.running_var"] + 1e-5).sqrt()
    assert torch.allclose(before, normal.relu() @ weights["3.weight"].T + rest["3.bias"], atol=1e-5)


def test_an_evaluated_example_does_not_depend_on_its_batch_but_a_trained_one_does() -> None:
    net, weights, _ = net_of(normed())
    x = torch.randn(8, 4)
    buffers = net.calibrate(weights, [x], Meter())
    assert torch.allclose(net.eval_logits(weights, x, buffers)[:3], net.eval_logits(weights, x[:3], buffers), atol=1e-6)
    assert not torch.allclose(net.train_logits(weights, x)[:3], net.train_logits(weights, x[:3]), atol=1e-3)


def test_dropout_is_off_and_the_global_generator_is_left_alone() -> None:
    torch.manual_seed(1)
    net, weights, _ = net_of(nn.Sequential(nn.Linear(4, 6), nn.Dropout(0.5), nn.Linear(6, 2)).train())
    x = torch.randn(5, 4)
    before = torch.get_rng_state()
    assert torch.equal(net.train_logits(weights, x), net.eval_logits(weights, x, {}))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("module", "norms"),
    [
        (nn.Linear(2, 2), False),
        (nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, affine=False)), True),
        (nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, track_running_stats=False)), False),
    ],
)
def test_norms_with_running_statistics_need_calibration(module: nn.Module, norms: bool) -> None:
    net, weights, _ = net_of(module)
    assert net.has_norms is norms
    assert bool(net.calibrate(weights, [torch.randn(4, 2)], Meter())) is norms
