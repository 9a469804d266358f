"""Fingerprints of data: the same for equal rows, different for any difference that a reader could see."""

from __future__ import annotations

import datetime as dt
import decimal
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from labelkit.lineage import CHUNK_ROWS, DataFingerprint, hash_bytes, hash_file, hash_json, hash_tree
from labelkit.records.base import rechunk


def fingerprint(table: pa.Table) -> str:
    """Fingerprint of a table of any batches."""
    made = DataFingerprint()
    for chunk in rechunk(table.to_batches()):
        made.add(chunk)
    return made.hexdigest()


def of(**columns: Any) -> str:
    return fingerprint(pa.table(columns))


def test_the_fingerprint_is_what_it_was() -> None:
    """The fingerprint of a known table never changes, or every stored run would seem to be of other data."""
    columns = {"id": ["a", None, "ü"], "n": [1, None, -(2**63)], "x": [0.5, None, math.nan], "b": [True, None, False]}
    assert of(**columns) == "870796bd7dd9a6a04fc5010b4abd5c6af3b0d14266d32c3d9e02dfa7f49cbb63"


def test_batches_make_no_difference() -> None:
    """The same rows in any batches have one fingerprint, over the borders of chunks too."""
    n = CHUNK_ROWS + 1000
    table = pa.table({"id": [str(i) for i in range(n)], "n": range(n)})
    sizes = (CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 1, 777, n)
    assert len({fingerprint(pa.Table.from_batches(table.to_batches(size))) for size in sizes}) == 1
    assert fingerprint(table) != fingerprint(table.slice(0, n - 1))


WHOLE = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
ANY = [pa.null(), pa.string(), pa.int8(), pa.float64(), pa.bool_(), pa.date32(), pa.list_(pa.int8())]


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        (["a", "", None], [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]),
        ([b"a", b"b", None], [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(1)]),
        ([1, 0, None], WHOLE),
        ([0.5, -2.0, None], [pa.float16(), pa.float32(), pa.float64()]),
        ([None, None], ANY),
        ([dt.date(2020, 1, 2), None], [pa.date32(), pa.date64()]),
        ([np.datetime64("2020-01-02T03", "s"), None], [pa.timestamp(unit) for unit in ("s", "ms", "us", "ns")]),
        ([[1, 2], [3, None]], [pa.list_(pa.int8()), pa.large_list(pa.int64()), pa.list_(pa.int32(), 2)]),
        ([["a"], [], None], [pa.list_(pa.string()), pa.large_list(pa.large_string())]),
    ],
)
def test_types_of_equal_meaning_make_no_difference(values: list[Any], kinds: list[pa.DataType]) -> None:
    """Width, view, dictionary encoding, and the type of a column without values are not part of the rows."""
    assert len({of(c=pa.array(values).cast(kind)) for kind in kinds}) == 1


def test_what_lies_under_a_null_makes_no_difference() -> None:
    """Arrow leaves any bytes under a null; they are not part of the rows."""
    valid = pa.py_buffer(bytes([0b101]))
    for numbers in ((1, 0, 3), (1, 99, 3)):
        array = pa.Array.from_buffers(pa.int64(), 3, [valid, pa.py_buffer(struct.pack("<3q", *numbers))])
        assert of(c=array) == of(c=[1, None, 3])
    offsets = pa.py_buffer(struct.pack("<4i", 0, 1, 3, 4))
    text = pa.Array.from_buffers(pa.string(), 3, [valid, offsets, pa.py_buffer(b"aXXb")])
    assert of(c=text) == of(c=["a", None, "b"])


def test_slices_make_no_difference() -> None:
    """A slice of a longer array is hashed as the values that it shows, at any offset of its bits."""
    values: dict[str, list[Any]] = {
        "t": ["", "aa", None, "b", "ccc"] * 5, "n": [1, None, 3, 4, 5] * 5, "b": [True, False, None, True, True] * 5,
        "x": [0.5, None, 1.5, 2.5, 3.5] * 5, "d": [[1], [], None, [2, 3], [None]] * 5,
    }  # fmt: skip
    table = pa.table(values)
    for start in range(10):
        rows = {name: column[start : start + 9] for name, column in values.items()}
        assert fingerprint(table.slice(start, 9)) == of(**rows)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"c": ["ab", "c"]}, {"c": ["a", "bc"]}, id="where one text ends"),
        pytest.param({"c": ["a", ""]}, {"c": ["", "a"]}, id="an empty text before or after"),
        pytest.param({"c": ["a", None]}, {"c": ["a", ""]}, id="null or empty"),
        pytest.param({"c": [0, 1]}, {"c": [None, 1]}, id="null or zero"),
        pytest.param({"c": [False, True]}, {"c": [None, True]}, id="null or false"),
        pytest.param({"c": [0, 1]}, {"c": [False, True]}, id="numbers or truth"),
        pytest.param({"c": [1, 2]}, {"c": [1.0, 2.0]}, id="whole numbers or others"),
        pytest.param({"c": [1, 2]}, {"c": ["1", "2"]}, id="numbers or text"),
        pytest.param({"c": ["a"]}, {"c": [b"a"]}, id="text or bytes"),
        pytest.param({"c": ["[1]"]}, {"c": [[1]]}, id="text or list"),
        pytest.param({"c": ['"2020-01-02"']}, {"c": [dt.date(2020, 1, 2)]}, id="text or date"),
        pytest.param({"c": [2**53]}, {"c": [2**53 + 1]}, id="neighbours that a float takes for one"),
        pytest.param({"c": pa.array([2**64 - 1], pa.uint64())}, {"c": [-1]}, id="the same bits, another number"),
        pytest.param({"c": [0.0]}, {"c": [-0.0]}, id="the sign of zero"),
        pytest.param({"c": [math.nan]}, {"c": [None]}, id="null or NaN"),
        pytest.param({"c": ["é"]}, {"c": ["e\u0301"]}, id="two ways to write one letter"),
        pytest.param({"c": ["a", "b"]}, {"c": ["b", "a"]}, id="order of rows"),
        pytest.param({"c": ["a"], "d": ["b"]}, {"c": ["b"], "d": ["a"]}, id="which column holds it"),
        pytest.param({"c": ["a"], "d": ["b"]}, {"d": ["b"], "c": ["a"]}, id="order of columns"),
        pytest.param({"c": ["a"]}, {"d": ["a"]}, id="name of the column"),
        pytest.param({"c": ["a"]}, {"c": ["a"], "d": ["a"]}, id="one more column"),
        pytest.param({"c": ["a"]}, {"c": ["a", "a"]}, id="one more row"),
        pytest.param({"c": [None]}, {"c": [None, None]}, id="one more null"),
        pytest.param({"c": [[1], [2]]}, {"c": [[1, 2], []]}, id="where a list ends"),
        pytest.param({"c": [{"a": 1}]}, {"c": [{"b": 1}]}, id="name of a field"),
        pytest.param({"c": [[1], None]}, {"c": [[1], []]}, id="null or empty list"),
        pytest.param({"c": [[[1, 2]], [[3]]]}, {"c": [[[1], [2]], [[3]]]}, id="where a list in a list ends"),
        pytest.param({"c": [[1, None]]}, {"c": [[None, 1]]}, id="which value of a list is null"),
        pytest.param({"c": [[1.5, 2.5]]}, {"c": [[1.5, 2.25]]}, id="a number of a vector"),
        pytest.param({"c": [{"a": 1}, None]}, {"c": [{"a": 1}, {"a": None}]}, id="null or an object of nulls"),
        pytest.param({"c": [{"a": 1, "b": 2}]}, {"c": [{"a": 2, "b": 1}]}, id="which field holds it"),
        pytest.param({"c": [[1], [2]]}, {"c": [1, 2]}, id="a list or a number"),
        pytest.param(
            {"c": pa.array([1], pa.timestamp("us"))}, {"c": pa.array([1], pa.timestamp("us", "UTC"))}, id="a time zone"
        ),
        pytest.param(
            {"c": pa.array([1_000], pa.timestamp("ns"))},
            {"c": pa.array([1_001], pa.timestamp("ns"))},
            id="a nanosecond",
        ),
        pytest.param({"c": [dt.date(1970, 1, 2)]}, {"c": [1]}, id="a date or its number"),
        pytest.param({"c": [decimal.Decimal("1.0")]}, {"c": [decimal.Decimal("1.1")]}, id="decimals"),
        pytest.param({"c": [dt.date(2020, 1, 2)]}, {"c": [dt.date(2020, 1, 3)]}, id="dates"),
    ],
)
def test_every_difference_is_seen(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Two tables that differ in anything have different fingerprints."""
    assert of(**one) == of(**one)
    assert of(**one) != of(**other)


def test_the_order_of_an_objects_fields_makes_no_difference() -> None:
    """JSON files have objects with fields in any order."""
    kinds = pa.struct([("a", pa.int64()), ("b", pa.string())]), pa.struct([("b", pa.string()), ("a", pa.int64())])
    rows = [{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}]
    assert len({of(c=pa.array(rows, kind)) for kind in kinds}) == 1


def test_lists_are_hashed_as_fast_as_numbers() -> None:
    """A column of vectors is hashed from its bytes, not value by value."""
    import time

    flat = pa.array(np.random.default_rng(0).random(64 * 10_000))
    vectors = pa.FixedSizeListArray.from_arrays(flat, 64)
    started = time.process_time()
    assert of(v=vectors) == of(v=vectors.cast(pa.list_(pa.float64())))
    assert time.process_time() - started < 1


def test_every_nan_is_the_same() -> None:
    """The bits of a NaN that no reader shows are not part of the rows."""
    odd = struct.unpack("<d", struct.pack("<Q", 0x7FF8DEADBEEF0001))[0]
    assert of(x=np.array([odd, -math.nan])) == of(x=np.array([math.nan, math.nan]))


def test_dates_beyond_those_of_python_are_hashed() -> None:
    """A time in the year 36,000,000,000 has a fingerprint, too."""
    far = pa.array([2**60, None], pa.timestamp("s"))
    assert of(t=far) != of(t=pa.array([1, None], pa.timestamp("s")))


def test_chunks_must_be_whole() -> None:
    """Chunks of another size would give the same rows another fingerprint: that is a bug, and said to be one."""
    made = DataFingerprint()
    made.add(pa.record_batch({"id": ["a"]}))
    with pytest.raises(ValueError, match="chunks of 65536 rows are needed, not 1 then 1"):
        made.add(pa.record_batch({"id": ["b"]}))
    with pytest.raises(ValueError, match="not 65536 then 65537"):
        DataFingerprint().add(pa.record_batch({"id": np.zeros(CHUNK_ROWS + 1, np.int8)}))


texts = st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=3)
values = st.one_of(
    st.lists(texts, min_size=4, max_size=4),
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=4, max_size=4),
    st.lists(st.none() | st.floats(allow_nan=False), min_size=4, max_size=4),
    st.lists(st.none() | st.booleans(), min_size=4, max_size=4),
)
tables = st.dictionaries(st.sampled_from("abc"), values, min_size=1, max_size=3)


def shown(columns: dict[str, list[Any]]) -> str:
    """All that a reader can see of a table; a column of nulls shows no type."""
    return repr(list(columns.items()))


@settings(max_examples=200, deadline=None)
@given(one=tables, other=tables)
def test_fingerprints_agree_exactly_when_tables_do(one: dict[str, list[Any]], other: dict[str, list[Any]]) -> None:
    """Law: two tables have one fingerprint if and only if they show the same."""
    assert (of(**one) == of(**other)) == (shown(one) == shown(other))


def changed(columns: dict[str, list[Any]]) -> Iterator[dict[str, list[Any]]]:
    """The table with each of its cells changed, one at a time."""
    for name, column in columns.items():
        for i, value in enumerate(column):
            new = {str: f"{value}x", int: 7 if value != 7 else 8, float: 1.5 if value != 1.5 else 2.5}
            cell = (not value) if isinstance(value, bool) else new.get(type(value), "")
            others = [v for j, v in enumerate(column) if j != i and v is not None]
            if value is None and others:
                cell = others[0]
            yield {**columns, name: [*column[:i], cell, *column[i + 1 :]]}


@settings(max_examples=60, deadline=None)
@given(columns=tables)
def test_any_changed_cell_changes_the_fingerprint(columns: dict[str, list[Any]]) -> None:
    """Law: changing one cell, whichever, changes the fingerprint."""
    before = of(**columns)
    assert all(of(**other) != before for other in changed(columns))


@settings(max_examples=50, deadline=None)
@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner))
)
def test_json_hashes_do_not_depend_on_key_order(value: Any) -> None:
    """Law: the order in which keys were added does not matter, and nothing else is left out."""

    def turned(part: Any) -> Any:
        return {k: turned(v) for k, v in reversed(part.items())} if isinstance(part, dict) else part

    assert hash_json(value) == hash_json(turned(value))
    assert hash_json([value]) != hash_json(value)


def test_a_tree_is_hashed_file_by_file(tmp_path: Path) -> None:
    """Files below a folder are hashed by relative path, in name order, compiled ones left out."""
    for name in ("b.py", "a/c.py", "a/d.toml", "__pycache__/b.py", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    assert hash_tree(tmp_path, ["*.py", "*.toml", "b*"]) == {
        "a/c.py": hash_bytes(b"a/c.py"),
        "a/d.toml": hash_bytes(b"a/d.toml"),
        "b.py": hash_file(tmp_path / "b.py"),
    }
    assert list(hash_tree(tmp_path, ["*.py", "*.toml"])) == ["a/c.py", "a/d.toml", "b.py"]
    assert hash_tree(tmp_path / "nothing", ["*"]) == {}
