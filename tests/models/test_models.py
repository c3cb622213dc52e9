from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from ticketry import models
from ticketry.core.errors import RequestError
from ticketry.core.trust import typed

RGB, GREY = (3, 32, 32), (28, 28)


def weights(module: nn.Module) -> dict[str, int]:
    return {name: p.numel() for name, p in module.named_parameters() if p.dim() > 1}


@pytest.mark.parametrize(
    ("text", "shape", "total", "layers"),
    [
        ("mlp", (784,), 7840, 1),
        ("mlp:20", (2,), 240, 2),
        ("mlp:50,50", (8, 8), 64 * 50 + 50 * 50 + 50 * 10, 3),
        ("lenet-300-100", GREY, 266_200, 3),
        ("conv2", RGB, 4_300_992, 5),
        ("conv4", RGB, 2_425_024, 7),
        ("conv6", RGB, 2_261_184, 9),
        ("conv2", GREY, 576 + 36_864 + 64 * 14 * 14 * 256 + 65_536 + 2560, 5),
        ("conv6", (1, 28, 28), 1_801_280, 9),
        ("resnet20", RGB, 268_336, 20),
        ("resnet20", (784,), 268_336 - 288, 20),
        ("resnet18", RGB, 11_164_352, 21),
        ("vgg16", RGB, 14_715_584, 14),
        ("vgg16", (3, 64, 64), 14_715_584, 14),
    ],
)
def test_weights_of_the_papers(text: str, shape: tuple[int, ...], total: int, layers: int) -> None:
    module = models.build(text, shape, 10)
    models.check(module, shape, 10)
    assert sum(weights(module).values()) == total
    assert len(weights(module)) == layers


def test_layer_names_are_stable() -> None:
    def names(text: str) -> list[str]:
        return [name.removesuffix(".weight") for name in weights(models.build(text, RGB, 10))]

    assert names("mlp:50,50") == names("lenet-300-100") == ["fc1", "fc2", "fc3"]
    assert names("conv4") == ["conv1", "conv2", "conv3", "conv4", "fc1", "fc2", "fc3"]
    assert names("vgg16") == [*(f"conv{i}" for i in range(1, 14)), "fc"]
    blocks = [f"block{s}.{b}.conv{c}" for s in (1, 2, 3) for b in (0, 1, 2) for c in (1, 2)]
    assert names("resnet20") == ["conv1", *blocks, "fc"]
    assert {name for name in names("resnet18") if "shortcut" in name} == {f"block{s}.0.shortcut" for s in (2, 3, 4)}
    norms = {name for name, _ in models.build("resnet18(norm='batch')", RGB, 10).named_parameters() if "norm" in name}
    assert {"norm1.weight", "block1.0.norm2.bias", "block2.0.shortcut_norm.weight"} <= norms


@pytest.mark.parametrize("name", models.names())
def test_any_form_of_a_grey_image_gives_the_same_logits(name: str) -> None:
    side = 32 if name == "vgg16" else 28
    forms = [(side, side), (1, side, side), (side * side,)]
    networks = [models.build(name, shape, 10).eval() for shape in forms]
    generator = torch.Generator().manual_seed(0)
    for p in networks[0].parameters():
        p.data = torch.randn(p.shape, generator=generator) * (2 / p[0].numel()) ** 0.5
    x = torch.randn(2, side * side, generator=generator)
    logits = networks[0](x.view(2, *forms[0]))
    assert logits.shape == (2, 10)
    assert logits.std() > 0
    for network in networks:
        network.load_state_dict(networks[0].state_dict())
        for shape in forms:
            torch.testing.assert_close(network(x.view(2, *shape)), logits)


@pytest.mark.parametrize("name", models.names())
def test_bias_and_norm(name: str) -> None:
    for norm in ("none", "batch-plain", "batch"):
        with_bias = models.build(f"{name}(norm='{norm}')", RGB, 10)
        without = models.build(f"{name}(norm='{norm}', bias=False)", RGB, 10)
        assert weights(with_bias) == weights(without)
        norms = [m for m in with_bias.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
        assert bool(norms) == (norm != "none" and name != "mlp")
        assert all(m.affine == (norm == "batch") for m in norms)
        assert all(bool((m.running_var == 1).all()) for m in norms)  # type: ignore[union-attr]
        biases = {id(m) for m in without.modules() if isinstance(m, nn.Linear | nn.Conv2d) and m.bias is not None}
        assert not biases
        layers = [m for m in with_bias.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
        assert sum(m.bias is None for m in layers) == len(norms)
    default = [type(m) for m in models.build(name, RGB, 10).modules()]
    assert (nn.BatchNorm2d in default) == name.startswith(("resnet", "vgg"))


@pytest.mark.parametrize("text", ["conv2", "conv4", "conv6", "resnet20", "resnet18", "vgg16"])
def test_width_multiplies_channels(text: str) -> None:
    whole, half = (models.build(f"{text}(width={width})", RGB, 10) for width in (1, 0.5))
    assert half.conv1.weight.shape[0] * 2 == whole.conv1.weight.shape[0]  # type: ignore[union-attr, operator]
    assert 3 < sum(weights(whole).values()) / sum(weights(half).values()) < 4.1
    models.check(models.build(f"{text}(width=0.001)", RGB, 10), RGB, 10)


def test_a_residual_block_adds_what_came_in() -> None:
    from ticketry.models.resnet import Block

    x = torch.rand(2, 4, 6, 6)
    for block, expected in (
        (Block(4, 4, 1, "none", False, project=False), x),
        (Block(4, 6, 2, "none", False, project=False), torch.cat([x[:, :, ::2, ::2], torch.zeros(2, 2, 3, 3)], 1)),
    ):
        for p in block.parameters():
            p.data.zero_()
        torch.testing.assert_close(block(x), expected)


def test_weights_are_zero_and_the_global_generator_is_left_alone() -> None:
    torch.manual_seed(123)
    state = torch.get_rng_state()
    for name in models.names():
        module = models.build(name, RGB, 10)
        models.check(module, RGB, 10)
        assert all(p.device.type == "cpu" and not p.any() for p in module.parameters())
    assert torch.equal(state, torch.get_rng_state())


def test_names_need_no_torch_and_all_build() -> None:
    code = "import sys; from ticketry import models; models.names(); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    for name in models.names():
        assert isinstance(models.build(name, RGB, 2), nn.Module)


@pytest.mark.parametrize(
    ("text", "shape", "says"),
    [
        ("lenet300", GREY, "did you mean lenet-300-100"),
        ("resnet50", RGB, "did you mean resnet"),
        ("conv2:3", RGB, "did you mean conv2"),
        ("mlp:", (2,), "with sizes from 1 to"),
        ("mlp:20,", (2,), "with sizes"),
        ("mlp:0", (2,), "with sizes"),
        ("mlp:-3", (2,), "with sizes"),
        ("mlp:" + "9" * 5000, (2,), "with sizes"),
        ("mlp:20(hidden=(3,))", (2,), "hidden"),
        ("conv4(wdth=2)", RGB, r"'wdth'.*conv4\(width=1.0, norm='none', bias=True\)"),
        ("conv4(width=0)", RGB, "model conv4: width is 0"),
        ("conv4(width=float)", RGB, "literal"),
        ("conv4(width='2')", RGB, "width is '2'"),
        ("resnet20(norm='layer')", RGB, "model resnet20: norm is 'layer'"),
        ("mlp:20(bias=1)", (2,), "model mlp: bias is 1"),
        ("conv2", (2,), r"model is conv2 for data of shape \(2,\), but it must be for images"),
        ("conv2", (32, 32, 3), r"of shape \(32, 32, 3\)"),
        ("conv6", (7, 7), "of at least 8x8"),
        ("vgg16", GREY, "of at least 32x32"),
        ("resnet20", (1, 2, 3, 4), "for images"),
        ("no_such_module:make", RGB, "not found"),
    ],
)
def test_what_is_wrong_is_one_sentence(text: str, shape: tuple[int, ...], says: str) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        models.build(text, shape, 10, trust=typed(text))
    assert "\n" not in str(caught.value)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"own_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(
        "import torch\n"
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self, width=4, outputs=10):\n"
        "        super().__init__()\n"
        "        parts = nn.Linear(8, width), nn.BatchNorm1d(width), nn.Dropout(), nn.Linear(width, outputs)\n"
        "        self.fc = nn.Sequential(*parts)\n"
        "        self.register_buffer('noise', torch.randn(3))\n"
        "    def forward(self, x):\n        return self.fc(x)\n"
        "def make(width=4):\n    return Net(width)\n"
        "def pair():\n    return Net(), 3\n"
        "def fails():\n    return Net(width='wide')\n"
    )
    monkeypatch.chdir(tmp_path)
    return name


def typed_by_user(text: str) -> nn.Module:
    return models.build(text, (8,), 10, trust=typed(text))


def test_own_factories(own: str) -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first, second = (typed_by_user(f"{own}:{text}") for text in ("make(width=6)", "Net(6)"))
    models.check(first, (8,), 10)
    assert torch.equal(state, torch.get_rng_state())
    assert first.fc[0].weight.shape == (6, 8)  # type: ignore[index, union-attr]
    assert torch.equal(first.noise, second.noise)  # type: ignore[arg-type]
    assert torch.equal(first.fc[0].weight, second.fc[0].weight)  # type: ignore[index, union-attr, arg-type]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("pair", "which returned a tuple, but it must be a function that returns an nn.Module"),
        ("fails", "which raised TypeError"),
        ("make(wide=3)", r"'wide'.*make\(width=4\)"),
        ("maek", "write make"),
    ],
)
def test_own_factories_that_fail(own: str, text: str, says: str) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        typed_by_user(f"{own}:{text}")
    assert "\n" not in str(caught.value)


def test_check_names_the_shapes_and_leaves_no_trace(own: str) -> None:
    module = typed_by_user(f"{own}:make").train()
    module.fc[2].eval()  # type: ignore[index, union-attr]
    before = {name: value.clone() for name, value in module.state_dict().items()}
    modes = [part.training for part in module.modules()]
    models.check(module, (8,), 10)
    with pytest.raises(RequestError, match=r"unable to take a batch of data of shape \(9,\) \(RuntimeError: "):
        models.check(module, (9,), 10)
    with pytest.raises(RequestError, match=r"3 examples is \(3, 10\), but it must be of shape \(3, 7\)"):
        models.check(module, (8,), 7)
    assert [part.training for part in module.modules()] == modes
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


@pytest.mark.parametrize(
    ("module", "says"),
    [
        (nn.Identity(), r"\(3, 5\), but it must be of shape \(3, 2\)"),
        (nn.Flatten(0), r"\(15,\)"),
        (nn.LSTM(5, 2), "tuple"),
        (nn.Module(), "NotImplementedError"),
    ],
)
def test_check_refuses_other_outputs(module: nn.Module, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        models.check(module, (5,), 2)
