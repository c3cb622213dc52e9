"""CIFAR-10 (Krizhevsky 2009): 32x32 colour photographs, 10 classes, from the authors' binary version."""

from __future__ import annotations

from ticketry.core.errors import refuse
from ticketry.core.spec import whole
from ticketry.data import files
from ticketry.data.dataset import Augment, Dataset, from_arrays
from ticketry.data.fetch import Source, locate

_SOURCE = Source(
    "cifar10",
    "cifar-10-batches-bin",
    {
        "data_batch_1.bin": "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
        "data_batch_2.bin": "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
        "data_batch_3.bin": "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
        "data_batch_4.bin": "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
        "data_batch_5.bin": "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
        "test_batch.bin": "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
    },
    (30_730_000,) * 6,
    ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
)

LABELS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
"""As the authors' `batches.meta.txt` has them."""


def cifar10(train: int = 50_000, test: int = 10_000, augment: Augment = "crop-flip") -> Dataset:
    """Ten kinds of animals and vehicles. `train` and `test` keep the first so many of each, for quick runs."""
    train = whole("data cifar10: train", train, 2, 50_000)
    test = whole("data cifar10: test", test, 1, 10_000)
    if augment not in ("none", "crop-flip"):
        raise refuse("data cifar10: augment", repr(augment), "'none' or 'crop-flip'", "use one of them")
    directory = locate(_SOURCE)
    *batches, last = (directory / name for name in _SOURCE.sha256)
    x, y = files.cifar_batches(batches)
    x_test, y_test = files.cifar_batches([last])
    held = 1 + int(max(y[:train].max(), y_test[:test].max()))
    mean, std = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)
    return from_arrays(
        *("cifar10", x[:train], y[:train], x_test[:test], y_test[:test]),
        mean=mean,
        std=std,
        augment=augment,
        labels=LABELS[:held],
    )
