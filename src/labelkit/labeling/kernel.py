"""The one kernel that casts votes, batch by batch, for every kind of function and on every engine.

Functions run one after another over the rows of a chunk. An exception is a fault of one cell, and so is a vote that
means nothing: the other cells are as if nothing had happened.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import length_hint
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.labeling.batch import as_columns, votes_of
from labelkit.labeling.faults import BadVoteError, fault_of
from labelkit.labeling.functions import LabelingFunction
from labelkit.labeling.rows import Rows
from labelkit.labeling.rules import RulePlan, check_columns
from labelkit.labeling.votes import as_votes
from labelkit.matrix import ABSTAIN, Fault

if TYPE_CHECKING:
    import pyarrow as pa


ROWS_AT_ONCE = 8_192
"""Rows that exist as Python objects at one time."""

PARTS = 16  # that a batch is cut into to find the records on which a batch function fails
HOPELESS = 32  # failed records, and none good, after which a batch is only cut further when one turns out good


@dataclass
class Slice:
    """Some rows of a chunk, as functions of each kind see them."""

    fields: pa.RecordBatch
    records: list[str]  # (n,) ids
    rows: Rows | None = None  # None: only batch functions look
    calls: int = 0  # passes over rows, and calls of batch functions, that were begun
    left: Iterator[Any] = field(default_factory=lambda: iter(()))  # rows that the present pass has not yet seen

    def __len__(self) -> int:
        return len(self.records)

    def place(self) -> int:
        """A number that changes with every row and call, to be looked at from another thread."""
        return (self.calls << 20) + length_hint(self.left)

    def part(self, start: int, stop: int) -> Slice:
        """Some of the rows."""
        fields = self.fields.slice(start, stop - start)
        return Slice(fields, self.records[start:stop], None if self.rows is None else self.rows.part(start, stop))


Votes = tuple[NDArray[np.int8], dict[int, Fault]]
"""(n,) votes on a slice, and the faults by row."""

Call = Callable[[LabelingFunction, Slice, Sequence[str]], Votes]
"""How a function is called on a slice: here, or in a process that may die of it."""


def call_here(function: LabelingFunction, rows: Slice, classes: Sequence[str]) -> Votes:
    """Votes of a row or batch function on a slice, cast in this process."""
    raw, faults = _run_batch(function, rows) if function.kind == "batch" else _run(function, rows)
    return as_votes(function, raw, rows.records, classes, faults), faults


def cast_votes(
    functions: Sequence[LabelingFunction], ids: pa.Array, fields: pa.RecordBatch, classes: Sequence[str]
) -> tuple[NDArray[np.int8], list[Fault]]:
    """Votes of all functions on one chunk. See `VoteCaster.cast`."""
    return VoteCaster(functions, classes).cast(ids, fields)


class VoteCaster:
    """Some functions made ready to vote on chunk after chunk."""

    def __init__(self, functions: Sequence[LabelingFunction], classes: Sequence[str], call: Call = call_here) -> None:
        self._functions = list(enumerate(functions))
        self._classes = classes
        self._call = call
        self._rules = [(j, function.rule) for j, function in self._functions if function.rule is not None]
        self._plan = RulePlan([rule for _, rule in self._rules], classes) if self._rules else None
        self.seconds = np.zeros(len(self._functions))  # (m,) that the last cast took; rules, which share a scan, alike

    def cast(self, ids: pa.Array, fields: pa.RecordBatch) -> tuple[NDArray[np.int8], list[Fault]]:
        """Votes on one chunk.

        `ids` is (n,) string, `fields` the n records' visible columns. Returns ((n, m) int8 votes, faults in order of
        record and function). Raises FunctionError for a rule on a column of a type that it cannot read.
        """
        votes = np.empty((len(ids), len(self._functions)), dtype=np.int8, order="F")
        self.seconds = np.zeros(len(self._functions))
        if self._plan is not None:
            started = time.perf_counter()
            for _, rule in self._rules:
                check_columns(rule, fields.schema)
            found = self._plan.votes(fields)
            for place, (j, _) in enumerate(self._rules):
                votes[:, j] = found[:, place]
            self.seconds[[j for j, _ in self._rules]] = (time.perf_counter() - started) / len(self._rules)
        faults: list[tuple[int, Fault]] = []
        for start in range(0, len(ids), ROWS_AT_ONCE):
            faults += self._cast_slice(start, ids.slice(start, ROWS_AT_ONCE), fields, votes)
        return votes, [fault for _, fault in sorted(faults, key=lambda item: item[0])]

    def _cast_slice(
        self, start: int, ids: pa.Array, fields: pa.RecordBatch, votes: NDArray[np.int8]
    ) -> list[tuple[int, Fault]]:
        """Votes of row and batch functions on some of the rows, and their faults by row."""
        written = [(j, function) for j, function in self._functions if function.rule is None]
        if not written:
            return []
        part, faults = fields.slice(start, len(ids)), list[tuple[int, Fault]]()
        seen = Slice(part, ids.to_pylist(), Rows(part) if any(one.kind != "batch" for _, one in written) else None)
        for j, function in written:
            started = time.perf_counter()
            votes[start : start + len(ids), j], found = self._call(function, seen, self._classes)
            self.seconds[j] += time.perf_counter() - started
            faults += [(start + row, fault) for row, fault in found.items()]
        return faults


class _Running:
    """Rows that a function is being called on; a child that it forks is to see no more of them."""

    rows: list[Any] | None = None
    forked = False


def _after_fork() -> None:
    """A function that forks gives birth to a process that would return from it and go on in our name."""
    if _Running.rows is not None:
        _Running.rows.clear()
        _Running.forked = True


os.register_at_fork(after_in_child=_after_fork)


def _end_if_forked() -> None:
    if _Running.forked:
        os._exit(0)


def _obeys() -> bool:
    """Whether a KeyboardInterrupt may come from a person: workers ignore the signal."""
    return signal.getsignal(signal.SIGINT) is not signal.SIG_IGN


def _run_batch(function: LabelingFunction, rows: Slice) -> tuple[list[Any], dict[int, Fault]]:
    """Raw votes of a batch function. Where it fails, smaller batches show on which records it does."""
    raw: list[Any] = [ABSTAIN] * len(rows)
    faults: dict[int, Fault] = {}
    waiting, doubtful, good = [(0, len(rows))], list[tuple[int, int, BaseException]](), False
    while waiting:
        start, stop = waiting.pop()
        rows.calls += 1
        done, error = _call_batch(function, rows.fields.slice(start, stop - start))
        if error is None:
            raw[start:stop], good = done, True
        elif stop - start == 1 or isinstance(error, BadVoteError):
            faults |= _failed(function, rows, start, stop, error)
        elif good or len(faults) < HOPELESS:
            waiting += reversed(cut(start, stop))
        else:
            doubtful.append((start, stop, error))
        if good and not waiting:
            waiting, doubtful = [part for first, last, _ in doubtful for part in cut(first, last)], []
    for start, stop, error in doubtful:
        faults |= _failed(function, rows, start, stop, error)
    return raw, faults


def _failed(function: LabelingFunction, rows: Slice, start: int, stop: int, error: BaseException) -> dict[int, Fault]:
    return {i: fault_of(function, rows.records[i], error) for i in range(start, stop)}


def cut(start: int, stop: int) -> list[tuple[int, int]]:
    """Cut a range into parts that are smaller than it, unless it is a single one."""
    size = -(-(stop - start) // PARTS)
    return [(first, min(first + size, stop)) for first in range(start, stop, size)]


def _call_batch(function: LabelingFunction, fields: pa.RecordBatch) -> tuple[list[Any], BaseException | None]:
    """One call: raw votes, or the error that ended it."""
    _Running.rows = []
    try:
        done = votes_of(function.vote(as_columns(fields, function.columns)), fields.num_rows).tolist()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and _obeys():
            raise
        _end_if_forked()
        return [], error
    finally:
        _Running.rows = None
    _end_if_forked()
    return done, None


def _run(function: LabelingFunction, seen: Slice) -> tuple[list[Any], dict[int, Fault]]:
    """Raw votes in row order, and the faults by row. A failed row's raw vote is ABSTAIN."""
    rows = seen.rows or Rows(seen.fields)
    rows.watch.touched = False
    votes = _run_on(function, rows.shared(), seen)
    # A function that tried to change a row gets rows of its own, whatever it made of the refusal.
    return _run_on(function, list(rows.own()), seen) if rows.watch.touched else votes


def _run_on(function: LabelingFunction, rows: list[Any], seen: Slice) -> tuple[list[Any], dict[int, Fault]]:
    """One pass of the function over the rows: `map` runs until something fails, and the votes before it stay."""
    raw, faults, records = list[Any](), dict[int, Fault](), seen.records
    seen.calls += 1
    seen.left = left = iter(rows)
    _Running.rows = rows
    try:
        while len(raw) < len(records):
            try:
                raw.extend(map(function.vote, left))
                _end_if_forked()
                if len(raw) == len(records):
                    break
                function.vote(rows[len(raw)])  # it raised StopIteration, which `map` took for its own end: once more
                raise StopIteration
            except BaseException as error:
                _end_if_forked()
                if isinstance(error, KeyboardInterrupt) and _obeys():
                    raise
                faults[len(raw)] = fault_of(function, records[len(raw)], error)
                raw.append(ABSTAIN)
    finally:
        _Running.rows = None
    return raw, faults
