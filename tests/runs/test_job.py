"""What one engine owes every job: one process at a time, refusals in a sentence, nested state, logs that only tell."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest
import torch
from tests.laws import tiny

from ticketry.core import atomic
from ticketry.core.errors import RequestError
from ticketry.methods.edge_popup import EdgePopup
from ticketry.paths import RunDirectory
from ticketry.runs import checkpoint, job, lock, record

WANTED = tiny.experiment(EdgePopup(batch=32))


class Killed(BaseException):
    """Stands for SIGKILL."""


class Pair(NamedTuple):
    left: torch.Tensor
    right: int | None


@dataclass(frozen=True)
class Inner:
    scores: torch.Tensor
    pairs: list[Pair]
    named: dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class Nested:
    """A state with an engine's state in it."""

    inner: Inner
    count: int
    note: str | None = None
    spare: Inner | None = None


@dataclass
class Counting:
    """A job of four steps on a nested state; `dies` kills it after that many."""

    directory: RunDirectory
    dies: int = 99
    asked: list[str] = field(default_factory=list)
    wanted = WANTED
    source = "nothing"
    handed = ()
    known: ClassVar[dict[str, str]] = {}
    kinds: Mapping[str, Any] = field(default_factory=lambda: {"inner": Inner, "count": int, "note": str | None})
    device = torch.device("cpu")

    def prepare(self) -> Mapping[str, str]:
        self.asked.append("prepare")
        return {"split": "0"}

    def first(self) -> Nested:
        self.asked.append("first")
        return Nested(Inner(torch.zeros(2), [], {}), 0)

    def restored(self, fields: Mapping[str, Any]) -> Nested:
        self.asked.append("restored")
        return Nested(**fields)

    def gather(self, quiet: bool) -> None:
        self.asked.append("gather")

    def step(self, state: Nested) -> tuple[Nested, Mapping[str, Any] | None] | None:
        if state.count == 4:
            return None
        if self.dies == 0:
            raise Killed
        self.dies -= 1
        inner = state.inner
        pair = Pair(inner.scores + state.count, None if state.count % 2 else state.count)
        grown = Inner(inner.scores + 1, [*inner.pairs, pair], {**inner.named, str(state.count): (0.1, float("inf"))})
        return Nested(grown, state.count + 1, "odd" if state.count % 2 else None), {"step": state.count + 1}

    def finish(self, state: Nested) -> dict[str, Any]:
        pairs = [[pair.left.tolist(), pair.right] for pair in state.inner.pairs]
        return {"pairs": pairs, "named": len(state.inner.named), "digest": {"experiment": self.wanted.digest}}

    def watch(self, quiet: bool) -> Any:
        return nullcontext()


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job, "CHECKPOINT_EVERY", -1.0)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "run"


class TestEngine:
    @pytest.mark.parametrize("dies", [0, 1, 2, 3])
    def test_a_nested_state_goes_on_where_it_was(self, tmp_path: Path, dies: int) -> None:
        whole = job.perform(Counting(RunDirectory(tmp_path / "whole")))
        cut = RunDirectory(tmp_path / "cut")
        with pytest.raises(Killed):
            job.perform(Counting(cut, dies))
        second = Counting(cut)
        assert job.perform(second) == whole
        assert second.asked == ["prepare", "restored" if dies else "first", "gather"]
        assert cut.log.read_text() == RunDirectory(tmp_path / "whole").log.read_text()

    def test_a_finished_job_does_nothing(self, out: Path) -> None:
        done = job.perform(Counting(RunDirectory(out)))
        again = Counting(RunDirectory(out))
        assert job.perform(again) == done
        assert again.asked == []

    @pytest.mark.parametrize("log", ["", '{"step":1}\n{"st', "junk\n" * 9, None, b"\xff\xfe"])
    def test_the_log_is_never_read_back(self, tmp_path: Path, log: str | bytes | None) -> None:
        """A full disk cuts it short, a user edits it: the state is elsewhere, and the log is written anew."""
        whole = job.perform(Counting(RunDirectory(tmp_path / "whole")))
        cut = RunDirectory(tmp_path / "cut")
        with pytest.raises(Killed):
            job.perform(Counting(cut, 2))
        if log is None:
            cut.log.unlink()
        else:
            cut.log.write_bytes(log if isinstance(log, bytes) else log.encode())
        assert job.perform(Counting(cut)) == whole
        assert [json.loads(line) for line in cut.log.read_text().splitlines()] == [{"step": n} for n in (1, 2, 3, 4)]

    def test_checkpoints_take_a_small_part_of_the_time(self, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A large state is saved less often."""
        monkeypatch.setattr(job, "CHECKPOINT_EVERY", 0.0)
        real, saved = checkpoint.save, []

        def slow(*args: Any) -> None:
            time.sleep(0.05)
            saved.append(time.perf_counter())
            real(*args)

        monkeypatch.setattr(checkpoint, "save", slow)
        job.perform(Counting(RunDirectory(out)))
        assert len(saved) == 2  # the first, and the last state


class TestDamage:
    @pytest.mark.parametrize(
        "text", [b"", b"{", b"[]", b"3", b"null", b"{}", b'{"digest": 3}', b"\xff\xfe\x00", b"[" * 9999]
    )
    def test_a_result_that_is_none_is_said(self, out: Path, text: bytes) -> None:
        job.perform(Counting(RunDirectory(out)))
        (out / "result.json").write_bytes(text)
        with pytest.raises(RequestError, match=r"^out is .*result\.json is damaged; delete .*result\.json and give"):
            job.perform(Counting(RunDirectory(out)))
        (out / "result.json").unlink()
        assert job.perform(Counting(RunDirectory(out)))["named"] == 4

    def test_a_result_that_was_changed_is_damaged(self, out: Path) -> None:
        """Numbers that no job wrote are not told, and no key is missing."""
        job.perform(Counting(RunDirectory(out)))
        good = (out / "result.json").read_text()
        for bad in (good.replace("4", "5"), good.replace("named", "nomad"), good.replace("seal", "zeal")):
            assert bad != good
            (out / "result.json").write_text(bad)
            with pytest.raises(RequestError, match=r"result\.json is damaged"):
                job.perform(Counting(RunDirectory(out)))

    @pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b"\xff\xfe\x00\x80", b'{"digest": 3}', b"[" * 9999])
    def test_a_record_that_is_none_is_said(self, out: Path, text: bytes) -> None:
        job.perform(Counting(RunDirectory(out)))
        (out / "experiment.json").write_bytes(text)
        with pytest.raises(RequestError, match=r"^out is .*but its experiment\.json is damaged; name another path\.$"):
            job.perform(Counting(RunDirectory(out)))

    def test_a_checkpoint_with_a_flipped_bit_is_refused_or_the_same(self, tmp_path: Path) -> None:
        """Wherever the bit is: never a traceback, never another result."""
        whole, cut = job.perform(Counting(RunDirectory(tmp_path / "whole"))), RunDirectory(tmp_path / "cut")
        with pytest.raises(Killed):
            job.perform(Counting(cut, 3))
        good, draw, refused = cut.checkpoint.read_bytes(), random.Random(0), 0
        bits = {*range(8 * 8), *(draw.randrange(8 * len(good)) for _ in range(400))}
        for bit in bits:
            bad = bytearray(good)
            bad[bit // 8] ^= 1 << bit % 8
            cut.checkpoint.write_bytes(bad)
            cut.result.unlink(missing_ok=True)
            try:
                assert job.perform(Counting(cut)) == whole
            except RequestError as error:
                refused += 1
                assert "is damaged" in str(error)  # noqa: PT017
                assert "\n" not in str(error)  # noqa: PT017
        assert refused > 0.95 * len(bits)

    def test_what_a_state_may_not_hold_is_said_by_its_name(self, tmp_path: Path) -> None:
        for bad in ({"a": {1: 2}}, {"a": {"$tensor": 1}}, {"a": object()}, {"a": [{1, 2}]}):
            with pytest.raises(TypeError, match=r"^a\S* of a state"):
                checkpoint.save(tmp_path / "c", "owner", bad)

    @pytest.mark.parametrize("share", ["whole", "view", "transposed"])
    def test_tensors_may_share_memory(self, tmp_path: Path, share: str) -> None:
        population = torch.arange(12).view(3, 4) % 3 == 0
        mask = {"whole": population[1].clone(), "view": population[1], "transposed": population.T[1]}[share]
        parts = {"a": population, "b": [mask, population]}
        checkpoint.save(tmp_path / "c", "owner", parts)
        kinds = {"a": torch.Tensor, "b": list[torch.Tensor]}
        assert tiny.same(checkpoint.load(tmp_path / "c", "owner", kinds, torch.device("cpu")), parts)


HOLDS = """
import sys, pathlib
from ticketry.runs.lock import hold
with hold(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


class TestLock:
    @pytest.fixture
    def holder(self, out: Path) -> Any:
        out.mkdir()
        words = [sys.executable, "-c", HOLDS, str(out)]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
            process.kill()

    def test_a_second_process_is_told_who_is_at_work(
        self, out: Path, holder: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lock, "PATIENCE", 0.1)
        with pytest.raises(RequestError, match=rf"^out is .*in use by process {holder.pid} on .* since .*; wait for"):
            job.perform(Counting(RunDirectory(out)))

    def test_it_waits_a_while(self, out: Path, holder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        real = time.sleep

        def ends(seconds: float) -> None:
            holder.stdin.close()
            holder.wait()
            real(seconds)

        monkeypatch.setattr(time, "sleep", ends)
        assert job.perform(Counting(RunDirectory(out)))["named"] == 4

    def test_the_lock_of_a_dead_process_is_taken_over(self, out: Path, holder: Any) -> None:
        holder.kill()
        holder.wait()
        assert (out / ".lock").exists()
        assert job.perform(Counting(RunDirectory(out)))["named"] == 4
        assert not (out / ".lock").exists()

    def test_of_two_that_begin_at_once_the_slower_finds_the_work_done(self, out: Path) -> None:
        first = Counting(RunDirectory(out))

        class Slow(Counting):
            def first(self) -> Nested:
                if not out.exists():
                    job.perform(first)
                return super().first()

        assert job.perform(Slow(RunDirectory(out))) == record.result(RunDirectory(out))

    def test_a_link_in_its_place_is_not_followed(self, out: Path, tmp_path: Path) -> None:
        out.mkdir()
        (tmp_path / "mine").write_text("precious")
        (out / ".lock").symlink_to(tmp_path / "mine")
        with pytest.raises(RequestError, match=r"^out is .*\.lock that can be locked.*; remove .*\.lock\.$"):
            job.perform(Counting(RunDirectory(out)))
        assert (tmp_path / "mine").read_text() == "precious"

    def test_where_nothing_can_be_written_a_finished_job_is_read(self, out: Path) -> None:
        done = job.perform(Counting(RunDirectory(out)))
        out.chmod(0o500)
        try:
            assert job.perform(Counting(RunDirectory(out))) == done
        finally:
            out.chmod(0o700)


class TestTemporaryFiles:
    def test_their_names_cannot_be_foreseen_and_nothing_is_followed(self, tmp_path: Path) -> None:
        seen: list[Path] = []
        real = Path.replace

        def noting(path: Path, target: Path) -> Path:
            seen.append(path)
            return real(path, target)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(Path, "replace", noting)
            for _ in range(3):
                atomic.write(tmp_path / "file", "content")
        assert len({path.name for path in seen}) == 3
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(os, "urandom", lambda n: b"\0" * n)
            (tmp_path / f".{'00' * 12}.part").symlink_to(tmp_path / "victim")
            with suppress(FileExistsError):
                atomic.write(tmp_path / "file", "other")
        assert not (tmp_path / "victim").exists()
        assert (tmp_path / "file").read_text() == "content"

    def test_what_a_kill_left_is_removed_at_the_next_start(self, out: Path) -> None:
        with pytest.raises(Killed):
            job.perform(Counting(RunDirectory(out), 2))
        for place in (out, out / "checkpoint"):
            (place / ".0123456789abcdef01234567.part").write_bytes(b"half")
        job.perform(Counting(RunDirectory(out)))
        assert [path for path in out.rglob("*") if path.name.endswith(".part")] == []

    def test_what_is_not_ticketrys_is_left_alone(self, out: Path, tmp_path: Path) -> None:
        """Other files that end alike, and what a link leads to."""
        name = ".0123456789abcdef01234567.part"
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / name).write_text("precious")
        out.mkdir()
        (out / ".film.part").write_text("mine")
        with pytest.raises(RequestError, match="a new or empty directory"):
            job.perform(Counting(RunDirectory(out)))
        (out / ".film.part").unlink()
        with pytest.raises(Killed):
            job.perform(Counting(RunDirectory(out), 2))
        (out / "notes").symlink_to(tmp_path / "mine")
        (out / "check").mkdir()
        (out / "check" / name).write_text("of another job, at work")
        (out / name).write_text("left")
        job.perform(Counting(RunDirectory(out)))
        assert (tmp_path / "mine" / name).exists()
        assert (out / "check" / name).exists()
        assert not (out / name).exists()
        (out / name).write_text("left")
        job.perform(Counting(RunDirectory(out)))
        assert not (out / name).exists()

    def test_a_write_that_takes_less_than_all_goes_on(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        real = os.write
        monkeypatch.setattr(os, "write", lambda handle, data: real(handle, data[:3]))
        atomic.write(tmp_path / "file", "a longer text")
        atomic.append(tmp_path / "file", "and more")
        assert (tmp_path / "file").read_text() == "a longer textand more\n"
