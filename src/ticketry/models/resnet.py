"""Residual networks for small images: ResNet-20 and ResNet-18 in their CIFAR versions.

Source: He et al., "Deep residual learning", CVPR 2016. ResNet-20 is that of section 4.2, whose shortcuts have no
weights (option A: every second pixel, absent channels zero). ResNet-18 is that of table 1 with 1x1 convolutions in
its shortcuts (option B) and, as is usual for 32x32 images, a 3x3 first layer of stride 1 and no maximum after it.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional

from ticketry.models.layers import Named, check_options, convolution, image_shape, stack, to_image, widths


class Block(nn.Module):
    """Two convolutions, added to what came in: itself, an option-A shortcut, or its 1x1 convolution `shortcut`."""

    def __init__(self, channels: int, out: int, stride: int, norm: str, bias: bool, project: bool) -> None:
        super().__init__()
        self.stride, self.extra = stride, out - channels
        self.conv1, self.norm1 = convolution(channels, out, norm, bias, stride=stride)
        self.conv2, self.norm2 = convolution(out, out, norm, bias)
        self.shortcut: nn.Conv2d | None = None
        if project and (stride > 1 or self.extra):
            self.shortcut, self.shortcut_norm = convolution(channels, out, norm, bias, kernel=1, stride=stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) to (N, out, H / stride, W / stride)."""
        y = self.norm2(self.conv2(functional.relu(self.norm1(self.conv1(x)))))
        if self.shortcut is not None:
            return functional.relu(y + self.shortcut_norm(self.shortcut(x)))
        near = x[:, :, :: self.stride, :: self.stride]
        return functional.relu(y + functional.pad(near, (0, 0, 0, 0, 0, self.extra)))


def resnet20(
    input_shape: tuple[int, ...], classes: int, *, width: float = 1.0, norm: str = "batch-plain", bias: bool = True
) -> nn.Module:
    """Three stages of three blocks, 16, 32 and 64 channels; 268,336 weights in 20 layers for CIFAR-10."""
    return _resnet("resnet20", input_shape, classes, (16, 32, 64), 3, width, norm, bias, project=False)


def resnet18(
    input_shape: tuple[int, ...], classes: int, *, width: float = 1.0, norm: str = "batch-plain", bias: bool = True
) -> nn.Module:
    """Four stages of two blocks, 64 to 512 channels; 11,164,352 weights in 21 layers for CIFAR-10."""
    return _resnet("resnet18", input_shape, classes, (64, 128, 256, 512), 2, width, norm, bias, project=True)


def _resnet(
    model: str,
    input_shape: tuple[int, ...],
    classes: int,
    sizes: tuple[int, ...],
    blocks: int,
    width: float,
    norm: str,
    bias: bool,
    project: bool,
) -> nn.Module:
    check_options(model, norm, bias)
    image = image_shape(model, input_shape, smallest=4)

    def parts() -> Iterator[Named]:
        yield from to_image(image)
        out, *_ = scaled = widths(model, sizes, width)
        first, normed = convolution(image[0], out, norm, bias)
        yield from (("conv1", first), ("norm1", normed), ("relu1", nn.ReLU()))
        channels = out
        for stage, out in enumerate(scaled, 1):
            stride = 1 if stage == 1 else 2
            rest = (Block(out, out, 1, norm, bias, project) for _ in range(blocks - 1))
            yield f"block{stage}", nn.Sequential(Block(channels, out, stride, norm, bias, project), *rest)
            channels = out
        yield from (("pool", nn.AdaptiveAvgPool2d(1)), ("features", nn.Flatten()))
        yield "fc", nn.Linear(channels, classes, bias=bias)

    return stack(parts())
