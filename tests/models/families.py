"""Small networks of the families of `transformers`, at random init; images are 3x16x16, tokens 16 numbers in [0, 1]."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

SIDE = {"image_size": 16, "num_labels": 4}
WIDTH = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}


def _of(family: str, config: str, task: str = "ForImageClassification", **options: Any) -> nn.Module:
    import transformers

    return getattr(transformers, family + task)(getattr(transformers, config)(**options))


def vit() -> nn.Module:
    return _of("ViT", "ViTConfig", **SIDE, **WIDTH, patch_size=4)


def deit() -> nn.Module:
    return _of("DeiT", "DeiTConfig", **SIDE, **WIDTH, patch_size=4)


def beit() -> nn.Module:
    options = {"use_relative_position_bias": True, "layer_scale_init_value": 0.1}
    return _of("Beit", "BeitConfig", **SIDE, **WIDTH, patch_size=4, **options)


def convnext() -> nn.Module:
    return _of("ConvNext", "ConvNextConfig", **SIDE, hidden_sizes=[8, 16], depths=[1, 1], num_stages=2, patch_size=2)


def swin() -> nn.Module:
    return _of("Swin", "SwinConfig", **SIDE, patch_size=2, embed_dim=8, depths=[1, 1], num_heads=[2, 2], window_size=4)


def resnet() -> nn.Module:
    options = {"hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}
    return _of("ResNet", "ResNetConfig", num_labels=4, embedding_size=8, **options)


def mobilenet() -> nn.Module:
    return _of("MobileNetV2", "MobileNetV2Config", **SIDE, depth_multiplier=0.15, min_depth=4)


def poolformer() -> nn.Module:
    options = {"patch_sizes": [3, 3], "strides": [2, 2], "padding": [1, 1], "pool_size": 3, "num_encoder_blocks": 2}
    return _of("PoolFormer", "PoolFormerConfig", num_labels=4, hidden_sizes=[8, 16], depths=[1, 1], **options)


class Tokens(nn.Module):
    """Numbers in [0, 1] as words of a vocabulary of 20."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> Any:
        return self.model(input_ids=(x.flatten(1)[:, :16] * 18).round().long().clamp(0, 18) + 1)


def bert() -> nn.Module:
    options = {"vocab_size": 20, "max_position_embeddings": 16, "num_labels": 4}
    return Tokens(_of("Bert", "BertConfig", "ForSequenceClassification", **WIDTH, **options))


def gpt2() -> nn.Module:
    options = {"vocab_size": 20, "n_positions": 16, "n_embd": 16, "n_layer": 2, "n_head": 2, "num_labels": 4}
    return Tokens(_of("GPT2", "GPT2Config", "ForSequenceClassification", pad_token_id=0, **options))


FAMILIES = (vit, deit, beit, convnext, swin, resnet, mobilenet, poolformer, bert, gpt2)
