"""Gold of several classes per record: every way to write it says the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, strategies as st

from labelkit.errors import DataError, visible
from labelkit.project import read_project
from labelkit.records import open_records
from labelkit.records.gold_sets import GoldSets, likely_separator, names_in
from labelkit.settings import NO, YES

CLASSES = ("python", "C#", "snake case", "ß")
sets = st.sets(st.sampled_from(CLASSES)).map(sorted)


def gold(of_class: str, *, separator: str = ",", alone: bool = False) -> GoldSets:
    return GoldSets("tags", of_class, CLASSES, separator, alone)


@given(sets, st.sampled_from(CLASSES), st.sampled_from([",", ";", "|", " / ", "\t"]), st.sampled_from(["", " "]))
def test_all_ways_to_write_a_set_agree(names: list[str], of_class: str, separator: str, blank: str) -> None:
    """Text with a separator, a JSON list, a list, and a column of the class alone."""
    wanted = YES if of_class in names else NO
    assert gold(of_class).seen(names) == wanted
    assert gold(of_class).seen(blank + json.dumps(names)) == wanted
    assert gold(of_class).seen(json.dumps(names, ensure_ascii=False)) == wanted
    if names:
        assert gold(of_class, separator=separator).seen(f"{blank}{separator}{blank}".join(names)) == wanted
    for value in (1, True, "1", "yes", " True ", "YES") if wanted == YES else (0, False, "0", "no", "FALSE", " No"):
        assert gold(of_class, alone=True).seen(value) == wanted


@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("value", [None, "", " \t"])
def test_nothing_says_nothing(value: str | None, *, alone: bool) -> None:
    """A cell that is empty or null is no no."""
    assert gold("python", alone=alone).seen(value) is None


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("pyton", '"pyton" is no class; classes are "python", "C#", "snake case", "ß"'),
        ("python;C#", '"python;C#" is no class; classes are "python", "C#", "snake case", "ß"'),
        (["python", "\x1b"], '"\\x1b" is no class; classes are "python", "C#", "snake case", "ß"'),
        ('["python"', "'[\"python\"' begins like a JSON list and is none"),
        ("[1]", "[1] names no classes; write them as text"),
        (1, "1 names no classes; write them as text"),
        ({"python": True}, "{'python': True} names no classes; write them as text"),
        ("[" * 100_000, f"'{'[' * 59} begins like a JSON list and is none"),
    ],
)
def test_what_names_no_classes_is_refused(value: Any, message: str) -> None:
    """A misspelt tag must not count as no."""
    with pytest.raises(ValueError, match=r".") as caught:
        gold("python").seen(value)
    assert str(caught.value) == message


@pytest.mark.parametrize("value", ["maybe", 2, -1, "10", [], ["yes"], 0.5])
def test_what_is_neither_yes_nor_no_is_refused(value: Any) -> None:
    """A column of one class says one or the other."""
    with pytest.raises(ValueError, match=r"is neither 1 nor 0, yes nor no, true nor false$"):
        gold("python", alone=True).seen(value)


@given(st.one_of(st.text(), st.lists(st.text() | st.none() | st.integers()), st.integers(), st.floats(), st.booleans()))
def test_any_value_is_understood_or_refused(value: Any) -> None:
    """Nothing else than yes, no, nothing or an error in words comes of a cell."""
    for alone in (True, False):
        try:
            said: object = gold("python", alone=alone).seen(value)
        except ValueError as error:
            said = visible(str(error)) == str(error)
        assert said in (YES, NO, None, True)


def test_separator_is_guessed_from_what_there_is() -> None:
    """Lists say nothing of it; where no value has one, a comma is thought of."""
    assert likely_separator(["a|b", "c", "a|c", "a;b", None]) == "|"
    assert likely_separator(['["a;b"]', ["a"], "c"]) == ","
    assert names_in("a| b|", "|") == ["a", "b"]


# In files

TOML = """
[project]
name = "p"
kind = "multilabel"
classes = ["python", "sql"]
[data]
fields = ["text"]
"""
ROWS: list[list[str] | None] = [["python"], ["python", "sql"], [], None]


def written(folder: Path, kind: str) -> Path:
    """A project with the same gold, written in one of the ways."""
    ids, texts, data = [str(i) for i in range(len(ROWS))], ["x"] * len(ROWS), 'path = "r.parquet"\ngold = "tags"\n'
    table = pa.table({"id": ids, "text": texts})
    said = {
        "text": ["python", "python;sql", "[]", ""],
        "json": [None if row is None else json.dumps(row) for row in ROWS],
        "list": ROWS,
    }
    if kind == "columns":
        data = 'path = "r.parquet"\n[data.gold_columns]\npython = "py"\nsql = "sq"\n'
        table = table.append_column("py", pa.array([1, 1, 0, None])).append_column("sq", pa.array([0, 1, 0, None]))
    elif kind == "lines":
        data = 'path = "r.jsonl"\ngold = "tags"\n'
        lines = [{"id": i, "text": "x", "tags": row} for i, row in zip(ids, ROWS, strict=True)]
        (folder / "r.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    else:
        table = table.append_column("tags", pa.array(said[kind]))
    pq.write_table(table, folder / "r.parquet")
    (folder / "labelkit.toml").write_text(TOML + ('separator = ";"\n' if kind == "text" else "") + data)
    return folder


@pytest.mark.parametrize("kind", ["text", "json", "list", "columns", "lines"])
def test_each_class_sees_its_yes_and_no(tmp_path: Path, kind: str) -> None:
    """Whatever the file, the records of a class have yes, no or null in their column of gold."""
    project = read_project(written(tmp_path, kind))
    found = {}
    for name, member in project.members.items():
        column = member.settings.data.gold
        assert column is not None
        found[name] = open_records(member).to_table()[column].to_pylist()
    assert found == {"python": [YES, YES, NO, None], "sql": [NO, YES, NO, None]}


@pytest.mark.parametrize("kind", ["text", "json", "list", "columns", "lines"])
def test_the_whole_reads_its_records(tmp_path: Path, kind: str) -> None:
    """As they are in the file, and their fingerprint tells a change of gold where one column holds it."""
    project = read_project(written(tmp_path, kind))
    before = open_records(project).fingerprint()
    assert open_records(project).to_table().num_rows == len(ROWS)
    ROWS[0], kept = ["sql"], ROWS[0]
    try:
        changed = open_records(read_project(written(tmp_path, kind))).fingerprint() != before
    finally:
        ROWS[0] = kept
    assert changed == (kind in ("json", "list", "lines"))


def test_a_wrong_tag_is_found_with_its_row(tmp_path: Path) -> None:
    """The file, the row, the column and the value are named."""
    (tmp_path / "labelkit.toml").write_text(TOML + 'path = "r.csv"\ngold = "tags"\n')
    (tmp_path / "r.csv").write_text("id,text,tags\n1,x,python\n2,y,\n3,z,phyton\n4,x,python\n5,x,pithon\n6,x,phyton\n")
    with pytest.raises(DataError) as caught:
        open_records(read_project(tmp_path).member("sql")).to_table()
    assert str(caught.value) == ('r.csv: row 4, column "tags": "phyton" is no class; classes are "python", "sql"')
