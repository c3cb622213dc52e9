"""Operators do what their sentences say, bit for bit, and no more."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ticketry.core.masks import bits
from ticketry.core.masks.bits import Bits, Words
from ticketry.core.seed.streams import Stream, stream
from ticketry.evolution.masks import operators

FEW = settings(max_examples=25, deadline=None)


def drawer(seed: int) -> Callable[..., Stream]:
    return lambda purpose, *index: stream(seed, purpose, *index)


def numbers(n: int) -> NDArray[np.int64]:
    return stream(0, "where").integers(n, 2**32)


def population(seed: int, p: int, d: int) -> Words:
    return bits.random(stream(seed, "population"), p, d, 0.5)


@pytest.mark.parametrize(("rate", "n", "expected"), [(0.3, 100, 30), (0.29, 100, 29), (0.1, 9, 0), (1.0, 7, 7)])
def test_share_is_the_floor_without_rounding_errors(rate: float, n: int, expected: int) -> None:
    assert operators.share(rate, n) == expected


@FEW
@given(st.integers(0, 99), st.integers(1, 12), st.integers(0, 9), st.integers(1, 150))
def test_a_child_has_every_bit_from_one_of_its_parents(seed: int, p: int, c: int, d: int) -> None:
    genomes = population(seed, p, d)
    first, mates = (stream(seed, name).integers(c, p) for name in ("first", "mates"))
    children = operators.recombine(genomes, d, first, mates, drawer(seed))
    assert len(children) == c
    assert not ((children ^ genomes[first]) & (children ^ genomes[mates])).any()


def test_a_child_takes_half_of_its_bits_from_each() -> None:
    genomes = bits.pack(np.array([[False] * 4000, [True] * 4000]))
    children = operators.recombine(genomes, 4000, np.array([1]), np.array([0]), drawer(0))
    assert bits.count(children)[0] == pytest.approx(2000, abs=130)


@FEW
@given(st.integers(0, 99), st.integers(1, 12), st.integers(0, 5), st.integers(1, 150))
def test_a_mutant_differs_from_the_chosen_in_one_bit(seed: int, p: int, c: int, d: int) -> None:
    genomes, children = population(seed, p, d), population(seed + 1, c, d)
    chosen = np.flatnonzero(stream(seed, "chosen").bits(p + c))
    mutants = operators.mutate(genomes, children, d, chosen, numbers(len(chosen)), drawer(seed))
    assert bits.count(mutants ^ np.concatenate([genomes, children])[chosen]).tolist() == [1] * len(chosen)


def test_mutation_by_layers_is_fair_to_layers_and_within_them() -> None:
    d, n, segments = 110, 6000, ((0, 100), (100, 100), (100, 110))
    genomes = np.zeros((n, bits.width(d)), np.uint64)
    mutants = operators.mutate(genomes, genomes[:0], d, np.arange(n), numbers(n), drawer(0), None, segments)
    hits = bits.unpack(mutants, d).sum(0)
    assert hits[:100].sum() == pytest.approx(n / 2, abs=200)
    assert hits[:100] == pytest.approx(n / 200, abs=30)
    assert hits[100:] == pytest.approx(n / 20, abs=90)


def test_mutation_without_layers_is_fair_to_all_bits() -> None:
    d, n = 110, 11000
    genomes = np.zeros((n, bits.width(d)), np.uint64)
    mutants = operators.mutate(genomes, genomes[:0], d, np.arange(n), numbers(n), drawer(0))
    assert bits.unpack(mutants, d).sum(0) == pytest.approx(100, abs=50)


@FEW
@given(st.integers(0, 99), st.integers(1, 8), st.integers(1, 150), st.data())
def test_exactly_flips_the_surplus_and_nothing_else(seed: int, p: int, d: int, data: st.DataObject) -> None:
    genomes, kept = population(seed, p, d), data.draw(st.integers(0, d))
    settled = operators.exactly(genomes, d, kept, stream(seed, "exactly"))
    assert bits.count(settled).tolist() == [kept] * p
    assert bits.count(settled ^ genomes).tolist() == np.abs(bits.count(genomes) - kept).tolist()


def test_exactly_chooses_at_random() -> None:
    full = np.tile(bits.pack(np.ones(50, np.bool_)), (4000, 1))
    settled = bits.unpack(operators.exactly(full, 50, 10, stream(0, "exactly")), 50)
    assert settled.mean(0) == pytest.approx(0.2, abs=0.035)
    assert (settled[:, 1:] & settled[:, :-1]).mean() == pytest.approx(0.2 * 9 / 49, abs=0.004)


def naive_order(performance: list[float], ones: list[int]) -> list[int]:
    """By performance, a number before none, then by fewer ones, then by index."""
    return sorted(range(len(ones)), key=lambda i: (performance[i] != performance[i], performance[i], ones[i], i))


@FEW
@given(st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0, np.inf]), st.integers(0, 3)), max_size=20), st.integers(1, 9))
def test_truncation_is_lexicographic_and_stable(scores: list[tuple[float, int]], most: int) -> None:
    performance, ones = [s[0] for s in scores], [s[1] for s in scores]
    chosen = operators.truncate(np.array(performance), np.array(ones, np.int64), most)
    assert chosen.tolist() == naive_order(performance, ones)[:most]


def test_not_a_number_is_worst() -> None:
    chosen = operators.truncate(np.array([np.nan, np.inf, 1.0]), np.array([0, 5, 9]), 3)
    assert chosen.tolist() == [2, 1, 0]


def test_refused_children_are_made_anew_and_then_left_out() -> None:
    calls: list[tuple[list[int], int]] = []

    def make(rows: NDArray[np.int64], attempt: int) -> Words:
        calls.append((rows.tolist(), attempt))
        return np.array([[100 * row + attempt] for row in rows], np.uint64)

    def sieve(words: Words) -> tuple[Words, Bits]:
        return words + np.uint64(1000), np.isin(words[:, 0], [0, 102, 301])

    made = operators.persist(make, 4, 1, sieve)
    assert made.ravel().tolist() == [1000, 1102, 1301]
    assert calls[:4] == [([0, 1, 2, 3], 0), ([1, 2, 3], 1), ([1, 2], 2), ([2], 3)]
    assert len(calls) == operators.ATTEMPTS
    assert len(operators.persist(make, 0, 1, sieve)) == 0
