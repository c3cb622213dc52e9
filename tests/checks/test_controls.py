"""Every control does what it says, and something at all: the field's own shuffle was once a no-op."""

from __future__ import annotations

from collections import Counter
from itertools import permutations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketry.checks.controls import discover, meaning
from ticketry.checks.controls.rewiring import trade
from ticketry.checks.parts import TicketParts
from ticketry.core.seed import locks
from ticketry.core.seed.streams import stream
from ticketry.core.seed.weights import Kind, WeightRecipe
from ticketry.ticket.content import DrawnParameter, LayerShape, TicketFile

CONTROLS = discover()
LAYERS = (LayerShape("a.weight", (12, 10)), LayerShape("b.weight", (8, 12)), LayerShape("c.weight", (4, 8)))
EVERY = settings(max_examples=30, deadline=None)
DENSITY = st.floats(0.05, 0.95)


def subject(density: float, seed: int, kind: Kind = "kaiming-normal", locked: bool = False) -> TicketParts:
    draw = np.random.default_rng(seed)
    counts = tuple((layer.size // 4, layer.size // 10) for layer in LAYERS) if locked else None
    mask = draw.random(sum(layer.size for layer in LAYERS)) < density
    if counts:
        pattern = np.concatenate(
            [locks.pattern(seed, la.name, la.size, *c) for la, c in zip(LAYERS, counts, strict=True)]
        )
        mask = (mask & (pattern == 0)) | (pattern > 0)
    rest = (DrawnParameter("a.bias", (12,), 10),) if kind == "uniform" else ()
    ticket = TicketFile(
        model="mlp:12,8",
        input_shape=(10,),
        outputs=4,
        layers=LAYERS,
        rest=rest,
        seed=seed,
        recipe=WeightRecipe(kind, "dynamic"),
        mask=mask,
        locks=counts,
    )
    return TicketParts.of(ticket)


def altered(name: str, one: TicketParts, draw: int = 0) -> TicketParts:
    other = CONTROLS[name](one, draw)
    assert other is not None
    return other


def same(a: TicketParts, b: TicketParts) -> bool:
    return bool((a.mask == b.mask).all() and (a.base == b.base).all())


@pytest.mark.parametrize("name", CONTROLS)
def test_it_changes_the_ticket_and_only_a_copy_of_it(name: str) -> None:
    one = subject(0.5, 1, locked=True)
    mask, base = one.mask.copy(), one.base.copy()
    for draw in range(3):
        assert not same(one, altered(name, one, draw))
    assert (one.mask == mask).all()
    assert (one.base == base).all()


@pytest.mark.parametrize("name", [name for name in CONTROLS if name != "complement"])
def test_draws_differ_and_come_again(name: str) -> None:
    one = subject(0.5, 1, locked=True)
    assert same(altered(name, one, 0), altered(name, one, 0))
    assert not same(altered(name, one, 0), altered(name, one, 1))


@pytest.mark.parametrize("name", ["shuffle", "searched-shuffle", "rewiring", "inversion"])
@given(density=DENSITY, seed=st.integers(0, 10**6))
@EVERY
def test_layer_densities_stay(name: str, density: float, seed: int) -> None:
    one = subject(density, seed, locked=True)
    assert altered(name, one).kept == one.kept


@pytest.mark.parametrize("name", ["redraw", "signs", "permuted-weights"])
def test_the_mask_stays_where_weights_are_the_question(name: str) -> None:
    one = subject(0.3, 2)
    assert (altered(name, one).mask == one.mask).all()


def test_a_shuffle_is_uniform_within_its_layer() -> None:
    one = subject(0.25, 3)
    kept = np.stack([altered("shuffle", one, draw).mask for draw in range(400)]).mean(0)
    for place, count in zip(one.segments, one.kept, strict=True):
        assert kept[place] == pytest.approx(count / (place.stop - place.start), abs=0.12)


@given(density=DENSITY, seed=st.integers(0, 10**6))
@EVERY
def test_a_rewiring_keeps_the_weights_of_every_input_and_every_output(density: float, seed: int) -> None:
    one = subject(density, seed)
    other = altered("rewiring", one)
    for layer, place in zip(LAYERS, one.segments, strict=True):
        before, after = one.mask[place].reshape(layer.shape), other.mask[place].reshape(layer.shape)
        assert (before.sum(0) == after.sum(0)).all()
        assert (before.sum(1) == after.sum(1)).all()


def test_a_rewiring_is_uniform_over_masks_of_the_same_sums() -> None:
    rows, seen = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [1, 0, 0, 1]], bool), Counter[bytes]()
    for draw in range(2000):
        one = rows.copy()
        for turn in range(10):
            trade(one, stream(draw, "rewiring", turn))
        seen[one.tobytes()] += 1
    everything = product(*(permutations(row) for row in rows.tolist()))
    masks = {np.array(mask, bool).tobytes() for mask in everything if (np.sum(mask, 0) == rows.sum(0)).all()}
    assert set(seen) == masks
    expected = 2000 / len(masks)
    assert sum((n - expected) ** 2 / expected for n in seen.values()) < 3 * len(masks)


def test_a_redraw_is_of_the_same_recipe() -> None:
    constant = subject(0.3, 4, "signed-constant")
    other = altered("redraw", constant)
    assert (np.abs(other.base) == np.abs(constant.base)).all()
    assert 0.35 < (other.base == constant.base).mean() < 0.65
    biased = subject(0.3, 4, "uniform")
    assert (altered("redraw", biased).rest["a.bias"] != biased.rest["a.bias"]).all()


def test_signs_are_fair_coins_and_sizes_stay() -> None:
    one = subject(0.3, 5)
    other = altered("signs", one)
    assert (np.abs(other.base) == np.abs(one.base)).all()
    assert 0.35 < (other.base == one.base).mean() < 0.65


def test_a_permutation_keeps_the_kept_weights_of_each_layer() -> None:
    one = subject(0.3, 6)
    other = altered("permuted-weights", one)
    for place in one.segments:
        kept = one.mask[place]
        assert sorted(one.base[place][kept]) == sorted(other.base[place][kept])
        assert (one.base[place][~kept] == other.base[place][~kept]).all()
        assert (one.base[place][kept] != other.base[place][kept]).any()


@given(density=DENSITY, seed=st.integers(0, 10**6))
@EVERY
def test_an_inversion_keeps_what_was_cut_as_far_as_there_is_enough(density: float, seed: int) -> None:
    one = subject(density, seed)
    other = altered("inversion", one)
    for place in one.segments:
        size, kept = place.stop - place.start, int(one.mask[place].sum())
        assert int((one.mask[place] & other.mask[place]).sum()) == max(0, 2 * kept - size)


def test_a_complement_is_the_rest() -> None:
    one = subject(0.3, 7)
    assert (altered("complement", one).mask == ~one.mask).all()
    dense = subject(1.1, 7)
    assert CONTROLS["complement"](dense, 0) is None


@given(density=DENSITY, seed=st.integers(0, 10**6))
@EVERY
def test_smart_ratio_keeps_as_many_in_all(density: float, seed: int) -> None:
    one = subject(density, seed)
    assert sum(altered("smart-ratio", one).kept) == sum(one.kept)


def test_only_searched_bits_move_in_a_searched_shuffle() -> None:
    one = subject(0.5, 8, locked=True)
    other = altered("searched-shuffle", one)
    assert (one.mask[~one.searched] == other.mask[~one.searched]).all()
    assert not one.searched.all()
    assert CONTROLS["searched-shuffle"](subject(0.5, 8), 0) is None


def test_the_effective_weights_are_masked_and_scaled() -> None:
    one = subject(0.25, 9)
    effective = one.effective
    assert (effective[~one.mask] == 0).all()
    for place, count in zip(one.segments, one.kept, strict=True):
        factor = np.sqrt((place.stop - place.start) / count)
        kept = one.mask[place]
        assert effective[place][kept] == pytest.approx(one.base[place][kept] * factor, rel=1e-6)


@pytest.mark.parametrize("name", CONTROLS)
def test_it_says_what_it_does(name: str) -> None:
    line: Any = meaning(name)
    assert 30 < len(line) < 120
    assert line.endswith(".")
