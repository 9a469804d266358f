"""How a worker calls functions: at full speed, with marks that its parent reads when something goes wrong.

The marks are in memory that both share: which function is running, and a number that changes while it gets on. A
function that has once stopped or ended a worker is a suspect, and called in processes of its own from then on.
"""

from __future__ import annotations

import mmap
import os
import threading
import time
from collections.abc import Sequence

from labelkit.engines.isolation import call_isolated, out_of_memory
from labelkit.engines.limits import Limits
from labelkit.labeling import LabelingFunction
from labelkit.labeling.kernel import Slice, Votes, call_here

NOWHERE = -1


class Marks:
    """Where a worker is, as it and its parent see it."""

    def __init__(self) -> None:
        self._shared = memoryview(mmap.mmap(-1, 16)).cast("q")
        self.leave()

    @property
    def function(self) -> int:
        """The number of the function that runs; NOWHERE when none does."""
        return self._shared[0]

    @property
    def place(self) -> int:
        """Changes while a function gets on; NOWHERE when nobody has to look."""
        return self._shared[1]

    def enter(self, function: int) -> None:
        """A function begins."""
        self._shared[0] = function

    def leave(self) -> None:
        """No function runs."""
        self._shared[1] = self._shared[0] = NOWHERE

    def move(self, place: int) -> None:
        """The function is here."""
        self._shared[1] = place


class WorkerCalls:
    """Calls functions in a worker process; see `labelkit.labeling.kernel.Call`."""

    def __init__(self, names: Sequence[str], suspects: frozenset[int], limits: Limits, marks: Marks) -> None:
        self._numbers = {name: number for number, name in enumerate(names)}
        self._suspects = suspects
        self._limits = limits
        self._marks = marks
        self._watched: tuple[int, Slice] | None = None
        self._calls = 0
        if limits.timeout:
            threading.Thread(target=self._beat, daemon=True).start()

    def __call__(self, function: LabelingFunction, rows: Slice, classes: Sequence[str]) -> Votes:
        """Votes of a function on a slice."""
        number = self._numbers[function.name]
        self._marks.enter(number)
        try:
            if number in self._suspects:
                return call_isolated(function, rows, classes, self._limits)
            self._calls += 1
            self._watched = self._calls, rows
            self._move()  # here, too: C code may keep the beat from ever coming
            votes = call_here(function, rows, classes)
            if any(out_of_memory(fault) for fault in votes[1].values()):
                os._exit(1)  # another function may have taken what this one lacked: a fresh process will tell
            return votes
        finally:
            self._watched = None
            self._marks.leave()

    def _move(self) -> None:
        watched = self._watched
        self._marks.move(NOWHERE if watched is None else (watched[0] % 2**20 << 40) + watched[1].place() % 2**40)

    def _beat(self) -> None:
        """Say again and again where the function is. It cannot while C code keeps Python from running, which tells."""
        while True:
            self._move()
            time.sleep(self._limits.tick())
