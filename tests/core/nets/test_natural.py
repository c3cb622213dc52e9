"""The estimate of the natural gradient against exact expectations over all masks of tiny networks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from ticketry.core.errors import BudgetSpent
from ticketry.core.masks import space
from ticketry.core.masks.space import Space
from ticketry.core.meters import Budget, Meter
from ticketry.core.nets import natural
from ticketry.core.nets.net import Net
from ticketry.core.seed.streams import stream
from ticketry.objectives.classification import CrossEntropy

LOSS = CrossEntropy()
Losses = Callable[[torch.Tensor], torch.Tensor]


def setting(module: nn.Module, seed: int = 0) -> tuple[Net, Space, torch.Tensor]:
    """A module whose weights are random signs of size 2/sqrt(fan-in), the other parameters normal."""
    found = space.find(module)
    draw = np.random.default_rng(seed)
    parts = [draw.choice([-2.0, 2.0], layer.size) / math.sqrt(math.prod(layer.shape[1:])) for layer in found.layers]
    names = {layer.name for layer in found.layers}
    rest = {
        name: torch.from_numpy(draw.normal(size=p.shape)).float()
        for name, p in module.named_parameters()
        if name not in names
    }
    return Net(module, rest), found, torch.from_numpy(np.concatenate(parts)).float()


def examples(n: int, *shape: int, classes: int = 2, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    draw = np.random.default_rng(seed)
    return torch.from_numpy(draw.normal(size=(n, *shape))).float(), torch.arange(n) % classes


def exact(
    net: Net,
    found: Space,
    base: torch.Tensor,
    chance: torch.Tensor,
    x: torch.Tensor,
    y: torch.Tensor,
    loses: natural.Loses,
) -> torch.Tensor:
    """The gradient of the expected loss to every p, by all masks: E[L | m_i = 1] - E[L | m_i = 0]."""
    free = ((chance > 0) & (chance < 1)).nonzero().flatten()
    masks = torch.tensor(list(itertools.product((0.0, 1.0), repeat=len(free))))
    whole = chance.round().repeat(len(masks), 1)
    whole[:, free] = masks
    losses = torch.vmap(lambda mask: loses(net.eval_logits(found.views(mask * base), x, {}), y).mean())
    p = chance[free].double()
    weight = torch.where(masks > 0, p, 1 - p).prod(1) * torch.cat([losses(part) for part in whole.split(4096)])
    gradient = torch.zeros_like(chance, dtype=torch.double)
    for number, i in enumerate(free):
        on = masks[:, number] > 0
        gradient[i] = weight[on].sum() / chance[i] - weight[~on].sum() / (1 - chance[i])
    return gradient


def estimate(
    net: Net,
    found: Space,
    base: torch.Tensor,
    chance: torch.Tensor,
    x: torch.Tensor,
    y: torch.Tensor,
    loses: natural.Loses = LOSS.each,
    *,
    pairs: int = 64,
    calls: int = 1,
) -> torch.Tensor:
    def one(number: int) -> torch.Tensor:
        draw = partial(stream, 0, "test", number)
        return natural.natural_gradient(net, found, base, chance, x, y, pairs, loses, draw, Meter())[1]

    return torch.stack([one(number) for number in range(calls)]).double().mean(0)


def likeness(a: torch.Tensor, b: torch.Tensor) -> tuple[float, float]:
    """Cosine, and the length of a in lengths of b."""
    return float(functional.cosine_similarity(a, b, dim=0)), float(a.norm() / b.norm())


def chances(n: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).uniform(0.2, 0.8, n)).float()


def test_means_and_variances_are_those_of_all_masks() -> None:
    x, _ = examples(3, 5)
    weight, p = torch.randn(2, 5, generator=torch.Generator().manual_seed(0)), chances(10).view(2, 5)
    bias = torch.tensor([0.3, -0.2])
    call = natural._Call("w", functional.linear, x, bias, x)
    seen: list[torch.Tensor] = []

    def advantage(mu: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
        seen.extend((mu, change[0]))
        return torch.zeros(1, 3)

    natural._by_outputs(call, weight, p, lambda like: torch.ones(1, *like.shape), advantage)
    masks = torch.tensor(list(itertools.product((0.0, 1.0), repeat=10))).view(-1, 2, 5)
    likely = torch.where(masks > 0, p, 1 - p).prod(2)[..., None]  # of each row of the mask
    z = torch.einsum("mji,bi->mjb", masks * weight, x) + bias[:, None]
    other = torch.tensor([[0.0, 1.0], [1.0, 0.0]])  # sums over the masks of the other row
    share = likely * (likely.squeeze(-1) @ other)[..., None]
    mean = (share * z).sum(0)
    variance = (share * (z - mean) ** 2).sum(0)
    assert torch.allclose(seen[0], mean.T, atol=1e-5)
    assert torch.allclose(seen[1], variance.sqrt().T, atol=1e-5)


def _distance_from_normal(inputs: int) -> float:
    """Kolmogorov's distance between a standardised pre-activation of 4,000 drawn masks and the normal distribution."""
    draw = np.random.default_rng(1)
    w, x, p = draw.choice([-1, 1], inputs), draw.normal(size=inputs), draw.uniform(0.1, 0.9, inputs)
    z = ((draw.random((4000, inputs)) < p) * w * x).sum(1)
    z = np.sort((z - (p * w * x).sum()) / math.sqrt((p * (1 - p) * x**2).sum()))
    normal = torch.special.ndtr(torch.from_numpy(z)).numpy()
    return float(np.abs(normal - (np.arange(4000) + 0.5) / 4000).max())


def test_pre_activations_are_about_normal_for_many_inputs_and_not_for_few() -> None:
    assert _distance_from_normal(300) < 0.025
    assert _distance_from_normal(3) > 0.05


@pytest.mark.parametrize("loses", [LOSS.each, LOSS.misses])
def test_one_layer_agrees_with_all_masks(loses: natural.Loses) -> None:
    net, found, base = setting(nn.Sequential(nn.Linear(14, 2, bias=False)))
    x, y = examples(4, 14)
    chance = torch.cat([chances(14), torch.ones(14)])  # the second row is locked on
    cosine, length = likeness(
        estimate(net, found, base, chance, x, y, loses, pairs=20_000)[:14],
        exact(net, found, base, chance, x, y, loses)[:14],
    )
    assert cosine > 0.98
    assert 0.9 < length < 1.1


def test_two_layers_agree_with_all_masks() -> None:
    net, found, base = setting(nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2)))
    x, y = examples(8, 8)
    chance = torch.ones(80)
    first, last = slice(0, 8), slice(64, 72)  # the weights of the first unit of either layer; all others are locked on
    chance[first], chance[last] = chances(8), chances(8, seed=1)
    ours = estimate(net, found, base, chance, x, y, pairs=200, calls=100)
    wanted = exact(net, found, base, chance, x, y, LOSS.each)
    for part in (first, last):
        cosine, length = likeness(ours[part], wanted[part])
        assert cosine > 0.97
        assert 0.85 < length < 1.15


def test_a_convolution_agrees_with_all_masks() -> None:
    module = nn.Sequential(nn.Conv2d(1, 2, 2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    net, found, base = setting(module)
    x, y = examples(8, 1, 3, 3)
    chance = torch.cat([chances(8), torch.ones(16)])
    wanted = exact(net, found, base, chance, x, y, LOSS.each)[:8]
    drawn = natural._Drawn(net, found.views(base * chance.round()), x, y, LOSS.each, [])
    call, _ = drawn.run()[1]
    noise = partial(natural._normals, stream(0, "test"), 4000)
    weight, p = base[:8].view(2, 1, 2, 2), chance[:8].view(2, 1, 2, 2)
    ours = natural._by_weights(call, weight, p, noise, partial(drawn.advantage, [])).flatten() / (4000 * 8)
    cosine, length = likeness(ours.double(), wanted)
    assert cosine > 0.95
    assert 0.8 < length < 1.25


class Residual(nn.Module):
    """A skip around a layer, work in place, and a weight used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(6, 6), nn.Linear(6, 3)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.first(x)
        y *= 2.0
        y = y + self.relu(self.first(y))
        y += 1.0
        return self.last(y)


def test_any_module_of_linear_layers_works() -> None:
    """The losses that the estimate compares are those of the module with one layer's outputs changed."""
    module = Residual()
    net, found, base = setting(module)
    x, y = examples(5, 6, classes=3)
    drawn = natural._Drawn(net, found.views(base), x, y, LOSS.each, [])
    losses, calls = drawn.run()
    assert [call.name for call in calls] == ["first.weight", "first.weight", "last.weight"]
    change = torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(0))
    ours, again = (drawn.advantage([calls[0].out], calls[1].out, change) for _ in range(2))
    assert torch.equal(ours, again)

    weights = found.views(base)
    rest = dict(module.named_parameters())

    def by_hand(added: torch.Tensor) -> torch.Tensor:
        one = 2 * functional.linear(x, weights["first.weight"], rest["first.bias"])
        two = one + (functional.linear(one, weights["first.weight"], rest["first.bias"]) + added).relu() + 1
        return functional.cross_entropy(
            functional.linear(two, weights["last.weight"], rest["last.bias"]), y, reduction="none"
        )

    assert torch.allclose(losses, by_hand(torch.zeros(5, 6)), atol=1e-5)
    wanted = torch.stack([(by_hand(one) - by_hand(-one)) / 2 for one in change])
    assert torch.allclose(ours, wanted, atol=1e-5)


def test_norms_use_the_statistics_of_the_drawn_network_on_the_batch() -> None:
    module = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 3))
    net, found, base = setting(module)
    x, y = examples(7, 6, classes=3)
    drawn = natural._Drawn(net, found.views(base), x, y, LOSS.each, [])
    losses, calls = drawn.run()
    wanted = functional.cross_entropy(net.train_logits(found.views(base), x), y, reduction="none")
    assert torch.allclose(losses, wanted, atol=1e-5)
    change = torch.zeros(1, 7, 4)
    change[0, 2] = 1.0
    alone = drawn.advantage([], calls[0].out, change)[0] != 0
    assert alone.tolist() == [False, False, True, False, False, False, False]


def test_memory_bounds_do_not_change_the_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    net, found, base = setting(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)))
    x, y = examples(8, 4)
    whole = estimate(net, found, base, chances(18), x, y)
    monkeypatch.setattr(natural, "CHUNK", 1)
    assert torch.allclose(estimate(net, found, base, chances(18), x, y), whole, atol=1e-6)


def test_nothing_is_differentiated(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("a gradient was asked for")

    for name in ("grad", "backward"):
        monkeypatch.setattr(torch.autograd, name, never)
    net, found, base = setting(nn.Sequential(nn.Conv1d(1, 2, 2), nn.Flatten(), nn.Linear(6, 2)))
    x, y = examples(8, 1, 4)
    found_gradient = estimate(net, found, base.requires_grad_(), chances(16), x.requires_grad_(), y)
    assert not found_gradient.requires_grad
    assert found_gradient.abs().min() > 0


def test_locked_weights_of_a_convolution_are_not_perturbed() -> None:
    net, found, base = setting(nn.Sequential(nn.Conv1d(1, 2, 2), nn.Flatten(), nn.Linear(6, 2)))
    x, y = examples(8, 1, 4)
    chance = torch.cat([torch.tensor([1.0, 0.5, 0.0, 0.5]), chances(12)])
    assert (estimate(net, found, base, chance, x, y)[:4] != 0).tolist() == [False, True, False, True]


def test_examples_without_a_finite_loss_count_for_nothing() -> None:
    net, found, base = setting(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)))
    x, y = examples(8, 4)
    x[3] = torch.inf
    gradient = estimate(net, found, base, chances(18), x, y)
    assert gradient.isfinite().all()


def test_it_says_what_is_spent_ahead_of_it() -> None:
    net, found, base = setting(nn.Sequential(nn.Conv1d(1, 1, 2), nn.Flatten(), nn.Linear(3, 3), nn.Linear(3, 2)))
    x, y = examples(8, 1, 4)
    draw = partial(stream, 0, "test")
    networks = 1 + 2 * 8 * (1 + 5 + 5)
    for most, spent in ((networks, (networks, networks - 1 + 3 * 8)), (networks - 1, (1, 8))):
        meter = Meter(Budget(evaluations=most))
        with suppress(BudgetSpent):
            natural.natural_gradient(net, found, base, chances(17), x, y, 5, LOSS.each, draw, meter)
        assert (meter.meters.evaluations, meter.meters.examples_forward) == spent


class Unwatched(nn.Module):
    """A weight that is used by no function that the search knows."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.norm, self.head = nn.Linear(6, 4, bias=False), nn.BatchNorm1d(4), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.norm(x @ self.fc.weight.T).tanh())


def test_a_layer_that_cannot_be_watched_agrees_with_all_masks() -> None:
    net, found, base = setting(Unwatched())
    x, y = examples(8, 6)
    chance = torch.cat([chances(12), torch.ones(20)])
    drawn = natural._Drawn(net, found.views(base * chance.round()), x, y, LOSS.each, [])
    calls = drawn.run()[1]
    assert [call.name for call in calls] == ["head.weight"]
    weight, p = (flat[:24].view(4, 6) for flat in (base, chance))
    streams = (partial(natural._normals, stream(0, "test", number), 1) for number in range(3000))
    total = sum(natural._by_network(drawn, "fc.weight", weight, p, noise) for noise in streams)
    assert isinstance(total, torch.Tensor)
    ours = total.flatten()[:12].double() / 3000 / len(y)

    def loss(changed: torch.Tensor) -> torch.Tensor:
        return drawn.run((), {"fc.weight": changed * weight})[0].mean()

    point = p.clone().requires_grad_()
    (slope,) = torch.autograd.grad(loss(point), point)  # what small perturbations of p would see
    cosine, length = likeness(ours, slope.flatten()[:12].double())
    assert cosine > 0.7
    assert 0.4 < length < 1.6
    assert (total.flatten()[12:] == 0).all()


def test_every_weight_has_a_gradient_whatever_uses_it() -> None:
    net, found, base = setting(Unwatched())
    x, y = examples(8, 6)
    gradient = estimate(net, found, base, chances(32), x, y)
    assert (gradient != 0).all()
    meter = Meter()
    natural.natural_gradient(net, found, base, chances(32), x, y, 5, LOSS.each, partial(stream, 0, "test"), meter)
    networks = 2 * 8 * (5 + 1)  # pairs of the last layer, one of the first
    assert meter.meters.evaluations == 1 + networks


def test_a_model_that_cannot_be_mapped_over_passes_is_taken_one_by_one() -> None:
    class Branches(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(4, 3), nn.Linear(3, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            h = self.first(x)
            return self.last(h.relu() if bool(h.sum() > -1e9) else h)

    module, plain = Branches(), nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    x, y = examples(8, 4)
    ours, theirs = (estimate(*setting(one), chances(18), x, y) for one in (module, plain))
    torch.testing.assert_close(ours, theirs)


def test_normals() -> None:
    numbers = natural._normals(stream(0, "test"), 500, torch.empty(3, 67)).double()
    assert numbers.shape == (500, 3, 67)
    assert abs(numbers.mean()) < 0.01
    assert abs(numbers.var() - 1) < 0.02
    assert abs((numbers**4).mean() - 3) < 0.15
    assert torch.equal(numbers.float(), natural._normals(stream(0, "test"), 500, torch.empty(3, 67)))
    quantiles = natural._quantiles()
    assert abs(float((quantiles.astype(np.float64) ** 2).mean()) - 1) < 1e-3
    assert np.all(np.diff(quantiles) > 0)
