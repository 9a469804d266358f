"""JSON lines are read as they are written or refused: one object per line, one type per column."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from labelkit.errors import DataError, LabelkitError
from labelkit.records import read
from labelkit.records.jsonl import JsonlSource


def written(folder: Path, content: str | bytes) -> Path:
    path = folder / "data.jsonl"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def rows_of(folder: Path, content: str | bytes, **options: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = read(written(folder, content), **options).to_table().to_pylist()
    return rows


def test_values_keep_their_types(tmp_path: Path) -> None:
    """Text, whole numbers, other numbers and truth values come out as what they are."""
    content = '{"id": "a", "s": "007", "n": 9007199254740993, "x": 0.5, "b": true}\n'
    assert rows_of(tmp_path, content) == [{"id": "a", "s": "007", "n": 2**53 + 1, "x": 0.5, "b": True}]


def test_a_missing_key_is_null(tmp_path: Path) -> None:
    """A key that a record does not have is null there, whichever record has it first."""
    content = '{"id": "a"}\n{"id": "b", "text": "x", "n": null}\n{"n": 3, "id": "c"}\n'
    assert rows_of(tmp_path, content) == [
        {"id": "a", "text": None, "n": None},
        {"id": "b", "text": "x", "n": None},
        {"id": "c", "text": None, "n": 3},
    ]


def test_whole_numbers_among_others_are_numbers(tmp_path: Path) -> None:
    """A column of 1 and 2.5 is a column of numbers, in any order."""
    assert [row["x"] for row in rows_of(tmp_path, '{"id": 1, "x": 1}\n{"id": 2, "x": 2.5}\n')] == [1.0, 2.5]
    assert [row["x"] for row in rows_of(tmp_path, '{"id": 1, "x": 2.5}\n{"id": 2, "x": 1}\n')] == [2.5, 1.0]


def test_lists_of_texts_are_lists(tmp_path: Path) -> None:
    """As tags are written; an empty one is a list, too."""
    content = '{"id": "a", "tags": ["x", "y"]}\n{"id": "b", "tags": []}\n{"id": "c"}\n'
    assert [row["tags"] for row in rows_of(tmp_path, content)] == [["x", "y"], [], None]


def test_blank_lines_line_ends_and_marks_are_no_records(tmp_path: Path) -> None:
    """Blank lines, CRLF, a byte order mark and a missing last newline change nothing."""
    content = '\ufeff\n{"id": "a"}\r\n  \t\n{"id": "b"}\r\n\r\n{"id": "c\u2028d"}'
    assert [row["id"] for row in rows_of(tmp_path, content)] == ["a", "b", "c\u2028d"]


def test_a_column_of_nulls_is_text_without_a_value(tmp_path: Path) -> None:
    """A key that is null everywhere is a column of nulls."""
    assert rows_of(tmp_path, '{"id": "a", "text": null}\n') == [{"id": "a", "text": None}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("", "no record in it", id="empty file"),
        pytest.param("\n \n", "no record in it", id="blank file"),
        pytest.param("{}\n", "no record in it", id="no key at all"),
        pytest.param(
            '{"id": "a"}\n\n{"id": "b"\n',
            "row 3: not JSON: expecting ',' delimiter at character 12",
            id="cut off",
        ),
        pytest.param('{"id": "a"} {"id": "b"}', "row 1: not JSON: extra data at character 13", id="two on a line"),
        pytest.param(
            "{'id': 1}",
            "row 1: not JSON: expecting property name enclosed in double quotes at character 2",
            id="Python, not JSON",
        ),
        pytest.param('{"id": "a\x1bb"}', "row 1: not JSON: invalid control character at at character 10", id="control"),
        pytest.param('["id"]', "row 1: a list, not an object like {...}", id="list"),
        pytest.param('"id"', "row 1: text, not an object like {...}", id="text"),
        pytest.param("7", "row 1: a whole number, not an object like {...}", id="number"),
        pytest.param("null", "row 1: nothing, not an object like {...}", id="null"),
        pytest.param('{"id": 1, "id": 2}', 'row 1: key "id" stands twice', id="repeated key"),
        pytest.param('{"id": 1, "a": {"b": 1, "b": 2}}', 'row 1: key "b" stands twice', id="repeated key inside"),
        pytest.param('{"id": 1, "x": NaN}', "row 1: NaN is no JSON value; write null", id="NaN"),
        pytest.param('{"id": 1, "x": -Infinity}', "row 1: -Infinity is no JSON value; write null", id="Infinity"),
        pytest.param('{"id": 1, "x": 1e999}', "row 1: 1e999 is too large for a number; write it as text", id="1e999"),
        pytest.param(
            '{"id": 9223372036854775808}',
            'row 1, column "id": 9223372036854775808 does not fit 64 bits; write it as text',
            id="64 bits",
        ),
        pytest.param(
            '{"id": 1}\n{"id": -' + "9" * 5000 + "}",
            f"row 2: -{'9' * 39}… does not fit 64 bits; write it as text",
            id="5,000 digits",
        ),
        pytest.param(
            '{"id": 1, "x": 9007199254740993}\n{"id": 2, "x": 0.5}',
            'row 1, column "x": 9007199254740993 would be rounded, as other rows hold numbers with a point; '
            "write it as text",
            id="rounding",
        ),
        pytest.param(
            '{"id": 1, "x": "a"}\n{"id": 2, "x": null}\n{"id": 3, "x": 7}',
            'row 3, column "x": a whole number, but text in the rows before; a column holds values of one type',
            id="text and number",
        ),
        pytest.param(
            '{"id": 1, "x": 1}\n{"id": 2, "x": true}',
            'row 2, column "x": true or false, but a whole number in the rows before; '
            "a column holds values of one type",
            id="number and truth",
        ),
        pytest.param(
            '{"id": 1, "x": "a"}\n{"id": 2, "x": ["b"]}',
            'row 2, column "x": a list of texts, but text in the rows before; a column holds values of one type',
            id="text and list",
        ),
        pytest.param(
            '{"id": 1, "tags": [1]}', 'column "tags" holds a list; fields are plain values', id="list of numbers"
        ),
        pytest.param(
            '{"id": 1, "meta": {"a": 1}}', 'column "meta" holds an object; fields are plain values', id="object"
        ),
        pytest.param('{"id": ' + "[" * 100_000, "row 1: nested too deeply", id="deep list"),
        pytest.param('{"id": ' * 100_000, "row 1: nested too deeply", id="deep object"),
        pytest.param(
            '{"id": "\\ud800x"}',
            'row 1, column "id": \\ud800 is half of a surrogate pair; it is no character',
            id="half a pair",
        ),
        pytest.param(
            '{"\\udc00": 1}',
            "row 1: \\udc00 is half of a surrogate pair; it is no character",
            id="half a pair in a key",
        ),
        pytest.param(
            '{"id": "a"}\n{"id": "é"}'.encode("latin-1"),
            'row 2: invalid UTF-8 byte 0xE9 (try encoding = "latin-1" under [data])',
            id="latin-1",
        ),
        pytest.param(
            '{"id": "a"}'.encode("utf-16"), 'this is UTF-16; set encoding = "utf-16" under [data]', id="UTF-16"
        ),
        pytest.param(b"PAR1\x15\x04\xff", "this is a Parquet file; let its name end in .parquet", id="Parquet"),
        pytest.param(b"\x1f\x8b\x08\x00abc", "this is a gzip archive; unpack it", id="gzip"),
    ],
)
def test_what_would_be_misread_is_refused(tmp_path: Path, content: str | bytes, message: str) -> None:
    """Each kind of damage is named with its row, its column where there is one, and the way out."""
    with pytest.raises(DataError) as caught:
        rows_of(tmp_path, content)
    assert str(caught.value) == f"data.jsonl: {message}"


def test_only_columns_that_are_read_must_be_plain(tmp_path: Path) -> None:
    """Lists, mixed types and huge numbers in a column that nobody asks for are no obstacle."""
    content = (
        '{"id": 1, "text": "x", "meta": {"a": [1]}, "mixed": 1, "huge": 99999999999999999999}\n'
        '{"id": 2, "text": "y", "meta": [], "mixed": "a", "huge": 0.5}\n'
    )
    assert rows_of(tmp_path, content, columns=["text"]) == [{"id": "1", "text": "x"}, {"id": "2", "text": "y"}]


def test_declared_types_are_for_csv(tmp_path: Path) -> None:
    """JSON says itself what a value is; a declaration is refused rather than ignored."""
    with pytest.raises(DataError) as caught:
        rows_of(tmp_path, '{"id": 1}', types={"id": "string"})
    assert str(caught.value) == (
        "data.jsonl: types are declared for CSV files only, this format has its own; remove [data.types]"
    )


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    """A column that is of another type than it was a moment ago is an error, not a guess."""
    path = written(tmp_path, '{"id": 1, "n": 1}\n')
    records = read(path)
    path.write_text('{"id": 1, "n": "one"}\n')
    with pytest.raises(DataError) as caught:
        records.to_table()
    assert str(caught.value) == "data.jsonl: changed while it was read; try again"


def test_other_encodings_and_endings_are_read(tmp_path: Path) -> None:
    """A declared encoding is used, and .ndjson is another name of the format."""
    path = tmp_path / "data.NDJSON"
    path.write_bytes('{"id": "é"}'.encode("latin-1"))
    assert read(path, encoding="latin-1").to_table().to_pydict() == {"id": ["é"]}


keys = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
columns_of_one_type = st.one_of(
    st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8), min_size=6, max_size=6),
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=6, max_size=6),
    st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=6, max_size=6),
    st.lists(st.none() | st.booleans(), min_size=6, max_size=6),
)


@settings(max_examples=200, deadline=None)
@given(columns=st.dictionaries(keys, columns_of_one_type, min_size=1, max_size=4), ascii_only=st.booleans())
def test_what_json_writes_is_read_back(
    columns: dict[str, list[Any]], ascii_only: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Law: plain columns of one type each, written by Python's json module, come back equal."""
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    lines = [json.dumps(row, ensure_ascii=ascii_only) for row in rows]
    path = written(tmp_path_factory.getbasetemp(), "\n".join(lines))
    source = JsonlSource(path)
    (batch,) = source.batches(source.columns())
    assert batch.to_pydict() == columns


valid = b'{"id": "a", "text": "x\\u00e9", "n": 1, "b": true}\n\n{"id": "b", "n": 2.5, "text": null}\r\n{"id": "c"}\n'
tokens = st.sampled_from([b'"', b"{", b"}", b"[", b",", b":", b"\n", b"\r", b"\\", b"NaN", b"null", b"1e999", b"\xff",
                          b"\\ud800", b"9" * 25, b'"id":', b"\0", b"-", b"true"])  # fmt: skip
edits = st.lists(st.tuples(st.integers(0, len(valid)), st.integers(0, 6), tokens | st.binary(max_size=3)), max_size=4)


@settings(max_examples=800, deadline=None)
@given(edits=edits)
def test_damaged_bytes_are_refused_or_read_line_by_line(
    edits: list[tuple[int, int, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Law: whatever bytes, the answer is a LabelkitError or the objects that Python's json module reads there."""
    content = valid
    for place, removed, added in edits:
        content = content[:place] + added + content[place + removed :]
    path = written(tmp_path_factory.getbasetemp(), content)
    source = JsonlSource(path)
    try:
        found = [row for batch in source.batches(source.columns()) for row in batch.to_pylist()]
    except LabelkitError:
        return
    text = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    expected = [json.loads(line) for line in text.split("\n") if line.strip(" \t")]
    assert found == [{column: row.get(column) for column in source.columns()} for row in expected]
