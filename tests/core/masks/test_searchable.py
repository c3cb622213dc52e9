"""What is searched by default and what is said of the rest, over the layers that torch has."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize, prune

from ticketry.core.errors import RequestError
from ticketry.core.masks import space
from ticketry.core.masks.searchable import coverage, listed


@pytest.fixture(autouse=True)
def _generator_restored() -> object:
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # the older weight norm is deprecated
        yield


class Doubled(nn.Module):
    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return 2 * weight + 1


def doubled() -> nn.Module:
    layer = nn.Linear(4, 3)
    parametrize.register_parametrization(layer, "weight", Doubled())
    return layer


def two_norms() -> nn.Module:
    return parametrizations.spectral_norm(parametrizations.weight_norm(nn.Linear(4, 3)))


BY_DEFAULT: dict[str, tuple[Callable[[], nn.Module], list[str]]] = {
    "linear": (lambda: nn.Linear(4, 3), ["weight"]),
    "bilinear": (lambda: nn.Bilinear(4, 3, 2), ["weight"]),
    "convolution": (lambda: nn.Conv3d(2, 2, 2), ["weight"]),
    "transposed": (lambda: nn.ConvTranspose1d(2, 2, 2), ["weight"]),
    "lstm": (lambda: nn.LSTM(4, 3, proj_size=2), ["weight_ih_l0", "weight_hh_l0", "weight_hr_l0"]),
    "gru": (
        lambda: nn.GRU(4, 3, bidirectional=True),
        ["weight_ih_l0", "weight_hh_l0", "weight_ih_l0_reverse", "weight_hh_l0_reverse"],
    ),
    "rnn": (lambda: nn.RNN(4, 3, bias=False), ["weight_ih_l0", "weight_hh_l0"]),
    "cell": (lambda: nn.LSTMCell(4, 3), ["weight_ih", "weight_hh"]),
    "attention": (lambda: nn.MultiheadAttention(4, 2), ["in_proj_weight", "out_proj.weight"]),
    "attention of other sizes": (
        lambda: nn.MultiheadAttention(4, 2, kdim=3, vdim=2, add_bias_kv=True),
        ["q_proj_weight", "k_proj_weight", "v_proj_weight", "out_proj.weight"],
    ),
    "weight norm": (lambda: parametrizations.weight_norm(nn.Linear(4, 3)), ["parametrizations.weight.original1"]),
    "older weight norm": (lambda: nn.utils.weight_norm(nn.Linear(4, 3)), ["weight_v"]),
    "spectral norm": (lambda: parametrizations.spectral_norm(nn.Conv1d(4, 3, 2)), ["parametrizations.weight.original"]),
    "older spectral norm": (lambda: nn.utils.spectral_norm(nn.Linear(4, 3)), ["weight_orig"]),
    "weight norm of a recurrent layer": (
        lambda: parametrizations.weight_norm(nn.GRU(4, 3), "weight_hh_l0"),
        ["weight_ih_l0", "parametrizations.weight_hh_l0.original1"],
    ),
    "beside others": (lambda: nn.Sequential(nn.Embedding(3, 4), nn.LayerNorm(4), nn.Linear(4, 3)), ["2.weight"]),
    "any parametrization": (lambda: nn.Sequential(doubled(), nn.Linear(3, 3)), ["1.weight"]),
    "two of them": (lambda: nn.Sequential(two_norms(), nn.Linear(3, 3)), ["1.weight"]),
}


@pytest.mark.parametrize("kind", BY_DEFAULT)
def test_what_is_searched_by_default(kind: str) -> None:
    build, names = BY_DEFAULT[kind]
    assert sorted(layer.name for layer in space.find(build()).layers) == sorted(names)


def test_everything_is_to_be_had_by_name() -> None:
    for build, _ in BY_DEFAULT.values():
        module = build()
        for name, parameter in module.named_parameters():
            assert [layer.shape for layer in space.find(module, [name]).layers] == [tuple(parameter.shape)]


def test_a_tied_weight_is_searched_once_though_one_of_its_layers_is_an_embedding() -> None:
    module = nn.ModuleDict({"table": nn.Embedding(5, 3), "head": nn.Linear(3, 5, bias=False)})
    module["head"].weight = module["table"].weight
    found = space.find(module)
    assert [layer.name for layer in found.layers] == ["table.weight"]
    assert coverage(module, ["table.weight"]).sentences == []


class Tokens(nn.Module):
    """Everything that may stay outside: an embedding, scales, positions of its own, biases."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.lstm = nn.Embedding(7, 8), nn.LSTM(8, 32)
        self.place, self.first = nn.Parameter(torch.zeros(1, 5, 8)), nn.Parameter(torch.zeros(1, 1, 8))
        self.norm, self.fc = nn.LayerNorm(32), parametrizations.weight_norm(nn.Linear(32, 10))


def test_what_stays_outside_is_counted_and_named() -> None:
    module = Tokens()
    found = coverage(module, [layer.name for layer in space.find(module).layers])
    assert (found.searched, found.total) == (5_440, 5_440 + 56 + 40)
    (sentence,) = found.sentences
    assert "5,440 of 5,536 weights; Tokens and Embedding weights are not (place and table.weight)" in sentence
    assert "search.include" in sentence
    some = coverage(module, ["fc.parametrizations.weight.original1"])
    assert (some.searched, some.total) == (320, 5_536)
    assert {kind for kind, _, _ in some.outside} == {"Tokens", "Embedding", "LSTM"}
    none = coverage(module, ["place", "table.weight", "lstm.weight_ih_l0", "lstm.weight_hh_l0"])
    assert none.outside == (("Linear", "fc.parametrizations.weight.original1", 320),)
    assert coverage(nn.Linear(5, 1), ["bias"]).outside == (("Linear", "weight", 5),)


def test_the_sentence_is_short_however_many_there_are() -> None:
    module = nn.ModuleDict({f"{'long' * 50}{number}": nn.Linear(2, 2) for number in range(300)})
    (sentence,) = coverage(module, []).sentences
    assert "294 more" in sentence
    assert len(sentence) < 600
    with pytest.raises(RequestError, match=r"594 more") as caught:
        space.find(module, ["nothing"])
    assert len(str(caught.value)) < 700


def test_lists_of_names() -> None:
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a or b", "a, b or c"]


def test_without_a_layer_to_search_the_names_are_told() -> None:
    with pytest.raises(RequestError, match=r"search\.include: 'parametrizations.weight.original'|'bias' or '"):
        space.find(doubled())


class TestPruned:
    def module(self) -> nn.Module:
        module = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2))
        prune.l1_unstructured(module[0], "weight", 0.5)
        return module

    def test_a_layer_under_a_mask_of_torch_is_refused(self) -> None:
        with pytest.raises(RequestError, match=r"'0\.weight_orig'.*prune\.remove.*search\.exclude"):
            space.find(self.module())
        with pytest.raises(RequestError, match=r"0\.weight_orig"):
            space.find(self.module(), include=["*"])

    def test_it_may_be_left_out_or_made_plain(self) -> None:
        module = self.module()
        assert [layer.name for layer in space.find(module, exclude=["0.weight_orig"]).layers] == ["1.weight"]
        prune.remove(module[0], "weight")
        assert len(space.find(module).layers) == 2
