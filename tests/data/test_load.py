from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ticketry import data
from ticketry.core.errors import RequestError
from ticketry.core.trust import typed
from ticketry.ticket.presets import PRESETS


def test_the_built_in_names() -> None:
    assert data.names() == [
        *("blobs", "cifar10", "circles", "diabetes", "digits", "fashion-mnist", "mnist", "moons", "sine"),
    ]


def test_nothing_here_imports_torch() -> None:
    code = "import sys; from ticketry import data; data.load('moons(train=100)'); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("text", "shape", "test", "classes"),
    [
        ("moons", (50_000, 2), 16_000, 2),
        ("circles", (50_000, 2), 16_000, 2),
        ("moons(train=2000, test=500, noise=0.1)", (2000, 2), 500, 2),
        ("circles(train=300, test=300)", (300, 2), 300, 2),
        ("blobs", (18_750, 2), 6250, 5),
        ("blobs(classes=3)", (11_250, 2), 3750, 3),
        ("digits", (1347, 8, 8), 450, 10),
        ("digits(classes=2)", (270, 8, 8), 90, 2),
    ],
)
def test_synthetic_sets(text: str, shape: tuple[int, ...], test: int, classes: int) -> None:
    dataset = data.load(text)
    assert (dataset.x.shape, len(dataset.x_test), dataset.outputs) == (shape, test, classes)
    assert dataset.x.dtype == np.float32
    assert dataset.digest == data.load(text).digest
    assert not {row.tobytes() for row in dataset.x} >= {row.tobytes() for row in dataset.x_test}
    if text.startswith(("moons", "digits")):
        assert dataset.x.min() == pytest.approx(-0.7)
        assert dataset.x.max() == pytest.approx(0.7)


def test_synthetic_sets_are_those_of_the_paper() -> None:
    from sklearn.datasets import load_digits, make_moons

    x, y = make_moons(50_000, noise=0.07, random_state=42)
    moons, digits = data.load("moons"), data.load("digits")
    np.testing.assert_array_equal(moons.y, y)
    np.testing.assert_allclose(moons.x, (x - x.min()) / (x.max() - x.min()) * 1.4 - 0.7, atol=1e-6)
    images = {(row / 16 * 1.4 - 0.7).astype(np.float32).tobytes() for row in load_digits().data}
    assert {row.tobytes() for row in np.concatenate([digits.x, digits.x_test])} == images


def test_the_name_is_canonical_and_replays() -> None:
    dataset = data.load(" digits( classes = 3 )")
    assert dataset.name == "digits(classes=3)"
    assert data.load(dataset.name).digest == dataset.digest


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("minst", "did you mean mnist"),
        ("moon(train=3)", "did you mean moons"),
        ("", "package.module:name"),
        ("moons(trian=3)", r"'trian'.*moons\(train=50000, test=16000, noise=0.07\)"),
        ("sine(train=5)", "data sine: train is 5"),
        ("sine(noise=-1)", "data sine: noise is -1"),
        ("moons(train=0)", "data moons: train is 0"),
        ("moons(noise=-1)", "noise is -1"),
        ("circles(test='many')", "data circles: test is 'many'"),
        ("digits(classes=11)", "from 2 to 10"),
        ("blobs(classes=True)", "from 2 to 100"),
        ("mnist(train=60001)", "from 2 to 60000"),
        ("cifar10(augment='mixup')", "'none' or 'crop-flip'"),
        ("from_arrays", "does not exist"),
        ("split", "does not exist"),
        ("nowhere.at_all:make", "not found"),
        ("../nowhere/x", "does not exist"),
        ("x" * 5000, "does not exist"),
        ("own.x:f('" + "y" * 300 + "/x')", "not found"),
        ("\0", "does not exist"),
    ],
)
def test_what_is_wrong_is_one_sentence(text: str, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        load(text)


def load(text: str) -> data.Dataset:
    """As the user typed it."""
    return data.load(text, typed(text))


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = f"own_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(
        "import numpy as np\n"
        "from ticketry.data import from_arrays\n"
        "X = np.arange(24.0).reshape(12, 2)\n"
        "Y = np.arange(12) % 2\n"
        "def two(scale=1):\n    return X * scale, Y\n"
        "def four(path='a/b'):\n    return X, Y, X, Y\n"
        "def lists():\n    return X.tolist(), Y.tolist()\n"
        "def whole():\n    return from_arrays('x', X, Y, X, Y, augment='crop-flip', mean=(3,), std=(2,))\n"
        "def three():\n    return X, Y, X\n"
        "def nothing():\n    pass\n"
        "def nan():\n    return X * np.nan, Y\n"
    )
    monkeypatch.chdir(tmp_path)
    return name


def test_own_functions(own: str) -> None:
    two, four = load(f"{own}:two(scale=2)"), load(f"{own}:four(path='c/d')")
    assert (len(two.x), len(two.x_test), two.x[1, 0] % 4) == (10, 2, 0)
    assert two.name == f"{own}:two(scale=2)"
    assert len(four.x) == len(four.x_test) == 12
    assert load(f"{own}:lists").digest == load(f"{own}:two").digest
    whole = load(f"{own}:whole")
    assert (whole.augment, whole.scaling.pairs, whole.name) == ("crop-flip", ((0.5, -1.5),), f"{own}:whole")


@pytest.mark.parametrize(
    ("function", "says"),
    [("three", "a tuple of 3"), ("nothing", "a NoneType"), ("nan", "X is nan"), ("tow", "write two")],
)
def test_own_functions_that_return_something_else(own: str, function: str, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        load(f"{own}:{function}")


def test_a_directory_named_like_a_built_in_set_needs_a_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "digits").mkdir()
    monkeypatch.chdir(tmp_path)
    assert data.load("digits(classes=2)").outputs == 2
    with pytest.raises(RequestError, match="a directory without such files"):
        data.load("./digits")


@pytest.mark.parametrize(
    ("text", "shape", "mean", "counts"),
    [
        ("mnist", (28, 28), (0.1307,), None),
        ("fashion-mnist", (28, 28), (0.2860,), 6000),
        ("cifar10", (3, 32, 32), (0.4914, 0.4822, 0.4465), 5000),
    ],
)
def test_published_sets(
    real_data: Path, text: str, shape: tuple[int, ...], mean: tuple[float, ...], counts: int | None
) -> None:
    dataset = data.load(text)
    parts = data.split(dataset)
    assert dataset.input_shape == shape
    assert len(dataset.x) == (50_000 if text == "cifar10" else 60_000)
    assert len(dataset.x_test) == 10_000
    assert len(parts.val) == len(dataset.x) // 10
    computed = data.from_arrays("x", dataset.x, dataset.y, dataset.x_test, dataset.y_test).scaling
    assert [round(-shift / gain / 255, 4) for gain, shift in dataset.scaling.pairs] == list(mean)
    preset = PRESETS["cifar-10" if text == "cifar10" else text]
    assert (dataset.scaling, dataset.labels) == (preset.scaling, preset.labels)
    np.testing.assert_allclose(computed.pairs, dataset.scaling.pairs, rtol=2e-3)
    assert counts is None or set(np.bincount(dataset.y)) == {counts}
    assert dataset.augment == ("crop-flip" if text == "cifar10" else "none")


def test_a_part_of_a_published_set_is_its_beginning(real_data: Path) -> None:
    part, whole = data.load("mnist(test=100, train=500)"), data.load("mnist")
    np.testing.assert_array_equal(part.x, whole.x[:500])
    np.testing.assert_array_equal(part.y_test, whole.y_test[:100])
    assert part.name == "mnist(test=100, train=500)"
    assert data.load(str(real_data / "mnist")).digest == whole.digest
