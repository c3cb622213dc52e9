"""Small networks of many families for the tiny problem, 16 numbers to 4 classes, and the law of methods on them."""

from __future__ import annotations

import copy
import json
import warnings
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from tests.laws import tiny
from tests.laws.tiny import MethodClass
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations as P

from ticketry.core.errors import RequestError
from ticketry.core.meters import Budget
from ticketry.core.trust import typed
from ticketry.runs.problem import problem_of_experiment
from ticketry.ticket.evaluate import evaluate

SHORT = Budget(epochs=2, generations=2)
LESS = {"examples": 3, "rounds": 2, "population": 4, "tries": 2, "pairs": 1, "earliest": 0}  # fields that cost time


class Of(nn.Module):
    """Parts by name, and a function of them and the examples."""

    def __init__(self, use: Callable[[Of, torch.Tensor], torch.Tensor], **parts: nn.Module) -> None:
        super().__init__()
        self.use = use
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.use(self, x)


def _words(x: torch.Tensor) -> torch.Tensor:
    """16 numbers as four words of 4."""
    return x.view(-1, 4, 4)


def _tokens(x: torch.Tensor) -> torch.Tensor:
    """16 numbers as 16 of 8 tokens."""
    return (x.clamp(-1.99, 1.99) * 2 + 4).long()


def _plain(*parts: nn.Module) -> nn.Module:
    return nn.Sequential(*parts)


def _recurrent(layer: nn.Module) -> nn.Module:
    return Of(lambda m, x: m.head(m.body(_words(x))[0][:, -1]), body=layer, head=nn.Linear(6, 4))  # type: ignore[operator]


def _cell(m: Of, x: torch.Tensor) -> torch.Tensor:
    h = x.new_zeros(len(x), 6)
    for word in _words(x).unbind(1):
        h = m.body(word, h)  # type: ignore[operator]
    return m.head(h)  # type: ignore[operator, no-any-return]


def _tied() -> nn.Module:
    def use(m: Of, x: torch.Tensor) -> torch.Tensor:
        found = functional.linear(m.table(_tokens(x)).mean(1), m.out.weight)  # type: ignore[operator, arg-type]
        return m.head(found.tanh())  # type: ignore[operator, no-any-return]

    module = Of(use, table=nn.Embedding(8, 5), out=nn.Linear(5, 8, bias=False), head=nn.Linear(8, 4))
    module.out.weight = module.table.weight  # type: ignore[union-attr, assignment]
    return module


def _shared() -> nn.Module:
    layer = nn.Linear(16, 16)
    return nn.Sequential(layer, nn.Tanh(), layer, nn.Tanh(), nn.Linear(16, 4))


def _attention() -> nn.Module:
    def use(m: Of, x: torch.Tensor) -> torch.Tensor:
        words = _words(x)
        return m.head((words + m.body(words, words, words, need_weights=False)[0]).flatten(1))  # type: ignore[operator, no-any-return]

    return Of(use, body=nn.MultiheadAttention(4, 2, batch_first=True), head=nn.Linear(16, 4))


def _other_attention() -> nn.Module:
    """With keys and values of other sizes, and weights that are asked for."""

    def use(m: Of, x: torch.Tensor) -> torch.Tensor:
        words = _words(x)
        return m.head(m.body(words, words[..., :3], words[..., :2])[0].flatten(1))  # type: ignore[operator, no-any-return]

    return Of(use, body=nn.MultiheadAttention(4, 2, kdim=3, vdim=2, batch_first=True), head=nn.Linear(16, 4))


def _transformer() -> nn.Module:
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)
    body = nn.TransformerEncoder(layer, 1)
    return Of(lambda m, x: m.head(m.body(_words(x)).flatten(1)), body=body, head=nn.Linear(16, 4))  # type: ignore[operator]


def _decoder() -> nn.Module:
    def use(m: Of, x: torch.Tensor) -> torch.Tensor:
        words = _words(x)
        return m.head(m.body(words[:, 1:], words).flatten(1))  # type: ignore[operator, no-any-return]

    return Of(use, body=nn.TransformerDecoderLayer(4, 2, 8, batch_first=True), head=nn.Linear(12, 4))


def _bilinear() -> nn.Module:
    return Of(lambda m, x: m.head(m.body(x[:, :8], x[:, 8:]).tanh()), body=nn.Bilinear(8, 8, 6), head=nn.Linear(6, 4))  # type: ignore[operator]


def _embedding() -> nn.Module:
    return Of(
        lambda m, x: m.head(m.table(_tokens(x)).flatten(1)),  # type: ignore[operator]
        table=nn.Embedding(8, 3, padding_idx=0),
        head=nn.Linear(48, 4),
    )


def _image(body: nn.Module, out: int, *shape: int) -> nn.Module:
    return nn.Sequential(nn.Unflatten(1, shape), body, nn.ReLU(), nn.Flatten(), nn.Linear(out, 4))


def _normed(norm: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Unflatten(1, (4, 4)), nn.Conv1d(4, 4, 1), norm, nn.ReLU(), nn.Flatten(), nn.Linear(16, 4))


def _weights(norm: Callable[[nn.Module], nn.Module]) -> nn.Module:
    return nn.Sequential(norm(nn.Linear(16, 8)), nn.ReLU(), norm(nn.Linear(8, 4)))


def _buffered() -> nn.Module:
    """A buffer of floats that the network adds, and one of whole numbers that it looks up."""
    module = Of(
        lambda m, x: m.head((m.body(x)[:, m.order] + m.place).relu()), body=nn.Linear(16, 8), head=nn.Linear(8, 4)
    )  # type: ignore[operator, index]
    module.register_buffer("place", torch.linspace(-1, 1, 8))
    module.register_buffer("order", torch.arange(7, -1, -1))
    return module


FAMILIES: dict[str, Callable[[], nn.Module]] = {
    "linear": lambda: _plain(nn.Linear(16, 8), nn.GELU(), nn.Linear(8, 4)),
    "conv1d": lambda: _image(nn.Conv1d(1, 3, 3, stride=2), 21, 1, 16),
    "conv2d": lambda: _image(nn.Conv2d(1, 4, 3, groups=1), 16, 1, 4, 4),
    "conv3d": lambda: _image(nn.Conv3d(1, 4, 2), 12, 1, 2, 2, 4),
    "transposed": lambda: _image(nn.ConvTranspose2d(1, 2, 2, stride=2), 128, 1, 4, 4),
    "lstm": lambda: _recurrent(nn.LSTM(4, 6, batch_first=True)),
    "projected lstm": lambda: _recurrent(nn.LSTM(4, 8, num_layers=2, proj_size=6, batch_first=True)),
    "gru": lambda: _recurrent(nn.GRU(4, 3, bidirectional=True, batch_first=True)),
    "rnn": lambda: _recurrent(nn.RNN(4, 6, batch_first=True)),
    "cell": lambda: Of(_cell, body=nn.GRUCell(4, 6), head=nn.Linear(6, 4)),
    "attention": _attention,
    "other attention": _other_attention,
    "transformer encoder": _transformer,
    "transformer decoder": _decoder,
    "embedding": _embedding,
    "bilinear": _bilinear,
    "tied": _tied,
    "shared": _shared,
    "buffers": _buffered,
    "weight norm": lambda: _weights(P.weight_norm),
    "older weight norm": lambda: _weights(nn.utils.weight_norm),
    "spectral norm": lambda: _weights(P.spectral_norm),
    "older spectral norm": lambda: _weights(nn.utils.spectral_norm),
    "weight norm of a recurrent layer": lambda: _recurrent(
        P.weight_norm(nn.LSTM(4, 6, batch_first=True), "weight_hh_l0")
    ),
    "batch norm": lambda: _plain(nn.Linear(16, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4)),
    "batch norm without statistics": lambda: _normed(nn.BatchNorm1d(4, track_running_stats=False)),
    "instance norm": lambda: _normed(nn.InstanceNorm1d(4)),
    "instance norm with statistics": lambda: _normed(nn.InstanceNorm1d(4, affine=True, track_running_stats=True)),
    "group norm": lambda: _normed(nn.GroupNorm(2, 4)),
    "layer norm": lambda: _normed(nn.LayerNorm(4)),
    "rms norm": lambda: _normed(nn.RMSNorm(4)),
    "local response norm": lambda: _normed(nn.LocalResponseNorm(2)),
}

REFUSED: dict[str, tuple[str, ...]] = {
    "batch norm without statistics": ("bernoulli-nes", "genetic", "hill-climbing"),
}
"""Methods that cannot work on a family, which they say in a sentence."""


def ignore_warnings_of_torch() -> None:
    """Of its older weight norm, which is deprecated, and of a kernel that projected recurrent layers do not have."""
    warnings.simplefilter("ignore", FutureWarning)
    warnings.filterwarnings("ignore", "LSTM with projections", UserWarning)


def build(family: str) -> nn.Module:
    """A network of a family."""
    return FAMILIES[family]()


def text(family: str) -> str:
    """How a network of a family is named."""
    return f"tests.laws.families:build({family!r})"


def law(method_class: MethodClass, name: str, family: str) -> None:
    """A method works on a network of any family, and its ticket is that network; or it says in a sentence why not."""
    fields = {field: value for field, value in LESS.items() if hasattr(method_class, field)}
    budget = replace(SHORT, evaluations=40) if "population" in fields else SHORT
    wanted = replace(tiny.experiment(method_class(**fields), budget), model=text(family))
    with tiny.directory() as out:
        if name in REFUSED.get(family, ()):
            with pytest.raises(RequestError) as refused:
                tiny.execute(wanted, out)
            assert "\n" not in str(refused.value)
            assert len(str(refused.value)) < 1000
            return
        run = tiny.execute(wanted, out)
        ticket, result = run.ticket, run.result
    again = evaluate(ticket, tiny.dataset())
    assert again["accuracy"] == result["accuracy"]["test"], "the ticket answers otherwise than the search said"
    assert json.dumps(result, allow_nan=False)
    problem = problem_of_experiment(wanted, dataset=tiny.dataset(), trust=typed(wanted.model))
    task, x = problem.task, problem.test.x
    mask = torch.from_numpy(ticket.content.mask.copy())
    flat = task.effective(task.space.narrow(mask))
    if ticket.content.values is not None:
        return
    here = task._net.eval_logits(task._named(flat), x, task.norms(flat))
    there = ticket.module()(x)
    torch.testing.assert_close(here, there, atol=1e-6, rtol=1e-6)
    net = ticket.module(trainable=True).eval()
    torch.testing.assert_close(net(x), there, atol=1e-5, rtol=1e-5)
    assert torch.equal(copy.deepcopy(net)(x), net(x))
