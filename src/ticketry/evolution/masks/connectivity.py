"""Paths from input to output through a stack of masked matrices, and the four schemes of arXiv 2411.04658.

negligent: nothing is asked. lax: at least one path leads from an input to an output. soft: lax, and connections from
which no output can be reached are dropped, which changes no output of the network. strict: lax, and only connections
on such paths are kept; a unit that no input reaches still had its bias to say, so this may change the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ticketry.core.errors import refuse
from ticketry.core.masks import bits
from ticketry.core.masks.bits import Bits, Words

Scheme = Literal["negligent", "lax", "soft", "strict"]


@dataclass(frozen=True, eq=False)
class Graph:
    """Layers of units. `shapes`: (out, in) of each matrix, in order; `index`: Int64[D], the searched positions among
    all N, or None for all; `on`: Bool[N], the positions locked on, or None."""

    shapes: tuple[tuple[int, int], ...]
    index: NDArray[np.int64] | None = None
    on: Bits | None = None

    @property
    def total(self) -> int:
        return sum(out * into for out, into in self.shapes)


def graph(
    scheme: Scheme, shapes: Sequence[tuple[int, ...]], index: NDArray[np.int64] | None = None, on: Bits | None = None
) -> Graph:
    """The graph of a model's layers; RequestError unless they are matrices, each fed by the one before."""
    allowed = "negligent for this model, whose layers are not a stack of matrices that feed each other in order"
    matrices = tuple((shape[0], shape[1]) for shape in shapes if len(shape) == 2)
    if len(matrices) < len(shapes) or any(before[0] != after[1] for before, after in pairwise(matrices)):
        raise refuse("connectivity", scheme, allowed, "pass --connectivity negligent or choose an MLP")
    return Graph(matrices, index, on)


def sieve(graph: Graph, scheme: Scheme, words: Words, d: int) -> tuple[Words, Bits]:
    """Genomes UInt64[P, W] repaired as the scheme asks, and Bool[P]: whether a path leads through them.

    Locked-on connections count as paths and are never dropped.
    """
    masks = bits.unpack(words, d)
    if graph.index is None:
        whole = masks
    else:
        whole = (
            np.zeros((len(masks), graph.total), np.bool_) if graph.on is None else np.tile(graph.on, (len(masks), 1))
        )
        whole[:, graph.index] = masks
    layers = _layers(graph, whole)
    forward, backward = _reach(layers)
    alive = _any(forward[-1], 1)
    if scheme == "lax":
        return words, alive
    keep = np.empty_like(whole)
    for layer, before, after, kept in zip(layers, forward, backward[1:], _layers(graph, keep), strict=False):
        np.logical_and(layer, after[:, :, None], out=kept)
        if scheme == "strict":
            kept &= before[:, None, :]
    return bits.pack(keep if graph.index is None else keep[:, graph.index]), alive


def _layers(graph: Graph, whole: Bits) -> list[Bits]:
    """Views Bool[P, out, in] of Bool[P, N]."""
    sizes = np.cumsum([out * into for out, into in graph.shapes])[:-1]
    return [
        part.reshape(len(whole), *shape) for part, shape in zip(np.split(whole, sizes, 1), graph.shapes, strict=True)
    ]


def _reach(layers: Sequence[Bits]) -> tuple[list[Bits], list[Bits]]:
    """For every layer of units, Bool[P, units]: whether an input reaches it, and whether it reaches an output."""
    forward = [np.ones((len(layers[0]), layers[0].shape[2]), np.bool_)]
    for layer in layers:
        forward.append(_any(layer & forward[-1][:, None, :], 2))
    backward = [np.ones((len(layers[-1]), layers[-1].shape[1]), np.bool_)]
    for layer in reversed(layers):
        backward.append(_any(layer & backward[-1][:, :, None], 1))
    return forward, backward[::-1]


def _any(bits: Bits, axis: int) -> Bits:
    return np.asarray(bits.any(axis))
