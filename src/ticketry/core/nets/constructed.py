"""What a model's constructor makes beside its parameters: buffers, and tensors that are plain attributes.

Running statistics of norms are not among them, which are measured, nor the estimates of spectral norms, which are not
used. A buffer that two builds make differently is random and has to be stored; everything else is made again wherever
the model is built, and a digest tells whether it is the same there. All of it is looked at right after the build,
before the module has seen an example.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils import parametrizations
from torch.nn.utils.spectral_norm import SpectralNorm

from ticketry.core.errors import refuse
from ticketry.core.nets.net import Norm

_MEASURED = ("running_mean", "running_var", "num_batches_tracked")


def random_buffers(module: nn.Module, other: nn.Module) -> dict[str, NDArray[np.float32]]:
    """The buffers that differ between two builds, as float32, by name, as the first has them.

    Raises RequestError for one that float32 cannot hold.
    """
    second = _buffers(other)
    found = {}
    for name, buffer in _buffers(module).items():
        if raw(buffer) != raw(second[name]):
            exact = not buffer.is_complex() and torch.equal(buffer.to(torch.float32).to(buffer.dtype), buffer)
            if not exact or not bool(buffer.isfinite().all()):
                what = f"one that builds the buffer {name!r} at random, of {_type(buffer)}"
                wanted = "one whose random buffers are finite float32, to be held by a ticket"
                raise refuse("model", what, wanted, "build it as float32")
            found[name] = buffer.to(torch.float32).cpu().numpy().copy()
    return found


def digest(module: nn.Module, stored: Container[str] = ()) -> str:
    """First 16 hex digits of a SHA-256 over all of it but the buffers that are `stored`; empty where there is none."""
    made = {f"buffer {name}": buffer for name, buffer in _buffers(module).items() if name not in stored}
    for name, part in module.named_modules():
        for key, value in vars(part).items():
            value = torch.from_numpy(value) if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" else value
            if isinstance(value, torch.Tensor) and not value.requires_grad and not _unset(value):
                made[f"attribute {name}.{key}"] = value
    if not made:
        return ""
    sha = hashlib.sha256()
    for name, value in sorted(made.items()):
        sha.update(f"{name} {_type(value)} {list(value.shape)}\n".encode() + raw(value))
    return sha.hexdigest()[:16]


def structure(module: nn.Module) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Kind and shape of every parameter and buffer by name; of lazy ones the kind alone."""
    found = {}
    for kind, named in (("parameter", module.named_parameters()), ("buffer", module.named_buffers())):
        for name, value in named:
            found[name] = (kind, () if nn.parameter.is_lazy(value) else tuple(value.shape))
    return found


def _buffers(module: nn.Module) -> dict[str, torch.Tensor]:
    """All but running statistics, and the estimates of spectral norms, which nothing uses (see weight_norms)."""
    others = set()
    for part in module.modules():
        names: set[str] = set(_MEASURED) if isinstance(part, Norm) else set()
        names |= {"_u", "_v"} if isinstance(part, parametrizations._SpectralNorm) else set()
        for hook in part._forward_pre_hooks.values():
            if isinstance(hook, SpectralNorm):
                names |= {f"{hook.name}_u", f"{hook.name}_v"}
        others |= {id(buffer) for key, buffer in part.named_buffers(recurse=False) if key in names}
    named = module.named_buffers()
    return {name: buffer for name, buffer in named if id(buffer) not in others and not _unset(buffer)}


def _unset(value: torch.Tensor) -> bool:
    return value.is_meta or nn.parameter.is_lazy(value) or value.layout != torch.strided or value.is_quantized


def _type(value: torch.Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")


def raw(value: torch.Tensor) -> bytes:
    """The bytes of a dense tensor of any type."""
    whole = value.detach().resolve_conj().resolve_neg().cpu()
    whole = torch.view_as_real(whole) if whole.is_complex() else whole
    return whole.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
