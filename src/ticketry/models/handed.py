"""A network that is handed over as an object in Python, in place of a text that names it.

Its ticket says so: the model of the ticket is `handed:NAME:DIGEST`, with the class's name and a digest of the
structure, and is opened by handing over one of the same structure. Its weights are never looked at: they come from the
seed.
"""

from __future__ import annotations

import copy
import hashlib
from typing import TYPE_CHECKING

from ticketry.core.errors import refuse
from ticketry.core.lazy import torch

if TYPE_CHECKING:
    from torch import nn

    Model = str | nn.Module | type[nn.Module]

MARK = "handed:"


def text_of(model: object) -> str:
    """The text of a model: itself, or that of an object. Raises RequestError for anything that is no model."""
    if isinstance(model, str):
        return model
    module = fresh(model)
    name = type(module).__name__ if type(module).__name__.isascii() else "Module"
    return f"{MARK}{name}:{_structure(module)[:16]}"


def handed(text: str) -> bool:
    """Whether a text is that of a model that was handed over."""
    return text.startswith(MARK)


def fresh(model: object) -> nn.Module:
    """A network of our own from an `nn.Module`, which stays as it is, or from its class, called without arguments."""
    wanted = "a name, an import path package.module:factory, an nn.Module, or its class"
    if isinstance(model, type) and issubclass(model, torch.nn.Module):
        try:
            with torch.random.fork_rng(devices=[]):
                torch.default_generator.manual_seed(0)
                return model()
        except TypeError as error:
            found = f"the class {model.__name__}, which cannot be called without arguments ({error})"
            raise refuse("model", found, wanted, "hand over an instance") from None
    if not isinstance(model, torch.nn.Module):
        raise refuse("model", f"a {type(model).__name__}", wanted, "pass one")
    return copy.deepcopy(model)


def check_structure(text: str, module: nn.Module) -> None:
    """Raise RequestError unless a network has the structure of the one with this text."""
    if handed(text) and _structure(module)[:16] != text.rpartition(":")[2]:
        found = f"a {type(module).__name__} of another structure than {text}"
        raise refuse("model", found, "built as the one that the ticket was found in", "hand over one that is")


def _structure(module: nn.Module) -> str:
    """SHA-256 in hex over the kinds of all parts, and names and shapes of all parameters and buffers."""
    lines = [f"{name} {type(part).__name__}" for name, part in module.named_modules()]
    for name, value in (*module.named_parameters(), *module.named_buffers()):
        lines.append(f"{name} {'later' if torch.nn.parameter.is_lazy(value) else list(value.shape)}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
