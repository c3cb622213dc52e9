"""Checkpoint: the whole state of a job in one atomically replaced safetensors file, with a digest of its own.

A state is plain data, nested as you like: dataclasses, named tuples, lists, tuples, dictionaries by text, tensors,
numbers, text and None. Tensors are saved under the dotted name of their place, all else as JSON in the metadata.
"""

from __future__ import annotations

import hashlib
import json
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import safetensors
import torch
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from ticketry.core import regular
from ticketry.core.atomic import write
from ticketry.core.errors import RequestError, told

_TENSOR = "$tensor"  # the key of a place that a tensor takes
Tensors = dict[str, torch.Tensor]


def save(path: Path, owner: str, parts: Mapping[str, object]) -> None:
    """Write the parts of a state. `owner`: the digest of what it is the state of."""
    tensors: Tensors = {}
    plain = {name: _flat(part, name, tensors) for name, part in parts.items()}
    record = json.dumps({"owner": owner, "parts": plain})
    path.parent.mkdir(exist_ok=True)
    write(path, save_tensors(tensors, {"checkpoint": record, "digest": _digest(record, tensors)}))


def load(path: Path, owner: str, kinds: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
    """The parts of a state bit for bit, each as its kind (a type, as annotations state it).

    Raises RequestError where the file is damaged, or is the state of something else.
    """
    try:
        content = regular.content(path)
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata()
        tensors = load_tensors(content)
        if metadata["digest"] != _digest(metadata["checkpoint"], tensors):
            raise ValueError("its digest is another")
        record = json.loads(metadata["checkpoint"])
        if record["owner"] != owner:
            raise RequestError(f"{path} belongs to another experiment; delete it to start this one anew.")
        there = {name: tensor.to(device) for name, tensor in tensors.items()}
        return {name: _whole(kind, record["parts"][name], there) for name, kind in kinds.items()}
    except RequestError:  # which is a ValueError, too
        raise
    except (OSError, safetensors.SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise RequestError(f"{path} is damaged ({told(error)}); delete it to start the run anew.") from None


def _digest(record: str, tensors: Tensors) -> str:
    """SHA-256 in hex over the record, then name, type, shape and bytes of each tensor."""
    sha = hashlib.sha256(record.encode())
    for name, tensor in sorted(tensors.items()):
        sha.update(f"\n{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        sha.update(tensor.flatten().view(torch.uint8).numpy().data)
    return sha.hexdigest()


def _flat(value: object, name: str, tensors: Tensors) -> object:
    """Plain JSON, with a mark in the place of each tensor, which goes into `tensors`."""
    if isinstance(value, torch.Tensor):
        while name in tensors:  # a key with a dot in it may read like another place
            name += "'"
        whole = value.detach().cpu()
        tensors[name] = whole.clone(memory_format=torch.contiguous_format)  # safetensors saves nothing else
        return {_TENSOR: name}
    if is_dataclass(value) and not isinstance(value, type):
        value = {f.name: getattr(value, f.name) for f in fields(value)}
    if isinstance(value, dict):
        if not all(isinstance(key, str) and not key.startswith("$") for key in value):
            raise TypeError(f"{name} of a state has a key that is no text, or begins with $")
        return {key: _flat(inner, f"{name}.{key}", tensors) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_flat(inner, f"{name}.{number}", tensors) for number, inner in enumerate(value)]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{name} of a state is a {type(value).__name__}; it may hold tensors and plain data only")


def _whole(kind: Any, value: Any, tensors: Tensors) -> Any:
    """The value of a place as its kind."""
    if isinstance(value, dict) and set(value) == {_TENSOR}:
        return tensors[value[_TENSOR]]
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        known = [one for one in inner if one is not types.NoneType]
        return None if value is None else _whole(known[0] if len(known) == 1 else Any, value, tensors)
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return kind(**{f.name: _whole(hints[f.name], value[f.name], tensors) for f in fields(kind)})  # type: ignore[operator]
    if isinstance(kind, type) and hasattr(kind, "_fields"):  # a named tuple
        hints = get_type_hints(kind)
        return kind(*(_whole(hints[name], one, tensors) for name, one in zip(kind._fields, value, strict=True)))
    if isinstance(value, dict):
        return {key: _whole(inner[1] if len(inner) == 2 else Any, one, tensors) for key, one in value.items()}
    if isinstance(value, list):
        ordered = [_whole(_kind_at(origin, inner, number), one, tensors) for number, one in enumerate(value)]
        return tuple(ordered) if origin is tuple or kind is tuple else ordered
    return value


def _kind_at(origin: Any, inner: tuple[Any, ...], number: int) -> Any:
    """The kind of one entry of a list or tuple."""
    if not inner:
        return Any
    return inner[number] if origin is tuple and Ellipsis not in inner else inner[0]
