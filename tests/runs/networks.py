"""Small networks, one of each kind of thing that a constructor or a forward can do. For examples of 16 numbers."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations


class Around(nn.Module):
    """Two layers with something between them."""

    def __init__(self, between: nn.Module | None = None) -> None:
        super().__init__()
        self.first, self.between, self.last = nn.Linear(16, 12), between or nn.ReLU(), nn.Linear(12, 4)

    def forward(self, x: torch.Tensor) -> Any:
        return self.last(self.between(self.first(x)))


class Scale(nn.Module):
    """x * parameter, then a rectifier."""

    def __init__(self, value: torch.Tensor, learns: bool = True) -> None:
        super().__init__()
        self.scale = nn.Parameter(value, requires_grad=learns)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(x * self.scale)


class Features(nn.Module):
    """Random Fourier features in a buffer, of NumPy's generator or Python's."""

    def __init__(self, whose: str = "numpy", persistent: bool = True) -> None:
        super().__init__()
        if whose == "numpy":
            matrix = np.random.randn(12, 12).astype(np.float32)  # noqa: NPY002
        elif whose == "python":
            matrix = np.array([[random.random() for _ in range(12)] for _ in range(12)], np.float32)
        else:
            matrix = np.random.default_rng().standard_normal((12, 12)).astype(np.float32)
        self.register_buffer("matrix", torch.from_numpy(matrix), persistent=persistent)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x @ self.matrix).sin()


class Order(nn.Module):
    """A random permutation in a buffer of integers, and a table that is made by rule."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("order", torch.randperm(12))
        self.register_buffer("table", torch.arange(12.0).cos())
        self.register_buffer("factor", torch.rand(()) + 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(x[:, self.order] * self.factor + self.table)


class Words(nn.Module):
    """An embedding with a padding row, a recurrent layer, and a frozen table of positions."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(9, 6, padding_idx=0)
        self.places = nn.Embedding(16, 6)
        self.places.weight = nn.Parameter(torch.linspace(-1, 1, 96).view(16, 6).sin(), requires_grad=False)
        self.cell = nn.GRU(6, 8, batch_first=True)
        self.last = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        words = ((x + 2) * 2).round().long().clamp(0, 8)
        out, _ = self.cell(self.table(words) + self.places.weight)
        return self.last(out[:, -1])


class Token(nn.Module):
    """Attention with a random token, a token of zeros and a vector of random gains."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(4, 8)
        self.cls, self.place = nn.Parameter(torch.zeros(1, 1, 8)), nn.Parameter(torch.randn(1, 5, 8))
        self.gain = nn.Parameter(torch.rand(8) + 0.5)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.head = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.embed(x.view(-1, 4, 4))
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1) + self.place
        return self.head(self.layer(x * self.gain)[:, 0])


class Localised(nn.Module):
    """A layer whose weights and biases are set by hand, as in a spatial transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.theta, self.last = nn.Linear(16, 12), nn.Linear(12, 4), nn.Linear(12, 4)
        with torch.no_grad():
            self.theta.weight.zero_()
            self.theta.bias.copy_(torch.tensor([1.0, 0, 0, 1]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.first(x))
        return self.last(x) * (1 + self.theta(x))


class Logits(Around):
    """Answers with an object."""

    def forward(self, x: torch.Tensor) -> Any:
        return SimpleNamespace(loss=None, logits=super().forward(x))


class Wide(Around):
    """Answers in float64."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x).double()


class Late(nn.Module):
    """Its norm is made when the first batch comes."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.LazyLinear(12), nn.LazyBatchNorm1d(), nn.Linear(12, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not hasattr(self, "shift"):
            self.shift = nn.Parameter(torch.full((12,), 0.25))
        return self.last(functional.relu(self.norm(self.first(x)) + self.shift))


class Shuffled(Around):
    """A class that is built without arguments."""

    def __init__(self) -> None:
        super().__init__(Order())


def rms() -> nn.Module:
    return Around(Scale(torch.ones(12)))


def layer_scale() -> nn.Module:
    return Around(Scale(torch.full((12,), 0.1)))


def gain() -> nn.Module:
    return Around(Scale(torch.tensor(1.5)))


def several() -> nn.Module:
    return Around(Scale(torch.linspace(0.5, 1.5, 12)))


def frozen() -> nn.Module:
    return Around(Scale(torch.linspace(0.5, 1.5, 12), learns=False))


def prelu() -> nn.Module:
    return Around(nn.PReLU(12))


def zero_gamma() -> nn.Module:
    net = Around(nn.Sequential(nn.BatchNorm1d(12), nn.LayerNorm(12), nn.ReLU()))
    nn.init.constant_(net.between[0].weight, 0.5)
    nn.init.constant_(net.between[1].bias, 0.25)
    return net


def features() -> nn.Module:
    return Around(Features())


def hidden_features() -> nn.Module:
    return Around(Features("python", persistent=False))


def order() -> nn.Module:
    return Around(Order())


def weight_normed() -> nn.Module:
    return Around(nn.Sequential(parametrizations.weight_norm(nn.Linear(12, 12)), nn.ReLU()))


def spectral() -> nn.Module:
    return Around(nn.Sequential(parametrizations.spectral_norm(nn.Linear(12, 12)), nn.ReLU()))


def seeded() -> nn.Module:
    """Its constructor seeds the generator itself, so that all builds are alike."""
    torch.manual_seed(5)
    return Words()


KINDS = {
    "rms": rms,
    "layer_scale": layer_scale,
    "gain": gain,
    "several": several,
    "frozen": frozen,
    "prelu": prelu,
    "zero_gamma": zero_gamma,
    "features": features,
    "hidden_features": hidden_features,
    "order": order,
    "weight_normed": weight_normed,
    "spectral": spectral,
    "seeded": seeded,
    "Words": Words,
    "Token": Token,
    "Localised": Localised,
    "Logits": Logits,
    "Wide": Wide,
    "Late": Late,
}


class Dropped(Around):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(functional.dropout(self.between(self.first(x)), 0.5))


class Noisy(Around):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) + np.random.rand()  # noqa: NPY002


class Carried(Around):
    state: torch.Tensor | float = 0.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.state = self.first(x).mean() + self.state
        return super().forward(x) + self.state


class Counted(Around):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.tensor(0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return super().forward(x)


class Hidden(Around):
    def __init__(self) -> None:
        super().__init__()
        self.matrix = torch.randn(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x) @ self.matrix


def entropy() -> nn.Module:
    return Around(Features("system"))


def unequal() -> nn.Module:
    return Around(nn.Linear(12, 12) if torch.rand(()) < 0.5 else nn.Linear(12, 12, bias=False))


def exact() -> nn.Module:
    net = Around()
    net.register_buffer("matrix", torch.randn(3, dtype=torch.float64))
    return net


def unset() -> nn.Module:
    return Around(Scale(torch.full((12,), torch.nan)))


class Pair(Around):
    def forward(self, x: torch.Tensor) -> Any:
        return super().forward(x), x


class Table(Around):
    def forward(self, x: torch.Tensor) -> Any:
        return {"logits": super().forward(x)}


class Whole(Around):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x).round().long()


class Stopped(Around):
    """Ends the process in the middle of a run."""

    calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        type(self).calls += 1
        if type(self).calls % 12 == 0:
            raise SystemExit(0)
        return super().forward(x)


class Picky(Around):
    """Takes a few examples and no more."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if len(x) > 4:
            raise KeyError("\n".join(["too", "many"] * 300))
        return super().forward(x)


class Backward(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return x

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> Any:
        raise NotImplementedError("no derivative")


class OneWay(Around):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return Backward.apply(super().forward(x))


def half() -> nn.Module:
    return Around().to(torch.bfloat16)


def double() -> nn.Module:
    return Around(nn.Linear(12, 12).double())


REFUSED = {
    Dropped: "forward draws from the generator of torch",
    Noisy: "forward draws from the generator of NumPy",
    Carried: "changes the attribute 'state'",
    Counted: "changes the buffer 'calls'",
    Hidden: "in the attribute 'matrix'",
    entropy: "draws 'between.matrix' otherwise each time",
    unequal: "'between.bias' is of another kind or shape, or absent",
    exact: "the buffer 'matrix' at random, of float64",
    unset: "numbers in 'between.scale' that are not finite",
    Pair: "model output is a tuple",
    Table: "model output is a dict",
    Whole: "model output is int64",
    Stopped: "raises SystemExit: 0",
    Picky: "raises KeyError",
    OneWay: "raises NotImplementedError: no derivative",
    half: "'first.weight' is bfloat16",
    double: "'between.weight' is float64",
}
