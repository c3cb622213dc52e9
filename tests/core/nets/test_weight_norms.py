"""Weight norm and spectral norm under masks, in both of torch's forms."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from ticketry.core.nets.weight_norms import guard

WEIGHT: dict[str, Callable[..., nn.Module]] = {
    "weight norm": parametrizations.weight_norm,
    "older weight norm": nn.utils.weight_norm,
}
SPECTRAL: dict[str, Callable[..., nn.Module]] = {
    "spectral norm": parametrizations.spectral_norm,
    "older spectral norm": nn.utils.spectral_norm,
}


@pytest.fixture(autouse=True)
def _generator_restored() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        torch.manual_seed(0)
        yield


def behind(module: nn.Module) -> nn.Parameter:
    """v of a weight norm, or what a spectral norm divides."""
    named = dict(module.named_parameters())
    return next(named[n] for n in named if n.endswith(("original1", "original", "weight_v", "weight_orig")))


@pytest.mark.parametrize("norm", WEIGHT)
@pytest.mark.parametrize(
    "layer", [lambda: nn.Linear(5, 4), lambda: nn.Conv2d(2, 4, 3), lambda: nn.ConvTranspose1d(3, 4, 2)]
)
@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm_is_that_of_torch_where_no_row_is_cut(
    norm: str, layer: Callable[[], nn.Module], dim: int | None
) -> None:
    module = WEIGHT[norm](layer(), dim=dim)
    before = copy.deepcopy(behind(module)), module.weight.detach().clone()  # type: ignore[union-attr]
    guard(module)
    guard(module)  # twice is once
    x = torch.randn(2, *{2: (5,), 4: (2, 5, 5), 3: (3, 6)}[before[0].dim()])
    module(x)
    assert torch.equal(module.weight, before[1])  # type: ignore[arg-type]
    assert torch.equal(behind(module), before[0])


@pytest.mark.parametrize("norm", WEIGHT)
def test_a_row_that_is_cut_is_zero_and_stays_finite(norm: str) -> None:
    module = WEIGHT[norm](nn.Linear(5, 4))
    guard(module)
    v = behind(module)
    with torch.no_grad():
        v[1] = 0
        v[2, 3:] = 0
    module(torch.randn(2, 5)).square().sum().backward()
    weight = module.weight
    assert isinstance(weight, torch.Tensor)
    assert weight.isfinite().all()
    assert torch.equal(weight == 0, v == 0)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())
    assert v.grad is not None
    assert (v.grad[1] == 0).all()
    assert (v.grad[0] != 0).all()


@pytest.mark.parametrize("norm", SPECTRAL)
@pytest.mark.parametrize("shape", [(5, 4), (4, 5)])
def test_spectral_norm_divides_by_the_largest_singular_value_of_any_weights(norm: str, shape: tuple[int, int]) -> None:
    module = SPECTRAL[norm](nn.Linear(*shape))
    guard(module)
    weight = behind(module)
    for values in (torch.randn(shape[::-1]), torch.randn(shape[::-1]) * (torch.rand(shape[::-1]) < 0.4)):
        with torch.no_grad():
            weight.copy_(values)
        for mode in (True, False):
            module.train(mode)(torch.randn(2, shape[0]))
            wanted = values / torch.linalg.matrix_norm(values, 2)
            torch.testing.assert_close(module.weight.detach(), wanted)  # type: ignore[union-attr]
    with torch.no_grad():
        weight.zero_()
    module(torch.randn(2, shape[0])).sum().backward()
    assert (module.weight == 0).all()  # type: ignore[union-attr, attr-defined]
    assert weight.grad is not None
    assert weight.grad.isfinite().all()


def test_the_gradient_is_that_of_torch() -> None:
    module = parametrizations.spectral_norm(nn.Linear(5, 4), n_power_iterations=500)
    x = torch.randn(3, 5)
    grads = []
    for _ in range(2):
        module.zero_grad()
        module(x).square().sum().backward()
        grads.append(behind(module).grad)
        guard(module)
    assert grads[0] is not None
    assert grads[1] is not None
    torch.testing.assert_close(grads[0], grads[1])
