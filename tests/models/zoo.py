"""Models that nobody here wrote, at random init and small: of `transformers`, and of the layers of torch.nn.

Each takes the digits, 8 x 8 numbers, as an image (enlarged) or as 16 tokens, and returns what it returns: logits, or an
object that has them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations as P

CLASSES = 10


class Image(nn.Module):
    """A network of images of `side` pixels; `body` may return any object with `logits`."""

    def __init__(self, body: nn.Module, side: int) -> None:
        super().__init__()
        self.body, self.side = body, side

    def forward(self, x: torch.Tensor) -> Any:
        x = x.view(-1, 1, 8, 8)
        return self.body(functional.interpolate(x, size=(self.side, self.side), mode="nearest"))


class Text(nn.Module):
    """A network of 16 tokens of 32 kinds."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: torch.Tensor) -> Any:
        return self.body(tokens(x))


def tokens(x: torch.Tensor) -> torch.Tensor:
    """Long[B, 16] of 1 to 31: the brightness of each square of four pixels."""
    grey = functional.avg_pool2d(x.view(-1, 1, 8, 8), 2).flatten(1)
    return (grey * 4 + 16).round().clamp(1, 31).long()


def _config(kind: str, **sizes: Any) -> Any:
    import transformers

    return getattr(transformers, f"{kind}Config")(**{"num_labels": CLASSES, **sizes})


def _model(kind: str, task: str, **sizes: Any) -> nn.Module:
    import transformers

    made: nn.Module = getattr(transformers, f"{kind}For{task}")(_config(kind, **sizes))
    return made


def image(kind: str, side: int = 16, **sizes: Any) -> Callable[[], nn.Module]:
    return lambda: Image(_model(kind, "ImageClassification", num_channels=1, **sizes), side)


def text(kind: str, **sizes: Any) -> Callable[[], nn.Module]:
    sizes = {"vocab_size": 32, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, **sizes}
    return lambda: Text(_model(kind, "SequenceClassification", **sizes))


class Of(nn.Module):
    """A network of the layers of torch: parts by name, and a function of them and the digits."""

    def __init__(self, use: Callable[[Any, torch.Tensor], torch.Tensor], **parts: nn.Module) -> None:
        super().__init__()
        self.use = use
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.use(self, x.view(-1, 8, 8))


def _recurrent(layer: nn.Module, width: int = 32) -> nn.Module:
    return Of(lambda m, x: m.head(m.body(x)[0][:, -1]), body=layer, head=nn.Linear(width, CLASSES))


def _encoder() -> nn.Module:
    layer = nn.TransformerEncoderLayer(24, 3, 48, batch_first=True, activation="gelu", norm_first=True)
    parts = {"embed": nn.Linear(8, 24), "body": nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)}
    return Of(lambda m, x: m.head(m.body(m.embed(x)).mean(1)), **parts, head=nn.Linear(24, CLASSES))


class Gated(nn.Module):
    """A block of a language model of today: RMSNorm, a gated unit, a scale of its own."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.scale = nn.RMSNorm(width), nn.Parameter(0.1 * torch.ones(width))
        self.up, self.gate = nn.Linear(width, 2 * width, bias=False), nn.Linear(width, 2 * width, bias=False)
        self.down = nn.Linear(2 * width, width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(x)
        return x + self.scale * self.down(functional.silu(self.gate(y)) * self.up(y))


def _gated() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 24), Gated(24), Gated(24), nn.RMSNorm(24), nn.Linear(24, CLASSES))


def _weight_norm() -> nn.Module:
    first, last = P.weight_norm(nn.Conv2d(1, 8, 3)), P.weight_norm(nn.Linear(72, CLASSES))
    return nn.Sequential(nn.Unflatten(1, (1, 8)), first, nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), last)


def _spectral() -> nn.Module:
    first, last = P.spectral_norm(nn.Linear(64, 48)), P.spectral_norm(nn.Linear(48, CLASSES))
    return nn.Sequential(nn.Flatten(), first, nn.LeakyReLU(0.1), last)


def _tied() -> nn.Module:
    def use(m: Any, x: torch.Tensor) -> torch.Tensor:
        table = m.table(tokens(x))
        return m.head(functional.linear(table.mean(1), m.out.weight).tanh())  # type: ignore[no-any-return]

    module = Of(use, table=nn.Embedding(32, 16), out=nn.Linear(16, 32, bias=False), head=nn.Linear(32, CLASSES))
    module.out.weight = module.table.weight  # type: ignore[union-attr, assignment]
    return module


def _shared() -> nn.Module:
    layer = nn.Linear(64, 64)
    return nn.Sequential(nn.Flatten(), layer, nn.Tanh(), layer, nn.Tanh(), nn.Linear(64, CLASSES))


def _bilinear() -> nn.Module:
    parts = {"body": nn.Bilinear(32, 32, 8), "head": nn.Linear(8, CLASSES)}
    return Of(lambda m, x: m.head(m.body(x[:, :4].flatten(1), x[:, 4:].flatten(1)).tanh()), **parts)


def _autoencoder() -> nn.Module:
    down, up = nn.Conv2d(1, 6, 3, stride=2), nn.ConvTranspose2d(6, 1, 4, stride=2)
    return nn.Sequential(
        nn.Unflatten(1, (1, 8)), down, nn.GroupNorm(2, 6), nn.SiLU(), up, nn.Flatten(), nn.Linear(64, CLASSES)
    )


def _embedding() -> nn.Module:
    parts = {"table": nn.Embedding(32, 8, padding_idx=0), "head": nn.Linear(128, CLASSES)}
    return Of(lambda m, x: m.head(m.table(tokens(x)).flatten(1)), **parts)


class Model(NamedTuple):
    """`source`: whose it is."""

    family: str
    source: str
    build: Callable[[], nn.Module]


_HIDDEN = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
_STAGES = {"depths": [1, 1], "num_stages": 2, "hidden_sizes": [8, 16]}
_LIBRARY: dict[str, tuple[str, Callable[[], nn.Module]]] = {
    "vit": ("vision transformer", image("ViT", image_size=16, patch_size=4, **_HIDDEN)),
    "deit": ("vision transformer", image("DeiT", image_size=16, patch_size=4, **_HIDDEN)),
    "beit": ("vision transformer", image("Beit", image_size=16, patch_size=4, layer_scale_init_value=0.1, **_HIDDEN)),
    "dinov2": ("vision transformer", image("Dinov2", image_size=16, patch_size=4, **_HIDDEN)),
    "convnext": ("convolution", image("ConvNext", 32, **_STAGES)),
    "convnextv2": ("convolution", image("ConvNextV2", 32, **_STAGES)),
    "resnet": (
        "convolution",
        image(
            "ResNet",
            16,
            embedding_size=8,
            depths=[1, 1],
            hidden_sizes=[8, 16],
            layer_type="basic",
        ),
    ),
    "resnet-bottleneck": (
        "convolution",
        image("ResNet", 16, embedding_size=8, depths=[1, 1], hidden_sizes=[8, 16], layer_type="bottleneck"),
    ),
    "regnet": (
        "convolution",
        image(
            "RegNet",
            16,
            embedding_size=8,
            depths=[1, 1],
            hidden_sizes=[8, 16],
            groups_width=4,
        ),
    ),
    "mobilenet-v1": ("separable convolution", image("MobileNetV1", 32, depth_multiplier=0.05, min_depth=4)),
    "mobilenet-v2": (
        "separable convolution",
        image(
            "MobileNetV2",
            32,
            depth_multiplier=0.05,
            min_depth=4,
            depth_divisible_by=4,
        ),
    ),
    "swin": (
        "windowed attention",
        image("Swin", 16, image_size=16, patch_size=2, embed_dim=8, depths=[1, 1], num_heads=[2, 2], window_size=2),
    ),
    "poolformer": (
        "pooling",
        image(
            "PoolFormer",
            32,
            depths=[1, 1],
            hidden_sizes=[8, 16],
            num_encoder_blocks=2,
            patch_sizes=[7, 3],
            strides=[4, 2],
            padding=[2, 1],
        ),
    ),
    "bert": ("text encoder", text("Bert", max_position_embeddings=16, **_HIDDEN)),
    "roberta": ("text encoder", text("Roberta", max_position_embeddings=20, **_HIDDEN)),
    "albert": ("shared layers", text("Albert", max_position_embeddings=16, embedding_size=8, **_HIDDEN)),
    "electra": ("text encoder", text("Electra", max_position_embeddings=16, embedding_size=8, **_HIDDEN)),
    "distilbert": (
        "text encoder",
        text("DistilBert", max_position_embeddings=16, dim=16, n_layers=2, n_heads=2, hidden_dim=32),
    ),
    "gpt2": ("text decoder", text("GPT2", n_positions=16, n_embd=16, n_layer=2, n_head=2)),
    "opt": (
        "text decoder",
        text(
            "OPT",
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            ffn_dim=32,
            max_position_embeddings=16,
            word_embed_proj_dim=16,
        ),
    ),
    "llama": ("text decoder", text("Llama", num_key_value_heads=1, max_position_embeddings=16, **_HIDDEN)),
    "fnet": (
        "Fourier mixing",
        text(
            "FNet",
            max_position_embeddings=16,
            hidden_size=16,
            num_hidden_layers=2,
            intermediate_size=32,
        ),
    ),
}
_TORCH: dict[str, tuple[str, Callable[[], nn.Module]]] = {
    "lstm": ("recurrent", lambda: _recurrent(nn.LSTM(8, 32, batch_first=True))),
    "bidirectional-gru": ("recurrent", lambda: _recurrent(nn.GRU(8, 16, bidirectional=True, batch_first=True))),
    "stacked-rnn": ("recurrent", lambda: _recurrent(nn.RNN(8, 32, num_layers=2, batch_first=True))),
    "transformer-encoder": ("attention", _encoder),
    "rms-norm": ("gated blocks", _gated),
    "weight-norm": ("weight norm", _weight_norm),
    "spectral-norm": ("spectral norm", _spectral),
    "tied": ("tied weights", _tied),
    "shared": ("shared layer", _shared),
    "bilinear": ("bilinear", _bilinear),
    "transposed": ("transposed convolution", _autoencoder),
    "embedding": ("padded embedding", _embedding),
}
MODELS: dict[str, Model] = {
    **{name: Model(family, "transformers", build) for name, (family, build) in _LIBRARY.items()},
    **{name: Model(family, "torch.nn", build) for name, (family, build) in _TORCH.items()},
}


def build(name: str) -> nn.Module:
    """A model by its name."""
    return MODELS[name].build()
