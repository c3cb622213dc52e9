"""The runs of a recipe, each on one thread: in processes of their own, or one after the other in this one.

A run is resumed from its checkpoint and a finished one is returned at once, so whatever stops this process loses at
most the seconds since the last checkpoints. Its processes end with it, however it ends: they hold one end of a pipe
whose other end only it has.
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
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ticketry.core.errors import RequestError
from ticketry.core.lazy import torch
from ticketry.recipes.backprop import Backprop
from ticketry.recipes.fitted import Fitted
from ticketry.recipes.plan import Job, Work

Result = Mapping[str, Any]


def finish(
    jobs: Sequence[Job],
    out: Path,
    workers: int,
    began: Callable[[Job], None],
    ended: Callable[[Job], None],
) -> dict[Path, Result]:
    """Do all jobs in directories under `out`: the results by their path. `began` and `ended` hear of each.

    A job starts once the one it needs has ended, among the ready ones the earliest first.
    """
    results: dict[Path, Result] = {}
    if workers == 1:
        for job in jobs:
            began(job)
            results[job.path] = run(job.work(results), out / job.path)
            ended(job)
        return results
    waiting, running = list(jobs), dict[Future[Result], Job]()
    with _processes(workers) as pool:
        while waiting or running:
            ready = [job for job in waiting if job.needs is None or job.needs in results]
            for job in ready[: workers - len(running)]:
                waiting.remove(job)
                running[_submit(pool, job.work(results), out / job.path)] = job
                began(job)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                job = running.pop(future)
                results[job.path] = _result(future, job)
                ended(job)
    return results


def run(work: Work, out: Path) -> Result:
    """Run, resume or return one experiment on one thread."""
    if isinstance(work, Backprop):
        return work.execute(out)
    from ticketry.runs.find import execute

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return work.execute(out) if isinstance(work, Fitted) else execute(work, out).result
    finally:
        torch.set_num_threads(threads)
        gc.collect()  # a task is full of cycles and holds all of its data: a gigabyte soon waits to be found


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _result(future: Future[Result], job: Job) -> Result:
    try:
        return future.result()
    except BrokenProcessPool:
        raise RequestError(
            f"the process of the run {job.path} or of one beside it was killed, perhaps for want of memory; the same"
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


def _submit(pool: ProcessPoolExecutor, work: Work, out: Path) -> Future[Result]:
    """As `pool.submit`, which starts a process; it inherits that Ctrl-C, meant for us, is not for it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.submit(run, work, out)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _follow(alive: Connection) -> None:
    """In a process of the pool: end when the one that started it closes its end of the pipe or dies."""

    def watch() -> None:
        with suppress(EOFError):
            alive.recv()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
