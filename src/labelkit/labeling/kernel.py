"""The one kernel that casts votes, batch by batch, for every kind of function and on every engine.

Functions run one after another over the rows of a chunk. An exception is a fault of one cell, and so is a vote that
means nothing: the other cells are as if nothing had happened.
"""

from __future__ import annotations

import enum
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import visible
from labelkit.labeling.batch import as_columns, votes_of
from labelkit.labeling.faults import BadVoteError, fault_of
from labelkit.labeling.functions import LabelingFunction
from labelkit.labeling.rows import Rows
from labelkit.labeling.rules import RulePlan, check_columns
from labelkit.matrix import ABSTAIN, FAULT, Fault

if TYPE_CHECKING:
    import pyarrow as pa


ROWS_AT_ONCE = 8_192
"""Rows that exist as Python objects at one time."""


def cast_votes(
    functions: Sequence[LabelingFunction], ids: pa.Array, fields: pa.RecordBatch, classes: Sequence[str]
) -> tuple[NDArray[np.int8], list[Fault]]:
    """Votes of all functions on one chunk. See `VoteCaster.cast`."""
    return VoteCaster(functions, classes).cast(ids, fields)


class VoteCaster:
    """Some functions made ready to vote on chunk after chunk."""

    def __init__(self, functions: Sequence[LabelingFunction], classes: Sequence[str]) -> None:
        self._functions = list(enumerate(functions))
        self._classes = classes
        self._rules = [(j, function.rule) for j, function in self._functions if function.rule is not None]
        self._plan = RulePlan([rule for _, rule in self._rules], classes) if self._rules else None

    def cast(self, ids: pa.Array, fields: pa.RecordBatch) -> tuple[NDArray[np.int8], list[Fault]]:
        """Votes on one chunk.

        `ids` is (n,) string, `fields` the n records' visible columns. Returns ((n, m) int8 votes, faults in order of
        record and function). Raises FunctionError for a rule on a column of a type that it cannot read.
        """
        votes = np.empty((len(ids), len(self._functions)), dtype=np.int8, order="F")
        if self._plan is not None:
            for _, rule in self._rules:
                check_columns(rule, fields.schema)
            found = self._plan.votes(fields)
            for place, (j, _) in enumerate(self._rules):
                votes[:, j] = found[:, place]
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
        part, records, faults = fields.slice(start, len(ids)), ids.to_pylist(), list[tuple[int, Fault]]()
        rows = Rows(part) if any(function.kind == "row" for _, function in written) else None
        for j, function in written:
            if rows is None or function.kind == "batch":
                raw, errors = _run_batch(function, part, records)
            else:
                raw, errors = _run(function, rows, records)
            votes[start : start + len(ids), j] = _as_votes(function, raw, records, self._classes, errors)
            faults += [(start + row, fault) for row, fault in errors.items()]
        return faults


def _run_batch(
    function: LabelingFunction, fields: pa.RecordBatch, records: Sequence[str]
) -> tuple[list[Any], dict[int, Fault]]:
    """Raw votes of a batch function; when it fails, every record is a fault."""
    try:
        return votes_of(function.vote(as_columns(fields, function.columns)), len(records)).tolist(), {}
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  as for a row function
        return [ABSTAIN] * len(records), {i: fault_of(function, record, error) for i, record in enumerate(records)}


def _run(function: LabelingFunction, rows: Rows, records: Sequence[str]) -> tuple[list[Any], dict[int, Fault]]:
    """Raw votes in row order, and the faults by row. A failed row's raw vote is ABSTAIN."""
    rows.watch.touched = False
    votes = _run_on(function, rows.shared(), records)
    # A function that tried to change a row gets rows of its own, whatever it made of the refusal.
    return _run_on(function, list(rows.own()), records) if rows.watch.touched else votes


def _run_on(
    function: LabelingFunction, rows: Sequence[Any], records: Sequence[str]
) -> tuple[list[Any], dict[int, Fault]]:
    """One pass of the function over the rows: `map` runs until something fails, and the votes before it stay."""
    raw, faults, left = list[Any](), dict[int, Fault](), iter(rows)
    while len(raw) < len(records):
        try:
            raw.extend(map(function.vote, left))
            if len(raw) == len(records):
                break
            function.vote(rows[len(raw)])  # it raised StopIteration, which `map` took for its own end: once more
            raise StopIteration
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  sys.exit in a function is a fault of one cell, too
            faults[len(raw)] = fault_of(function, records[len(raw)], error)
            raw.append(ABSTAIN)
    return raw, faults


def _as_votes(
    function: LabelingFunction, raw: list[Any], records: Sequence[str], classes: Sequence[str], faults: dict[int, Fault]
) -> NDArray[np.int8]:
    """(n,) int8 from raw votes; what is no vote is added to `faults`."""
    plain = _plain_votes(raw, len(classes))
    if plain is not None and not faults:
        return plain
    votes = np.empty(0, np.int8) if plain is None else plain.copy()
    if plain is None:
        votes = np.empty(len(raw), dtype=np.int8)
        for i, value in enumerate(raw):
            try:
                votes[i] = as_vote(value, classes)
            except Exception as error:  # noqa: BLE001  a value may refuse to be looked at
                faults[i] = fault_of(function, records[i], error)
    votes[list(faults)] = FAULT
    return votes


def _plain_votes(raw: list[Any], k: int) -> NDArray[np.int8] | None:
    """(n,) int8 when every raw vote is a plain int in range, as nearly always; else None."""
    if not set(map(type, raw)) <= {int}:
        return None
    try:
        votes = np.frombuffer(array("b", raw), dtype=np.int8)
    except OverflowError:
        return None
    return votes if not len(votes) or (votes.min() >= ABSTAIN and votes.max() < k) else None


def as_vote(value: Any, classes: Sequence[str]) -> int:
    """The class index, or ABSTAIN, that a raw vote means. Raises BadVoteError for what means nothing.

    >>> [as_vote(value, ["ham", "spam"]) for value in (1, None, "ham", True, -1)]
    [1, -1, 0, 1, -1]
    >>> as_vote(0.7, ["ham", "spam"])
    Traceback (most recent call last):
    labelkit.labeling.faults.BadVoteError: 0.7 is no vote: a float is neither a class nor ABSTAIN
    """
    if value is None:
        return ABSTAIN
    if isinstance(value, str):
        if value not in classes:
            raise BadVoteError(f'"{visible(str(value)[:60])}" is no vote: no class has that name')
        return list(classes).index(value)
    if isinstance(value, (np.integer, np.bool_)) and not isinstance(value, np.timedelta64):
        value = value.item()
    if not isinstance(value, int):
        raise BadVoteError(_no_vote(value))
    index = int.__index__(value)
    if not ABSTAIN <= index < len(classes):
        shown = f"{index}" if abs(index) < 10**20 else "a huge number"
        raise BadVoteError(f"{shown} is no vote: classes are 0 to {len(classes) - 1}, ABSTAIN is {ABSTAIN}")
    return index


def _no_vote(value: object) -> str:
    kind = visible(type(value).__name__)
    if isinstance(value, (float, np.floating)):
        return f"{visible(repr(value)[:60])} is no vote: a {kind} is neither a class nor ABSTAIN"
    hint = "; make it an IntEnum" if isinstance(value, enum.Enum) else ""
    return f"a value of type {kind} is neither a class nor ABSTAIN{hint}"
