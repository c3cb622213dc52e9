"""A network that is handed over as an object in Python, in place of a text that names it.

Its ticket says so: the model of the ticket is `handed:NAME:DIGEST`, with the class's name and a digest of the
structure, and is opened by handing over one of the same structure. Its weights come from the seed; what else an object
holds is taken as the decision of its constructor, since it cannot be built a second time (core/masks/initial).
"""

from __future__ import annotations

import copy
import hashlib
from typing import TYPE_CHECKING

from ticketry.core.errors import refuse, told
from ticketry.core.generators import lent
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


def fresh(model: object, draw: int = 0) -> nn.Module:
    """A network of our own from an `nn.Module`, which stays as it is, or from its class, called without arguments.

    `draw`: what the global generators are seeded with meanwhile.
    """
    wanted = "a name, an import path package.module:factory, an nn.Module, or its class"
    kind = isinstance(model, type) and issubclass(model, torch.nn.Module)
    if not kind and not isinstance(model, torch.nn.Module):
        raise refuse("model", f"a {type(model).__name__}", wanted, "pass one")
    name = model.__name__ if isinstance(model, type) else type(model).__name__
    try:
        with lent(draw):
            made: nn.Module = model() if isinstance(model, type) else copy.deepcopy(model)  # type: ignore[assignment]
            return made
    except (Exception, SystemExit) as error:  # the user's own network: whatever it raises is the user's to hear
        what = "cannot be called without arguments" if kind else "cannot be copied"
        remedy = "hand over an instance" if kind else "hand over its class, or one that copy.deepcopy takes"
        raise refuse(
            "model", f"the {'class ' if kind else ''}{name}, which {what} ({told(error)})", wanted, remedy
        ) from None


def check_structure(text: str, module: nn.Module) -> None:
    """Raise RequestError unless a network has the structure of the one with this text."""
    if handed(text) and _structure(module)[:16] != text.rpartition(":")[2]:
        found = f"a {type(module).__name__} of another structure than {text}"
        raise refuse("model", found, "built as the one that the ticket was found in", "hand over one that is")


def _structure(module: nn.Module) -> str:
    """SHA-256 in hex over all that tells two networks apart but their weights, as far as it can be seen.

    The kinds of all parts with what they print and their plain attributes (numbers, texts, functions by name); names
    and shapes of all parameters; buffers with their values, but for the running statistics of norms.
    """
    lines = [
        f"{name} {type(part).__name__} {part.extra_repr()} {_attributes(part)}" for name, part in module.named_modules()
    ]
    for name, value in module.named_parameters():
        lines.append(f"{name} {'later' if torch.nn.parameter.is_lazy(value) else list(value.shape)}")
    from ticketry.core.nets.net import statistics  # here, because torch is imported late

    measured = statistics(module)
    for name, buffer in module.named_buffers():
        known = name not in measured and not name.endswith("num_batches_tracked") and not buffer.is_meta
        lines.append(f"{name} {list(buffer.shape)} {buffer.tolist() if known else ''}")
    return hashlib.sha256("\n".join(lines).encode(errors="replace")).hexdigest()


def _attributes(part: nn.Module) -> str:
    """The public attributes of a part, and the hooks that it has."""
    own = {name: value for name, value in vars(part).items() if name != "training" and not name.startswith("_")}
    hooks = [*part._forward_hooks.values(), *part._forward_pre_hooks.values()]
    return _plain(own | {"hooks": hooks})


def _plain(value: object) -> str:
    """The part of a value that a text can tell: plain data as they are, functions and classes by their names."""
    if isinstance(value, dict):
        return "{" + ", ".join(sorted(f"{name}: {_plain(inner)}" for name, inner in value.items())) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_plain, value)) + "]"
    if value is None or isinstance(value, bool | int | float | str | torch.dtype):
        return repr(value)
    return str(getattr(value, "__qualname__", None) or getattr(value, "__name__", type(value).__name__))
