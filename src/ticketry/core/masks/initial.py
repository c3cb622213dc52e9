"""The untrained values of a module's parameters: from the seed and the name, or as the module's constructor made them.

Inside the mask all are drawn. Outside it (`outside`), what the constructor made random is drawn, and what it decided
stays:

- weights and biases of the layers of torch (Linear, convolutions, Bilinear, recurrent ones, attention, embeddings) are
  drawn by the recipe, biases by its bias rule, unless the constructor decided them: see `_decided`;
- those of norms have the value that their constructor gave them;
- any other parameter is drawn where a second build gives it other values, and keeps its value where it does not;
- entries of a drawn parameter that are zero in every build, as the padding row of an embedding, stay zero.

Where there is no second build (an object that was handed over), or it differs in nothing (a constructor that seeds the
generator itself), only what is one number everywhere is sure to be decided in a layer of torch; the parameters of other
modules keep their values.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ticketry.core.errors import refuse
from ticketry.core.masks.roles import Role, roles
from ticketry.core.masks.space import Space
from ticketry.core.seed import weights

Floats = NDArray[np.float32]
RANGES = 256  # ranges of zeros up to which a parameter is drawn around them


@dataclass(frozen=True)
class Outside:
    """`values`: the untrained parameters outside the mask, by name. The rest is what a ticket file must hold of them.

    `drawn`: name, shape and fan-in of those that are random. `fixed`: name, shape and value of those that are one
    number everywhere, but for vectors and scalars that have the value of `usual`. `tensors`: those that are neither.
    `zeros`: name, start and stop of ranges of drawn ones that are zero. `held`: names of those that are not to be
    trained. `buffers`: random ones by name, which are also in `fixed` or `tensors`. `built`: see
    `core.nets.constructed`.
    """

    values: dict[str, Floats]
    drawn: tuple[tuple[str, tuple[int, ...], int], ...]
    fixed: tuple[tuple[str, tuple[int, ...], float], ...] = ()
    tensors: dict[str, Floats] = field(default_factory=dict)
    zeros: tuple[tuple[str, int, int], ...] = ()
    held: frozenset[str] = frozenset()
    buffers: dict[str, Floats] = field(default_factory=dict)
    built: str = ""

    def beside(self, buffers: Mapping[str, Floats], built: str) -> Outside:
        """The same with what a constructor makes beside parameters."""
        fixed, tensors = _stored(buffers, all_of=True)
        return replace(
            self,
            fixed=tuple(sorted(self.fixed + fixed)),
            tensors=dict(sorted((self.tensors | tensors).items())),
            buffers=dict(buffers),
            built=built,
        )


def inside(space: Space, kind: weights.Kind, seed: int) -> dict[str, Floats]:
    """The untrained maskable weights by name, in the Space's order."""
    return {layer.name: weights.weight(kind, seed, layer.name, layer.shape) for layer in space.layers}


def usual(name: str) -> float:
    """The value of a vector or scalar that a ticket does not speak of: 1 for what is called `weight`, else 0."""
    return 1.0 if name.rpartition(".")[2] == "weight" else 0.0


def held(module: nn.Module) -> frozenset[str]:
    """The parameters that do not learn; none where all say so, as in a network that is ready for use."""
    learns = {name: parameter.requires_grad for name, parameter in module.named_parameters()}
    return frozenset(name for name in learns if not learns[name]) if any(learns.values()) else frozenset()


def outside(
    module: nn.Module, masked: Container[str], kind: weights.Kind, seed: int, other: nn.Module | None = None
) -> Outside:
    """The parameters whose names are not in `masked`, by the rule above, for a module as it was built.

    `other`: a second build from another state of all generators, where there is one. Raises RequestError for a value
    that is to be kept and is no finite number.
    """
    named = {name: parameter.detach().cpu().numpy() for name, parameter in module.named_parameters()}
    again = None if other is None else {name: p.detach().cpu().numpy() for name, p in other.named_parameters()}
    if again is not None and all(_same(value, again[name]) for name, value in named.items()):
        again = None
    still, known = held(module), roles(module)
    values: dict[str, Floats] = {}
    drawn: list[tuple[str, tuple[int, ...], int]] = []
    zeros: list[tuple[str, int, int]] = []
    kept: dict[str, Floats] = {}
    for name, built in named.items():
        if name in masked:
            continue
        role, second, shape = known[name], None if again is None else again[name], built.shape
        ranges = [] if role.is_bias else _zeros(built, second, role.padding)
        if len(ranges) > RANGES or _decided(role, built, second, learns=name not in still):
            kept[name] = values[name] = built.copy()
        elif not role.is_bias:
            values[name] = weights.weight(kind, seed, name, shape)
            drawn.append((name, shape, 0))
            for start, stop in ranges:
                values[name].reshape(-1)[start:stop] = 0
                zeros.append((name, start, stop))
        elif role.fan_in and weights.draws_bias(kind):
            values[name] = weights.bias(kind, seed, name, shape, role.fan_in)
            drawn.append((name, shape, role.fan_in))
        else:
            kept[name] = values[name] = np.zeros(shape, np.float32)
    fixed, tensors = _stored(kept)
    still = frozenset(name for name in still if name not in masked)
    return Outside(values, tuple(drawn), fixed, tensors, tuple(sorted(zeros)), still)


def _stored(
    kept: Mapping[str, Floats], all_of: bool = False
) -> tuple[tuple[tuple[str, tuple[int, ...], float], ...], dict[str, Floats]]:
    """`fixed` and `tensors` of an Outside; `all_of` them, or without those of the usual value."""
    fixed, tensors = [], {}
    for name, value in sorted(kept.items()):
        if not np.isfinite(value).all():
            what = f"one whose constructor leaves numbers in {name!r} that are not finite"
            raise refuse("model", what, "one whose parameters are finite", "initialise it")
        number = _constant(value)
        if number is None and value.size:
            tensors[name] = value
        elif number is not None and (all_of or value.ndim > 1 or number != usual(name)):
            fixed.append((name, value.shape, number))
    return tuple(fixed), tensors


def _decided(role: Role, built: Floats, second: Floats | None, *, learns: bool) -> bool:
    """Whether a value is the constructor's decision, to be kept.

    With a second build: whatever is the same in it, but for biases of zero in a layer of torch, as the bias rule says
    what they are. Without: all but layers of torch, and of these what is one number everywhere, or does not learn.
    """
    if role.norm or not built.size:
        return True
    if second is not None:
        return _same(built, second) and not (role.layer and role.is_bias and not built.any())
    if not role.layer or not learns:
        return True
    return built.size > 1 and _constant(built) not in (None, 0.0)


def _zeros(built: Floats, second: Floats | None, padding: tuple[int, int] | None) -> list[tuple[int, int]]:
    """The ranges of numbers that are zero in every build; of a single one, those that are hardly so by chance."""
    zero = built.reshape(-1) == 0
    if second is not None:
        zero &= second.reshape(-1) == 0
    if zero.all():
        return []
    edges = np.flatnonzero(np.diff(zero, prepend=False, append=False)).tolist()
    ranges = list(zip(edges[::2], edges[1::2], strict=True))
    return [(a, b) for a, b in ranges if second is not None or b - a > 1 or (a, b) == padding]


def _same(one: Floats, other: Floats) -> bool:
    return np.array_equal(one.view(np.uint32), other.view(np.uint32))


def _constant(values: Floats) -> float | None:
    """The number that all values are; None where they are several, or none."""
    return float(values.flat[0]) if values.size and bool((values == values.flat[0]).all()) else None
