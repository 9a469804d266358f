"""What a labeling function sees of a record, and that it sees it as if it were alone."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from casting import cast, named, returning
from labelkit.labeling import Row
from labelkit.labeling.rows import Rows

SEES = 'a labeling function sees only "text", "stars", not "gold"'


def test_fields_are_attributes_and_keys() -> None:
    """`x.text`, `x["text"]`, `x.get("text")` and `"text" in x` speak of the same value."""
    x = Row(text="so", stars=4)
    assert (x.text, x["text"], x.get("text")) == ("so", "so", "so")
    assert "text" in x
    assert list(x) == ["text", "stars"]


def test_a_field_may_have_any_name() -> None:
    """Names that are no identifiers are read by key; a field called like a method is the field."""
    x: Any = Row(**{"customer age": 40, "get": 1, "self": 2, "class": 3})
    assert (x["customer age"], x["get"], x.get, x["self"], x["class"]) == (40, 1, 1, 2, 3)


def test_what_is_not_a_field_is_not_there() -> None:
    """Other columns raise as on a pandas Series, naming what is seen; methods and dunders are no fields either."""
    x = Row(text="so", stars=4)
    with pytest.raises(AttributeError) as by_attribute:
        x.gold  # noqa: B018
    assert str(by_attribute.value) == SEES
    with pytest.raises(KeyError) as by_key:
        x["gold"]
    assert by_key.value.args == (SEES,)
    for name in ("get", "__dict__", "__class__"):
        with pytest.raises(KeyError):
            x[name]
    assert not hasattr(x, "gold")
    assert (x.get("gold"), x.get("gold", 7)) == (None, 7)
    assert "gold" not in x


@pytest.mark.parametrize("touch", [lambda x: x.gold, lambda x: x.id, lambda x: x["gold"], lambda x: x["id"]])
def test_touching_gold_or_id_is_a_fault(touch: Callable[[Any], Any]) -> None:
    """Functions see the fields alone; a fault names them."""
    votes, faults = cast([named("peeks", touch), returning(1, "honest")], {"text": ["a"], "stars": [3]})
    assert votes.tolist() == [[-2, 1]]
    assert faults[0].exception in ("AttributeError", "KeyError")
    assert 'a labeling function sees only "text", "stars", not ' in faults[0].message


def test_a_row_can_be_copied_and_pickled() -> None:
    """Snorkel's mappers pickle the row that they map."""
    x = Row(text="so", words=["a"])
    assert pickle.loads(pickle.dumps(x)) == x  # noqa: S301
    deep = copy.deepcopy(x)
    deep.words.append("b")
    assert x.words == ["a"]
    assert copy.copy(x) == x


def set_attribute(x: Any) -> None:
    x.text = "changed"
    x.new = 1


def set_key(x: Any) -> None:
    x["text"] = "changed"
    x["new"] = 1


def delete_attribute(x: Any) -> None:
    del x.text


def delete_key(x: Any) -> None:
    del x["text"]


def clear_the_dictionary(x: Any) -> None:
    vars(x).clear()


def update_the_dictionary(x: Any) -> None:
    x.__dict__.update(text="changed", new=1)


def append_in_place(x: Any) -> None:
    x.words.append("changed")


def change_in_depth(x: Any) -> None:
    x.meta["tags"].append("changed")
    x.meta["new"] = 1


def keep_rows(x: Any) -> None:
    KEPT.append(x)
    for row in KEPT:
        row.text = "changed"
        row.words.clear()


KEPT: list[Any] = []
RECORDS: dict[str, list[Any]] = {
    "text": ["one", "two", None],
    "words": [["a"], ["a", "b"], None],
    "meta": [{"tags": ["x"]}, {"tags": []}, {"tags": None}],
}


@pytest.mark.parametrize(
    "change",
    [
        set_attribute,
        set_key,
        delete_attribute,
        delete_key,
        clear_the_dictionary,
        update_the_dictionary,
        append_in_place,
        change_in_depth,
        keep_rows,
    ],
)
@pytest.mark.parametrize("raises", [False, True])
def test_no_function_sees_what_another_one_changed(change: Callable[[Any], None], *, raises: bool) -> None:
    """Set, deleted, replaced or changed in place, kept for later, and also when the function then fails."""
    KEPT.clear()
    seen: list[Any] = []

    def changes(x: Any) -> int:
        change(x)
        if raises:
            raise ValueError
        return 0

    def looks(x: Any) -> int:
        seen.append(copy.deepcopy(vars(x)))
        return 1

    votes, _ = cast([named("before", looks), named("changes", changes), named("after", looks)], RECORDS)
    assert seen[3:] == seen[:3]
    assert seen[:3] == [{name: column[i] for name, column in RECORDS.items()} for i in range(3)]
    assert votes[:, [0, 2]].tolist() == [[1, 1]] * 3


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (set_attribute, {"text": "changed", "words": ["a"], "new": 1}),
        (set_key, {"text": "changed", "words": ["a"], "new": 1}),
        (update_the_dictionary, {"text": "changed", "words": ["a"], "new": 1}),
        (delete_attribute, {"words": ["a"]}),
        (delete_key, {"words": ["a"]}),
        (clear_the_dictionary, {}),
        (append_in_place, {"text": "one", "words": ["a", "changed"]}),
    ],
)
@pytest.mark.parametrize("swallows", [False, True])
def test_a_function_sees_its_own_changes(
    change: Callable[[Any], None], left: dict[str, Any], *, swallows: bool
) -> None:
    """Within one call the row behaves like any object, also when the function catches whatever is raised."""
    seen: list[Any] = []

    def changes(x: Any) -> int:
        try:
            change(x)
        except BaseException:
            if not swallows:
                raise
        seen[:] = [dict(vars(x)), {name: x[name] for name in x}]
        return 1

    votes, faults = cast([named("f", changes)], {"text": ["one"], "words": [["a"]]})
    assert (votes.tolist(), faults) == ([[1]], [])
    assert seen == [left, left]


ODD_NAMES = [
    "own",
    "get",
    "fields",
    "touched",
    "watch",
    "index",
    "count",
    "self",
    "class",
    "customer age",
    "_x",
    "é",
    "1",
]


@pytest.mark.parametrize("changes", [False, True])
def test_a_column_may_have_any_name(*, changes: bool) -> None:
    """Fields are read by attribute and by key whatever they are called, on shared rows and on rows of one's own."""
    fields = {name: [i] for i, name in enumerate(ODD_NAMES)}

    def reads(x: Any) -> int:
        if changes:
            x.new = 1
            del x.new
        assert [getattr(x, name) for name in ODD_NAMES] == list(range(len(ODD_NAMES)))
        assert [x[name] for name in ODD_NAMES] == list(range(len(ODD_NAMES)))
        assert list(x) == ODD_NAMES
        return int(x.own == 0 and x.get == 1)

    votes, faults = cast([named("f", reads), named("g", lambda x: x.self - 6)], fields)
    assert (votes.tolist(), faults) == ([[1, 1]], [])


def test_a_column_called_like_a_method_of_python_is_read_by_key() -> None:
    """Names that Python uses itself do not take the row apart."""
    fields = {"__getitem__": ["a"], "__class__": ["b"], "__fields__": ["c"], "__iter__": ["d"], "text": ["e"]}
    seen = cast([named("f", lambda x: ["abcde"].index("".join(x[name] for name in x)))], fields)
    assert (seen[0].tolist(), seen[1]) == ([[0]], [])


def test_shared_rows_are_equal_by_fields_and_values() -> None:
    """Snorkel's mappers keep results by row: rows of other fields, or other lists, are not taken for the same."""
    made = [
        next(iter(Rows(pa.record_batch(fields)).shared()))
        for fields in ({"a": ["x"]}, {"b": ["x"]}, {"a": [["x"]]}, {"a": [["y"]]})
    ]
    assert len(set(made)) == 4


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (pa.array(["x"]), "x"),
        (pa.array(["x"], pa.large_string()), "x"),
        (pa.array(["x"]).dictionary_encode(), "x"),
        (pa.array([3], pa.int8()), 3),
        (pa.array([2**63], pa.uint64()), 2**63),
        (pa.array([0.5], pa.float32()), 0.5),
        (pa.array([True]), True),
        (pa.array([None], pa.null()), None),
        (pa.array([b"x"]), b"x"),
        (pa.array([[1, None]]), [1, None]),
        (pa.array([{"a": [1]}]), {"a": [1]}),
        (pa.array([[["a"]]]), [["a"]]),
    ],
)
def test_values_are_plain_python(column: pa.Array, value: Any) -> None:
    """A function gets str, int, float, bool, bytes, list, dict or None, whatever Arrow keeps."""
    rows = Rows(pa.record_batch({"v": column}))
    both: list[Any] = [*rows.shared(), *rows.own()]
    for row in both:
        assert row.v == value
        assert type(row.v) is type(value)


def test_records_without_fields_are_rows_too() -> None:
    """A function that looks at nothing still votes on every record."""
    fields = pa.record_batch({"text": ["a", "b"]}).select([])
    assert [vars(row) for row in Rows(fields).own()] == [{}, {}]
    assert len(Rows(fields).shared()) == 2
