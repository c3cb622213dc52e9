"""Networks: those of the papers by name, own ones by import path. Listing them does not import torch.

A built-in is a public function of a file here that takes `input_shape` first and returns an `nn.Module`; its name has
`-` for `_`. Nothing is registered.

Every built-in takes a batch (N, ...) of any shape with as many numbers as the shape it was built for, and returns
(N, classes) logits. Options: `bias` (True), `norm` ("none"; "batch-plain", batch norm without affine parameters;
"batch"), and `width`, which multiplies the channels of the convolutional ones. Only the residual and VGG networks
have a norm by default, "batch-plain". A layer that a norm follows has no bias.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ticketry.core import spec
from ticketry.core.errors import refuse, unknown
from ticketry.core.lazy import torch
from ticketry.models.handed import check_structure, fresh, handed, text_of

if TYPE_CHECKING:
    from torch import nn

__all__ = ["build", "check", "handed", "modules", "names", "text_of"]

_BATCH = 3  # examples in the fitting check: more than one, so that a lost batch dimension shows


def names() -> list[str]:
    """The built-in networks, as they may be written; `mlp:50,50` has two hidden layers, `mlp` none."""
    return ["mlp", "mlp:20", "mlp:50,50", *(name for name in modules() if name != "mlp")]


@cache
def modules() -> dict[str, str]:
    """The module of each built-in, found by reading the files of this folder, as importing them would import torch."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("[!_]*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.args.args and node.returns is not None:
                made = (node.args.args[0].arg, ast.unparse(node.returns)) == ("input_shape", "nn.Module")
                if made and not node.name.startswith("_"):
                    found[node.name.replace("_", "-")] = path.stem
    return found


def build(
    text: str,
    input_shape: tuple[int, ...],
    classes: int,
    model: nn.Module | type[nn.Module] | None = None,
    before: Callable[[nn.Module], None] | None = None,
) -> nn.Module:
    """The network that a text names, for examples of the given shape; the global generator is as it was before.

    `model` was handed over, and is copied: one of the same structure, where the text is that of such a model.
    `before`: called with the network; with a built-in one before it takes memory, on the device `meta`.

    `text` is a built-in name with or without options (`mlp:50,50`, `conv4(width=0.5)`), or an import path
    `package.module:factory`, with or without literal arguments, to a function returning an `nn.Module`. The weights
    are for the caller to set: those of a built-in are zero, those of a factory are whatever it made of a generator
    seeded with zero. Raises RequestError, in one sentence, for whatever is wrong.
    """
    if model is not None:
        copied = fresh(model)
        check_structure(text, copied)
        if before is not None:
            before(copied)
        return copied
    if handed(text):
        kind = text.split(":")[1]
        found = f"{text}, a {kind} that was handed over in Python"
        raise refuse("model", found, "handed over again", f"pass model={kind}(...) from Python, built as it was")
    named = spec.parse("model", text)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        if not named.imported:
            return _builtin(named, input_shape, classes, before)
        module = spec.call("model", named, spec.resolve("model", named))
    if not isinstance(module, torch.nn.Module):
        what = f"'{named}', which returned a {type(module).__name__}"
        raise refuse("model", what, "a function that returns an nn.Module", "return the network")
    if before is not None:
        before(module)
    return module


def check(module: nn.Module, input_shape: tuple[int, ...], classes: int) -> None:
    """Raise RequestError unless the network maps (N, *input_shape) to (N, classes).

    One forward pass of zeros in evaluation mode on the device of the first parameter; modes, buffers and the global
    generator are as they were before.
    """
    training = {part: part.training for part in module.modules()}
    first = next(module.parameters(), torch.empty(0))
    zeros = torch.zeros(_BATCH, *input_shape, device=first.device)
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            output = module.eval()(zeros)
    except Exception as error:  # the user's own network: whatever it raises is the user's to hear
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        given = f"unable to take a batch of data of shape {tuple(input_shape)} ({reason})"
        raise refuse(
            "model", given, "one for data of this shape", "choose another model or reshape the data"
        ) from error
    finally:
        for part, mode in training.items():
            part.training = mode
    found = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
    if found != (_BATCH, classes):
        wanted = f"of shape {(_BATCH, classes)}, one number for each of {classes} classes or quantities"
        raise refuse(f"model output for {_BATCH} examples", found, wanted, "correct the last layer or the data")


def _builtin(
    named: spec.Spec, input_shape: tuple[int, ...], classes: int, before: Callable[[nn.Module], None] | None
) -> nn.Module:
    name, _, sizes = named.target.partition(":")
    if name not in modules() or (":" in named.target and name != "mlp"):
        raise unknown("model", named.target, names(), ", and package.module:factory")
    first: tuple[object, ...] = (input_shape, classes)
    if name == "mlp":
        first = (*first, tuple(_size(named.target, size) for size in sizes.split(",")) if ":" in named.target else ())
    function = getattr(import_module(f"{__name__}.{modules()[name]}"), name.replace("-", "_"))
    with torch.device("meta"):  # no memory and no time for values that are replaced at once
        module = cast("nn.Module", spec.call("model", named, function, *first))
    if before is not None:
        before(module)
    for part in module.modules():
        for key, parameter in list(part.named_parameters(recurse=False)):
            if parameter.is_meta:
                setattr(part, key, torch.nn.Parameter(torch.zeros(parameter.shape, device="cpu")))
    return module


def _size(target: str, text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,4}", text):
        raise refuse("model", repr(target), "mlp:20 or mlp:50,50 with sizes from 1 to 99999", "correct the sizes")
    return int(text)
