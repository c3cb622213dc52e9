"""Conv-2, Conv-4 and Conv-6: pairs of 3x3 convolutions and a 2x2 maximum, then two hidden layers of 256.

Source: Frankle & Carbin, "The lottery ticket hypothesis", ICLR 2019, figure 2. `width` multiplies channels and hidden
sizes, as in Ramanujan et al. 2020; an image side that is odd loses its last row at the maximum.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from ticketry.models.layers import Named, check_options, convolution, image_shape, linear, stack, to_image, widths

_CHANNELS = (64, 128, 256)


def conv2(
    input_shape: tuple[int, ...], classes: int, *, width: float = 1.0, norm: str = "none", bias: bool = True
) -> nn.Module:
    """One pair of convolutions; 4,300,992 weights for CIFAR-10."""
    return _conv(2, input_shape, classes, width, norm, bias)


def conv4(
    input_shape: tuple[int, ...], classes: int, *, width: float = 1.0, norm: str = "none", bias: bool = True
) -> nn.Module:
    """Two pairs of convolutions; 2,425,024 weights for CIFAR-10."""
    return _conv(4, input_shape, classes, width, norm, bias)


def conv6(
    input_shape: tuple[int, ...], classes: int, *, width: float = 1.0, norm: str = "none", bias: bool = True
) -> nn.Module:
    """Three pairs of convolutions; 2,261,184 weights for CIFAR-10."""
    return _conv(6, input_shape, classes, width, norm, bias)


def _conv(depth: int, input_shape: tuple[int, ...], classes: int, width: float, norm: str, bias: bool) -> nn.Module:
    model = f"conv{depth}"
    check_options(model, norm, bias)
    image = image_shape(model, input_shape, smallest=max(4, 2 ** (depth // 2)))
    *channels, hidden = widths(model, (*_CHANNELS[: depth // 2], 256), width)
    return stack(_parts(image, channels, hidden, classes, norm, bias))


def _parts(
    image: tuple[int, int, int], sizes: list[int], hidden: int, classes: int, norm: str, bias: bool
) -> Iterator[Named]:
    yield from to_image(image)
    channels, height, width = image
    for pair, out in enumerate(sizes):
        for index in (2 * pair + 1, 2 * pair + 2):
            layer, normed = convolution(channels, out, norm, bias)
            yield from ((f"conv{index}", layer), (f"norm{index}", normed), (f"relu{index}", nn.ReLU()))
            channels = out
        yield f"pool{pair + 1}", nn.MaxPool2d(2)
        height, width = height // 2, width // 2
    yield "features", nn.Flatten()
    features = channels * height * width
    for index in (1, 2):
        full, _ = linear(features, hidden, "none", bias)
        yield from ((f"fc{index}", full), (f"fc{index}_relu", nn.ReLU()))
        features = hidden
    yield "fc3", nn.Linear(features, classes, bias=bias)
