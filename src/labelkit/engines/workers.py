"""Several processes for one pass over the records: forked, fed with chunks, read in record order.

Where the source can be read from anywhere, each worker reads blocks of chunks itself; else this process reads and
hands the chunks over. Workers share nothing but pipes. They ignore Ctrl-C, which is their parent's to handle, and die
with it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any

from labelkit import errors
from labelkit.engines.base import ChunkVotes
from labelkit.engines.chunks import ChunkCaster
from labelkit.records import Records

BLOCK = 8  # chunks that a worker reads one after another
AHEAD = 2 * BLOCK  # results that may wait for an earlier one

_PR_SET_PDEATHSIG = 1


@dataclass
class _Worker:
    """A worker process as its parent sees it."""

    pid: int
    pipe: Connection
    busy: int = 0  # chunks it has been given and not returned


def cast_with_workers(caster: ChunkCaster, records: Records, count: int) -> Iterator[ChunkVotes]:
    """The chunks of the records with their votes, in order, cast by `count` processes."""
    import pyarrow as pa

    pa.array([0])  # pyarrow looks for pandas when it makes its first array: once here, not once in every worker
    workers = [_fork(caster, records) for _ in range(count)]
    try:
        yield from _in_order(workers, _Tasks(records))
    finally:
        for worker in workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)
            worker.pipe.close()
            os.waitpid(worker.pid, 0)


class _Tasks:
    """What is still to be given out: ranges of chunks, or the chunks themselves."""

    def __init__(self, records: Records) -> None:
        self._count = records.chunk_count()
        self._next = 0
        self._read = enumerate(records.chunks()) if self._count is None else None
        # A whole chunk is handed only to a worker that waits for it: if both sides wrote at once, both would wait.
        self.ahead = 2 if self._read is None else 1

    def take(self) -> tuple[Any, int] | None:
        """The next task and the number of chunks in it; None when there is none."""
        if self._read is not None:
            found = next(self._read, None)
            return None if found is None else (found, 1)
        assert self._count is not None  # noqa: S101  one of the two is there
        first, last = self._next, min(self._next + BLOCK, self._count)
        self._next = last
        return ((first, last), last - first) if first < last else None


def _in_order(workers: list[_Worker], tasks: _Tasks) -> Iterator[ChunkVotes]:
    waiting: dict[int, ChunkVotes] = {}
    wanted, left = 0, True
    while True:
        for worker in workers:
            if left and worker.busy < tasks.ahead and len(waiting) < AHEAD * len(workers):
                task = tasks.take()
                left = task is not None
                if task is not None:
                    _send(worker, task[0])
                    worker.busy += task[1]
        while wanted in waiting:
            yield waiting.pop(wanted)
            wanted += 1
        working = [worker for worker in workers if worker.busy]
        if not working:
            if left:
                continue
            return
        ready = wait([worker.pipe for worker in working])
        for worker in working:
            if worker.pipe in ready:
                chunk = _receive(worker)
                worker.busy -= 1
                waiting[chunk.index] = chunk


def _send(worker: _Worker, task: Any) -> None:
    try:
        worker.pipe.send(task)
    except (BrokenPipeError, ConnectionResetError) as error:
        raise _died(worker) from error


def _receive(worker: _Worker) -> ChunkVotes:
    """One result of a worker. An error of labelkit's comes through as itself."""
    try:
        kind, value = worker.pipe.recv()
    except (EOFError, ConnectionResetError) as error:
        raise _died(worker) from error
    if kind == "chunk":
        return value  # type: ignore[no-any-return]
    if kind == "error":
        name, message = value
        raise getattr(errors, name)(message)
    raise RuntimeError(value)


def _died(worker: _Worker) -> errors.MachineError:
    return errors.MachineError(
        f"a worker process (pid {worker.pid}) died while it ran labeling functions: killed, out of memory, or a "
        "function ended it; run with --workers 1 to see which"
    )


def _fork(caster: ChunkCaster, records: Records) -> _Worker:
    ours, theirs = Pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        theirs.close()
        return _Worker(pid, ours)
    code = 1
    try:
        ours.close()
        _die_with(parent)
        _work(caster, records, theirs)
        code = 0
    finally:
        os._exit(code)


def _die_with(parent: int) -> None:
    """Ask the kernel to kill this process when its parent ends, however that ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if os.getppid() != parent:
        os._exit(1)


def _work(caster: ChunkCaster, records: Records, pipe: Connection) -> None:
    import pyarrow as pa

    pa.set_cpu_count(1)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            task = pipe.recv()
            try:
                for chunk in _cast(caster, records, task):
                    pipe.send(("chunk", chunk))
            except errors.LabelkitError as error:
                pipe.send(("error", (type(error).__name__, str(error))))
            except OSError:
                raise
            except Exception as error:  # noqa: BLE001  a bug; its text goes to the parent, which fails with it
                pipe.send(("bug", f"{type(error).__name__}: {error}"))


def _cast(caster: ChunkCaster, records: Records, task: Any) -> Iterator[ChunkVotes]:
    first, what = task
    if not isinstance(what, int):
        yield caster.cast(first, what)
        return
    chunks = records.chunks(first)
    for index in range(first, what):
        yield caster.cast(index, next(chunks))
