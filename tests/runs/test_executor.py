"""Where things are computed changes nothing of what: both members, by the same tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pytest
import torch

from ticketry.core.errors import RequestError
from ticketry.runs.executor import Call, Executor, LocalProcesses, ThisProcess, cores, local

MEMBERS = {"here": ThisProcess(), "processes": LocalProcesses(2)}


@pytest.fixture(params=MEMBERS.values(), ids=MEMBERS)
def executor(request: pytest.FixtureRequest) -> Executor:
    member: Executor = request.param
    return member


def add(*numbers: int) -> int:
    return sum(numbers)


def call(name: str, number: int, needs: str | None = None) -> Call[int]:
    """A number, and that of the call it needs."""

    def prepare(results: Mapping[Path, int]) -> Callable[[], int]:
        return partial(add, number, results[Path(needs)] if needs else 0)

    return Call(Path(name), prepare, Path(needs) if needs else None)


def silent(_: Path) -> None:
    return


def test_results_go_to_the_calls_that_need_them_and_each_is_heard_of(executor: Executor) -> None:
    heard: list[tuple[str, Path]] = []
    calls = [call("a", 1), call("b", 10, "a"), call("c", 5), call("d", 100, "b")]
    results = executor.finish(calls, lambda path: heard.append(("began", path)), lambda path: heard.append(("", path)))
    assert results == {Path("a"): 1, Path("b"): 11, Path("c"): 5, Path("d"): 111}
    assert sorted(heard) == sorted((what, each.path) for each in calls for what in ("began", ""))
    for each in calls:
        began = heard.index(("began", each.path))
        assert began < heard.index(("", each.path))
        assert each.needs is None or heard.index(("", each.needs)) < began


def test_in_this_process_the_order_is_that_of_the_list() -> None:
    heard: list[Path] = []
    calls = [call("b", 1), call("a", 2), call("c", 3, "b")]
    assert list(ThisProcess().finish(calls, heard.append, silent)) == heard == [each.path for each in calls]


def place() -> tuple[int, int]:
    return os.getpid(), torch.get_num_threads()


@pytest.mark.parametrize("executor", [ThisProcess(), LocalProcesses(1)], ids=MEMBERS)
def test_each_has_one_thread_here_or_in_another_process_that_ends_with_its_work(executor: Executor) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        (found,) = executor.finish([Call(Path("one"), lambda _: place)], silent, silent).values()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    process, threads = found
    assert threads == 1
    assert (process == os.getpid()) == (executor == ThisProcess())
    assert process == os.getpid() or not Path(f"/proc/{process}").exists()


def refused() -> int:
    raise RequestError("density is 2, but must be in (0, 1]; choose another.")


def test_what_a_call_raises_is_raised(executor: Executor) -> None:
    with pytest.raises(RequestError, match="density is 2"):
        executor.finish([Call(Path("one"), lambda _: refused), call("a", 1)], silent, silent)


def killed() -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def test_a_process_that_is_killed_is_told_in_one_sentence_that_says_what_to_do() -> None:
    with pytest.raises(RequestError, match=r"^the process of the run one or .* killed.* with --workers 1 in the least"):
        LocalProcesses(1).finish([Call(Path("one"), lambda _: killed)], silent, silent)


@pytest.mark.parametrize(
    "calls", [[call("b", 1, "a"), call("a", 1)], [call("a", 1, "z")], [call("a", 1), call("a", 2)]]
)
def test_a_list_that_could_not_end_is_refused(executor: Executor, calls: list[Call[int]]) -> None:
    with pytest.raises(ValueError, match="is not new, or needs"):
        executor.finish(calls, silent, silent)


def test_this_machine() -> None:
    assert local(1) == ThisProcess()
    assert local(3) == LocalProcesses(3)
    assert local() == (ThisProcess() if cores() == 1 else LocalProcesses(cores()))
    with pytest.raises(RequestError, match="workers is 0"):
        local(0)
