"""IDX files of every type, and directories as they are found: unpacked beside packed, torchvision's, QMNIST's."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ticketry.core.errors import RequestError
from ticketry.data import load
from ticketry.data.idx import idx_array

CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}
X = np.random.default_rng(0).integers(0, 128, (20, 4, 4))
Y = np.arange(20) % 3


def idx(array: NDArray[Any], kind: str = "u1") -> bytes:
    sizes = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, CODES[kind], array.ndim]) + sizes + array.astype(f">{kind}").tobytes()


def fill(directory: Path, images: str = "u1", labels: str = "u1", x: NDArray[Any] = X, y: NDArray[Any] = Y) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    for part, n in (("train", 20), ("t10k", 6)):
        (directory / f"{part}-images-idx3-ubyte").write_bytes(idx(x[:n], images))
        (directory / f"{part}-labels-idx1-ubyte").write_bytes(idx(y[:n], labels))
    return directory


def pack(path: Path, keep: bool = False) -> None:
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    if not keep:
        path.unlink()


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 1, 3), (0, 3), (1,) * 20])
@pytest.mark.parametrize("kind", CODES)
def test_a_file_of_every_type_has_its_values(kind: str, shape: tuple[int, ...], packed: bool, tmp_path: Path) -> None:
    most = np.iinfo(kind).max if kind[0] != "f" else 1000
    given = np.resize(np.array([0, 1, most, -most - 1 if kind[0] == "i" else 7, 100], kind), shape)
    content = idx(given, kind)
    (tmp_path / "x").write_bytes(gzip.compress(content) if packed else content)
    found = idx_array(tmp_path / "x")
    assert found.dtype == np.dtype(kind)
    np.testing.assert_array_equal(found, given)


@pytest.mark.parametrize("labels", ["u1", "i1", "i2", "i4"])
@pytest.mark.parametrize("images", ["u1", "i1", "i2", "i4"])
def test_pixels_and_classes_of_any_whole_numbers_are_one_data_set(images: str, labels: str, tmp_path: Path) -> None:
    plain, other = fill(tmp_path / "plain"), fill(tmp_path / "other", images, labels)
    assert load(str(other)).digest == load(str(plain)).digest


@pytest.mark.parametrize(("kind", "value"), [("i1", -1), ("i2", 256), ("i4", 70_000), ("i4", -(2**31))])
def test_whole_numbers_that_are_no_pixels_say_so(kind: str, value: int, tmp_path: Path) -> None:
    x = X.copy()
    x[3, 2, 1] = value
    with pytest.raises(RequestError, match=r"train-images.* of int\d+ from -?\d+ to \d+, but it must be of pixels"):
        load(str(fill(tmp_path, kind, x=x)))


def test_labels_below_zero_say_so(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="-1 at index 0, but it must be whole numbers"):
        load(str(fill(tmp_path, "u1", "i4", y=Y - 1)))


@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_floats_are_features_and_quantities(kind: str, tmp_path: Path) -> None:
    dataset = load(str(fill(tmp_path, kind, kind, X / 128, Y + 0.5)))
    np.testing.assert_array_equal(dataset.x, (X / 128).astype(np.float32))
    assert dataset.objective == "regression"


def test_packed_and_unpacked_side_by_side_are_one_file(tmp_path: Path) -> None:
    digest = load(str(fill(tmp_path))).digest
    for path in list(tmp_path.iterdir()):
        pack(path, keep=True)
    assert load(str(tmp_path)).digest == digest
    other = tmp_path / "t10k-labels-idx1-ubyte"
    other.write_bytes(idx(Y[:6] * 0))
    with pytest.raises(RequestError, match=r"where t10k-labels-idx1-ubyte and t10k-labels-idx1-ubyte\.gz hold diff"):
        load(str(tmp_path))


@pytest.mark.parametrize("below", ["raw", "MNIST/raw"])
@pytest.mark.parametrize("packed", [False, True])
def test_the_folders_of_torchvision_are_found(below: str, packed: bool, tmp_path: Path) -> None:
    raw = fill(tmp_path / "set" / below)
    digest = load(str(raw)).digest
    for path in list(raw.iterdir()):
        pack(path, keep=packed)
    assert load(str(tmp_path / "set")).digest == digest
    fill(tmp_path / "set" / "FashionMNIST" / "raw")
    if below == "raw":
        return
    with pytest.raises(RequestError, match=r"with such files in .*FashionMNIST/raw and .*MNIST/raw, but it must be"):
        load(str(tmp_path / "set"))


def test_the_files_of_qmnist_are_read(tmp_path: Path) -> None:
    plain = load(str(fill(tmp_path / "plain")))
    (tmp_path / "q").mkdir()
    columns = np.stack([Y, *(np.arange(20) * n + 1000 for n in range(7))], 1)
    for part, n in (("train", 20), ("test", 6)):
        name = tmp_path / "q" / f"qmnist-{part}"
        Path(f"{name}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(X[:n])))
        Path(f"{name}-labels-idx2-int.gz").write_bytes(gzip.compress(idx(columns[:n], "i4")))
    assert load(str(tmp_path / "q")).digest == plain.digest


@pytest.mark.parametrize("code", [0, 10, 15, 255])
def test_a_type_that_there_is_not_is_said(code: int, tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(X)[:2] + bytes([code]) + idx(X)[3:])
    with pytest.raises(RequestError, match="does not begin as one, but it must be an IDX file of uint8, int8, int16"):
        load(str(tmp_path))


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than is allowed, more than so few bytes can hold, and more than its header says."""
    path = tmp_path / "x"
    honest = gzip.compress(idx(np.zeros((64, 2**20), np.uint8)), 1)
    lies = gzip.compress(b"\0\0\x08\2" + b"\x7f\xff\xff\xff" * 2), gzip.compress(idx(X) + bytes(2**26), 1)
    monkeypatch.setenv("TICKETRY_DATA_LIMIT", "0.05")
    for content, says in (
        (honest, r"with 0\.0625 GiB in one array, but it must be at most 0\.05 GiB; .* set TICKETRY_DATA_LIMIT=1 "),
        (lies[0], r"promises 4,611,\S+ bytes in \d+ compressed ones"),
        (lies[1], "whose size and header"),
    ):
        path.write_bytes(content)
        tracemalloc.start()
        with pytest.raises(RequestError, match=says):
            idx_array(path)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert most < 4e6
