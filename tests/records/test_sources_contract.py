"""What every source promises: the same rows, ids and fingerprint, whatever the format."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from labelkit.annotations.annotation import LIMITS
from labelkit.errors import DataError, shortened
from labelkit.lineage import CHUNK_ROWS
from labelkit.records import Records, read, read_sql
from labelkit.records.ids import LONGEST

Columns = Mapping[str, Sequence[Any]]

PART = 2  # rows in the first file of a folder
TYPES = {"n": "int64", "score": "float64"}

COLUMNS: Columns = {
    "id": ["a", "b", "007", "é"],
    "text": ['says "hi", twice', "two\nlines\r\nor three", "NA", ""],
    "n": [1, None, 2**53 + 1, -(2**63)],
    "score": [0.5, 1e300, None, -1.25],
}


def text_rows(columns: Columns) -> list[list[Any]]:
    return [list(row) for row in zip(*columns.values(), strict=True)]


def table_of(columns: Columns) -> pa.Table:
    return pa.table({name: pa.array(values) for name, values in columns.items()})


def from_csv(data: Columns, folder: Path, **options: Any) -> Records:
    path = folder / "data.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(data)
        writer.writerows(text_rows(data))
    return read(path, types={name: kind for name, kind in TYPES.items() if name in data}, **options)


def from_jsonl(data: Columns, folder: Path, **options: Any) -> Records:
    path = folder / "data.jsonl"
    rows = [dict(zip(data, row, strict=True)) for row in text_rows(data)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return read(path, **options)


def from_parquet(data: Columns, folder: Path, **options: Any) -> Records:
    pq.write_table(table_of(data), folder / "data.parquet", row_group_size=3, write_page_checksum=True)
    return read(folder / "data.parquet", **options)


def from_folder(data: Columns, folder: Path, **options: Any) -> Records:
    table = table_of(data)
    (folder / "data").mkdir(exist_ok=True)
    pq.write_table(table.slice(0, PART), folder / "data" / "part-1.parquet")
    pq.write_table(table.slice(PART), folder / "data" / "part-2.parquet")
    return read(folder / "data", **options)


def from_pandas(data: Columns, folder: Path, **options: Any) -> Records:
    nullable = {"n": "Int64", "score": "Float64"}
    series = {name: pd.Series(values, dtype=nullable.get(name)) for name, values in data.items()}
    return read(pd.DataFrame(series), **options)


def from_arrow(data: Columns, folder: Path, **options: Any) -> Records:
    return read(table_of(data), **options)


def from_arrow_in_pieces(data: Columns, folder: Path, **options: Any) -> Records:
    """Dictionary-encoded text, in many arrays, each of them a slice of a longer one."""
    pieces = {}
    for name, column in zip(data, table_of(data).columns, strict=True):
        values = column.combine_chunks()
        values = values.dictionary_encode() if pa.types.is_string(values.type) else values
        padded = pa.concat_arrays([values.slice(0, 1), values, values.slice(0, 1)])
        step = len(values) // 50 + 1
        starts = range(0, len(values), step)
        pieces[name] = pa.chunked_array([padded.slice(i + 1, min(step, len(values) - i)) for i in starts])
    return read(pa.table(pieces), **options)


def from_sql(data: Columns, folder: Path, **options: Any) -> Records:
    path = folder / "data.db"
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    names = ", ".join(f'"{name}"' for name in data)
    connection.execute(f"CREATE TABLE data (place INTEGER PRIMARY KEY, {names})")
    marks = ", ".join("?" * len(data))
    connection.executemany(f"INSERT INTO data ({names}) VALUES ({marks})", text_rows(data))  # noqa: S608
    connection.commit()
    connection.close()
    return read_sql(f"SELECT {names} FROM data ORDER BY place", f"sqlite:///{path}", **options)  # noqa: S608


@dataclass(frozen=True)
class Format:
    """How records get into one format, and where a person finds one there."""

    name: str
    make: Callable[..., Records]
    source: str  # what messages call it
    place: Callable[[int], str]
    has_null: bool = True


def plain_row(index: int) -> str:
    return f"row {index + 1}"


def row_after_header(index: int) -> str:
    return f"row {index + 2}"


def row_of_part(index: int) -> str:
    return f"row {index + 1} of part-1.parquet" if index < PART else f"row {index + 1 - PART} of part-2.parquet"


FORMATS = [
    Format("csv", from_csv, "data.csv", row_after_header, has_null=False),
    Format("jsonl", from_jsonl, "data.jsonl", plain_row),
    Format("parquet", from_parquet, "data.parquet", plain_row),
    Format("folder", from_folder, "data", row_of_part),
    Format("pandas", from_pandas, "the frame", plain_row),
    Format("arrow", from_arrow, "the frame", plain_row),
    Format("arrow in pieces", from_arrow_in_pieces, "the frame", plain_row),
    Format("sql", from_sql, "query on sqlite", plain_row),
]
ALL = pytest.mark.parametrize("kind", FORMATS, ids=lambda kind: kind.name)


@ALL
def test_rows_come_out_as_they_went_in(kind: Format, tmp_path: Path) -> None:
    """Every value of every row is what was written: "NA" is text, 007 is not 7, large numbers are not rounded."""
    records = kind.make(COLUMNS, tmp_path)
    assert records.columns == ("id", "text", "n", "score")
    assert records.to_table().to_pydict() == {name: list(values) for name, values in COLUMNS.items()}


@ALL
def test_types_are_the_same(kind: Format, tmp_path: Path) -> None:
    """Text, whole numbers and other numbers have one Arrow type each, and ids are strings."""
    types = [field.type for field in kind.make(COLUMNS, tmp_path).to_table().schema]
    assert types == [pa.string(), pa.large_string(), pa.int64(), pa.float64()]


@ALL
def test_fingerprint_is_the_same(kind: Format, tmp_path: Path) -> None:
    """The same rows have the same fingerprint in every format."""
    assert kind.make(COLUMNS, tmp_path).fingerprint() == from_arrow(COLUMNS, tmp_path).fingerprint()


@ALL
def test_records_can_be_read_again(kind: Format, tmp_path: Path) -> None:
    """A second pass gives what the first one gave, also when the first one was broken off."""
    records = kind.make(COLUMNS, tmp_path)
    next(records.batches())
    assert records.to_table() == records.to_table()


@ALL
def test_chunks_have_65536_rows(kind: Format, tmp_path: Path) -> None:
    """Chunks have exactly 65,536 rows, the last one the rest, and ids are in order over chunk borders."""
    n = 2 * CHUNK_ROWS + 5
    records = kind.make({"id": [f"r{i}" for i in range(n)], "n": range(n)}, tmp_path)
    chunks = list(records.batches())
    assert [chunk.num_rows for chunk in chunks] == [CHUNK_ROWS, CHUNK_ROWS, 5]
    assert [value for chunk in chunks for value in chunk.column(1).to_pylist()] == list(range(n))


@ALL
def test_a_pass_may_ask_for_some_columns(kind: Format, tmp_path: Path) -> None:
    """Columns come in the order asked for, each once, the id always first."""
    records = kind.make(COLUMNS, tmp_path)
    assert records.to_table(["n", "id", "text", "n"]).column_names == ["id", "n", "text"]
    assert records.to_table([]).to_pydict() == {"id": list(COLUMNS["id"])}
    assert kind.make(COLUMNS, tmp_path, columns=["n", "n"]).columns == ("id", "n")


@ALL
def test_the_id_may_be_any_column(kind: Format, tmp_path: Path) -> None:
    """The id column comes first wherever it stands in the source."""
    columns = {"text": ["x", "y"], "key": ["a", "b"]}
    records = kind.make(columns, tmp_path, id="key")
    assert records.to_table().to_pydict() == {"key": ["a", "b"], "text": ["x", "y"]}


@ALL
def test_a_missing_column_is_named_with_those_there_are(kind: Format, tmp_path: Path) -> None:
    """Asking for a column that is not there names it and lists the others, at opening as in a pass."""
    said = f'{kind.source}: no column "txt"; columns are "id", "text", "n", "score"'
    with pytest.raises(DataError) as caught:
        kind.make(COLUMNS, tmp_path, columns=["txt"])
    assert str(caught.value) == said
    with pytest.raises(DataError) as caught:
        kind.make(COLUMNS, tmp_path).to_table(["txt"])
    assert str(caught.value) == said


def refused(kind: Format, ids: Sequence[Any], folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        kind.make({"id": ids, "text": ["x"] * len(ids)}, folder).to_table([])
    return str(caught.value)


@ALL
def test_a_null_id_is_refused_where_it_stands(kind: Format, tmp_path: Path) -> None:
    """A record without an id stops the pass and is named by its row. (CSV has no null: its empty cell is empty.)"""
    what = "null" if kind.has_null else "empty"
    assert refused(kind, ["a", "b", None, "d"], tmp_path) == (
        f'{kind.source}: {kind.place(2)}, column "id": the id is {what}; every record needs one'
    )


@ALL
def test_an_empty_id_is_refused_where_it_stands(kind: Format, tmp_path: Path) -> None:
    """The empty text is no id."""
    assert refused(kind, ["", "b", "c"], tmp_path) == (
        f'{kind.source}: {kind.place(0)}, column "id": the id is empty; every record needs one'
    )


@ALL
def test_repeated_ids_are_refused_where_they_stand(kind: Format, tmp_path: Path) -> None:
    """Each repeated id is named by its row and by the row of the first one."""
    assert refused(kind, ["a", "b", "a", "b"], tmp_path) == (
        f'{kind.source}: {kind.place(2)}, column "id": id "a" stands already at {kind.place(0)}\n'
        f'{kind.source}: {kind.place(3)}, column "id": id "b" stands already at {kind.place(1)}'
    )


def test_many_bad_ids_are_counted(tmp_path: Path) -> None:
    """At most 20 bad ids are shown, then how many more there are in the whole of the records."""
    lines = refused(FORMATS[2], ["a", *[f"r{i}" for i in range(CHUNK_ROWS)], *["a"] * 100], tmp_path).splitlines()
    assert len(lines) == 21
    assert lines[0] == 'data.parquet: row 65538, column "id": id "a" stands already at row 1'
    assert lines[-1] == "and 80 more"


@ALL
def test_whole_numbers_become_ids_digit_by_digit(kind: Format, tmp_path: Path) -> None:
    """Ids that are numbers become text without loss."""
    ids = [2**53 + 1, 2**63 - 1, 0, -7]
    assert kind.make({"id": ids, "text": ["x"] * 4}, tmp_path).to_table([]).to_pydict() == {
        "id": ["9007199254740993", "9223372036854775807", "0", "-7"]
    }


@pytest.mark.parametrize("kind", FORMATS[1:], ids=lambda kind: kind.name)
def test_floating_ids_are_refused(kind: Format, tmp_path: Path) -> None:
    """A number with a point is no id: formats write it differently. (In CSV every id is text.)"""
    assert refused(kind, [1.5, 2.0], tmp_path) == (
        f'{kind.source}: column "id": ids are text or whole numbers, and this column is double; '
        "name another column as id"
    )


@ALL
def test_ids_with_nul_are_refused(kind: Format, tmp_path: Path) -> None:
    """A NUL character would cut an id short in some databases; CSV has none at all."""
    said = refused(kind, ["a", "b\0c", "d"], tmp_path)
    if kind.name == "csv":
        assert said == "data.csv: row 3: a NUL character at offset 1; remove it"
    else:
        assert said == (
            f'{kind.source}: {kind.place(1)}, column "id": '
            'the id "b\\x00c" holds a NUL character, which databases cannot keep'
        )


@ALL
def test_ids_that_nobody_could_answer_are_refused(kind: Format, tmp_path: Path) -> None:
    """An id is as long as the annotation store takes, however many bytes that is, and no longer."""
    assert LIMITS["record"] == LONGEST
    longest = "ä" * LONGEST
    records = kind.make({"id": [longest, "b"], "text": ["x", "y"]}, tmp_path)
    assert records.to_table().column("id").to_pylist() == [longest, "b"]
    assert refused(kind, ["a", longest + "b", "d"], tmp_path) == (
        f'{kind.source}: {kind.place(1)}, column "id": '
        f'the id "{shortened(longest)}" has 10,001 characters; at most 10,000 are kept'
    )


@ALL
def test_names_from_data_cannot_steer_a_terminal(kind: Format, tmp_path: Path) -> None:
    """Ids and column names are made visible in messages."""
    said = refused(kind, ["\x1b[2J", "\x1b[2J"], tmp_path)
    assert said.endswith(f'id "\\x1b[2J" stands already at {kind.place(0)}')
    with pytest.raises(DataError, match=r'columns are "id", "\\u202etext"$'):
        kind.make({"id": ["a"], "\u202etext": ["x"]}, tmp_path, columns=["text"])


WITH_COLUMNS = [kind for kind in FORMATS if kind.name not in ("jsonl", "arrow in pieces")]


@pytest.mark.parametrize("kind", WITH_COLUMNS, ids=lambda kind: kind.name)
def test_no_rows_are_no_error(kind: Format, tmp_path: Path) -> None:
    """Columns without rows are an empty table with an id column of strings; nothing is made up."""
    records = kind.make({"id": [], "text": []}, tmp_path)
    assert list(records.batches()) == []
    assert records.to_table().schema == pa.schema([("id", pa.string()), ("text", pa.large_string())])


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
rows = st.fixed_dictionaries(
    {
        "text": texts,
        "n": st.none() | st.integers(-(2**63), 2**63 - 1),
        "score": st.none() | st.floats(allow_nan=False, allow_infinity=False).map(lambda value: value + 0.0),
    }
)
ids = st.lists(texts.filter(bool), min_size=1, max_size=12, unique=True)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), names=ids)
def test_formats_agree_on_any_table(data: st.DataObject, names: list[str], tmp_path: Path) -> None:
    """Law: whatever the rows, all formats give back what was written and agree on the fingerprint."""
    made = data.draw(st.lists(rows, min_size=len(names), max_size=len(names)))
    columns: Columns = {"id": names, **{name: [row[name] for row in made] for name in ("text", "n", "score")}}
    expected = {name: list(values) for name, values in columns.items()}
    fingerprints = set()
    for kind in FORMATS:
        records = kind.make(columns, tmp_path)
        assert records.to_table().to_pydict() == expected, kind.name
        fingerprints.add(records.fingerprint())
    assert len(fingerprints) == 1
