"""Records with embeddings: from a file by id, or a column of their own; what is none is named by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import labelkit as lk
from labelkit.errors import ConfigError, DataError
from labelkit.lineage import CHUNK_ROWS
from labelkit.project import read_project
from labelkit.records import Records, open_records
from labelkit.records.vectors import VectorError, vectors_of

TOML = """
[project]
name = "p"
classes = ["ham", "spam"]
[data]
path = "data.{ending}"
fields = ["text", "{field}"]
embedding = "{embedding}"
"""


def vectors(n: int, size: int = 3) -> list[list[float]]:
    """n different embeddings."""
    return [[float(i), 1.0, *[0.5] * (size - 2)] for i in range(n)]


def written(folder: Path, ids: list[str], found: list[Any] | None = None, kind: Any = None, **more: Any) -> Path:
    """A file of embeddings."""
    values = pa.array(vectors(len(ids)) if found is None else found, kind or pa.list_(pa.float32(), 3))
    pq.write_table(pa.table({"id": ids, "embedding": values}), folder / "embeddings.parquet", **more)
    return folder / "embeddings.parquet"


def project(folder: Path, table: pa.Table, embedding: str = "embeddings.parquet", field: str = "embedding") -> Records:
    """The records of a project with embeddings."""
    pq.write_table(table, folder / "data.parquet")
    (folder / "labelkit.toml").write_text(TOML.format(ending="parquet", field=field, embedding=embedding))
    return open_records(read_project(folder))


def texts(n: int) -> pa.Table:
    """n records."""
    return pa.table({"id": [f"r{i}" for i in range(n)], "text": [f"text {i}" for i in range(n)]})


@pytest.mark.parametrize("order", ["same", "reversed", "more"])
def test_embeddings_are_matched_by_id(tmp_path: Path, order: str) -> None:
    """Whatever the order of the file, and whatever else is in it."""
    ids = [f"r{i}" for i in range(50)]
    found = vectors(50)
    if order == "reversed":
        ids, found = ids[::-1], found[::-1]
    if order == "more":
        ids, found = ["other", *ids], [[9.0, 9.0, 9.0], *found]
    written(tmp_path, ids, found, row_group_size=7)
    table = project(tmp_path, texts(50)).to_table()
    assert table.column_names == ["id", "text", "embedding"]
    assert table.column("embedding").to_pylist() == vectors(50)


def test_a_part_of_the_records_has_its_own_embeddings(tmp_path: Path) -> None:
    """Workers begin anywhere in the data."""
    n = CHUNK_ROWS + 10
    ids = [f"r{i}" for i in range(n)]
    flat = pa.array(np.arange(2 * n, dtype=np.float32))
    table = pa.table({"id": ids, "embedding": pa.FixedSizeListArray.from_arrays(flat, 2)})
    pq.write_table(table, tmp_path / "embeddings.parquet")
    chunk = next(project(tmp_path, texts(n)).chunks(1))
    assert chunk.column("embedding")[3].as_py() == [2.0 * (CHUNK_ROWS + 3), 2.0 * (CHUNK_ROWS + 3) + 1]


def test_files_that_cannot_be_read_from_anywhere_have_them_too(tmp_path: Path) -> None:
    """CSV records, whose ids are text."""
    (tmp_path / "data.csv").write_text("id,text\n1,a\n2,b\n")
    written(tmp_path, ["2", "1"], [[2.0, 2.0, 2.0], [1.0, 1.0, 1.0]])
    toml = TOML.format(ending="csv", field="embedding", embedding="embeddings.parquet")
    (tmp_path / "labelkit.toml").write_text(toml)
    assert open_records(read_project(tmp_path)).to_table().column("embedding")[0].as_py() == [1.0, 1.0, 1.0]


def test_a_null_embedding_stays_null(tmp_path: Path) -> None:
    """A record without a text has none."""
    written(tmp_path, ["r0", "r1"], [None, [1.0, 2.0, 3.0]])
    assert project(tmp_path, texts(2)).to_table().column("embedding").null_count == 1


def test_a_record_without_an_embedding_is_named(tmp_path: Path) -> None:
    """Records that came later need `labelkit embed` again."""
    written(tmp_path, ["r0"])
    with pytest.raises(DataError) as caught:
        project(tmp_path, texts(3)).to_table()
    assert str(caught.value) == (
        'embeddings.parquet: no embedding of record "r1" and 1 more; run `labelkit embed` again'
    )


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ([1.0, 2.0], 'data.parquet: row 2, column "embedding": 2 numbers, where others have 3'),
        ([1.0, float("nan"), 2.0], 'data.parquet: row 2, column "embedding": NaN or a null at place 2 of 3'),
        ([1.0, 2.0, None], 'data.parquet: row 2, column "embedding": NaN or a null at place 3 of 3'),
        ([float("inf"), 2.0, 1.0], 'data.parquet: row 2, column "embedding": an infinite number at place 1 of 3'),
    ],
)
@pytest.mark.parametrize("own", [True, False])
def test_what_is_no_embedding_is_named_by_row(tmp_path: Path, bad: list[Any], said: str, own: bool) -> None:
    """In the records' own column, and in a file."""
    found = [[1.0, 2.0, 3.0], bad, [1.0, 2.0, 3.0]]
    table = texts(3)
    if own:
        table = table.append_column("embedding", pa.array(found, pa.list_(pa.float64())))
    else:
        written(tmp_path, ["r0", "r1", "r2"], found, pa.list_(pa.float64()))
    with pytest.raises(DataError) as caught:
        project(tmp_path, table, "embedding" if own else "embeddings.parquet").to_table()
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (pa.table({"id": ["r0"]}), 'no column "embedding"; columns are "id"'),
        (pa.table({"id": ["r0"], "embedding": ["x"]}), 'column "embedding" is string, not lists of numbers'),
        (pa.table({"id": ["r0", "r0"], "embedding": [[1.0], [1.0]]}), "an id is null or stands twice; run"),
    ],
)
def test_a_file_that_holds_no_embeddings_is_refused(tmp_path: Path, table: pa.Table, said: str) -> None:
    """The message says what it lacks."""
    pq.write_table(table, tmp_path / "embeddings.parquet")
    with pytest.raises(DataError, match=f"^embeddings.parquet: {said}"):
        project(tmp_path, texts(1)).to_table()


def test_a_file_that_is_missing_or_damaged_is_refused(tmp_path: Path) -> None:
    """It is made by `labelkit embed`."""
    with pytest.raises(DataError, match=r"embeddings.parquet: no such file; `labelkit embed` makes it"):
        project(tmp_path, texts(1)).to_table()
    (tmp_path / "embeddings.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match=r"embeddings.parquet: not a readable Parquet file"):
        project(tmp_path, texts(1)).to_table()


@pytest.mark.parametrize(
    ("field", "embedding", "said"),
    [
        ("title", "e.parquet", 'name "embedding" among the fields, which is what it becomes'),
        ("title", "vector", 'name "vector" among the fields, which is what it becomes'),
    ],
)
def test_an_embedding_must_be_a_field(tmp_path: Path, field: str, embedding: str, said: str) -> None:
    """Functions see fields only, so that is said where it is written."""
    (tmp_path / "labelkit.toml").write_text(TOML.format(ending="csv", field=field, embedding=embedding))
    with pytest.raises(ConfigError, match=said):
        read_project(tmp_path)


def test_people_are_not_shown_vectors(tmp_path: Path) -> None:
    """The fields that are shown are the others."""
    written(tmp_path, ["r0"])
    project(tmp_path, texts(1))
    data = read_project(tmp_path).settings.data
    assert (data.fields, data.shown) == (["text", "embedding"], ["text"])


def test_functions_see_embeddings_like_any_field(tmp_path: Path) -> None:
    """A row function gets a list, a batch function objects."""
    written(tmp_path, ["r0", "r1"], [[1.0, 0.0, 0.0], None])

    @lk.labeling_function()
    def first(x: Any) -> int:
        return -1 if x.embedding is None else int(x.embedding[0])

    assert lk.apply_lfs([first], project(tmp_path, texts(2))).votes.tolist() == [[1], [-1]]


@pytest.mark.parametrize("kind", [pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.list_(pa.int64(), 2)])
def test_any_list_of_numbers_is_a_vector(kind: pa.DataType) -> None:
    """Chunked or not, sliced or not."""
    column = pa.chunked_array([pa.array([[9, 9], None, [1, 2]], kind).slice(1), pa.array([], kind)])
    found, known = vectors_of(column)
    assert (found.tolist(), known.tolist()) == ([[0.0, 0.0], [1.0, 2.0]], [False, True])


def test_a_vector_of_another_length_than_wanted_is_refused() -> None:
    """Where the length is known, the first is no exception."""
    with pytest.raises(VectorError, match="1 numbers, where others have 2"):
        vectors_of(pa.array([[1.0]]), 2)
