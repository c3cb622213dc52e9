"""Plain stacks: networks that are nothing but linear layers with ReLU between them, whatever module spells them out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import nn

from ticketry.core.masks.space import Space

_IDENTITIES = (nn.Identity, nn.Dropout)  # in evaluation mode, which is the only one a search sees


@dataclass(frozen=True, eq=False)
class Affine:
    """One linear layer: the number of its weight among the Space's layers, its bias Float[out], a ReLU behind it.

    `name`: that of the bias among the module's parameters; "" where there is none.
    """

    weight: int
    bias: torch.Tensor | None
    relu: bool
    name: str = ""


@dataclass(frozen=True, eq=False)
class Stack:
    """Linear layers in their order. `flattens`: whether examples of any shape are made vectors first."""

    layers: tuple[Affine, ...]
    flattens: bool

    @property
    def biases(self) -> set[str]:
        """Their names."""
        return {affine.name for affine in self.layers if affine.name}

    @property
    def tied(self) -> bool:
        """Whether two layers have one weight or one bias."""
        biases = [affine.name for affine in self.layers if affine.name]
        return len({affine.weight for affine in self.layers}) < len(self.layers) or len(set(biases)) < len(biases)

    def overflows(self, base: torch.Tensor, space: Space, x: torch.Tensor) -> bool:
        """Whether a sum could exceed float32 under some mask, for weights Flat[N] and inputs no larger than those of x.

        Where none can, a weight that is zero may be left out: its product is zero.
        """
        bound = float(x.abs().max())
        for affine in self.layers:
            layer = space.layers[affine.weight]
            bound *= float(base[layer.start : layer.stop].view(layer.shape).abs().sum(1).max())
            bound += 0.0 if affine.bias is None else float(affine.bias.abs().max())
        return not bound < 1e37

    def fits(self, x: torch.Tensor) -> bool:
        """Whether the examples Float[B, ...] go in as vectors."""
        return x.dtype == torch.float32 and (self.flattens or x.dim() == 2)


def recognise(module: nn.Module, space: Space) -> Stack | None:
    """The Stack that a module is, judged by its structure; None where it is anything else.

    That is an nn.Sequential, nested ones included, of Flatten, Linear, ReLU, Dropout and Identity, without hooks, all
    of whose weights are masked (a tied one may be used twice) and whose biases, where there are any, are not.
    """
    parts = list(_leaves(module))
    numbers = {layer.name: number for number, layer in enumerate(space.layers)}
    names = {id(parameter): name for name, parameter in module.named_parameters()}
    layers: list[Affine] = []
    flattens = False
    for part in parts:
        if part is None or _altered(part):
            return None
        if type(part) is nn.Linear:
            name, bias = names[id(part.weight)], None if part.bias is None else names[id(part.bias)]
            if name not in numbers or bias in numbers:
                return None
            layers.append(Affine(numbers[name], part.bias, relu=False, name=bias or ""))
        elif type(part) is nn.ReLU and layers:
            layers[-1] = replace(layers[-1], relu=True)
        elif type(part) is nn.Flatten and (part.start_dim, part.end_dim) == (1, -1):
            flattens = flattens or not layers
        elif type(part) not in _IDENTITIES:
            return None
    return Stack(tuple(layers), flattens) if layers else None


def _leaves(module: nn.Module) -> Iterator[nn.Module | None]:
    """The modules that a module calls one after the other; None for one that is not known to do just that."""
    if type(module) is not nn.Sequential:
        yield module
    elif _altered(module):
        yield None
    else:
        for child in module:
            yield from _leaves(child)


def _altered(module: nn.Module) -> bool:
    """Whether it does something else, or more, than its class says."""
    hooks = module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks
    return any(hooks) or "forward" in vars(module)
