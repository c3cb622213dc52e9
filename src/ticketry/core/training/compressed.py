"""Training of plain stacks that keep few weights: only kept weights are stored, multiplied and updated.

A layer is a list of its kept weights, of all networks that train at once, unit by unit. Forward, each unit sums scaled
rows of the layer before (`fitness.sparse_rows` evaluates in the same way); backward, the gradient of a weight is the
product of two rows, one of changes and one of inputs, and changes go down through the same list in the order of its
inputs. On one core at density 0.0144 a step takes a fifth of the time of products with masked matrices.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

from ticketry.core.nets.parameters import Parameters, Precision

PAYS = 0.1  # density below which it is faster: a kept weight takes 0.29 ns an example, one in a product 0.044 ns


class Listed(NamedTuple):
    """The kept weights of a layer in P networks, E in all, for rows p * units + unit and p * inputs + input.

    `inputs` Int[E]: the row of the layer before that each scales (networks share the first layer's); `units` Int[E]:
    the row it adds to; `begins` Int[P * units]; `order` Long[E]: the same weights by input, `down` Int[E] the unit of
    each in that order and `falls` Int[P * inputs] where each input begins.
    """

    inputs: torch.Tensor
    units: torch.Tensor
    begins: torch.Tensor
    order: torch.Tensor
    down: torch.Tensor
    falls: torch.Tensor


class Compressed:
    """The kept weights of P networks, and their other parameters, as one vector Float[K]."""

    def __init__(self, parameters: Parameters, masks: torch.Tensor) -> None:
        """For masks Float[P, M], see core/nets/parameters.py, of a plain stack; see `pays`."""
        stack = parameters.stack
        if stack is None:
            raise ValueError("not a plain stack")
        self._stack, self._p = stack, len(masks)
        named = parameters.views(masks)
        places = parameters.views(torch.arange(masks.numel()).view(masks.shape))
        names = list(named)
        self._layers: list[Listed] = []
        self._biases: list[slice | None] = []
        self._slices: list[slice] = []
        positions: list[torch.Tensor] = []
        for number, affine in enumerate(stack.layers):
            name = names[affine.weight]
            self._layers.append(_listed(named[name].numpy() != 0, shared=number == 0))
            self._slices.append(_add(positions, places[name][named[name] != 0]))
            self._biases.append(_add(positions, places[affine.name].flatten()) if affine.name else None)
        self.positions = torch.cat(positions)
        """Long[K]: where each number is in a flat Float[P, M]."""
        self.owners = self.positions // masks.shape[1]
        """Long[K]: whose it is."""
        self._loss, self._meter = parameters.loss, parameters.meter

    def take(self, flat: torch.Tensor) -> torch.Tensor:
        """Float[*, K] of Float[*, P, M]."""
        return flat.flatten(-2)[..., self.positions]

    def put(self, values: torch.Tensor, flat: torch.Tensor) -> None:
        """Write Float[*, K] into a contiguous Float[*, P, M], whose other numbers stay."""
        flat.flatten(-2)[..., self.positions] = values

    def gradient(self, values: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> tuple[list[float], torch.Tensor]:
        """Mean loss of the P networks on a batch, and the gradients to Float[K]."""
        n, p = len(y), self._p
        table = x.flatten(1).T.contiguous()
        reached = [table]
        for affine, listed, part, bias in zip(
            self._stack.layers, self._layers, self._slices, self._biases, strict=True
        ):
            table = _sums(listed.inputs, reached[-1], listed.begins, values[part])
            if bias is not None:
                table += values[bias, None]
            reached.append(table.relu_() if affine.relu else table)
        losses, change = self._loss.slope(reached[-1].view(p, -1, n), y)
        change = change.view(-1, n)
        gradient = torch.empty_like(values)
        for number in range(len(self._layers) - 1, -1, -1):
            listed, part, bias = self._layers[number], self._slices[number], self._biases[number]
            if self._stack.layers[number].relu:
                change = torch.ops.aten.threshold_backward(change, reached[number + 1], 0)
            if bias is not None:
                torch.sum(change, 1, out=gradient[bias])
            gradient[part] = torch.ops.aten._embedding_bag_per_sample_weights_backward(
                change, reached[number], listed.inputs, listed.begins, listed.units, 0
            )
            if number:
                change = _sums(listed.down, change, listed.falls, values[part][listed.order])
        found: list[float] = losses.tolist()
        self._meter.spend(forward=p * n, backward=p * n, losses=found)
        return found, gradient


def pays(parameters: Parameters, masks: torch.Tensor, precision: Precision) -> torch.Tensor:
    """Bool[P]: which of the networks with masks Float[P, M] are faster as lists of their kept weights."""
    stack = parameters.stack
    if stack is None or stack.tied or parameters.zeros is not None:
        return masks.new_zeros(len(masks), dtype=torch.bool)
    if masks.device.type != "cpu" or precision != "float32":
        return masks.new_zeros(len(masks), dtype=torch.bool)
    layers = list(parameters.views(masks).values())
    layers = [layers[affine.weight].flatten(1) for affine in stack.layers]
    kept = torch.stack([torch.count_nonzero(layer, 1) for layer in layers]).sum(0)
    return kept < PAYS * sum(layer.shape[1] for layer in layers)


def _add(positions: list[torch.Tensor], more: torch.Tensor) -> slice:
    start = sum(map(len, positions))
    positions.append(more)
    return slice(start, start + len(more))


def _sums(rows: torch.Tensor, table: torch.Tensor, begins: torch.Tensor, scales: torch.Tensor) -> torch.Tensor:
    """Float[R, B]: for each of the R lists that begin at `begins` the sum of its rows of the table, scaled."""
    if not len(rows):
        return table.new_zeros(len(begins), table.shape[1])
    return functional.embedding_bag(rows, table, begins, mode="sum", per_sample_weights=scales)


def _listed(mask: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], *, shared: bool) -> Listed:
    """For Bool[P, units, inputs]; `shared`: whether the networks have the same inputs."""
    p, units, inputs = mask.shape
    network, unit, entry = np.nonzero(mask)
    rows = entry if shared else network * inputs + entry
    bags = network * units + unit
    order = np.argsort(rows, kind="stable")
    begins, falls = (
        np.concatenate([[0], np.cumsum(np.bincount(which, minlength=most))[:-1]])
        for which, most in ((bags, p * units), (rows, inputs if shared else p * inputs))
    )
    small = (torch.from_numpy(a.astype(np.int32)) for a in (rows, bags, begins, bags[order], falls))
    first, second, third, down, fall = small
    return Listed(first, second, third, torch.from_numpy(order), down, fall)
