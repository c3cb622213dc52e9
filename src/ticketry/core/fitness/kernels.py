"""Fitness of many masked networks at once; the only place that knows how. Every kernel agrees with the plain loop.

The loop takes network after network. Plain stacks of linear layers have a faster kernel, `fitness.batched`; `auto`
chooses by the network's structure only, never by a clock, so that results are repeatable. There is no half precision:
without hardware for it (AVX2) a product takes 60 times as long as in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from ticketry.core.errors import RequestError, refuse
from ticketry.core.fitness import batched
from ticketry.core.fitness.examples import PreparedExamples, ranges
from ticketry.core.fitness.population import Population as Population
from ticketry.core.fitness.totals import FitnessTotals
from ticketry.core.fitness.totals import Limit as Limit
from ticketry.core.fitness.totals import Score as Score
from ticketry.core.meters import Meter
from ticketry.core.nets.feed import Feed
from ticketry.core.nets.net import Named, Net
from ticketry.core.nets.stack import Stack

Kernel = Literal["auto", "loop", "batched"]


@dataclass(frozen=True, eq=False)
class Networks:
    """What is scored: a population of `net`, whose stack it is where it is a plain one.

    `norms`: the running statistics of one network's norms, from its weights Flat[N].
    """

    net: Net
    stack: Stack | None
    population: Population
    norms: Callable[[torch.Tensor], Named]
    kernel: Kernel = "auto"


def score(networks: Networks, prepared: PreparedExamples, limit: Limit | None, meter: Meter) -> Score:
    """Mean loss and quality of every network on all examples, or the certainty that it is outside the limit."""
    feed, loss = prepared.feed, prepared.loss
    population, stack, kernel = networks.population, networks.stack, networks.kernel
    totals = FitnessTotals(len(population), len(feed), prepared.worst, loss, limit, feed.x.device, meter)
    with torch.no_grad():
        if kernel != "loop" and stack is not None and stack.fits(feed.batch(slice(1))[0]):
            batched.run(stack, population, prepared, totals)
        elif kernel == "batched":
            raise refuse("kernel", kernel, "loop or auto for this model", "pass auto")
        else:
            _loop(networks, feed, totals)
    return totals.score()


def check(net: Net) -> None:
    """Raise RequestError where a network's answer to an example depends on the other examples of the batch."""
    for name, part in net.module.named_modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm) and part.running_mean is None:
            raise RequestError(
                f"model has the batch norm '{name}' without running statistics, which stays in training mode, so that"
                " the fitness of a mask would depend on how examples are batched; build it with"
                " track_running_stats=True."
            )


def _loop(networks: Networks, feed: Feed, totals: FitnessTotals) -> None:
    """One network after the other. On a CPU convolutions work with channels last, in half the time."""
    population, loss = networks.population, totals.loss
    convolves = any(len(layer.shape) == 4 for layer in population.space.layers)
    for number in totals.alive:
        which = number[None]
        flat = population.part(which).flat()[0]
        weights, buffers = population.space.views(flat), networks.norms(flat)
        if convolves and flat.device.type == "cpu":
            weights = {name: _channels_last(weight) for name, weight in weights.items()}
        total = totals.noted(which)
        for part in ranges(totals.n, 64 if convolves else 1024):
            x, y = feed.batch(part)
            outputs = networks.net.eval_logits(weights, x, buffers)
            sums = [found(outputs, y).sum(dtype=torch.float64) for found in (loss.each, loss.misses)]
            total += torch.stack(sums)[:, None]
            totals.meter.spend(forward=len(y))
            if totals.within(total) is not None:
                break
        totals.note(which, total)


def _channels_last(weight: torch.Tensor) -> torch.Tensor:
    return weight.contiguous(memory_format=torch.channels_last) if weight.dim() == 4 else weight
