"""Paths through stacks of matrices agree with walking them one connection at a time."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketry.core.errors import RequestError
from ticketry.core.masks import bits
from ticketry.core.masks.bits import Bits
from ticketry.core.seed.streams import stream
from ticketry.evolution.masks.connectivity import Graph, Scheme, graph, sieve

SHAPES = ((3, 2), (4, 3), (2, 4))
D = sum(out * into for out, into in SHAPES)


def connections(mask: Bits) -> list[tuple[int, int, int]]:
    """(layer, from unit, to unit) of every bit of Bool[D]; absent ones are None."""
    places = [(layer, i, o) for layer, (out, into) in enumerate(SHAPES) for o in range(out) for i in range(into)]
    return [place for place, kept in zip(places, mask, strict=True) if kept]


def paths(mask: Bits) -> list[list[tuple[int, int, int]]]:
    """Every path from an input to an output, by trying all sequences of units."""
    kept = set(connections(mask))
    units = [range(2), range(3), range(4), range(2)]
    found = []
    for walk in product(*units):
        steps = [(layer, walk[layer], walk[layer + 1]) for layer in range(3)]
        if kept.issuperset(steps):
            found.append(steps)
    return found


def leads_out(mask: Bits) -> set[tuple[int, int, int]]:
    """Connections from whose end an output can be reached."""
    kept = connections(mask)
    useful: set[tuple[int, int, int]] = set()
    for layer in (2, 1, 0):
        starts = {(step[0], step[1]) for step in useful}
        useful |= {step for step in kept if step[0] == layer and (layer == 2 or (layer + 1, step[2]) in starts)}
    return useful


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.2, 0.35, 0.5]))
def test_schemes_keep_what_they_say(seed: int, density: float) -> None:
    words = bits.random(stream(seed, "masks"), 3, D, density)
    for scheme in ("lax", "soft", "strict"):
        repaired, alive = sieve(Graph(SHAPES), scheme, words, D)
        for mask, after, fine in zip(bits.unpack(words, D), bits.unpack(repaired, D), alive, strict=True):
            found = paths(mask)
            assert fine == bool(found)
            expected = {
                "lax": set(connections(mask)),
                "soft": leads_out(mask),
                "strict": {step for path in found for step in path},
            }[scheme]
            assert set(connections(after)) == expected


def test_locked_on_connections_carry_paths_and_stay() -> None:
    """2 -> 2 -> 1: position 0 is locked on, 3 locked off, and the others are searched."""
    shapes, on = ((2, 2), (1, 2)), np.array([True, False, False, False, False, False])
    locked = Graph(shapes, np.array([1, 2, 4, 5]), on)
    masks = np.array([[0, 0, 1, 0], [0, 1, 1, 0], [1, 0, 0, 1], [0, 0, 0, 0]], np.bool_)
    repaired, alive = sieve(locked, "strict", bits.pack(masks), 4)
    assert alive.tolist() == [True, True, False, False]
    assert bits.unpack(repaired, 4)[:2].tolist() == [[False, False, True, False]] * 2


@pytest.mark.parametrize("shapes", [((4, 2, 3, 3), (2, 4)), ((4, 2), (2, 5)), ((4,), (2, 4))])
def test_what_is_no_stack_of_matrices_is_refused(shapes: tuple[tuple[int, ...], ...]) -> None:
    with pytest.raises(RequestError, match=r"^connectivity is soft, but it must be negligent .*pass --connectivity"):
        graph("soft", shapes)


def test_a_stack_of_matrices_is_taken() -> None:
    scheme: Scheme = "lax"
    assert graph(scheme, SHAPES).total == D
