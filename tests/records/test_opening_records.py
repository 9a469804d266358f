"""Opening records: by the ending of a path, or from anything that speaks Arrow."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from labelkit.errors import DataError
from labelkit.project import read_project
from labelkit.records import open_records, read

TABLE = pa.table({"id": ["1", "2"], "text": ["x", "y"]})


def refused(data: object, **options: object) -> str:
    with pytest.raises(DataError) as caught:
        read(data, **options).to_table()  # type: ignore[arg-type]
    return str(caught.value)


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A missing file is named by its whole path, hostile characters made visible."""
    assert refused(tmp_path / "a\x1b.csv") == f"{tmp_path}/a\\x1b.csv: no such file or folder"
    assert refused("a\0b.csv") == "a\\x00b.csv: no such file or folder"


@pytest.mark.parametrize("name", ["data", "data.csv.gz", "data.xlsx", "data.json", ".csv"])
def test_a_format_is_not_guessed(tmp_path: Path, name: str) -> None:
    """A file whose ending says nothing is refused with the endings that do."""
    (tmp_path / name).write_text("id,text\n")
    assert refused(tmp_path / name) == (
        f'{name}: cannot tell the format; known endings are ".csv", ".jsonl", ".ndjson", ".parquet"'
    )


def test_a_path_may_be_text_and_endings_any_case(tmp_path: Path) -> None:
    """A path is a string or a Path; .CSV is .csv."""
    path = tmp_path / "DATA.CSV"
    path.write_text("id,text\n1,x\n")
    assert read(str(path)).to_table() == read(path).to_table()


@pytest.mark.parametrize("data", [None, 7, ["a"], {"id": ["1"]}, b"data.csv", iter([])])
def test_other_objects_are_refused(data: object) -> None:
    """What is neither a path nor a frame is named by its type."""
    assert refused(data) == (
        f"cannot read records from {type(data).__name__}; give a path or an object with __arrow_c_stream__ "
        "(pandas, polars and pyarrow have it)"
    )


def test_a_stream_is_read_once_and_kept() -> None:
    """A reader that can be consumed only once still gives records that can be read again."""
    records = read(TABLE.to_reader(max_chunksize=1))
    assert records.to_table().to_pydict() == records.to_table().to_pydict() == TABLE.to_pydict()


def test_a_frame_of_mixed_objects_is_refused() -> None:
    """pandas lets a column hold anything; Arrow, and labelkit, do not. The column is named."""
    said = refused(pd.DataFrame({"id": ["1", "2"], "mixed": [b"a", 7]}))
    assert said.startswith("the frame cannot be read as Arrow: ")
    assert "mixed" in said
    assert "\n" not in said


def test_an_index_is_no_column_unless_it_has_a_name() -> None:
    """A pandas index without a name is left out; one with a name may be the id."""
    frame = TABLE.to_pandas()
    assert read(frame.iloc[1:]).columns == ("id", "text")
    assert read(frame.set_index("id")).to_table().to_pydict() == TABLE.to_pydict()


def test_types_belong_to_csv(tmp_path: Path) -> None:
    """Formats with types of their own refuse declared ones instead of ignoring them."""
    assert refused(TABLE, types={"id": "string"}) == "types are declared for CSV files only; a frame has its own"
    (tmp_path / "data.parquet").mkdir()
    assert refused(tmp_path / "data.parquet", types={"id": "string"}) == (
        "data.parquet: types are declared for CSV files only, this format has its own; remove [data.types]"
    )


def test_an_unreadable_path_is_named() -> None:
    """A name that the system refuses is an error of labelkit, not of Python."""
    from labelkit.errors import LabelkitError

    with pytest.raises(LabelkitError) as caught:
        read("x" * 5000 + ".csv")
    assert str(caught.value).endswith(": file name too long")


def test_a_project_reads_id_fields_gold_and_split(tmp_path: Path) -> None:
    """Of a project's data only the columns that labelkit.toml names are read, with its encoding and types."""
    (tmp_path / "labelkit.toml").write_text(
        '[project]\nname = "p"\nclasses = ["a", "b"]\n'
        '[data]\npath = "data.csv"\nid = "key"\nfields = ["n", "text"]\ngold = "y"\nsplit = "part"\n'
        'encoding = "latin-1"\n[data.types]\nn = "int64"\n'
    )
    (tmp_path / "data.csv").write_bytes("text,unused,key,y,part,n\né,x,1,a,dev,007\n".encode("latin-1"))
    table = open_records(read_project(tmp_path)).to_table()
    assert table.to_pylist() == [{"key": "1", "n": 7, "text": "é", "y": "a", "part": "dev"}]


def test_reading_needs_no_memory_of_ids(tmp_path: Path) -> None:
    """Ids are proved unique from hashes: equal hashes of different ids are told apart by the ids themselves."""
    from labelkit.records.ids import bad_ids, id_hashes
    from labelkit.records.seen import SeenIds

    ids = pa.array([f"record {i}" for i in range(5000)])
    seen = SeenIds()
    assert all(seen.add(ids[start : start + 100]) for start in range(0, 5000, 100))
    assert not seen.add(pa.array(["new", "record 77"]))
    assert sum(run.nbytes for run in seen._recent) <= 8 * 5200
    assert not seen.add(pa.array(["x", "y", "x"]))
    assert not seen.add(pa.array(["z", None]))
    assert not seen.add(pa.array(["", "q"]))
    assert not seen.add(pa.array(["n\0l", "q"]))
    assert len(set(id_hashes(ids).tolist())) == 5000
    assert list(bad_ids(lambda: [ids])) == []
    repeated = [pa.array(["a", "b"]), pa.array(["a", "", "a"])]
    assert [(bad.index, bad.id, bad.first) for bad in bad_ids(lambda: repeated)] == [
        (2, "a", 0), (3, "", None), (4, "a", 0),
    ]  # fmt: skip


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30), min_size=1, max_size=30))
def test_the_hash_of_an_id_depends_on_its_text_alone(texts: list[str]) -> None:
    """Not on its neighbours, nor on where it stands in memory; and different texts hash differently."""
    from labelkit.records.ids import id_hashes

    texts += [text * 300 for text in texts if text]  # long ones are hashed in another way
    together = id_hashes(pa.array(["first", *texts])[1:]).tolist()
    assert together == [int(id_hashes(pa.array([text]))[0]) for text in texts]
    assert len(set(together)) == len(set(texts))


def test_ids_with_equal_hashes_are_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every hash agrees, as bad luck may have it for two, the records are read all the same."""
    import numpy as np

    from labelkit.records import ids

    monkeypatch.setattr(ids, "id_hashes", lambda values: np.zeros(len(values), np.uint64))
    assert read(TABLE).to_table().num_rows == 2
    assert refused(pa.table({"id": ["1", "2", "1"]})).endswith('id "1" stands already at row 1')


def test_file_names_that_are_not_utf8_are_made_visible(tmp_path: Path) -> None:
    """A file name with bytes that are no characters can be read, and be printed in a message."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/data\xff.csv"))
    path.write_text("id\n1,2\n")
    said = refused(path)
    assert said == "data\\udcff.csv: row 2: 2 cells, but the header has 1; quote cells that hold commas"
    assert said.encode()
