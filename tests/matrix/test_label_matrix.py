"""The label matrix: what it takes, what it counts, and the file it is kept in."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from labelkit import settings as project_settings
from labelkit.errors import ArtifactError, UsageError
from labelkit.matrix import ABSTAIN, FAULT, MAX_CLASSES, LabelMatrix, checked_classes, read_votes

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@st.composite
def label_matrices(draw: st.DrawFn) -> LabelMatrix:
    n, m, k = draw(st.integers(0, 6)), draw(st.integers(0, 4)), draw(st.integers(2, MAX_CLASSES))
    return LabelMatrix.from_rows(
        draw(hnp.arrays(np.int8, (n, m), elements=st.integers(FAULT, k - 1))),
        names=draw(st.lists(names.filter(lambda name: name != "id"), min_size=m, max_size=m, unique=True)),
        classes=[f"class {c}" for c in range(k)],
        ids=draw(st.lists(names, min_size=n, max_size=n)),
    )


def written(votes: LabelMatrix) -> bytes:
    content = io.BytesIO()
    votes.write(content)
    return content.getvalue()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[0.7, 1]], "votes must be whole numbers"),
        ([[float("nan"), 1]], "votes must be whole numbers"),
        ([["a", "b"]], "votes must be whole numbers"),
        ([[None, 1]], "votes must be whole numbers"),
        ([[1j, 1]], "votes must be whole numbers"),
        ([[127, 0]], "votes must lie between -2 and 126, not 0 to 127"),
        ([[-3, 0]], "votes must lie between -2 and 126, not -3 to 0"),
        ([[2**63, 0]], "votes must lie between -2 and 126, not 0.0 to 9.223372036854776e+18"),
        ([[float("inf"), 0]], "votes must lie between -2 and 126, not 0.0 to inf"),
        ([0, 1], "votes must have two dimensions (records, functions), not shape (2,)"),
        ([[[0]]], "votes must have two dimensions (records, functions), not shape (1, 1, 1)"),
        (0, "votes must have two dimensions (records, functions), not shape ()"),
    ],
)
def test_what_is_no_vote_is_refused(rows: Any, message: str) -> None:
    """Nothing is rounded, wrapped round or cut to fit into int8."""
    with pytest.raises(ValueError, match="votes must") as caught:
        LabelMatrix.from_rows(rows)
    assert str(caught.value) == message


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint8, np.float32, np.float64, bool])
def test_whole_numbers_of_any_dtype_are_votes(dtype: type) -> None:
    """Snorkel returns int64, others float: equal numbers are equal votes."""
    votes = LabelMatrix.from_rows(np.array([[0, 1], [1, 0]], dtype=dtype))
    assert votes.votes.dtype == np.int8
    assert votes.votes.tolist() == [[0, 1], [1, 0]]


def test_defaults_number_functions_classes_and_records() -> None:
    """Without names everything is numbered, and there are at least two classes."""
    votes = LabelMatrix.from_rows([[0, -1, 0]])
    assert (votes.names, votes.classes, votes.ids.to_pylist()) == (("lf_0", "lf_1", "lf_2"), ("0", "1"), ["0"])
    assert LabelMatrix.from_rows([[5]]).classes == ("0", "1", "2", "3", "4", "5")
    assert len(LabelMatrix.from_rows([[126]]).classes) == MAX_CLASSES


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"names": ["only"]}, r"^votes must be int8 of shape \(2, 1\), not int8 of shape \(2, 2\)$"),
        ({"names": ["a", "a"]}, r'^function names must differ from one another and from "id"$'),
        ({"names": ["a", "id"]}, r'^function names must differ from one another and from "id"$'),
        ({"ids": ["a"]}, r"^votes must be int8 of shape \(1, 2\), not int8 of shape \(2, 2\)$"),
        ({"classes": ["ham"]}, r"^votes must lie between -2 and 0$"),
        ({"classes": ["ham", "ham"]}, r"^classes must be at most 127 different names$"),
        ({"classes": [str(c) for c in range(128)]}, r"^classes must be at most 127 different names$"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(settings_: dict[str, Any], message: str) -> None:
    """Votes, ids, names and classes are of one size."""
    with pytest.raises(ValueError, match=message):
        LabelMatrix.from_rows([[0, 1], [1, 1]], **settings_)


def test_wide_votes_are_refused_by_the_constructor() -> None:
    """Only int8 in two dimensions is kept, so that nothing is copied by surprise."""
    ids = pa.array(["a"])
    with pytest.raises(ValueError, match=r"votes must be int8 of shape \(1, 1\), not int64 of shape \(1, 1\)"):
        LabelMatrix(np.array([[1]]), ids, ("f",), ("ham", "spam"))
    with pytest.raises(ValueError, match=r"not int8 of shape \(1,\)"):
        LabelMatrix(np.array([1], np.int8), ids, ("f",), ("ham", "spam"))


def test_a_fault_covers_nothing_and_is_counted() -> None:
    """A record on which functions only failed is not covered; faults are counted per function, abstains are not."""
    votes = LabelMatrix.from_rows([[FAULT, ABSTAIN], [FAULT, 1], [ABSTAIN, ABSTAIN]])
    assert votes.covered.tolist() == [False, True, False]
    assert votes.fault_counts.tolist() == [2, 0]


@given(votes=label_matrices())
@settings(max_examples=40, deadline=None)
def test_a_written_matrix_reads_back(votes: LabelMatrix, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Votes, faults, ids, names and classes come back as they were, whatever the names are."""
    path = tmp_path_factory.mktemp("votes") / "votes.arrow"
    path.write_bytes(written(votes))
    back = read_votes(path)
    assert np.array_equal(back.votes, votes.votes)
    assert back.votes.dtype == np.int8
    assert back.ids.equals(votes.ids)
    assert (back.names, back.classes, back.faults) == (votes.names, votes.classes, ())


def test_equal_matrices_write_equal_bytes() -> None:
    """The file depends on the votes alone, not on how they lie in memory."""
    rows = np.array([[0, 1, -1], [1, 1, 0]], np.int8)
    assert written(LabelMatrix.from_rows(rows)) == written(LabelMatrix.from_rows(np.asfortranarray(rows)))


def test_a_large_matrix_reads_back(tmp_path: Path) -> None:
    """More records than one chunk of the fingerprint and one row group hold."""
    rng = np.random.default_rng(5)
    votes = LabelMatrix.from_rows(rng.integers(FAULT, 3, (150_000, 2)))
    (tmp_path / "votes.arrow").write_bytes(written(votes))
    back = read_votes(tmp_path / "votes.arrow")
    assert np.array_equal(back.votes, votes.votes)
    assert back.ids.equals(votes.ids)


def test_no_damage_goes_unnoticed(tmp_path: Path) -> None:
    """Any flipped bit is either harmless or an ArtifactError; never other votes."""
    rng = np.random.default_rng(7)
    votes = LabelMatrix.from_rows(rng.integers(FAULT, 2, (50, 3)), ids=[f"r{i}" for i in range(50)])
    whole, path, noticed = written(votes), tmp_path / "votes.arrow", 0
    for bit in rng.choice(len(whole) * 8, size=1500, replace=False):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(damaged)
        try:
            back = read_votes(path)
        except ArtifactError:
            noticed += 1
        else:
            assert np.array_equal(back.votes, votes.votes)
            assert back.ids.equals(votes.ids)
            assert (back.names, back.classes) == (votes.names, votes.classes)
    assert noticed > 300


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_cut_file_is_an_artifact_error(tmp_path: Path, share: float) -> None:
    """A file that ends too early says so, with its path and the way out."""
    path, whole = tmp_path / "votes.arrow", written(LabelMatrix.from_rows([[0, 1], [1, 1]]))
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ArtifactError) as caught:
        read_votes(path)
    assert str(caught.value) == f"{path}: not a vote file of labelkit; run `labelkit apply` again"


def rewritten(change: Callable[[pa.Table], pa.Table]) -> Callable[[Path], None]:
    """A sound Arrow file with other content, its chunks still carrying the digests of before."""

    def make(path: Path) -> None:
        with pa.OSFile(str(path)) as file:
            reader = pa.ipc.open_file(file)
            batches = [reader.get_batch_with_custom_metadata(i) for i in range(reader.num_record_batches)]
        changed = [change(pa.Table.from_batches([each.batch])) for each in batches]
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, changed[0].schema) as writer:
            for table, before in zip(changed, batches, strict=True):
                for batch in table.combine_chunks().to_batches() or [pa.RecordBatch.from_pylist([], table.schema)]:
                    writer.write_batch(batch, custom_metadata=before.custom_metadata)

    return make


def other_metadata(**changes: Any) -> Callable[[Path], None]:
    """A file whose metadata says something else about the same votes."""

    def change(table: pa.Table) -> pa.Table:
        about = {**json.loads(table.schema.metadata[b"labelkit.votes"]), **changes}
        return table.replace_schema_metadata({b"labelkit.votes": json.dumps(about)})

    return rewritten(change)


def without_end(path: Path) -> None:
    """The same votes, written by somebody who does not mark the end."""
    table = pa.ipc.open_file(path.read_bytes()).read_all()
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


@pytest.mark.parametrize(
    "damage",
    [
        other_metadata(classes=["spam", "ham"]),
        other_metadata(functions=["b", "a"]),
        other_metadata(functions=["a"]),
        other_metadata(functions=["a", "b", "c"]),
        other_metadata(functions=5),
        rewritten(lambda table: table.replace_schema_metadata(None)),
        rewritten(lambda table: table.replace_schema_metadata({b"labelkit.votes": "[1]"})),
        rewritten(lambda table: table.replace_schema_metadata({b"labelkit.votes": "["})),
        rewritten(lambda table: table.slice(1)),
        rewritten(lambda table: table.set_column(1, "a", table.column("a").cast(pa.int64()))),
        rewritten(lambda table: table.set_column(1, "a", pa.nulls(len(table), pa.int8()))),
        rewritten(lambda table: table.set_column(0, "id", pa.array(["x"] * len(table), pa.string()))),
        without_end,
        lambda path: path.write_text("id,a,b\n"),
        lambda path: path.unlink(),
        lambda path: (path.unlink(), path.mkdir()),
    ],
)
def test_a_file_that_is_not_what_was_written_is_an_artifact_error(tmp_path: Path, damage: Any) -> None:
    """Also a sound Arrow file is refused when it is not the one that labelkit wrote."""
    path = tmp_path / "votes.arrow"
    votes = LabelMatrix.from_rows([[0, 1], [1, 1]], names=["a", "b"], classes=["ham", "spam"])
    path.write_bytes(written(votes))
    damage(path)
    with pytest.raises(ArtifactError, match="not a vote file of labelkit"):
        read_votes(path)


@pytest.mark.parametrize("classes", [[], ["one"], ["a", "a"], "ham", ["a", ""], ["a", 1], [str(c) for c in range(128)]])
def test_classes_are_two_or_more_different_names(classes: Any) -> None:
    """What is no list of class names is refused before it becomes votes."""
    with pytest.raises(UsageError, match=r"^classes must be a list of 2 to 127 different names"):
        checked_classes(classes)


def test_a_project_may_have_as_many_classes_as_a_matrix() -> None:
    """labelkit.toml and the matrix agree on the largest number of classes."""
    assert project_settings.MAX_CLASSES == MAX_CLASSES


def test_matrices_are_compared_by_identity() -> None:
    """Comparing two matrices never fails with NumPy's words about ambiguous truth."""
    one: Any = LabelMatrix.from_rows([[0, 1], [1, 1]])
    assert one == one  # noqa: PLR0124
    assert one != LabelMatrix.from_rows([[0, 1], [1, 1]])
