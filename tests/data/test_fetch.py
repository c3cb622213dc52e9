from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from ticketry.core.errors import RequestError
from ticketry.data import load, mnist
from ticketry.data.fetch import Source, locate

FILES = {"a.bin": b"first", "b.bin": b"second"}
SHA = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TICKETRY_DATA", raising=False)
    return tmp_path / "cache" / "ticketry" / "set"


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    (tmp_path / "mirror").mkdir()
    for name, content in FILES.items():
        (tmp_path / "mirror" / name).write_bytes(content)
    return tmp_path / "mirror"


def source(*urls: str) -> Source:
    return Source("set", "set", SHA, urls)


def archive(path: Path, members: dict[str, bytes]) -> str:
    with tarfile.open(path, "w:gz") as tar:
        link = tarfile.TarInfo("x/a.bin")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path.as_uri()


def held(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_files_are_downloaded_once_and_then_found(
    cache: Path, mirror: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert locate(source((mirror / "no").as_uri() + "/", mirror.as_uri() + "/")) == cache
    assert held(cache) == FILES
    assert "downloading set" in capsys.readouterr().err
    assert locate(source()) == cache


def test_an_archive_gives_only_the_files_asked_for(cache: Path, tmp_path: Path) -> None:
    members = {"../../evil": b"!", "dir/a.bin": b"first", "/abs/b.bin": b"second", "c": b"third"}
    assert locate(source(archive(tmp_path / "set.tar.gz", members))) == cache
    assert held(cache) == FILES
    assert not list(tmp_path.rglob("evil"))


def test_own_directory_comes_first(cache: Path, mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKETRY_DATA", str(tmp_path))
    (tmp_path / "set").symlink_to(mirror)
    assert locate(source()) == tmp_path / "set"


def test_absent_and_offline_is_one_sentence(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKETRY_DATA", str(tmp_path))
    with pytest.raises(RequestError) as caught:
        locate(source("http://127.0.0.1:9/"))
    said = str(caught.value)
    assert f"in {tmp_path}/set or {cache}; put a.bin, b.bin there, or set TICKETRY_DATA" in said
    assert "http://127.0.0.1:9/: " in said
    assert held(cache) == {}


def test_wrong_content_is_never_kept(cache: Path, mirror: Path, tmp_path: Path) -> None:
    (mirror / "b.bin").write_bytes(b"forged")
    broken = tmp_path / "broken.tar.gz"
    archive(broken, FILES)
    broken.write_bytes(broken.read_bytes()[:-60])
    urls = (
        mirror.as_uri() + "/",
        archive(tmp_path / "forged.tar.gz", {"a.bin": b"forged"}),
        archive(tmp_path / "short.tar.gz", {"a.bin": b"first"}),
        broken.as_uri(),
    )
    with pytest.raises(RequestError, match=f"b.bin has SHA-256 {hashlib.sha256(b'forged').hexdigest()} instead of"):
        locate(source(*urls))
    assert all(held(cache)[name] == FILES[name] for name in held(cache))
    assert not list(cache.glob(".*"))


def test_an_unwritable_cache_is_part_of_the_sentence(cache: Path, mirror: Path) -> None:
    cache.parent.parent.write_text("a file where the cache should be")
    with pytest.raises(RequestError, match="could not be downloaded"):
        locate(source(mirror.as_uri() + "/"))


def test_a_damaged_file_is_named_with_both_checksums(cache: Path, mirror: Path) -> None:
    locate(source(mirror.as_uri() + "/"))
    (cache / "b.bin").write_bytes(b"secomd")
    found = hashlib.sha256(b"secomd").hexdigest()
    with pytest.raises(RequestError, match=rf"b\.bin with SHA-256 {found}, .* SHA-256 {SHA['b.bin']}"):
        locate(source())


def test_a_built_in_set_says_what_to_put_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("TICKETRY_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(mnist, "_MNIST", Source("mnist", "mnist", mnist._MNIST.sha256, ("http://127.0.0.1:9/",)))
    with pytest.raises(RequestError, match=r"'mnist', whose files are not here.*put train-images-idx3-ubyte\.gz, "):
        load("mnist(train=100)")
