"""Every module of torch.nn that has parameters or buffers: what its constructor decides is not lost."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from ticketry.core.generators import lent
from ticketry.core.masks.initial import outside
from ticketry.core.masks.roles import roles
from ticketry.core.nets import constructed
from ticketry.core.seed.weights import draws_bias

IMAGES = {1: torch.ones(2, 4, 8), 2: torch.ones(2, 4, 8, 8), 3: torch.ones(2, 4, 8, 8, 8)}
LAYERS: dict[str, Callable[[], nn.Module]] = {
    "AdaptiveLogSoftmaxWithLoss": lambda: nn.AdaptiveLogSoftmaxWithLoss(8, 20, [5, 10], head_bias=True),
    "Bilinear": lambda: nn.Bilinear(3, 4, 5),
    "Embedding": lambda: nn.Embedding(7, 4, padding_idx=2),
    "EmbeddingBag": lambda: nn.EmbeddingBag(7, 4, padding_idx=6),
    "GRU": lambda: nn.GRU(4, 5, 2, bidirectional=True),
    "GRUCell": lambda: nn.GRUCell(4, 5),
    "GroupNorm": lambda: nn.GroupNorm(2, 4),
    "LSTM": lambda: nn.LSTM(4, 6, proj_size=3),
    "LSTMCell": lambda: nn.LSTMCell(4, 5),
    "LayerNorm": lambda: nn.LayerNorm((4, 3)),
    "Linear": lambda: nn.Linear(4, 5),
    "LinearCrossEntropyLoss": lambda: nn.LinearCrossEntropyLoss(4, 5),
    "MultiheadAttention": lambda: nn.MultiheadAttention(8, 2, add_bias_kv=True, kdim=4, vdim=6),
    "PReLU": lambda: nn.PReLU(3),
    "RMSNorm": lambda: nn.RMSNorm(4),
    "RNN": lambda: nn.RNN(4, 5),
    "RNNBase": lambda: nn.RNNBase("GRU", 4, 5),
    "RNNCell": lambda: nn.RNNCell(4, 5),
    "RNNCellBase": lambda: nn.RNNCellBase(4, 5, True, 3),
    "SyncBatchNorm": lambda: nn.SyncBatchNorm(4),
    "Transformer": lambda: nn.Transformer(8, 2, 1, 1, 16),
    "TransformerDecoder": lambda: nn.TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16), 2),
    "TransformerDecoderLayer": lambda: nn.TransformerDecoderLayer(8, 2, 16),
    "TransformerEncoder": lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16), 2),
    "TransformerEncoderLayer": lambda: nn.TransformerEncoderLayer(8, 2, 16),
    "LazyLinear": lambda: _set_up(nn.LazyLinear(5), torch.ones(2, 3)),
    **{f"BatchNorm{d}d": lambda d=d: getattr(nn, f"BatchNorm{d}d")(4) for d in IMAGES},
    **{f"InstanceNorm{d}d": lambda d=d: getattr(nn, f"InstanceNorm{d}d")(4, affine=True) for d in IMAGES},
    **{f"Conv{d}d": lambda d=d: getattr(nn, f"Conv{d}d")(4, 6, 3, groups=2) for d in IMAGES},
    **{f"ConvTranspose{d}d": lambda d=d: getattr(nn, f"ConvTranspose{d}d")(4, 6, 3) for d in IMAGES},
    **{f"LazyConv{d}d": lambda d=d: _set_up(getattr(nn, f"LazyConv{d}d")(6, 3), IMAGES[d]) for d in IMAGES},
    **{
        f"LazyConvTranspose{d}d": lambda d=d: _set_up(getattr(nn, f"LazyConvTranspose{d}d")(6, 3), IMAGES[d])
        for d in IMAGES
    },
    **{f"LazyBatchNorm{d}d": lambda d=d: _set_up(getattr(nn, f"LazyBatchNorm{d}d")(), IMAGES[d]) for d in IMAGES},
    **{
        f"LazyInstanceNorm{d}d": lambda d=d: _set_up(getattr(nn, f"LazyInstanceNorm{d}d")(affine=True), IMAGES[d])
        for d in IMAGES
    },
    "BCELoss": lambda: nn.BCELoss(weight=torch.tensor([1.0, 2.0])),
    "BCEWithLogitsLoss": lambda: nn.BCEWithLogitsLoss(pos_weight=torch.tensor([1.0, 2.0])),
    "CrossEntropyLoss": lambda: nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0])),
    "MultiLabelSoftMarginLoss": lambda: nn.MultiLabelSoftMarginLoss(weight=torch.tensor([1.0, 2.0])),
    "MultiMarginLoss": lambda: nn.MultiMarginLoss(weight=torch.tensor([1.0, 2.0])),
    "NLLLoss": lambda: nn.NLLLoss(weight=torch.tensor([1.0, 2.0])),
}
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "CrossMapLRN2d": (2,),
    "ChannelShuffle": (2,),
    "Fold": ((4, 4), 2),
    "FractionalMaxPool2d": (2, 1),
    "FractionalMaxPool3d": (2, 1),
    "Threshold": (0.1, 20),
    "Unflatten": (1, (2, 2)),
    **{f"{kind}Pad{d}d": (1,) for kind in ("Circular", "Reflection", "Replication", "Zero") for d in IMAGES},
    **{f"ConstantPad{d}d": (1, 0.5) for d in IMAGES},
    **{f"LPPool{d}d": (2, 2) for d in IMAGES},
}
CONTAINERS = {"DataParallel"}  # have those of what they are given


def _set_up(module: nn.Module, x: torch.Tensor) -> nn.Module:
    with torch.no_grad():
        module.eval()(x)
    return module


def _built(name: str, seed: int) -> nn.Module:
    with warnings.catch_warnings(), lent(seed):
        warnings.simplefilter("ignore")
        return LAYERS[name]()


def test_the_list_is_whole() -> None:
    """A module of torch.nn that is not in it has neither parameters nor buffers."""
    for name in dir(nn):
        kind = getattr(nn, name)
        if isinstance(kind, type) and issubclass(kind, nn.Module) and name not in {*LAYERS, *CONTAINERS}:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    module = kind(*ARGUMENTS.get(name, ()))
                except TypeError:
                    module = kind(2)
            assert not [*module.parameters(), *module.buffers()], name


@pytest.mark.parametrize("kind", ["kaiming-normal", "torch-default"])
@pytest.mark.parametrize("name", [name for name in LAYERS if hasattr(nn, name)])
def test_what_the_constructor_decides_is_kept_and_what_it_draws_is_drawn(name: str, kind: Any) -> None:
    module, other = _built(name, 0), _built(name, 1)
    found, known = outside(module, (), kind, 3, other), roles(module)
    drawn = {each for each, _, _ in found.drawn}
    second = dict(other.named_parameters())
    for each, parameter in module.named_parameters():
        built = parameter.detach().numpy()
        assert found.values[each].shape == built.shape
        if each in drawn:
            assert not np.array_equal(found.values[each], built)
            zeros = (built == 0) & (second[each].detach().numpy() == 0)
            assert (found.values[each][zeros] == 0).all() or known[each].is_bias
        elif known[each].is_bias:
            assert not draws_bias(kind) or not built.any()
            assert not found.values[each].any()
        else:
            assert np.array_equal(found.values[each], built), "the constructor's value is lost"
            assert torch.equal(parameter, second[each]), "what is random has to be drawn"
    assert constructed.random_buffers(module, other) == {}


@pytest.mark.parametrize("name", ["Embedding", "EmbeddingBag"])
def test_padding_rows_stay_zero(name: str) -> None:
    module, other = _built(name, 0), _built(name, 1)
    start = module.padding_idx * 4
    for second in (other, None):
        found = outside(module, (), "uniform", 3, second)
        assert found.zeros == (("weight", start, start + 4),)
        assert int((found.values["weight"] == 0).sum()) == 4
