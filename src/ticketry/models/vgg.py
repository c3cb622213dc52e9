"""VGG-16 in its CIFAR version: 13 convolutions in five stages, then one linear layer.

Source: Simonyan & Zisserman, ICLR 2015, configuration D, its three linear layers replaced by one as is usual for
32x32 images.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from ticketry.models.layers import Named, check_options, convolution, image_shape, stack, to_image, widths

_STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


def vgg16(
    input_shape: tuple[int, ...], classes: int, *, width: float = 1.0, norm: str = "batch-plain", bias: bool = True
) -> nn.Module:
    """64 to 512 channels, images of at least 32x32; 14,715,584 weights in 14 layers for CIFAR-10."""
    check_options("vgg16", norm, bias)
    image = image_shape("vgg16", input_shape, smallest=32)
    sizes = widths("vgg16", tuple(size for size, _ in _STAGES), width)

    def parts() -> Iterator[Named]:
        yield from to_image(image)
        channels, index = image[0], 0
        for stage, (out, (_, depth)) in enumerate(zip(sizes, _STAGES, strict=True), 1):
            for _ in range(depth):
                index += 1
                layer, normed = convolution(channels, out, norm, bias)
                yield from ((f"conv{index}", layer), (f"norm{index}", normed), (f"relu{index}", nn.ReLU()))
                channels = out
            yield f"pool{stage}", nn.MaxPool2d(2)
        yield from (("pool", nn.AdaptiveAvgPool2d(1)), ("features", nn.Flatten()))
        yield "fc", nn.Linear(channels, classes, bias=bias)

    return stack(parts())
