"""What the built-in networks share: the shape of an image, a layer with its norm, and the checks of their arguments."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable, Iterator

from torch import nn

from ticketry.core.errors import refuse

Named = tuple[str, nn.Module]
_NORMS = ("none", "batch-plain", "batch")


def image_shape(model: str, shape: tuple[int, ...], smallest: int) -> tuple[int, int, int]:
    """Channels, height and width of one example: (H, W) is grey, and so is a flat square such as (784,).

    Raises RequestError where this is no image, or has fewer than `smallest` pixels on a side.
    """
    side = math.isqrt(shape[0]) if len(shape) == 1 else 0
    image = (side, side) if side * side == shape[0] else shape
    image = (1, *image) if len(image) == 2 else image
    if len(image) != 3 or min(image[1:]) < smallest:
        allowed = f"for images (H, W) or (C, H, W) of at least {smallest}x{smallest}"
        raise refuse(
            "model", f"{model} for data of shape {shape}", allowed, "choose another model, or reshape the data"
        )
    return image[0], image[1], image[2]


def to_image(shape: tuple[int, int, int]) -> Iterator[Named]:
    """Bring a batch of any shape with as many numbers to (N, C, H, W)."""
    yield "flatten", nn.Flatten()
    yield "image", nn.Unflatten(1, shape)


def convolution(
    channels: int, out: int, norm: str, bias: bool, *, kernel: int = 3, stride: int = 1
) -> tuple[nn.Conv2d, nn.Module]:
    """A convolution that keeps the image's size (over the stride), and its norm, in whose presence it has no bias."""
    layer = nn.Conv2d(channels, out, kernel, stride, kernel // 2, bias=bias and norm == "none")
    return layer, nn.Identity() if norm == "none" else nn.BatchNorm2d(out, affine=norm == "batch", device="cpu")


def linear(features: int, out: int, norm: str, bias: bool) -> tuple[nn.Linear, nn.Module]:
    """A linear layer and its norm, in whose presence it has no bias."""
    layer = nn.Linear(features, out, bias=bias and norm == "none")
    return layer, nn.Identity() if norm == "none" else nn.BatchNorm1d(out, affine=norm == "batch", device="cpu")


def stack(parts: Iterable[Named]) -> nn.Sequential:
    """The parts in order under their names, absent norms left out."""
    return nn.Sequential(OrderedDict((name, part) for name, part in parts if not isinstance(part, nn.Identity)))


def widths(model: str, sizes: tuple[int, ...], width: object) -> tuple[int, ...]:
    """The sizes times the factor `width`, in (0, 16], rounded, at least one."""
    if isinstance(width, bool) or not isinstance(width, int | float) or not 0 < width <= 16:
        raise refuse(f"model {model}: width", repr(width), "a number in (0, 16]", "use 1.0 for the published sizes")
    return tuple(max(1, round(size * width)) for size in sizes)


def check_options(model: str, norm: object, bias: object) -> None:
    """Raise RequestError unless `norm` is one of the three and `bias` is True or False."""
    if norm not in _NORMS:
        raise refuse(f"model {model}: norm", repr(norm), "'none', 'batch-plain' or 'batch'", "use one of them")
    if not isinstance(bias, bool):
        raise refuse(f"model {model}: bias", repr(bias), "True or False", "use one of them")
