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
from ticketry.core.errors import RequestError, refuse, told, unknown
from ticketry.core.generators import lent
from ticketry.core.lazy import torch
from ticketry.core.trust import NOTHING, Trust, run, typed
from ticketry.models.handed import check_structure, fresh, handed, text_of

if TYPE_CHECKING:
    from torch import nn

    Model = nn.Module | type[nn.Module] | str
    """One that is handed over, or the text of one that the user typed, in place of the text in a file."""

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
    model: nn.Module | type[nn.Module] | str | None = None,
    trust: Trust = NOTHING,
    draw: int = 0,
    before: Callable[[nn.Module], None] | None = None,
) -> nn.Module:
    """The network that a text names, for examples of the given shape; the global generators are as they were before.

    `model` was handed over, and is copied: one of the same structure, where the text is that of such a model. It may
    be a text that the user typed in place of the other. `trust`: the import paths that may be run; none without it.
    `before`: called with the network; with a built-in one before it takes memory, on the device `meta`.

    `text` is a built-in name with or without options (`mlp:50,50`, `conv4(width=0.5)`), or an import path
    `package.module:factory`, with or without literal arguments, to a function returning an `nn.Module`. The weights
    are for the caller to set: those of a built-in are zero, those of a factory are whatever it made of a generator
    seeded with zero. Raises RequestError, in one sentence, for whatever is wrong.
    """
    if model is not None:
        if isinstance(model, str):
            copied = build(model, input_shape, classes, trust=typed(model), draw=draw, before=before)
        else:
            copied = fresh(model, draw)
        if not draw:  # the text is that of this build, random buffers included
            check_structure(text, copied)
        if before is not None and not isinstance(model, str):
            before(copied)
        return copied
    if handed(text):
        kind = text.split(":")[1]
        found = f"{text}, a {kind} that was handed over in Python"
        remedy = f"pass model={kind}(...) from Python, built as it was, or its import path with --model"
        raise refuse("model", found, "handed over again", remedy)
    named = spec.parse("model", text)
    with lent(draw):
        if not named.imported:
            return _builtin(named, input_shape, classes, before)
        module = run("model", named, trust)
    if not isinstance(module, torch.nn.Module):
        what = f"{spec.quoted(named)}, which returned a {type(module).__name__}"
        raise refuse("model", what, "a function that returns an nn.Module", "return the network")
    if before is not None:
        before(module)
    return module


def again(
    text: str,
    input_shape: tuple[int, ...],
    classes: int,
    model: nn.Module | type[nn.Module] | str | None,
    trust: Trust,
    draw: int,
) -> nn.Module | None:
    """The same network built once more, with other draws; None where it would be the same one.

    That is a built-in, which draws nothing, or an object that was handed over, which exists once.
    """
    named = text if model is None else model
    once = not spec.parse("model", named).imported if isinstance(named, str) else not isinstance(named, type)
    return None if once else build(text, input_shape, classes, model, trust, draw)


def check(module: nn.Module, input_shape: tuple[int, ...], classes: int, draw: int = 0) -> None:
    """Raise RequestError unless the network maps (N, *input_shape) to (N, classes), with parameters of float32.

    One forward pass of zeros in evaluation mode on the device of the first parameter; modes, buffers and the global
    generators are as they were before. Parameters that the pass makes are drawn from seeded generators.
    """
    from ticketry.core.nets.net import answer  # here, because torch is imported late

    _check_types(module)
    training = {part: part.training for part in module.modules()}
    first = next(module.parameters(), torch.empty(0))
    zeros = torch.zeros(_BATCH, *input_shape, device=first.device)
    try:
        with lent(draw), torch.no_grad():
            output = answer(module.eval(), zeros)
    except RequestError as error:
        if error.__cause__ is None:
            raise
        given = f"unable to take a batch of data of shape {tuple(input_shape)} ({told(error.__cause__)})"
        raise refuse(
            "model", given, "one for data of this shape", "choose another model or reshape the data"
        ) from error
    finally:
        for part, mode in training.items():
            part.training = mode
    _check_types(module)
    found = tuple(output.shape)
    if found != (_BATCH, classes):
        wanted = f"of shape {(_BATCH, classes)}, one number for each of {classes} classes or quantities"
        raise refuse(f"model output for {_BATCH} examples", found, wanted, "correct the last layer or the data")


def _check_types(module: nn.Module) -> None:
    for name, parameter in module.named_parameters():
        if parameter.dtype != torch.float32:
            found = f"one whose parameter {name!r} is {str(parameter.dtype).removeprefix('torch.')}"
            raise refuse("model", found, "one with parameters of float32 alone", "build it in float32")


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
