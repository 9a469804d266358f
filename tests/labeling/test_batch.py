"""Batch functions: what they get, what they may return, and that a batch is nobody's business."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import labelkit as lk
from labelkit.matrix import FAULT

COMMENTS = pa.table(
    {"id": ["a", "b", "c"], "text": ["hi", "", "ho"], "likes": [0, 2**53 + 1, 7], "stars": [0.5, None, 4.0]}
)
CLASSES = ["ham", "spam"]


def votes_of(result: Any, columns: Any = "numpy") -> tuple[list[int], tuple[lk.Fault, ...]]:
    """Votes and faults of a batch function that returns `result`, or what it gives for the columns."""

    @lk.batch_labeling_function(columns=columns)
    def given(x: Any) -> Any:
        return result(x) if callable(result) else result

    matrix = lk.apply_lfs([given], COMMENTS, classes=CLASSES)
    return matrix.votes[:, 0].tolist(), matrix.faults


@pytest.mark.parametrize(("columns", "kind"), [("numpy", "dict"), ("pandas", "DataFrame"), ("arrow", "RecordBatch")])
def test_columns_come_as_asked_for(columns: str, kind: str) -> None:
    """A dict of NumPy arrays, a DataFrame or a RecordBatch, with the fields and nothing else."""
    seen: list[Any] = []

    def looks(x: Any) -> list[int]:
        seen.append(x)
        return [-1, -1, -1]

    votes_of(looks, columns)
    assert type(seen[0]).__name__ == kind
    names = seen[0].schema.names if columns == "arrow" else list(seen[0])
    assert names == ["text", "likes", "stars"]


def test_whole_numbers_keep_all_their_digits() -> None:
    """An int64 column is not rounded through floats."""
    assert votes_of(lambda x: np.where(x["likes"] == 2**53 + 1, 1, -1))[0] == [-1, 1, -1]


@pytest.mark.parametrize(
    ("result", "votes"),
    [
        (np.array([0, 1, -1]), [0, 1, -1]),
        (np.array([0, 1, -1], np.int8), [0, 1, -1]),
        (np.array([True, False, True]), [1, 0, 1]),
        ([0, 1, -1], [0, 1, -1]),
        (["ham", None, "spam"], [0, -1, 1]),
        (np.array(["ham", "spam", "ham"]), [0, 1, 0]),
        (pa.array([1, 0, 1], pa.int8()), [1, 0, 1]),
    ],
)
def test_votes_are_whole_numbers_or_class_names(result: Any, votes: list[int]) -> None:
    """Any array-like of whole numbers, booleans, class names and None."""
    assert votes_of(result) == (votes, ())


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ([0.0, 1.0, 1.0], "float64 is no type of votes"),
        ([0, 1], "a result of shape (2,) for 3 records"),
        ([[0], [1], [1]], "a result of shape (3, 1) for 3 records"),
        (None, "a result of shape () for 3 records"),
        (np.array([1 + 0j] * 3), "complex128 is no type of votes"),
    ],
)
def test_what_is_no_array_of_votes_is_a_fault_of_every_record(result: Any, said: str) -> None:
    """Wrong shape or type: nothing of it is taken for votes, not even what could be."""
    votes, faults = votes_of(result)
    assert votes == [FAULT] * 3
    assert {fault.exception for fault in faults} == {"BadVote"}
    assert faults[0].message.startswith(said)


def test_a_vote_out_of_range_is_a_fault_of_its_record() -> None:
    """Only the cell that means nothing is lost."""
    votes, faults = votes_of([0, 2, -1])
    assert votes == [0, FAULT, -1]
    assert [(fault.record, fault.message) for fault in faults] == [
        ("b", "2 is no vote: classes are 0 to 1, ABSTAIN is -1")
    ]


def test_an_exception_is_a_fault_of_every_record_of_the_batch() -> None:
    """A batch function that raises costs its own column of the batch, and says where."""
    votes, faults = votes_of(lambda x: x["nothing"])
    assert votes == [FAULT] * 3
    assert faults[0].exception == "KeyError"
    assert faults[0].place.startswith("labeling/test_batch.py:")


def test_what_a_batch_function_changes_reaches_nobody() -> None:
    """Columns are the function's own."""

    @lk.batch_labeling_function()
    def spoils(x: Any) -> Any:
        x["likes"][:] = -1
        x["text"][:] = "spoilt"
        return [-1] * len(x["likes"])

    @lk.batch_labeling_function()
    def looks(x: Any) -> Any:
        return np.where((x["likes"] >= 0) & (x["text"] != "spoilt"), 1, 0)

    assert lk.apply_lfs([spoils, looks], COMMENTS, classes=CLASSES).votes[:, 1].tolist() == [1, 1, 1]


def test_all_kinds_of_functions_vote_side_by_side() -> None:
    """Row functions, batch functions and rules fill one matrix."""

    @lk.labeling_function()
    def row(x: Any) -> int:
        return 0 if x.text == "hi" else -1

    @lk.batch_labeling_function(columns="arrow")
    def batch(x: Any) -> Any:
        return np.where(np.array(x.column("text").to_pylist()) == "ho", 1, -1)

    rule = lk.rules.threshold("rule", field="stars", above=1, label=1)
    assert lk.apply_lfs([row, batch, rule], COMMENTS, classes=CLASSES).votes.tolist() == [
        [0, -1, -1], [-1, -1, -1], [-1, 1, 1],
    ]  # fmt: skip
