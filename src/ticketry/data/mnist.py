"""MNIST (LeCun, Cortes, Burges 1998) and Fashion-MNIST (Xiao, Rasul, Vollgraf 2017): 28x28 grey, 10 classes."""

from __future__ import annotations

from ticketry.core.spec import whole
from ticketry.data import files
from ticketry.data.dataset import Dataset, from_arrays
from ticketry.data.fetch import Source, locate

_NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
_MNIST = Source(
    "mnist",
    "mnist",
    {
        _NAMES[0]: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        _NAMES[1]: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        _NAMES[2]: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        _NAMES[3]: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
    (9_912_422, 28_881, 1_648_877, 4_542),
    ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
)
_FASHION = Source(
    "fashion-mnist",
    "fashion-mnist",
    {
        _NAMES[0]: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        _NAMES[1]: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        _NAMES[2]: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        _NAMES[3]: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
    (26_421_880, 29_515, 4_422_102, 5_148),
    (
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
)

LABELS = (*("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),)
"""Of Fashion-MNIST, as its authors name them; the classes of MNIST are the digits themselves."""


def mnist(train: int = 60_000, test: int = 10_000) -> Dataset:
    """Handwritten digits. `train` and `test` keep the first so many of each, for quick runs."""
    return _load(_MNIST, train, test, 0.1307, 0.3081, ())


def fashion_mnist(train: int = 60_000, test: int = 10_000) -> Dataset:
    """Ten kinds of clothes. `train` and `test` keep the first so many of each, for quick runs."""
    return _load(_FASHION, train, test, 0.2860, 0.3530, LABELS)


def _load(source: Source, train: int, test: int, mean: float, std: float, labels: tuple[str, ...]) -> Dataset:
    train = whole(f"data {source.name}: train", train, 2, 60_000)
    test = whole(f"data {source.name}: test", test, 1, 10_000)
    directory = locate(source)
    x, y, x_test, y_test = (files.idx_array(directory / name) for name in _NAMES)
    four = (x[:train], y[:train], x_test[:test], y_test[:test])
    held = 1 + int(max(y[:train].max(), y_test[:test].max()))
    return from_arrays(source.name, *four, mean=(mean,), std=(std,), labels=labels[:held] or None)
