from __future__ import annotations

import pytest
import torch
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from torch import nn

from ticketry.core.errors import RequestError
from ticketry.core.masks import allocation, space
from ticketry.core.masks.space import Layer, Space

ints = st.integers(0, 2**32 - 1)


def plain(*sizes: int) -> Space:
    """Layers of shape (size, 1), named a, b, ..."""
    layers, start = [], 0
    for name, size in zip("abcdefgh", sizes, strict=False):
        layers.append(Layer(name, (size, 1), start, start + size))
        start += size
    return Space(tuple(layers))


def bits(*positions: int, n: int) -> torch.Tensor:
    mask = torch.zeros(n, dtype=torch.bool)
    mask[list(positions)] = True
    return mask


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(3, 3), nn.Linear(3, 3)
        self.outer.weight = self.inner.weight


class TestFind:
    def test_the_default_is_linear_and_conv_weights_in_the_order_of_the_module(self) -> None:
        module = nn.Sequential(
            nn.Conv2d(1, 2, 3),
            nn.BatchNorm2d(2),
            nn.ConvTranspose2d(2, 1, 2),
            nn.Flatten(),
            nn.Linear(4, 5, bias=False),
        )
        found = space.find(module)
        assert [(layer.name, layer.shape, layer.start, layer.stop) for layer in found.layers] == [
            ("0.weight", (2, 1, 3, 3), 0, 18),
            ("2.weight", (2, 1, 2, 2), 18, 26),
            ("4.weight", (5, 4), 26, 46),
        ]
        assert found.total == found.size == 46
        assert found.segments == ((0, 18), (18, 26), (26, 46))

    def test_a_grouped_convolution_counts_the_weights_it_has(self) -> None:
        found = space.find(nn.Conv2d(4, 8, 3, groups=4))
        assert found.layers[0].shape == (8, 1, 3, 3)
        assert found.total == 72

    def test_a_tied_weight_counts_once_under_its_first_name(self) -> None:
        found = space.find(Tied())
        assert [layer.name for layer in found.layers] == ["inner.weight"]
        assert found.total == 9

    def test_patterns_replace_the_default_and_take_away_from_it(self) -> None:
        module = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
        assert [x.name for x in space.find(module, include=["*.weight"]).layers] == ["0.weight", "1.weight", "2.weight"]
        assert [x.name for x in space.find(module, include=["0.*"]).layers] == ["0.weight", "0.bias"]
        assert [x.name for x in space.find(module, exclude=["2.*"]).layers] == ["0.weight"]
        assert [x.name for x in space.find(module, ["0.*", "2.*"], ["*.bias"]).layers] == ["0.weight", "2.weight"]

    @pytest.mark.parametrize("field", ["include", "exclude"])
    def test_a_pattern_that_matches_nothing_is_refused_by_name(self, field: str) -> None:
        with pytest.raises(RequestError, match=rf"search\.{field} is 'fc9\.\*'.*weight or bias"):
            space.find(nn.Linear(2, 2), **{field: ["fc9.*"]})

    @pytest.mark.parametrize("module", [nn.Flatten(), nn.BatchNorm1d(3), nn.Embedding(3, 3)])
    def test_a_module_without_maskable_weights_is_refused(self, module: nn.Module) -> None:
        with pytest.raises(RequestError, match=r"model is .*a Linear, Conv, recurrent or attention layer"):
            space.find(module)

    def test_excluding_everything_is_refused(self) -> None:
        with pytest.raises(RequestError, match="model is Linear"):
            space.find(nn.Linear(2, 2), exclude=["*"])


class TestFreeze:
    def test_locked_positions_leave_the_space(self) -> None:
        whole = plain(4, 3)
        frozen = whole.freeze(off=bits(1, 4, n=7), on=bits(2, n=7))
        assert frozen.index is not None
        assert frozen.index.tolist() == [0, 3, 5, 6]
        assert (frozen.total, frozen.size, frozen.locked_on) == (7, 4, 1)
        assert frozen.segments == ((0, 2), (2, 4))
        assert frozen.full(bits(0, n=4)).tolist() == [True, False, True, False, False, False, False]
        assert frozen.kept(bits(0, 3, n=4)) == [2, 1]
        assert frozen.density(bits(0, 3, n=4)) == 3 / 7

    def test_a_layer_may_be_locked_whole(self) -> None:
        frozen = plain(2, 3, 2).freeze(off=bits(2, 3, n=7), on=bits(4, n=7))
        assert frozen.segments == ((0, 2), (2, 2), (2, 4))
        assert frozen.kept(bits(n=4)) == [0, 1, 0]

    def test_off_and_on_may_not_name_one_position(self) -> None:
        with pytest.raises(ValueError, match="same position"):
            plain(3).freeze(off=bits(0, n=3), on=bits(0, 1, n=3))

    def test_locking_everything_is_refused(self) -> None:
        with pytest.raises(RequestError, match="lock is the whole network"):
            plain(2).freeze(off=bits(0, n=2), on=bits(1, n=2))

    @given(ints, st.integers(2, 40))
    @settings(max_examples=40, deadline=None)
    def test_freezing_twice_keeps_both_patterns(self, seed: int, n: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        first, second = (torch.randint(-1, 4, (n,), generator=generator) for _ in range(2))
        first[0] = second[0] = 3  # something is left
        once = plain(n // 2, n - n // 2).freeze(off=first == -1, on=first == 0)
        twice = once.freeze(off=second == -1, on=second == 0)
        searched = (first > 0) & (second > 0)
        assert twice.index is not None
        assert twice.index.tolist() == searched.nonzero().flatten().tolist()
        on = (first == 0) | ((first > 0) & (second == 0))  # what the first pattern locked off stays off
        nothing = torch.zeros(twice.size, dtype=torch.bool)
        assert torch.equal(twice.full(nothing), on)
        assert torch.equal(twice.full(~nothing), on | searched)


class TestFlatAndFull:
    @given(ints, st.integers(1, 30), st.sampled_from([(), (3,), (2, 4)]))
    @settings(max_examples=40, deadline=None)
    def test_narrow_undoes_full(self, seed: int, n: int, pop: tuple[int, ...]) -> None:
        generator = torch.Generator().manual_seed(seed)
        pattern = torch.randint(-1, 3, (n + 1,), generator=generator)
        pattern[-1] = 2
        frozen = plain(n, 1).freeze(off=pattern == -1, on=pattern == 0)
        mask = torch.rand(*pop, frozen.size, generator=generator) < 0.5
        full = frozen.full(mask)
        assert full.shape == (*pop, n + 1)
        assert torch.equal(frozen.narrow(full), mask)
        assert full[..., pattern == 0].all()
        assert not full[..., pattern == -1].any()
        if pop == ():
            assert frozen.density(mask) == int(full.sum()) / (n + 1) == sum(frozen.kept(mask)) / (n + 1)

    @given(st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=4), min_size=1, max_size=4), st.integers(0, 2))
    @settings(max_examples=40, deadline=None)
    def test_views_split_a_flat_vector_in_order(self, shapes: list[list[int]], pop: int) -> None:
        layers, start = [], 0
        for number, shape in enumerate(shapes):
            size = int(torch.tensor(shape).prod())
            layers.append(Layer(str(number), tuple(shape), start, start + size))
            start += size
        lead = (3,) * pop
        flat = torch.arange(3**pop * start).view(*lead, start)
        views = Space(tuple(layers)).views(flat)
        assert [tuple(view.shape) for view in views.values()] == [(*lead, *shape) for shape in shapes]
        assert torch.equal(torch.cat([view.reshape(*lead, -1) for view in views.values()], -1), flat)

    def test_views_pass_gradients_to_the_flat_vector(self) -> None:
        flat = torch.arange(5.0, requires_grad=True)
        views = plain(2, 3).views(flat)
        (views["a"].sum() * 2 + (views["b"] ** 2).sum()).backward()
        assert flat.grad is not None
        assert flat.grad.tolist() == [2, 2, 4, 6, 8]


class TestCount:
    @pytest.mark.parametrize(
        ("density", "kept"), [(1.0, 7), (0.5, 4), (0.3, 2), (0.01, 1), (5 / 7, 5), (1e-9, 1)]
    )  # 3.5 rounds to the even 4
    def test_the_nearest_whole_number_and_at_least_one(self, density: float, kept: int) -> None:
        assert plain(4, 3).count(density) == kept

    @pytest.mark.parametrize("density", [0.0, -0.1, 1.001, float("nan"), float("inf")])
    def test_outside_zero_to_one_is_refused(self, density: float) -> None:
        with pytest.raises(RequestError, match=r"density is .*a fraction in \(0, 1\]"):
            plain(4).count(density)

    def test_locked_on_weights_count(self) -> None:
        frozen = plain(10).freeze(off=bits(0, 1, 2, n=10), on=bits(3, 4, n=10))
        assert [frozen.count(d) for d in (0.2, 0.3, 0.7)] == [0, 1, 5]

    @pytest.mark.parametrize("density", [0.1, 0.8])
    def test_what_locks_make_unreachable_is_refused_with_the_three_numbers(self, density: float) -> None:
        frozen = plain(10).freeze(off=bits(0, 1, 2, n=10), on=bits(3, 4, n=10))
        with pytest.raises(RequestError) as caught:
            frozen.count(density)
        sentence = str(caught.value)
        for number in (f"density is {density}", "lock.off 0.3", "lock.on 0.2", "[0.2, 0.7]"):
            assert number in sentence
        assert sentence.count(". ") == 0

    def test_floors_ask_for_what_is_missing_and_there(self) -> None:
        frozen = plain(4, 2, 3).freeze(off=bits(4, 5, n=9), on=bits(0, n=9))
        assert frozen.segments == ((0, 3), (3, 3), (3, 6))
        assert frozen.floors(2, 6) == [1, 0, 2]
        assert frozen.floors(0, 0) == [0, 0, 0]
        with pytest.raises(RequestError, match="floor is 2, but 3 weights in 3 layers do not fit into the 2"):
            frozen.floors(2, 2)

    @given(ints, st.lists(st.integers(1, 12), min_size=1, max_size=5), st.floats(0, 1))
    @settings(max_examples=60, deadline=None)
    def test_searched_counts_fit_and_add_up(self, seed: int, sizes: list[int], density: float) -> None:
        generator = torch.Generator().manual_seed(seed)
        whole = plain(*sizes)
        pattern = torch.randint(-1, 4, (whole.total,), generator=generator)
        pattern[0] = 3
        frozen = whole.freeze(off=pattern == -1, on=pattern == 0)
        total = frozen.locked_on + int(density * frozen.size)
        wanted = [total * size // whole.total for size in sizes]
        wanted[-1] += total - sum(wanted)
        counts = frozen.searched_counts(wanted)
        rooms = [stop - start for start, stop in frozen.segments]
        assert sum(counts) == total - frozen.locked_on
        assert all(0 <= count <= room for count, room in zip(counts, rooms, strict=True))

    @given(ints, st.lists(st.integers(1, 12), min_size=1, max_size=5), st.floats(0, 1), st.data())
    @settings(max_examples=60, deadline=None)
    def test_shares_follow_a_budget_within_floor_and_room(
        self, seed: int, sizes: list[int], part: float, data: st.DataObject
    ) -> None:
        generator = torch.Generator().manual_seed(seed)
        whole = plain(*sizes)
        pattern = torch.randint(-1, 4, (whole.total,), generator=generator)
        pattern[0] = 3
        frozen = whole.freeze(off=pattern == -1, on=pattern == 0)
        room = [data.draw(st.integers(0, stop - start)) for start, stop in frozen.segments]
        kept = int(part * sum(room))
        budget = data.draw(st.sampled_from(["uniform", "erk", "epl", "igq"]))
        floor = data.draw(st.integers(0, 2))
        try:
            needed = frozen.floors(floor, kept)
        except RequestError:
            reject()
        shares = frozen.shares(budget, kept, floor, room)
        assert sum(shares) == kept
        assert all(min(low, high) <= n <= high for low, n, high in zip(needed, shares, room, strict=True))
        assert whole.shares(budget, kept) == allocation.layer_counts(budget, [(size, 1) for size in sizes], kept)

    def test_shares_lift_layers_to_the_floor(self) -> None:
        space = plain(100, 2, 100)
        assert space.shares("uniform", 20) == [10, 0, 10]
        assert space.shares("uniform", 20, floor=2) == [8, 2, 10]
        assert space.shares("uniform", 20, floor=2, room=[100, 1, 5]) == [14, 1, 5]

    def test_searched_counts_are_the_wanted_ones_less_the_locked_where_these_fit(self) -> None:
        frozen = plain(4, 4).freeze(off=bits(0, n=8), on=bits(1, 4, n=8))
        assert frozen.searched_counts([2, 3]) == [1, 2]
        assert frozen.searched_counts([4, 1]) == [2, 1]  # layer a has room for 2 of the 3: b takes the other
        with pytest.raises(RequestError, match="no room"):
            frozen.searched_counts([4, 4])
