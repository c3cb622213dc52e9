from __future__ import annotations

import pytest
import torch

from ticketry.core.nets.augment import crop_flip
from ticketry.core.seed.streams import stream


def naive(x: torch.Tensor, draws: list[int], pad: int) -> torch.Tensor:
    """One image at a time, from the definition."""
    out = torch.empty_like(x)
    height, width = x.shape[2:]
    for image, draw, result in zip(x, draws, out, strict=True):
        place, flip = divmod(draw, 2)
        row, column = divmod(place, 2 * pad + 1)
        padded = torch.zeros(len(image), height + 2 * pad, width + 2 * pad, dtype=x.dtype)
        padded[:, pad : pad + height, pad : pad + width] = image
        crop = padded[:, row : row + height, column : column + width]
        result.copy_(crop.flip(-1) if flip else crop)
    return out


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize(
    ("shape", "pad"), [((300, 3, 32, 32), 4), ((7, 1, 5, 9), 2), ((4, 2, 3, 3), 0), ((0, 3, 8, 8), 4)]
)
def test_equals_the_naive_loop(dtype: torch.dtype, shape: tuple[int, ...], pad: int) -> None:
    x = torch.arange(torch.Size(shape).numel()).remainder(251).add(1).view(shape).to(dtype)
    kept = x.clone()
    source = stream(3, "augment", 0)
    draws = source.integers(shape[0], 2 * (2 * pad + 1) ** 2).tolist()
    assert torch.equal(crop_flip(x, source, pad), naive(x, draws, pad))
    assert torch.equal(x, kept)


def test_every_place_and_both_directions_occur_equally() -> None:
    corner = torch.zeros(20_000, 1, 8, 8)
    corner[:, 0, 4, 1] = 1
    found = crop_flip(corner, stream(0, "augment"), pad=1).flatten(1).nonzero()[:, 1].bincount(minlength=64)
    assert set(found.nonzero().flatten().tolist()) == {8 * r + c for r in (3, 4, 5) for c in (0, 1, 2, 5, 6, 7)}
    assert found[found > 0].float().sub(20_000 / 18).abs().max() < 5 * (20_000 / 18) ** 0.5


def test_another_stream_gives_other_images_and_the_global_generator_rests() -> None:
    x = torch.arange(64 * 3 * 64, dtype=torch.float32).view(64, 3, 8, 8)
    state = torch.get_rng_state()
    first = crop_flip(x, stream(0, "augment", 1))
    assert torch.equal(first, crop_flip(x, stream(0, "augment", 1)))
    assert not torch.equal(first, crop_flip(x, stream(0, "augment", 2)))
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_devices_agree() -> None:
    x = torch.arange(64 * 3 * 64).remainder(256).to(torch.uint8).view(64, 3, 8, 8)
    source = stream(0, "augment", 1)
    assert torch.equal(crop_flip(x, source), crop_flip(x.cuda(), source).cpu())
