"""Calls in a process of their own: for functions that ended or stopped a worker, so that only the bad cells are lost.

A child calls the function on one record after the other (a batch function: on the batch) and says how far it is. When
it dies or takes too long, the cell it was at is a fault, or the batch is cut and tried in parts, and the next child
goes on behind it.
"""

from __future__ import annotations

import enum
import mmap
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe

import numpy as np

from labelkit.engines import children
from labelkit.engines.limits import Limits
from labelkit.labeling import LabelingFunction
from labelkit.labeling.kernel import Slice, Votes, call_here, cut
from labelkit.matrix import FAULT, Fault

Range = tuple[int, int]  # rows of a slice


def call_isolated(function: LabelingFunction, rows: Slice, classes: Sequence[str], limits: Limits) -> Votes:
    """Votes of a function on a slice; whatever it does to its process is a fault of the records it does it on."""
    n = len(rows)
    todo = [(0, n)] if function.kind == "batch" else [(i, i + 1) for i in range(n)]
    pass_ = _Pass(function, rows, classes, limits)
    while todo:
        done, trouble = pass_.run(todo)
        todo = todo[done:]
        if trouble is None or not todo:  # it may have died of something after all was done
            continue
        start, stop = todo[0]
        pass_.forget(start, stop)
        if trouble.kind == DIED and done:
            continue  # what came before may have had a part in it: once more in a fresh process
        if stop - start == 1:
            pass_.fail(start, trouble)
            todo = todo[1:]
        else:
            todo[:1] = cut(start, stop)
    return pass_.votes, pass_.faults


TIMEOUT, DIED = "Timeout", "ProcessDied"


@dataclass(frozen=True)
class _Trouble:
    """Why a child did not come to its end."""

    kind: str
    message: str


@dataclass
class _Pass:
    """A function's way over a slice."""

    function: LabelingFunction
    rows: Slice
    classes: Sequence[str]
    limits: Limits
    faults: dict[int, Fault] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shared = memoryview(mmap.mmap(-1, 8 + len(self.rows)))
        self._done = shared[:8].cast("q")  # ranges that the present child has finished
        self._votes = np.frombuffer(shared[8:], dtype=np.int8)

    @property
    def votes(self) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
        """(n,) votes."""
        return self._votes.copy()

    def forget(self, start: int, stop: int) -> None:
        """Take back what was said of rows that are to be tried again."""
        for row in range(start, stop):
            self.faults.pop(row, None)

    def fail(self, row: int, trouble: _Trouble) -> None:
        """Make the cell a fault."""
        self._votes[row] = FAULT
        record = self.rows.records[row]
        self.faults[row] = Fault(self.function.name, record, trouble.kind, trouble.message, self.function.place)

    def run(self, todo: Sequence[Range]) -> tuple[int, _Trouble | None]:
        """Let a child work on the ranges; how many it finished, and why not all."""
        ours, theirs = Pipe(duplex=False)
        self._done[0] = 0

        def work() -> None:
            ours.close()
            self._work(todo, theirs)

        pid = children.fork(work)
        theirs.close()
        try:
            trouble, ending = self._watch(pid, ours)
        except BaseException:
            children.kill(pid)
            raise
        if ending is None:
            children.kill(pid)
        ours.close()
        return self._done[0], trouble

    def _work(self, todo: Sequence[Range], mouth: Connection) -> None:
        self.limits.limit_memory()
        for number, (start, stop) in enumerate(todo):
            votes, faults = call_here(self.function, self.rows.part(start, stop), self.classes)
            if number and any(out_of_memory(fault) for fault in faults.values()):
                os._exit(1)
            self._votes[start:stop] = votes
            if faults:
                mouth.send({start + row: fault for row, fault in faults.items()})
            self._done[0] = number + 1
        mouth.send(None)

    def _watch(self, pid: int, ear: Connection) -> tuple[_Trouble | None, str | None]:
        """Listen until the child is done, dead or too slow. Returns the trouble, and how it ended if it has."""
        tick, waited, place = self.limits.tick(), 0.0, 0
        while True:
            began = time.monotonic()
            heard = self._hear(ear, tick)
            if heard is _Heard.DONE:
                return None, None
            ending = children.kill(pid) if heard is _Heard.GONE else children.ended(pid)
            if ending is not None:
                while self._hear(ear, 0) is _Heard.MORE:
                    pass
                return _Trouble(DIED, f"it ended its process with {ending}"), ending
            if self._done[0] != place:
                place, waited = self._done[0], 0.0
            # Time that this process did not see either (Ctrl-Z) is not the function's.
            waited += min(time.monotonic() - began, 2 * tick)
            if self.limits.timeout and waited > self.limits.timeout:
                return _Trouble(TIMEOUT, f"it took longer than {self.limits.timeout:g} s and was stopped"), None

    def _hear(self, ear: Connection, seconds: float) -> _Heard:
        """What the child says next, if it says something in time; faults are kept."""
        try:
            if not ear.poll(seconds):
                return _Heard.NOTHING
            said = ear.recv()
        except (EOFError, OSError):
            return _Heard.GONE
        if said is None:
            return _Heard.DONE
        self.faults.update(said)
        return _Heard.MORE


class _Heard(enum.Enum):
    """What came through the pipe."""

    NOTHING, MORE, DONE, GONE = range(4)


def out_of_memory(fault: Fault) -> bool:
    """Whether a call failed for want of memory, which another call may have taken. NumPy and Arrow have kinds of it."""
    return fault.exception.endswith("MemoryError")
