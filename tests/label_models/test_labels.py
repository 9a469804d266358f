"""The labels table: one row per record, and who decided it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, strategies as st
from numpy.typing import NDArray

from labelkit.errors import ArtifactError
from labelkit.label_models import Posterior, labels_table, read_labels, run_of, write_labels

CLASSES = ("ham", "spam", "eggs")
COLUMNS = ["id", "label", "confidence", "p_ham", "p_spam", "p_eggs", "source", "run"]
RUN = "0123456789abcdef"


def posterior(probs: Any, covered: Any) -> Posterior:
    rows = np.array(probs, dtype=np.float64).reshape(len(probs), 3)
    return Posterior(rows, np.array(covered, bool), pa.array([f"r{i}" for i in range(len(rows))], pa.string()), CLASSES)


BELIEFS = posterior([[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [1 / 3, 1 / 3, 1 / 3], [1 / 3, 1 / 3, 1 / 3]], [1, 1, 0, 0])


def test_every_record_says_who_decided_it() -> None:
    """A person outranks the model, also where nobody voted; nobody leaves nulls."""
    table = labels_table(BELIEFS, answers={"r1": 1, "r2": 0, "unknown": 2}, run=RUN)
    assert table.to_pylist() == [
        dict(zip(COLUMNS, row, strict=True))
        for row in (
            ["r0", "ham", 0.7, 0.7, 0.2, 0.1, "model", RUN],
            ["r1", "spam", 1.0, 0.0, 1.0, 0.0, "human", RUN],
            ["r2", "ham", 1.0, 1.0, 0.0, 0.0, "human", RUN],
            ["r3", None, None, None, None, None, "none", RUN],
        )
    ]


def test_columns_and_types_are_fixed() -> None:
    """In this order, of these types, whether there are rows or not."""
    expected = [pa.string(), pa.string(), *[pa.float64()] * 4, pa.string(), pa.string()]
    for table in (labels_table(BELIEFS), labels_table(posterior([], [])), BELIEFS.to_labels()):
        assert table.column_names == COLUMNS
        assert table.schema.types == expected


@pytest.mark.parametrize("answers", [None, {}, np.full(4, -1)])
def test_without_answers_the_model_decides(answers: Any) -> None:
    """No answers, said in three ways."""
    assert labels_table(BELIEFS, answers).column("source").to_pylist() == ["model", "model", "none", "none"]


def test_answers_may_be_given_in_record_order() -> None:
    """(n,) class index or -1 means the same as a mapping by id."""
    by_id = labels_table(BELIEFS, {"r1": 1, "r2": 0}, RUN)
    assert labels_table(BELIEFS, np.array([-1, 1, 0, -1]), RUN).equals(by_id, check_metadata=True)


@pytest.mark.parametrize("answers", [{"r0": 3}, {"r0": -2}, np.array([0, 1]), np.array([0.5] * 4)])
def test_answers_that_are_no_class_are_refused(answers: Any) -> None:
    """Not wrapped round to another class."""
    with pytest.raises(ValueError, match=r"^gold must be \(4,\) whole numbers from -1 to 2$"):
        labels_table(BELIEFS, answers)


def test_a_tie_goes_to_the_first_class() -> None:
    """As `numpy.argmax`."""
    table = labels_table(posterior([[0.4, 0.4, 0.2], [0.2, 0.4, 0.4]], [1, 1]))
    assert table.column("label").to_pylist() == ["ham", "spam"]
    assert table.column("confidence").to_pylist() == [0.4, 0.4]


def test_the_run_is_in_rows_and_metadata() -> None:
    """The file itself points to the run; without a run it says so."""
    assert run_of(labels_table(BELIEFS, run=RUN)) == RUN
    without = labels_table(BELIEFS)
    assert run_of(without) is None
    assert without.column("run").to_pylist() == [None] * 4
    assert run_of(pa.table({"id": ["a"]})) is None
    assert run_of(pa.table({"id": ["a"]}).replace_schema_metadata({"labelkit.run": b"\xff"})) == "\ufffd"


@pytest.mark.parametrize("answers", [None, {"r1": 1, "r3": 2}])
def test_a_written_table_reads_back(tmp_path: Path, answers: Any) -> None:
    """Rows, nulls, types and the run's id; equal tables are equal files."""
    table, path = labels_table(BELIEFS, answers, RUN), tmp_path / "labels.parquet"
    contents = []
    for _ in range(2):
        file = io.BytesIO()
        write_labels(table, file)
        contents.append(file.getvalue())
    assert contents[0] == contents[1]
    path.write_bytes(contents[0])
    back = read_labels(path)
    assert back.equals(table)
    assert run_of(back) == RUN
    assert back.schema.equals(table.schema)


def test_a_missing_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    """Nobody has applied anything yet."""
    with pytest.raises(ArtifactError) as caught:
        read_labels(tmp_path / "labels.parquet")
    assert str(caught.value) == "labels.parquet: no such file; make it with `labelkit apply`"


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    """One bit within the first page of values."""
    return content[:60] + bytes([content[60] ^ 4]) + content[61:]


@pytest.mark.parametrize("damage", [cut, flipped, lambda content: b"", lambda content: b"id,label\n"])
def test_a_damaged_file_is_an_artifact_error(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    """Cut, flipped, empty, or something else."""
    file, path = io.BytesIO(), tmp_path / "labels.parquet"
    write_labels(labels_table(BELIEFS, run=RUN), file)
    path.write_bytes(damage(file.getvalue()))
    with pytest.raises(ArtifactError) as caught:
        read_labels(path)
    message = "labels.parquet: not a readable Parquet file; make it again with `labelkit apply`"
    assert str(caught.value) == message


def test_another_table_is_read_as_it_is(tmp_path: Path) -> None:
    """Judging what is in a labels file is the gate's work."""
    path = tmp_path / "labels.parquet"
    pq.write_table(pa.table({"id": [None, "a"], "label": ["ham", "hem"]}), path)
    assert read_labels(path).to_pydict() == {"id": [None, "a"], "label": ["ham", "hem"]}


@st.composite
def beliefs(draw: st.DrawFn) -> tuple[Posterior, NDArray[np.int64]]:
    n = draw(st.integers(0, 8))
    weights = draw(st.lists(st.lists(st.integers(1, 50), min_size=3, max_size=3), min_size=n, max_size=n))
    rows = np.array(weights, dtype=np.float64).reshape(n, 3)
    answers = np.array(draw(st.lists(st.integers(-1, 2), min_size=n, max_size=n)), dtype=np.int64)
    covered = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    return posterior(rows / rows.sum(axis=1, keepdims=True), covered), answers


@given(case=beliefs())
def test_laws_of_the_table(case: tuple[Posterior, NDArray[np.int64]]) -> None:
    """Rows sum to one or are null; confidence is the largest p; the label is a class that has it."""
    believed, answers = case
    table = labels_table(believed, answers, RUN)
    assert table.column("id").to_pylist() == believed.ids.to_pylist()
    for row, answer, covered in zip(table.to_pylist(), answers, believed.covered, strict=True):
        assert row["source"] == ("human" if answer >= 0 else "model" if covered else "none")
        p = [row[f"p_{name}"] for name in CLASSES]
        if row["source"] == "none":
            assert (row["label"], row["confidence"], p) == (None, None, [None] * 3)
            continue
        assert sum(p) == pytest.approx(1)
        assert row["confidence"] == max(p) == p[CLASSES.index(row["label"])]
        if row["source"] == "human":
            assert (row["label"], row["confidence"]) == (CLASSES[answer], 1.0)
            assert sorted(p) == [0.0, 0.0, 1.0]
