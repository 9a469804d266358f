"""Parquet files and folders: damaged ones are refused, files that do not agree are refused, types do not matter."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labelkit.errors import DataError, LabelkitError
from labelkit.records import read

TABLE = pa.table(
    {
        "id": [f"r{i}" for i in range(200)],
        "text": ["some words", None, "other words", ""] * 50,
        "n": list(range(200)),
        "x": [0.5, None] * 100,
    }
)


def part(folder: Path, name: str, columns: dict[str, Any]) -> None:
    path = folder / "data" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


def refused(path: Path, **options: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(path, **options).to_table()
    return str(caught.value)


def test_types_of_equal_meaning_give_equal_records(tmp_path: Path) -> None:
    """Dictionary-encoded, large and view text, and numbers of any width, give rows and fingerprint of plain ones."""
    plain = read(pa.table({"id": ["1", "2"], "text": ["a", None], "n": [1, None], "x": [0.5, 2.0], "raw": [b"a", b""]}))
    kinds = [
        (pa.large_string(), pa.int8(), pa.float32(), pa.large_binary()),
        (pa.dictionary(pa.int8(), pa.string()), pa.uint16(), pa.float16(), pa.binary()),
        (pa.dictionary(pa.int32(), pa.large_string()), pa.int32(), pa.float32(), pa.dictionary(pa.int8(), pa.binary())),
        (pa.string_view(), pa.uint64(), pa.float64(), pa.binary_view()),
    ]
    for text, whole, number, raw in kinds:
        table = pa.table(
            {
                "id": pa.array([1, 2], pa.uint8()),
                "text": pa.array(["a", None], pa.string()).cast(text),
                "n": pa.array([1, None], whole),
                "x": pa.array(np.array([0.5, 2.0]), pa.float64()).cast(number),
                "raw": pa.array([b"a", b""], pa.binary()).dictionary_encode() if pa.types.is_dictionary(raw)
                else pa.array([b"a", b""], raw),
            }
        )  # fmt: skip
        pq.write_table(table, tmp_path / "data.parquet")
        for records in (read(table), read(tmp_path / "data.parquet")):
            assert records.to_table().to_pylist() == plain.to_table().to_pylist()
            assert records.fingerprint() == plain.fingerprint()


def test_a_folder_is_read_in_name_order(tmp_path: Path) -> None:
    """Files below a folder are read in the order of their names; hidden ones and those of other endings are not."""
    part(tmp_path, "b.parquet", {"id": ["3"]})
    part(tmp_path, "a/z.parquet", {"id": ["1", "2"]})
    part(tmp_path, "_temporary/0/c.parquet", {"id": ["x"]})
    part(tmp_path, ".hidden.parquet", {"id": ["x"]})
    (tmp_path / "data" / "_SUCCESS").touch()
    assert read(tmp_path / "data").to_table().to_pydict() == {"id": ["1", "2", "3"]}


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    """An empty folder is not an empty set of records."""
    (tmp_path / "data").mkdir()
    assert refused(tmp_path / "data") == "data/: no .parquet file in this folder"


def test_files_of_a_folder_must_have_the_columns_asked_for(tmp_path: Path) -> None:
    """A column that one file lacks is named with the file; columns that nobody asks for may differ."""
    part(tmp_path, "a.parquet", {"id": ["1"], "text": ["x"]})
    part(tmp_path, "b.parquet", {"extra": [1], "text": ["y"], "id": ["2"]})
    assert refused(tmp_path / "data") == 'data/a.parquet: no column "extra", which other files have'
    assert read(tmp_path / "data", columns=["text"]).to_table().to_pydict() == {"id": ["1", "2"], "text": ["x", "y"]}


def test_files_of_a_folder_must_have_the_same_types(tmp_path: Path) -> None:
    """A column that is text here and a number there is refused; width, encoding and nulls alone make no difference."""
    part(tmp_path, "a.parquet", {"id": ["1"], "n": pa.array([1], pa.int8()), "text": pa.nulls(1)})
    part(
        tmp_path,
        "b.parquet",
        {"id": ["2"], "n": pa.array([2], pa.int64()), "text": pa.array(["x"]).dictionary_encode()},
    )
    assert read(tmp_path / "data").to_table().to_pydict() == {"id": ["1", "2"], "n": [1, 2], "text": [None, "x"]}
    part(tmp_path, "c.parquet", {"id": ["3"], "n": [3.5], "text": ["y"]})
    assert refused(tmp_path / "data") == (
        'data/c.parquet: column "n" is double, but int64 in the files before; write all files with the same types'
    )


def test_columns_are_found_by_their_whole_name(tmp_path: Path) -> None:
    """Points, quotes and newlines in a column's name are part of it; fields of a struct are not columns."""
    names = ["a.b", 'say "x"', "two\nlines", "__proto__", ""]
    table = pa.table({"id": ["1"], "a": pa.array([{"b": "inner"}]), **{name: [name] for name in names}})
    pq.write_table(table, tmp_path / "data.parquet")
    records = read(tmp_path / "data.parquet", columns=names)
    assert records.to_table().to_pylist() == [{"id": "1", **{name: name for name in names}}]
    assert refused(tmp_path / "data.parquet", columns=["b"]) == (
        'data.parquet: no column "b"; columns are "id", "a", "a.b", "say "x"", "two\\x0alines", "__proto__", ""'
    )


def test_repeated_columns_are_refused(tmp_path: Path) -> None:
    """Two columns of one name cannot be told apart, in a file as in a frame."""
    table = pa.Table.from_arrays([pa.array(["1"]), pa.array(["x"]), pa.array(["y"])], names=["id", "text", "text"])
    pq.write_table(table, tmp_path / "data.parquet")
    assert refused(tmp_path / "data.parquet") == 'data.parquet: 2 columns are called "text"'
    with pytest.raises(DataError) as caught:
        read(table)
    assert str(caught.value) == 'the frame: 2 columns are called "text"'


def test_the_index_of_a_pandas_frame_is_no_column(tmp_path: Path) -> None:
    """The index that pandas stores beside the columns is left out, unless it has a name."""
    frame = TABLE.to_pandas().iloc[5:9]
    frame.to_parquet(tmp_path / "data.parquet")
    assert read(tmp_path / "data.parquet").columns == ("id", "text", "n", "x")
    frame.set_index("id").to_parquet(tmp_path / "named.parquet")
    assert read(tmp_path / "named.parquet").to_table().to_pydict()["id"] == ["r5", "r6", "r7", "r8"]


def test_text_that_is_not_utf8_is_refused_where_it_stands(tmp_path: Path) -> None:
    """Arrow hands on bytes that only claim to be text; they are named by row and column."""
    offsets = pa.py_buffer(np.array([0, 1, 2, 3], np.int32).tobytes())
    text = pa.Array.from_buffers(pa.string(), 3, [None, offsets, pa.py_buffer(b"a\xffc")])
    table = pa.table({"id": ["1", "2", "3"], "text": text})
    pq.write_table(table, tmp_path / "data.parquet")
    assert refused(tmp_path / "data.parquet") == 'data.parquet: row 2, column "text": the value is not UTF-8 text'
    with pytest.raises(DataError) as caught:
        read(table).fingerprint()
    assert str(caught.value) == 'the frame: row 2, column "text": the value is not UTF-8 text'


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1PAR1", b"id,text\n1,x\n", b"\0" * 100])
def test_what_is_no_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    """A file that only has the name of Parquet is refused with the reason Arrow gives."""
    (tmp_path / "data.parquet").write_bytes(content)
    assert refused(tmp_path / "data.parquet").startswith("data.parquet: not a readable Parquet file: Parquet ")


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    """A file cut at any place is refused, never a shorter one."""
    path = tmp_path / "data.parquet"
    pq.write_table(TABLE, path)
    whole = path.read_bytes()
    for size in range(0, len(whole), max(1, len(whole) // 150)):
        path.write_bytes(whole[:size])
        assert refused(path).startswith("data.parquet: not a readable Parquet file: ")


def types_of(columns: dict[str, list[Any]]) -> list[list[type]]:
    return [[type(value) for value in values] for values in columns.values()]


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
def test_flipped_bits_never_change_a_value(tmp_path: Path, compression: str) -> None:
    """In a file with page checksums a flipped bit is refused, or it changes nothing that is read. (One bit of the
    footer says whether a column is text or bytes; that alone is another table, not a damaged one.)"""
    path = tmp_path / "data.parquet"
    pq.write_table(TABLE, path, compression=compression, write_page_checksum=True)
    whole, expected, chance = path.read_bytes(), TABLE.to_pydict(), random.Random(11)
    noticed = 0
    for _ in range(400):
        place, bit = chance.randrange(len(whole)), chance.randrange(8)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
        try:
            found = read(path, columns=["text", "n", "x"]).to_table().to_pydict()
        except LabelkitError:
            noticed += 1
        else:
            assert found == expected or types_of(found) != types_of(expected), (place, bit)
    assert noticed > 200


def test_a_page_that_is_not_read_is_missed(tmp_path: Path) -> None:
    """Arrow takes a page of a kind it does not know for the end of the column; the rows are counted."""
    path = tmp_path / "data.parquet"
    pq.write_table(TABLE, path, use_dictionary=False, write_page_checksum=True)
    content = bytearray(path.read_bytes())
    assert content[4:6] == b"\x15\x00"  # the first page header: field 1, its type, is 0, a data page
    content[5] = 0x0E  # type 7, which there is not
    path.write_bytes(content)
    assert refused(path) == "data.parquet: damaged: it holds 0 rows and should hold 200"


def test_places_skip_files_without_rows(tmp_path: Path) -> None:
    """A bad record of a folder is named by the file that holds it, empty files among the others or not."""
    for name, ids in {"a": ["1", "2"], "b": [], "c": ["1"], "d": []}.items():
        part(tmp_path, f"{name}.parquet", {"id": pa.array(ids, pa.string())})
    assert refused(tmp_path / "data") == (
        'data: row 1 of c.parquet, column "id": id "1" stands already at row 1 of a.parquet'
    )
