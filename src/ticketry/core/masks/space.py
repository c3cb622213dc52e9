"""Space: which weights of a model are searched, in a fixed order, as one flat vector.

Letters used everywhere: N maskable weights of the model, D searched weights (D = N unless some are locked),
P masks of a population, B examples of a batch, L layers. A mask is `Bool[*P, D]`, one bit per *searched* weight.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property

import torch
from torch import nn

from ticketry.core.errors import RequestError, refuse
from ticketry.core.masks import allocation
from ticketry.core.masks.mask import counts
from ticketry.core.masks.searchable import by_default, listed, refuse_pruned


@dataclass(frozen=True)
class Layer:
    """One maskable parameter: its name in the model (the first, where it is tied), shape and range in Flat[N]."""

    name: str
    shape: tuple[int, ...]
    start: int
    stop: int

    @property
    def size(self) -> int:
        return self.stop - self.start


@dataclass(frozen=True, eq=False)
class Space:
    """The searched positions. Locked positions are not in it, so no method can address them.

    `index`: Long[D], the searched positions in ascending order; None where all N are searched.
    `on`: Bool[N], the positions locked on; None where none are.
    """

    layers: tuple[Layer, ...]
    index: torch.Tensor | None = None
    on: torch.Tensor | None = None

    @property
    def total(self) -> int:
        """N, the number of maskable weights."""
        return self.layers[-1].stop

    @property
    def size(self) -> int:
        """D, the number of searched weights."""
        return self.total if self.index is None else len(self.index)

    @cached_property
    def layers_on(self) -> list[int]:
        """How many weights of each layer are locked on."""
        if self.on is None:
            return [0] * len(self.layers)
        return counts(self.on, [(layer.start, layer.stop) for layer in self.layers])

    @property
    def locked_on(self) -> int:
        return sum(self.layers_on)

    @property
    def most(self) -> float:
        """The highest density that the locks leave possible."""
        return (self.size + self.locked_on) / self.total

    @cached_property
    def segments(self) -> tuple[tuple[int, int], ...]:
        """The range of each layer in Flat[D]."""
        if self.index is None:
            return tuple((layer.start, layer.stop) for layer in self.layers)
        stops = torch.tensor([layer.stop for layer in self.layers], device=self.index.device)
        ends = torch.searchsorted(self.index, stops).tolist()
        return tuple(zip([0, *ends[:-1]], ends, strict=True))

    def to(self, device: torch.device) -> Space:
        """The same Space with its tensors on a device."""
        move = [None if t is None else t.to(device) for t in (self.index, self.on)]
        return Space(self.layers, move[0], move[1])

    def freeze(self, off: torch.Tensor, on: torch.Tensor) -> Space:
        """A smaller Space: `off` and `on` are Bool[N], disjoint; what they name can no longer be searched.

        Locks add up: freezing twice keeps both patterns. Raises RequestError when nothing is left to search.
        """
        if bool((off & on).any()):
            raise ValueError("off and on name the same position")
        free = torch.ones(self.total, dtype=torch.bool, device=off.device)
        if self.index is not None:
            free.fill_(False).index_fill_(0, self.index, True)
        locked_on = on & free if self.on is None else (on & free) | self.on
        index = (free & ~off & ~on).nonzero().flatten()
        if len(index) == 0:
            raise refuse("lock", "the whole network", "a pattern that leaves a weight to search", "lower off or on")
        return Space(self.layers, index, locked_on)

    def count(self, density: float) -> int:
        """How many searched weights to keep so that kept / N is the density, exact to one weight.

        Raises RequestError for a density outside (0, 1] or one that the locks make unreachable.
        """
        if not 0 < density <= 1:
            raise refuse("density", density, "a fraction in (0, 1]", "pass 0.05 to keep 5 % of the weights")
        kept = max(1, round(density * self.total)) - self.locked_on
        if not 0 <= kept <= self.size:
            off = (self.total - self.size - self.locked_on) / self.total
            on = self.locked_on / self.total
            raise RequestError(
                f"density is {density:g}, lock.off {off:g} and lock.on {on:g}, but off must be at most 1 - density"
                f" and on at most density, or nothing is left to search; choose a density in [{on:g}, {1 - off:g}]"
                " or lock fewer weights."
            )
        return kept

    def floors(self, floor: int, kept: int) -> list[int]:
        """Searched weights that each layer must keep so that `floor` are on in all, as far as it has that many.

        Raises RequestError when they would not fit into the `kept` searched weights of the mask.
        """
        needed = [
            min(max(0, floor - on), stop - start)
            for on, (start, stop) in zip(self.layers_on, self.segments, strict=True)
        ]
        if sum(needed) > kept:
            raise RequestError(
                f"floor is {floor}, but {sum(needed)} weights in {len(self.layers)} layers do not fit into the {kept}"
                " that the density leaves to choose; lower the floor or raise the density."
            )
        return needed

    def shares(
        self, layers: allocation.Allocation, kept: int, floor: int = 0, room: Sequence[int] | None = None
    ) -> list[int]:
        """How many of `kept` searched weights each layer keeps when the whole mask follows a layer budget.

        Every layer keeps `floor` weights at least, as `floors` says, and at most `room` searched ones, without it all.
        """
        room = room or [stop - start for start, stop in self.segments]
        least = [min(low, high) for low, high in zip(self.floors(floor, kept), room, strict=True)]
        wanted = allocation.layer_counts(layers, [layer.shape for layer in self.layers], kept + self.locked_on)
        return self.searched_counts(wanted, least, room)

    def searched_counts(
        self, wanted: Sequence[int], least: Sequence[int] | None = None, room: Sequence[int] | None = None
    ) -> list[int]:
        """Searched weights to keep in each layer so that `wanted` are kept in all, locked-on ones included.

        `least` and `room`: fewest and most searched ones of each layer; without them none and all. Where a layer has
        too little room, or must keep more, the total is kept by giving to (taking from) the first layers that can.
        """
        least = least or [0] * len(self.layers)
        room = room or [stop - start for start, stop in self.segments]
        chosen, spare = [], 0
        for want, locked, low, high in zip(wanted, self.layers_on, least, room, strict=True):
            chosen.append(min(max(low, want - locked), high))
            spare += want - locked - chosen[-1]
        for i, (low, high) in enumerate(zip(least, room, strict=True)):
            moved = min(spare, high - chosen[i]) if spare > 0 else max(spare, low - chosen[i])
            chosen[i] += moved
            spare -= moved
        if spare:
            raise RequestError("the locks leave no room for the asked layer densities; lower lock.off or lock.on.")
        return chosen

    def full(self, mask: torch.Tensor) -> torch.Tensor:
        """Bool[*P, D] -> Bool[*P, N]: the mask over all maskable weights, locks included."""
        if self.index is None:
            return mask
        whole = mask.new_zeros(*mask.shape[:-1], self.total)
        whole[..., self.index] = mask
        return whole if self.on is None else whole | self.on

    def narrow(self, flat: torch.Tensor) -> torch.Tensor:
        """Flat[*P, N] -> Flat[*P, D]: the searched positions only."""
        return flat if self.index is None else flat.index_select(-1, self.index)

    def views(self, flat: torch.Tensor) -> dict[str, torch.Tensor]:
        """Flat[*P, N] -> named views with the model's shapes; differentiable in one pass."""
        parts = flat.split_with_sizes([layer.size for layer in self.layers], dim=-1)
        lead = flat.shape[:-1]
        return {layer.name: part.view((*lead, *layer.shape)) for layer, part in zip(self.layers, parts, strict=True)}

    def kept(self, mask: torch.Tensor) -> list[int]:
        """Weights kept in each layer by Bool[D], locked-on ones included."""
        return counts(self.full(mask), [(layer.start, layer.stop) for layer in self.layers])

    def density(self, mask: torch.Tensor) -> float:
        """Kept / N over all maskable weights, locked-on ones included."""
        return (int(torch.count_nonzero(mask)) + self.locked_on) / self.total


def find(module: nn.Module, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> Space:
    """The Space of a module: the weights that `searchable` says by default and that learn, in the module's order.

    `include`: name patterns (shell style, `block1.*`) that select parameters instead of the default; `exclude`:
    patterns taken out again. A tied parameter counts once, under its first name. Raises RequestError when a
    pattern matches nothing, nothing is left, or a layer is pruned by torch.
    """
    names = dict(module.named_parameters())
    for field, patterns in (("search.include", include), ("search.exclude", exclude)):
        for pattern in patterns:
            if not any(fnmatchcase(name, pattern) for name in names):
                raise refuse(field, repr(pattern), f"a pattern matching one of {listed(names)}", "correct it")
    refuse_pruned(module, exclude)
    if include:
        chosen = {id(p) for name, p in names.items() if any(fnmatchcase(name, pattern) for pattern in include)}
    else:
        learn = {id(parameter) for parameter in names.values() if parameter.requires_grad}
        chosen = by_default(module)
        chosen = chosen & learn if learn else chosen  # none learns in a network that is ready for use
    layers: list[Layer] = []
    for name, parameter in names.items():
        if id(parameter) in chosen and not any(fnmatchcase(name, pattern) for pattern in exclude):
            start = layers[-1].stop if layers else 0
            layers.append(Layer(name, tuple(parameter.shape), start, start + math.prod(parameter.shape)))
    if not layers:
        by_name = f"name others in search.include: {listed(map(repr, names))}" if names else "choose one"
        raise refuse(
            "model",
            type(module).__name__,
            "a module with a weight of a Linear, Conv, recurrent or attention layer",
            by_name if not (include or exclude) else "exclude less",
        )
    return Space(tuple(layers))
