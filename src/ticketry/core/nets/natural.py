"""The natural gradient of the expected loss over random masks, from forward evaluations alone (no network gradient).

Masks are independent coin flips, m_i ~ Bernoulli(p_i). Were every example given a mask of its own, unit j of a linear
layer would see, for example b, z_bj = sum_i m_ij w_ij x_bi: a sum of independent terms of mean mu_bj = sum_i p w x and
variance var_bj = sum_i p (1 - p) w^2 x^2, both exact, and by the central limit theorem about normal. So no mask is
drawn: one product gives the means, one the variances, z = mu + sd e with normal e (local reparameterisation: Kingma et
al. 2015, arXiv 1506.02557). The score-function estimate (REINFORCE: Williams 1992) of the gradient of E[L] to p is
E[L (m - p)] / (p (1 - p)), which is the natural gradient to the logits of p (NES: Wierstra et al. 2014, arXiv
1106.4487). Of m only z matters to L, so m - p may be replaced by its expectation given z (Rao-Blackwell), for normal
sums p (1 - p) w x (z - mu) / var, which leaves

    gradient_ij = w_ij sum_b x_bi A_bj,   A_bj = mean over pairs of (L(mu + sd e) - L(mu - sd e)) / 2 * e_bj / sd_bj.

This is a product of inputs and noises, weighted by losses that may be anything, accuracy included; nothing is sent
back through the network. Its noise grows with the units, not with the weights. The normal form of z and of the
conditional expectation is the one approximation: its error falls as 1/sqrt(inputs of a unit).

Layers take turns: where one is perturbed, all others use one mask drawn for the batch, so that the expectation is the
one over whole masks, and losses differ by nothing but this layer's noise. A weight that is not applied by
`linear` (a convolution's, which all positions share) is perturbed itself, one pair for the whole batch, with the
layer's mean variance s^2 everywhere: p + s e and p - s e, gradient_i = mean of (L+ - L-) / 2 * e_i / s (NES with an
isotropic normal distribution). So is one whose use is unknown here (by a recurrent layer, attention, a weight norm),
but for its pair the whole network is computed. Batch norms use the statistics of the drawn network on this batch, in
all evaluations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from ticketry.core.errors import RequestError
from ticketry.core.masks.space import Space
from ticketry.core.meters import Meter
from ticketry.core.nets.attention import unfused
from ticketry.core.nets.net import Named, Net
from ticketry.core.seed import philox
from ticketry.core.seed.quantile import normal
from ticketry.core.seed.streams import Stream

Loses = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Float[B], what each example loses, of outputs [B, C] and targets: Loss.each or Loss.misses."""
_Noise = Callable[[torch.Tensor], torch.Tensor]
_Advantage = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
_APPLY = (functional.linear, functional.conv1d, functional.conv2d, functional.conv3d)
_LAYER = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")  # their arguments
_NORM = ("input", "running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
CHUNK = 2**24  # numbers that one layer's outputs may take at a time
_FLOOR = 1e-3  # least sd of a unit, in root mean squares of the layer's means: keeps rounding errors out of A / sd


@dataclass(frozen=True, eq=False)
class _Call:
    """One use of a masked weight: `apply(x, weight, bias)` gave `out`."""

    name: str
    apply: Callable[..., torch.Tensor]
    x: torch.Tensor
    bias: torch.Tensor | None
    out: torch.Tensor


class _Watch(TorchFunctionMode):
    """Notes the calls of masked weights in a forward pass, or answers the first of them with other outputs."""

    def __init__(self, weights: Named, norms: list[tuple[torch.Tensor, ...]], answers: Sequence[torch.Tensor] | None):
        super().__init__()
        self.calls: list[_Call] = []
        self._names = {id(weight): name for name, weight in weights.items()}
        self._answers, self._asked = answers or (), 0
        self._norms, self._normed, self._first = norms, 0, answers is None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is functional.batch_norm:
            return self._norm({**dict(zip(_NORM, args, strict=False)), **kwargs})
        if func in _APPLY:
            given = {**dict(zip(_LAYER, args, strict=False)), **kwargs}
            if id(given["weight"]) in self._names:
                return self._apply(func, given)
        return func(*args, **kwargs)

    def _apply(self, func: Any, given: dict[str, Any]) -> torch.Tensor:
        self._asked += 1
        if self._asked <= len(self._answers):
            return self._answers[self._asked - 1].clone()  # what follows may work in place
        out: torch.Tensor = func(**given)
        if self._first:
            x, weight, bias = given.pop("input").clone(), given.pop("weight"), given.pop("bias", None)
            apply = func if func is functional.linear else lambda x, w, b: func(x, w, b, **given)
            self.calls.append(_Call(self._names[id(weight)], apply, x, bias, out.clone()))
        return out

    def _norm(self, given: dict[str, Any]) -> torch.Tensor:
        x = given["input"]
        if self._first:
            dims = [0, *range(2, x.dim())]
            self._norms.append((x.mean(dims), x.var(dims, correction=0)))
        self._normed += 1
        mean, var = self._norms[self._normed - 1]
        given |= {"running_mean": mean, "running_var": var, "training": False}
        return functional.batch_norm(**given)


@dataclass(frozen=True, eq=False)
class _Drawn:
    """The network of one drawn mask on one batch: `weights` by name, `norms` filled by the first pass."""

    net: Net
    weights: Named
    x: torch.Tensor
    y: torch.Tensor
    loses: Loses
    norms: list[tuple[torch.Tensor, ...]]

    def run(
        self, answers: Sequence[torch.Tensor] | None = None, changed: Named | None = None
    ) -> tuple[torch.Tensor, list[_Call]]:
        """Float[B], what each example loses where the first calls give these answers; and the calls of a first pass.

        The first pass, which fills `norms`, is the one without answers. `changed`: weights in place of those drawn.
        """
        weights = {**self.weights, **(changed or {})}
        with _Watch(weights, self.norms, answers) as watch:
            logits = self.net.eval_logits(weights, self.x, {})
        return self.loses(logits, self.y), watch.calls

    def advantage(self, before: Sequence[torch.Tensor], mu: torch.Tensor, change: torch.Tensor) -> torch.Tensor:
        """Float[K, B]: (L(mu + change) - L(mu - change)) / 2 of every example, for changes Float[K, *mu.shape].

        `before`: outputs of the calls before the one that is perturbed. Where a loss is not finite: 0.
        """
        every = torch.cat([change, -change])
        several = torch.vmap(lambda one: self.run([*before, mu + one])[0], chunk_size=max(1, CHUNK // mu.numel()))
        try:
            found = several(every)
        except (RuntimeError, RequestError):  # a part of the model that cannot be mapped over several passes
            found = torch.stack([self.run([*before, mu + one])[0] for one in every])
        plus, minus = found.chunk(2)
        return (plus - minus).div_(2).nan_to_num_(0.0, 0.0, 0.0)


@torch.no_grad()
@unfused()
def natural_gradient(
    net: Net,
    space: Space,
    base: torch.Tensor,
    chance: torch.Tensor,
    x: torch.Tensor,
    y: torch.Tensor,
    pairs: int,
    loses: Loses,
    draw: Callable[[str | int], Stream],
    meter: Meter,
) -> tuple[float, torch.Tensor]:
    """Mean loss of one drawn mask on B examples, and the estimated gradient of the expected loss to p: Float[N].

    `base`: Flat[N], weights with their scale factors; `chance`: Float[N], the p, exactly 0 or 1 where locked and
    nowhere else; `pairs`: how often each linear layer is perturbed for each example. `draw` gives streams. Examples
    whose losses are not finite count for nothing. Every perturbed example is an evaluation and an example forward,
    though only the layers from the perturbed one on are computed; means and variances are two forward.
    """
    flips = torch.from_numpy(draw("mask").uniform(space.total)).to(base.device) < chance
    drawn = _Drawn(net, space.views(base * flips), x, y, loses, [])
    meter.spend(evaluations=1, forward=len(y))
    losses, calls = drawn.run()
    used = {call.name for call in calls}
    others = [layer.name for layer in space.layers if layer.name not in used]
    rows = [pairs if call.apply is functional.linear else 1 for call in calls]
    networks = 2 * (sum(rows) + len(others)) * len(y)
    meter.spend(evaluations=networks, forward=networks + 2 * len(y))
    gradient = torch.zeros_like(base)
    parts = [space.views(flat) for flat in (base, chance, gradient)]
    for number, call in enumerate(calls):
        weight, p, out = (part[call.name] for part in parts)
        noise = partial(_normals, draw(number), rows[number])
        advantage = partial(drawn.advantage, [one.out for one in calls[:number]])
        estimate = _by_outputs if call.apply is functional.linear else _by_weights
        out.add_(estimate(call, weight, p, noise, advantage), alpha=1 / (rows[number] * len(y)))
    for name in others:
        weight, p, out = (part[name] for part in parts)
        out.add_(_by_network(drawn, name, weight, p, partial(_normals, draw(name), 1)), alpha=1 / len(y))
    loss = float(losses.mean())
    meter.spend(losses=[loss])
    return loss, gradient.nan_to_num_(0.0, 0.0, 0.0)


def _by_outputs(
    call: _Call, weight: torch.Tensor, p: torch.Tensor, noise: _Noise, advantage: _Advantage
) -> torch.Tensor:
    """Sum over pairs and examples of the gradient to the p of a linear layer, whose outputs are perturbed."""
    mu = functional.linear(call.x, p * weight, call.bias)
    sd = functional.linear(call.x.square(), p * (1 - p) * weight.square()).clamp_min_(0).sqrt_()
    sd.clamp_min_(max(_FLOOR * float(mu.square().mean().sqrt()), 1e-12))
    e = noise(mu)
    blame = torch.einsum("kb,kbf->bf", advantage(mu, e * sd), e.flatten(2)).view(mu.shape).div_(sd)
    return (blame.flatten(0, -2).T @ call.x.flatten(0, -2)).mul_(weight)


def _by_weights(
    call: _Call, weight: torch.Tensor, p: torch.Tensor, noise: _Noise, advantage: _Advantage
) -> torch.Tensor:
    """The same for a weight that is not applied by `linear`, which is perturbed itself."""
    s, e = _spread(p, noise)
    change = torch.stack([call.apply(call.x, s * one * weight, None) for one in e])
    return torch.einsum("k,k...->...", advantage(call.apply(call.x, p * weight, call.bias), change).sum(1), e).div_(s)


def _by_network(drawn: _Drawn, name: str, weight: torch.Tensor, p: torch.Tensor, noise: _Noise) -> torch.Tensor:
    """The same for a weight of which nothing is known but its name: the whole network tells what it does."""
    s, several = _spread(p, noise)
    e = several[0]
    plus, minus = (drawn.run((), {name: (p + sign * s * e) * weight})[0] for sign in (1, -1))
    advantage: torch.Tensor = (plus - minus).div_(2).nan_to_num_(0.0, 0.0, 0.0).sum()
    return e * (advantage / s)


def _spread(p: torch.Tensor, noise: _Noise) -> tuple[float, torch.Tensor]:
    """The standard deviation that all of a layer's weights are perturbed with, and normal numbers, 0 where locked."""
    spread = p * (1 - p)
    return max(float(spread.mean().sqrt()), 1e-6), noise(p) * (spread > 0)


def _normals(stream: Stream, rows: int, like: torch.Tensor) -> torch.Tensor:
    """Float[rows, *like.shape]: normal numbers of 2^16 values, the quantiles of the middles of as many equal parts."""
    n = rows * like.numel()
    words = philox.words64(stream.key, -(-n // 4)).astype("<u8", copy=False).view("<u2")[:n]
    return torch.from_numpy(_quantiles().take(words)).view(rows, *like.shape).to(like.device)


@cache
def _quantiles() -> NDArray[np.float32]:
    middles = np.arange(2**15, 2**32, 2**16, dtype=np.uint32)
    return normal(middles).astype(np.float32)
