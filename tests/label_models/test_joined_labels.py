"""The labels of all classes in one table: laws on any tables that classes may have."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from labelkit.errors import ArtifactError
from labelkit.label_models import labels_content, write_labels
from labelkit.label_models.label_sets import joined_labels

CLASSES = ["python", "pandas", "sql", "ß"]
SAID: dict[tuple[str, str | None], float | None] = {
    ("human", "yes"): 1.0,
    ("human", "no"): 0.0,
    ("model", "yes"): 0.9,
    ("model", "no"): 0.2,
    ("none", None): None,
}
cells = st.sampled_from(sorted(SAID, key=str))


@st.composite
def tables(draw: st.DrawFn) -> dict[str, pa.Table]:
    """Labels of one to four classes of the same records, none at all included."""
    k, n = draw(st.integers(1, 4)), draw(st.integers(0, 8))
    drawn = {name: draw(st.lists(cells, min_size=n, max_size=n)) for name in CLASSES[:k]}
    return {name: table_of(said) for name, said in drawn.items()}


def table_of(said: list[tuple[str, str | None]]) -> pa.Table:
    columns: dict[str, Any] = {
        "id": pa.array([str(i) for i in range(len(said))], pa.string()),
        "label": pa.array([label for _, label in said], pa.string()),
        "p_yes": pa.array([SAID[one] for one in said], pa.float64()),
        "source": pa.array([source for source, _ in said], pa.string()),
    }
    return pa.table(columns)


@given(tables())
def test_each_row_says_what_the_classes_say(of_classes: dict[str, pa.Table]) -> None:
    """A class is in `labels` where it says yes, in `undecided` where it knows nothing, and its p is its own."""
    joined = joined_labels(of_classes, "run")
    rows = {name: table.to_pylist() for name, table in of_classes.items()}
    for i, row in enumerate(joined.to_pylist()):
        said = {name: cells[i] for name, cells in rows.items()}
        assert row["undecided"] == [name for name, cell in said.items() if cell["label"] is None]
        nothing = len(row["undecided"]) == len(said)
        chosen = [name for name, cell in said.items() if cell["label"] == "yes"]
        assert row["labels"] == (None if nothing else chosen)
        assert not set(chosen) & set(row["undecided"])
        assert {name: row[f"p_{name}"] for name in said} == {name: cell["p_yes"] for name, cell in said.items()}
        sources = {cell["source"] for cell in said.values()}
        assert row["source"] == ("none" if nothing else "human" if sources == {"human"} else "model")
        assert (row["id"], row["run"]) == (str(i), "run")


@given(tables())
def test_columns_are_always_the_same(of_classes: dict[str, pa.Table]) -> None:
    """Names, types and metadata do not depend on what the labels are, and a file gives them back."""
    joined = joined_labels(of_classes, "run")
    names = [*("id", "labels", "undecided"), *(f"p_{name}" for name in of_classes), "source", "run"]
    assert joined.column_names == names
    assert joined.schema == joined_labels({name: table_of([]) for name in of_classes}, "run").schema
    assert joined.schema.metadata == {b"labelkit.run": b"run"}


def test_a_file_gives_the_table_back(tmp_path: Any) -> None:
    """What is written is what is read, list by list, to the last type."""
    joined = joined_labels({name: table_of(sorted(SAID, key=str)) for name in CLASSES}, "run")
    content = io.BytesIO()
    write_labels(joined, content)
    (tmp_path / "labels.parquet").write_bytes(content.getvalue())
    found = labels_content(tmp_path / "labels.parquet").table()
    assert found.equals(joined)
    assert found.schema.equals(joined.schema)


@pytest.mark.parametrize("change", [lambda t: t.slice(1), lambda t: t.take([1, 0]), lambda t: t.slice(0, 0)])
def test_classes_of_other_records_are_not_joined(change: Any) -> None:
    """Nothing is matched by position: the class is named, and the way out."""
    table = table_of([("model", "yes"), ("model", "no")])
    with pytest.raises(ArtifactError) as caught:
        joined_labels({"python": table, "\x1b": change(table)}, "run")
    assert str(caught.value) == 'labels of class "\\x1b": of other records; run `labelkit apply` again'


@pytest.mark.parametrize("name", ["id", "label", "source", "p_yes"])
@pytest.mark.parametrize("twice", [True, False])
def test_what_is_no_labels_of_a_class_is_not_joined(name: str, *, twice: bool) -> None:
    """The class and the column are named."""
    table = table_of([("model", "yes")])
    damaged = table.append_column(name, table.column(name)) if twice else table.drop_columns([name])
    with pytest.raises(ArtifactError, match=rf'^labels of class "sql": not one column "{name}"; run `labelkit apply`'):
        joined_labels({"python": table, "sql": damaged}, "run")
