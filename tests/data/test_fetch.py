from __future__ import annotations

import contextlib
import hashlib
import http.server
import io
import os
import tarfile
import threading
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ticketry.core.errors import RequestError
from ticketry.data import cifar, fetch, load, mnist
from ticketry.data.fetch import Source, locate

FILES = {"a.bin": b"first", "b.bin": b"second"}
SIZES = tuple(map(len, FILES.values()))
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
    return Source("set", "set", SHA, SIZES, urls)


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
    monkeypatch.setattr(mnist, "_MNIST", replace(mnist._MNIST, urls=("http://127.0.0.1:9/",)))
    with pytest.raises(RequestError, match=r"'mnist', whose files are not here.*put train-images-idx3-ubyte\.gz, "):
        load("mnist(train=100)")


@pytest.fixture
def server() -> Iterator[tuple[str, dict[str, bytes]]]:
    """The address of a mirror by http and what it sends; nothing for a path that it has not."""
    content: dict[str, bytes] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):  # whoever reads may have had enough
                for start in range(0, len(content.get(self.path, b"")), 2**16):
                    self.wfile.write(content[self.path][start : start + 2**16])
                    time.sleep(0.05 if self.path == "/slow/a.bin" else 0)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", content
        running.shutdown()


def test_no_more_is_read_than_is_published(cache: Path, server: tuple[str, dict[str, bytes]]) -> None:
    url, content = server
    content["/long/a.bin"] = b"first" * 10_000_000
    tracemalloc.start()
    with pytest.raises(RequestError, match="it sends more than the 5 bytes that are published"):
        locate(source(f"{url}/long/"))
    assert tracemalloc.get_traced_memory()[1] < 8e6
    tracemalloc.stop()
    assert held(cache) == {}
    content.update({"/good/a.bin": b"first", "/good/b.bin": b"second"})
    assert locate(source(f"{url}/long/", f"{url}/good/")) == cache


def test_an_archive_that_unpacks_to_more_than_its_files_is_given_up(
    cache: Path, tmp_path: Path, server: tuple[str, dict[str, bytes]]
) -> None:
    url, content = server
    bomb = archive(tmp_path / "bomb.tar.gz", {"filler": bytes(2**24), **FILES})
    forged = archive(tmp_path / "large.tar.gz", {"a.bin": bytes(10_000)})
    archive(tmp_path / "packed.tar.gz", {"filler": os.urandom(2**22), **FILES})
    content["/packed.tar.gz"] = (tmp_path / "packed.tar.gz").read_bytes()
    for given, says in (
        (bomb, "the archive holds more than its files are known to have"),
        (forged, "a.bin has more than its 5 bytes"),
        (f"{url}/packed.tar.gz", "(it sends|the archive holds) more than"),
    ):
        with pytest.raises(RequestError, match=says):
            locate(source(given))
        assert held(cache) == {}


def test_a_mirror_that_trickles_is_given_up(
    cache: Path, server: tuple[str, dict[str, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, content = server
    content["/slow/a.bin"] = bytes(20 * 2**16)
    monkeypatch.setattr(fetch, "_TIMEOUT", 0.2)
    monkeypatch.setattr(fetch, "_SLOWEST", 1e9)
    large = replace(source(f"{url}/slow/"), sizes=(20 * 2**16, 6))
    with pytest.raises(RequestError, match="it sends less than 1e\\+09 bytes a second"):
        locate(large)
    assert held(cache) == {}


def test_what_killed_downloads_left_is_removed_a_day_later(cache: Path, mirror: Path) -> None:
    cache.mkdir(parents=True)
    for name in (".a.bin-old", ".a.bin-new", ".other-old"):
        (cache / name).write_bytes(b"part")
    for name in (".a.bin-old", ".other-old"):
        os.utime(cache / name, (0, 0))
    locate(source(mirror.as_uri() + "/"))
    assert set(held(cache)) == {*FILES, ".a.bin-new", ".other-old"}


@pytest.mark.parametrize("given", [mnist._MNIST, mnist._FASHION, cifar._SOURCE], ids=lambda one: one.name)
def test_mirrors_by_https_come_first(given: Source) -> None:
    schemes = [url.partition(":")[0] for url in given.urls]
    assert set(schemes) <= {"https", "http"}
    assert schemes[0] == "https"
    assert schemes == sorted(schemes, reverse=True)
    assert len(given.sizes) == len(given.sha256)


@pytest.mark.parametrize("variable", ["XDG_CACHE_HOME", "TICKETRY_DATA"])
def test_a_tilde_is_the_home_and_never_a_folder(
    variable: str, mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_CACHE_HOME", "TICKETRY_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "~/x")
    found = locate(source(mirror.as_uri() + "/"))
    assert found == tmp_path / "home" / ("x" if variable == "XDG_CACHE_HOME" else ".cache") / "ticketry" / "set"
    assert not list((tmp_path / "here").iterdir())


@pytest.mark.parametrize("cache_home", [None, "", "relative", "~/cache"])
def test_without_a_home_nothing_is_made_up(
    cache_home: str | None, mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for name in ("XDG_CACHE_HOME", "TICKETRY_DATA", "HOME"):
        monkeypatch.delenv(name, raising=False)
    if cache_home is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", cache_home)
    monkeypatch.setattr(os.path, "expanduser", lambda text: text)  # as where the user has no entry either
    with pytest.raises(RequestError, match=r"no directory is known .* set HOME or XDG_CACHE_HOME to an absolute path"):
        locate(source(mirror.as_uri() + "/"))
    assert not list((tmp_path / "here").iterdir())
    (tmp_path / "set").symlink_to(mirror)
    monkeypatch.setenv("TICKETRY_DATA", str(tmp_path))
    assert locate(source()) == tmp_path / "set"


@pytest.mark.parametrize("content", [b"", b"more than the five bytes"])
def test_a_file_of_another_size_is_not_read(cache: Path, mirror: Path, content: bytes) -> None:
    locate(source(mirror.as_uri() + "/"))
    (cache / "a.bin").write_bytes(content)
    with pytest.raises(RequestError, match=rf"a\.bin of {len(content)} bytes, but it must be the published file of 5;"):
        locate(source())
