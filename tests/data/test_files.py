from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from ticketry.core.errors import RequestError
from ticketry.data import load

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (20, 4, 4), dtype=np.uint8)
Y = (np.arange(20) % 3).astype(np.uint8)


def idx(array: np.ndarray) -> bytes:  # type: ignore[type-arg]
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return header + array.tobytes()


@pytest.fixture
def idx_directory(tmp_path: Path) -> Path:
    for name, array in (("train-images", X), ("train-labels", Y), ("t10k-images", X[:6]), ("t10k-labels", Y[:6])):
        (tmp_path / f"{name}-idx{array.ndim}-ubyte.gz").write_bytes(gzip.compress(idx(array)))
    return tmp_path


@pytest.fixture
def cifar_directory(tmp_path: Path) -> Path:
    records = RNG.integers(0, 256, (40, 3073), dtype=np.uint8)
    records[:, 0] = np.arange(40) % 10
    (tmp_path / "data_batch_1.bin").write_bytes(records[:10].tobytes())
    (tmp_path / "data_batch_2.bin").write_bytes(records[10:20].tobytes())
    (tmp_path / "data_batch_10.bin").write_bytes(records[20:30].tobytes())
    (tmp_path / "test_batch.bin").write_bytes(records[30:].tobytes())
    return tmp_path


def test_npz_with_two_and_four_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", X=X, y=Y, other=Y)
    np.savez_compressed(tmp_path / "four.npz", X_train=X, y_train=Y, X_test=X[:6], y_test=Y[:6])
    two, four = load(str(tmp_path / "two.npz")), load(str(tmp_path / "four.npz"))
    assert (len(two.x), len(two.x_test), two.outputs) == (16, 4, 3)
    np.testing.assert_array_equal(four.x, X)
    np.testing.assert_array_equal(four.y_test, Y[:6])
    assert four.name == str(tmp_path / "four.npz")


def test_idx_directory(idx_directory: Path) -> None:
    dataset = load(str(idx_directory))
    np.testing.assert_array_equal(dataset.x, X)
    np.testing.assert_array_equal(dataset.y_test, Y[:6])
    plain = idx_directory / "train-images-idx3-ubyte.gz"
    (idx_directory / "train-images-idx3-ubyte").write_bytes(gzip.decompress(plain.read_bytes()))
    plain.unlink()
    assert load(str(idx_directory)).digest == dataset.digest


def test_cifar_directory(cifar_directory: Path) -> None:
    dataset = load(str(cifar_directory))
    assert dataset.x.shape == (30, 3, 32, 32)
    assert dataset.outputs == 10
    raw = np.fromfile(cifar_directory / "data_batch_2.bin", np.uint8)
    np.testing.assert_array_equal(dataset.x[11, 1, 2], raw[3073 + 1 + 1024 + 64 : 3073 + 1 + 1024 + 96])
    assert dataset.y[11] == raw[3073]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not one"),
        (b"not a zip file", "not one"),
        (b"PK\x03\x04 truncated", "not one"),
        (b"\x80\x04\x95pickle", "not one"),
    ],
)
def test_a_broken_npz(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "x.npz").write_bytes(content)
    with pytest.raises(RequestError, match=rf"data is .*x\.npz, which is {says}"):
        load(str(tmp_path / "x.npz"))


def test_a_truncated_or_flipped_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", X=X, y=Y)
    whole = (tmp_path / "x.npz").read_bytes()
    for broken in (whole[:-30], whole[:100], whole[:200] + b"?" + whole[201:]):
        (tmp_path / "x.npz").write_bytes(broken)
        with pytest.raises(RequestError, match=r"an \.npz file of plain arrays"):
            load(str(tmp_path / "x.npz"))


def test_an_npz_with_objects_runs_no_code(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return exec, ("raise SystemExit",)

    np.savez(tmp_path / "x.npz", X=np.array([Bomb()], dtype=object), y=Y)
    with pytest.raises(RequestError, match="an array of objects, which would be pickled"):
        load(str(tmp_path / "x.npz"))


def test_an_npz_with_other_names_says_which(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", images=X, labels=Y)
    with pytest.raises(RequestError, match="holds images, labels, but it must be one with X and y"):
        load(str(tmp_path / "x.npz"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x1f\x8b\x08",
        gzip.compress(idx(X))[:-9],
        gzip.compress(idx(X)[:-1]),
        idx(X) + b"\0",
        b"\0\0\x0d\3" + idx(X)[4:],
        b"\0\0\x08\0",
        b"\0\0\x08\xff\xff\xff\xff\xff",
        b"\0\0\x08\4" + b"\xff" * 16,
    ],
)
def test_a_broken_idx_file(idx_directory: Path, content: bytes) -> None:
    (idx_directory / "train-images-idx3-ubyte.gz").write_bytes(content)
    with pytest.raises(RequestError, match=r"train-images-idx3-ubyte\.gz, wh"):
        load(str(idx_directory))


def test_missing_and_doubled_files(idx_directory: Path) -> None:
    (idx_directory / "train-labels-idx1-ubyte.gz").rename(idx_directory / "kept")
    with pytest.raises(RequestError, match="holds 0 files like \\*train-labels"):
        load(str(idx_directory))
    for name in ("train-labels", "train-labels-2"):
        (idx_directory / name).write_bytes((idx_directory / "kept").read_bytes())
    with pytest.raises(RequestError, match="holds 2 files like"):
        load(str(idx_directory))


@pytest.mark.parametrize("content", [b"", b"1" * 3072])
def test_a_broken_cifar_file(cifar_directory: Path, content: bytes) -> None:
    (cifar_directory / "data_batch_2.bin").write_bytes(content)
    with pytest.raises(RequestError, match=r"data_batch_2\.bin of \d+ bytes, but it must be of whole records"):
        load(str(cifar_directory))


def test_other_paths(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("1,2\n")
    for path, says in (
        (tmp_path, "a directory without such files"),
        (tmp_path / "no.npz", "which does not exist"),
        (tmp_path / "no", "which does not exist"),
        (tmp_path / "table.csv", "npz file"),
    ):
        with pytest.raises(RequestError, match=says):
            load(str(path))
