"""The one kernel that casts votes, batch by batch, for every kind of function and on every engine.

Functions run one after another over the rows of a chunk. An exception is a fault of one cell, and so is a vote that
means nothing: the other cells are as if nothing had happened.
"""

from __future__ import annotations

import enum
import gc
import operator
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.errors import FunctionError, visible
from labelkit.labeling.functions import LabelingFunction
from labelkit.labeling.places import place_of
from labelkit.labeling.rows import SharedRow, build_rows, undo_changes
from labelkit.matrix import ABSTAIN, FAULT, Fault

if TYPE_CHECKING:
    import pyarrow as pa

MESSAGE_LENGTH = 200


class BadVoteError(ValueError):
    """A function returned something that is no vote."""


def cast_votes(
    functions: Sequence[LabelingFunction], ids: pa.Array, fields: pa.RecordBatch, classes: Sequence[str]
) -> tuple[NDArray[np.int8], list[Fault]]:
    """Votes of all functions on one chunk.

    `ids` is (n,) string, `fields` the n records' visible columns. Returns ((n, m) int8 votes, faults in order of
    function and record).
    """
    columns = [column.to_pylist() for column in fields.columns]
    votes = np.empty((len(ids), len(functions)), dtype=np.int8, order="F")
    faults: list[Fault] = []
    with _gc_paused():
        rows = build_rows(fields.schema.names, columns) if columns else []
        for j, function in enumerate(functions):
            if function.rule is not None:
                _check_column(function, fields)
            raw, failed = _run(function, rows)
            votes[:, j] = _as_votes(raw, classes, failed)
            faults += [_fault(function, ids[i].as_py(), error) for i, error in sorted(failed.items())]
            undo_changes()
    return votes, faults


def _run(function: LabelingFunction, rows: Sequence[SharedRow]) -> tuple[list[Any], dict[int, BaseException]]:
    """Raw votes in row order, and the exceptions by row."""
    vote, raw, failed = function.vote, [], {}
    for i, row in enumerate(rows):
        try:
            raw.append(vote(row))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001  sys.exit in a function is a fault of one cell, too
            failed[i] = error
            raw.append(ABSTAIN)
    return raw, failed


def _as_votes(raw: list[Any], classes: Sequence[str], failed: dict[int, BaseException]) -> NDArray[np.int8]:
    """(n,) int8 from raw votes; what is no vote is added to `failed`."""
    k = len(classes)
    if set(map(type, raw)) <= {int}:
        try:
            votes = np.array(raw, dtype=np.int64)
        except OverflowError:
            votes = np.full(len(raw), k)
        if not len(votes) or (votes.min() >= ABSTAIN and votes.max() < k):
            votes[list(failed)] = FAULT
            return votes.astype(np.int8)
    out = np.empty(len(raw), dtype=np.int8)
    for i, value in enumerate(raw):
        try:
            out[i] = FAULT if i in failed else as_vote(value, classes)
        except BadVoteError as error:
            failed[i] = error
            out[i] = FAULT
    return out


def as_vote(value: Any, classes: Sequence[str]) -> int:
    """The class index, or ABSTAIN, that a raw vote means. Raises BadVoteError for what means nothing.

    >>> [as_vote(value, ["ham", "spam"]) for value in (1, None, "ham", True, -1)]
    [1, -1, 0, 1, -1]
    >>> as_vote(0.7, ["ham", "spam"])
    Traceback (most recent call last):
    labelkit.labeling.kernel.BadVoteError: 0.7 is no vote: a float is neither a class nor ABSTAIN
    """
    if value is None:
        return ABSTAIN
    if isinstance(value, enum.Enum) and not isinstance(value, (int, str)):
        value = value.value
    if isinstance(value, str):
        if value not in classes:
            raise BadVoteError(f'"{visible(str(value)[:60])}" is no vote: no class has that name')
        return list(classes).index(value)
    if isinstance(value, np.ndarray) or not isinstance(value, (int, np.integer, np.bool_)):
        shown = visible(repr(value)[:60]) if isinstance(value, (float, np.floating)) else f"a {type(value).__name__}"
        raise BadVoteError(f"{shown} is no vote: a {type(value).__name__} is neither a class nor ABSTAIN")
    index = int(value) if isinstance(value, np.bool_) else operator.index(value)
    if not ABSTAIN <= index < len(classes):
        raise BadVoteError(f"{index} is no vote: classes are 0 to {len(classes) - 1}, ABSTAIN is -1")
    return index


def _fault(function: LabelingFunction, record: str, error: BaseException) -> Fault:
    kind = "BadVote" if isinstance(error, BadVoteError) else type(error).__name__
    try:
        message = (str(error).splitlines() or [""])[0][:MESSAGE_LENGTH]
    except BaseException:  # noqa: BLE001  an exception may be unable to say what it is
        message = ""
    return Fault(function.name, record, kind, message, _innermost(function.file, error))


def _innermost(file: str, error: BaseException) -> str:
    """file:line of the innermost frame in the function's own file."""
    place, trace = "", error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            place = place_of(file, trace.tb_lineno)
        trace = trace.tb_next
    return place


def _check_column(function: LabelingFunction, fields: pa.RecordBatch) -> None:
    """Refuse a rule on a column of another kind than it needs: every cell would be a fault."""
    import pyarrow as pa

    rule = function.rule
    assert rule is not None  # noqa: S101  narrowed by the caller
    kind = fields.schema.field(rule.field).type
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind)
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)
    if numeric if rule.numeric else text:
        return
    needs = "numbers" if rule.numeric else "text"
    raise FunctionError(
        f'{rule.place}: rule "{visible(rule.name)}" needs {needs}, but field "{visible(rule.field)}" is {kind}'
        + ("; declare its type under [data.types] in labelkit.toml" if rule.numeric else "")
    )


@contextmanager
def _gc_paused() -> Iterator[None]:
    """Building many small objects is three times faster without the cycle collector looking at them."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
