"""Several processes for one pass over the records: forked, fed with chunks, read in record order.

Where the source can be read from anywhere, each worker reads blocks of chunks itself; else this process reads and
hands the chunks over. Workers share nothing but pipes. They ignore Ctrl-C, which is their parent's to handle, and die
with it. A worker that dies, or whose function stands still for longer than is allowed, is replaced; the function that
ran in it is called in processes of its own from then on, so that only the cells it fails on are lost.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any

from labelkit import errors
from labelkit.engines import children
from labelkit.engines.base import ChunkVotes
from labelkit.engines.calls import NOWHERE, Marks, WorkerCalls
from labelkit.engines.chunks import ChunkCaster
from labelkit.engines.limits import Limits
from labelkit.engines.output import print_to, printed
from labelkit.records import Records

BLOCK = 8  # chunks that a worker reads one after another
AHEAD = 2 * BLOCK  # results that may wait for an earlier one
STRIKES = 3  # deaths on one chunk that no function explains, or that isolating the function has not ended


@dataclass
class _Task:
    """Chunks to be cast: a range of them, or one with its content."""

    first: int
    last: int
    content: Any = None


@dataclass
class _Worker:
    """A worker process as its parent sees it."""

    pid: int
    pipe: Connection
    marks: Marks
    tasks: list[_Task] = field(default_factory=list)  # given to it and not returned
    place: int = NOWHERE
    stuck: float = 0.0  # seconds for which its function has been in that place

    @property
    def busy(self) -> int:
        """Chunks that it still owes."""
        return sum(task.last - task.first for task in self.tasks)

    def returned(self) -> None:
        """One chunk less."""
        self.tasks[0].first += 1
        if self.tasks[0].first == self.tasks[0].last:
            del self.tasks[0]

    def stands_still(self, seconds: float, limit: float) -> bool:
        """Whether its function has not moved for longer than the limit, `seconds` after the last look."""
        place = self.marks.place
        self.stuck = self.stuck + seconds if place == self.place != NOWHERE else 0.0
        self.place = place
        return self.stuck > limit > 0


def cast_with_workers(
    caster: ChunkCaster, records: Records, count: int, limits: Limits, span: range | None = None
) -> Iterator[ChunkVotes]:
    """The chunks of the records with their votes, in order, cast by `count` processes.

    `span` are the wanted chunks of records that can be read from anywhere; all of them, by default.
    """
    import pyarrow as pa

    pa.array([0])  # pyarrow looks for pandas when it makes its first array: once here, not once in every worker
    with printed() as output:
        pool = _Pool(caster, records, limits, output)
        try:
            pool.start(count)
            yield from pool.in_order(_Tasks(records, span))
        finally:
            pool.stop()


class _Tasks:
    """What is still to be given out: ranges of chunks, or the chunks themselves."""

    def __init__(self, records: Records, span: range | None) -> None:
        self._count = records.chunk_count() if span is None else span.stop
        self.first = self._next = 0 if span is None else span.start
        self._read = enumerate(records.chunks()) if self._count is None else None
        # A whole chunk is handed only to a worker that waits for it: if both sides wrote at once, both would wait.
        self.ahead = 2 if self._read is None else 1

    def take(self) -> _Task | None:
        """The next task; None when there is none."""
        if self._read is not None:
            found = next(self._read, None)
            return None if found is None else _Task(found[0], found[0] + 1, found[1])
        assert self._count is not None  # noqa: S101  one of the two is there
        first, last = self._next, min(self._next + BLOCK, self._count)
        self._next = last
        return _Task(first, last) if first < last else None


class _Pool:
    """The workers of a pass, and the functions that are suspected of having ended one."""

    def __init__(self, caster: ChunkCaster, records: Records, limits: Limits, output: int) -> None:
        self._caster, self._records, self._limits, self._output = caster, records, limits, output
        self._workers: list[_Worker] = []
        self._suspects: frozenset[int] = frozenset()
        self._strikes = Counter[int]()

    def start(self, count: int) -> None:
        """Fork the workers."""
        for _ in range(count):
            self._workers.append(self._fork())

    def stop(self) -> None:
        """End the workers."""
        for worker in self._workers:
            children.kill(worker.pid)
            worker.pipe.close()

    def in_order(self, tasks: _Tasks) -> Iterator[ChunkVotes]:
        """Give out the tasks, and give back the chunks in their order."""
        waiting: dict[int, ChunkVotes] = {}
        wanted, left = tasks.first, True
        while True:
            for place, worker in enumerate(self._workers):
                if left and worker.busy < tasks.ahead and len(waiting) < AHEAD * len(self._workers):
                    task = tasks.take()
                    left = task is not None
                    if task is not None:
                        worker.tasks.append(task)
                        self._send(place, task)
            while wanted in waiting:
                yield waiting.pop(wanted)
                wanted += 1
            if any(worker.busy for worker in self._workers):
                waiting |= {chunk.index: chunk for chunk in self._listen()}
            elif not left:
                return

    def _listen(self) -> Iterator[ChunkVotes]:
        """What workers return within a moment. Those that have died or stand still are replaced."""
        began, tick = time.monotonic(), self._limits.tick()
        working = [(place, worker) for place, worker in enumerate(self._workers) if worker.busy]
        ready = wait([worker.pipe for _, worker in working], tick)
        # Time that this process did not see either (Ctrl-Z) is not the function's.
        seconds = min(time.monotonic() - began, 2 * tick)
        for place, worker in working:
            if worker.pipe in ready:
                chunk = _receive(worker)
                if chunk is None:
                    self._replace(place, children.kill(worker.pid))
                else:
                    worker.returned()
                    yield chunk
            elif worker.stands_still(seconds, self._limits.timeout):
                self._replace(place, children.kill(worker.pid))
            elif (ending := children.ended(worker.pid)) is not None:
                self._replace(place, ending)  # a process that a function left behind keeps the pipe open

    def _replace(self, place: int, ending: str) -> None:
        """A new worker for a dead one: it takes over the tasks, and is careful with the function that ran."""
        worker = self._workers[place]
        worker.pipe.close()
        del self._workers[place]  # until there is another
        suspect = worker.marks.function
        if suspect == NOWHERE or suspect in self._suspects:
            self._strikes[worker.tasks[0].first] += 1
            self._suspects |= frozenset(range(len(self._caster.functions)))
        else:
            self._suspects |= {suspect}
        if self._strikes[worker.tasks[0].first] >= STRIKES:
            raise errors.MachineError(
                f"a worker process ended with {ending} {STRIKES} times at the same place, and no labeling function "
                "explains it: out of memory? fewer workers (--workers) need less"
            )
        self._workers.insert(place, self._fork())
        self._workers[place].tasks = worker.tasks
        for task in worker.tasks:
            self._send(place, task)

    def _send(self, place: int, task: _Task) -> None:
        # A worker that has died meanwhile is noticed, and replaced, when its answer is waited for.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._workers[place].pipe.send((task.first, task.last, task.content))

    def _fork(self) -> _Worker:
        ours, theirs = Pipe()
        marks = Marks()

        def work() -> None:
            ours.close()
            print_to(self._output)
            self._limits.limit_memory()
            names = [function.name for function in self._caster.functions]
            self._caster.call = WorkerCalls(names, self._suspects, self._limits, marks)
            self._caster.slow = self._suspects
            _work(self._caster, self._records, theirs)

        pid = children.fork(work)
        theirs.close()
        return _Worker(pid, ours, marks)


def _receive(worker: _Worker) -> ChunkVotes | None:
    """One result of a worker; None when it has died. An error of labelkit's comes through as itself."""
    try:
        kind, value = worker.pipe.recv()
    except (EOFError, OSError):
        return None
    if kind == "chunk":
        return value  # type: ignore[no-any-return]
    if kind == "error":
        name, message = value
        raise getattr(errors, name)(message)
    raise RuntimeError(value)


def _work(caster: ChunkCaster, records: Records, pipe: Connection) -> None:
    import pyarrow as pa

    pa.set_cpu_count(1)
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            first, last, content = pipe.recv()
            try:
                for chunk in _cast(caster, records, first, last, content):
                    pipe.send(("chunk", chunk))
            except errors.LabelkitError as error:
                pipe.send(("error", (type(error).__name__, str(error))))
            except (OSError, MemoryError):
                raise
            except Exception as error:  # noqa: BLE001  a bug; its text goes to the parent, which fails with it
                pipe.send(("bug", f"{type(error).__name__}: {error}"))


def _cast(caster: ChunkCaster, records: Records, first: int, last: int, content: Any) -> Iterator[ChunkVotes]:
    if content is not None:
        yield caster.cast(first, content)
        return
    chunks = records.chunks(first)
    for index in range(first, last):
        yield caster.cast(index, next(chunks))
