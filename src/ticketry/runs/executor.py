"""Where many things are computed, never what: in this process one after the other, or in local processes side by side.

Each is computed on one thread, and starts once the one that it needs has ended.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from ticketry.core.errors import RequestError, refuse
from ticketry.core.lazy import torch

T = TypeVar("T")
Heard = Callable[[Path], None]


@dataclass(frozen=True)
class Call(Generic[T]):
    """One thing to compute."""

    path: Path
    """Its directory, by which it is known; no other call of the same list has it."""
    prepare: Callable[[Mapping[Path, T]], Callable[[], T]]
    """Given the results so far: what to call. A function of a module and plain data, since it may be sent elsewhere."""
    needs: Path | None = None
    """The call, earlier in the list, that must have ended before."""


class Executor(Protocol):
    """A place to compute."""

    def finish(self, calls: Sequence[Call[T]], began: Heard, ended: Heard) -> dict[Path, T]:
        """Compute all: the results by their path. `began` and `ended` hear of each.

        Raises what a call raised, once the first does; RequestError where a place is lost that computed one;
        ValueError for a call that needs none of the earlier ones.
        """


@dataclass(frozen=True)
class ThisProcess:
    """One after the other, in their order, in the process that asks."""

    def finish(self, calls: Sequence[Call[T]], began: Heard, ended: Heard) -> dict[Path, T]:
        """See `Executor`."""
        _check(calls)
        results: dict[Path, T] = {}
        for call in calls:
            began(call.path)
            results[call.path] = compute(call.prepare(results))
            ended(call.path)
        return results


@dataclass(frozen=True)
class LocalProcesses:
    """Side by side in so many processes on this machine, among the ready calls the earliest first.

    The processes end with this one, however it ends: they hold one end of a pipe whose other end only it has. A script
    that uses them needs the `if __name__ == "__main__":` that Python asks of all such scripts.
    """

    count: int

    def finish(self, calls: Sequence[Call[T]], began: Heard, ended: Heard) -> dict[Path, T]:
        """See `Executor`."""
        _check(calls)
        results: dict[Path, T] = {}
        waiting, running = list(calls), dict[Future[T], Call[T]]()
        with _processes(self.count) as pool:
            while waiting or running:
                ready = [call for call in waiting if call.needs is None or call.needs in results]
                for call in ready[: self.count - len(running)]:
                    waiting.remove(call)
                    running[_submit(pool, call.prepare(results))] = call
                    began(call.path)
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    path = running.pop(future).path
                    results[path] = _result(future, path)
                    ended(path)
        return results


def local(workers: int | None = None) -> Executor:
    """This machine with so many calls at a time, by default one for each core; 1 for no process beside this one.

    Raises RequestError for fewer than 1.
    """
    if workers is not None and workers < 1:
        raise refuse("workers", workers, "at least 1", "leave it out for one on each core")
    count = workers or cores()
    return ThisProcess() if count == 1 else LocalProcesses(count)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def compute(call: Callable[[], T]) -> T:
    """The result of one call on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return call()
    finally:
        torch.set_num_threads(threads)
        gc.collect()  # a task is full of cycles and holds all of its data: a gigabyte soon waits to be found


def _check(calls: Sequence[Call[T]]) -> None:
    earlier: set[Path] = set()
    for call in calls:
        if call.path in earlier or (call.needs is not None and call.needs not in earlier):
            raise ValueError(f"{call.path} is not new, or needs {call.needs}, which does not stand before it")
        earlier.add(call.path)


def _result(future: Future[T], path: Path) -> T:
    try:
        return future.result()
    except BrokenProcessPool:
        raise RequestError(
            f"the process of the run {path} or of one beside it was killed, perhaps for want of memory; the same"
            " command goes on, with --workers 1 in the least memory."
        ) from None


@contextmanager
def _processes(count: int) -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    alive, held = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(count, context, initializer=_follow, initargs=(alive,))
    try:
        yield pool
        pool.shutdown()
    finally:
        held.close()
        pool.shutdown(cancel_futures=True)
        alive.close()


def _submit(pool: ProcessPoolExecutor, call: Callable[[], T]) -> Future[T]:
    """As `pool.submit`, which starts a process; it inherits that Ctrl-C, meant for us, is not for it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.submit(compute, call)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _follow(alive: Connection) -> None:
    """In a process of the pool: end when the one that started it closes its end of the pipe or dies."""

    def watch() -> None:
        with suppress(EOFError):
            alive.recv()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
