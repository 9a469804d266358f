"""`apply_lfs`: functions of any kind on records of any kind, from Python."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import labelkit as lk
from labelkit.errors import DataError, FunctionError, UsageError

TEXTS = ["see http://x.y", "thank you", "", "HELLO THERE", None]
TABLE: dict[str, Any] = {
    "id": ["a", "b", "c", "d", "e"],
    "text": TEXTS,
    "stars": [1, 5, 3, 2, None],
    "gold": [1, 0, 0, 1, 0],
}
VOTES = [[1, -1, -1, 1], [-1, 0, 0, 0], [-1, -1, -1, 0], [-1, -1, 1, 0], [-1, -1, -2, 0]]


def shouts(x: Any) -> Any:
    return 1 if x.text.isupper() else 0 if x.text.islower() and len(x.text) < 10 else None


def first(x: Any) -> int:
    return int(x.text is not None and x.text[:3] == "see")


def functions() -> list[Any]:
    """Rules, a row function of labelkit's and one of Snorkel's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from snorkel.labeling import labeling_function as snorkels

    return [
        lk.rules.pattern("links", r"https?://", field="text", label=1),
        lk.rules.keywords("thanks", ["thank you"], field="text", label=0),
        lk.labeling_function()(shouts),
        snorkels()(first),
    ]


def as_parquet(folder: Path) -> Any:
    pq.write_table(pa.table(TABLE), folder / "t.parquet")
    return folder / "t.parquet"


def as_jsonl(folder: Path) -> Any:
    pd.DataFrame(TABLE).to_json(folder / "t.jsonl", orient="records", lines=True)
    return str(folder / "t.jsonl")


SOURCES: dict[str, Any] = {
    "pandas": lambda folder: pd.DataFrame(TABLE),
    "arrow": lambda folder: pa.table(TABLE),
    "arrow in chunks": lambda folder: pa.concat_tables([pa.table(TABLE).slice(0, 2), pa.table(TABLE).slice(2)]),
    "records": lambda folder: lk.read(pa.table(TABLE)),
    "parquet": as_parquet,
    "jsonl": as_jsonl,
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("workers", [1, 2])
def test_any_source_gives_the_same_votes(source: str, tmp_path: Path, workers: int) -> None:
    """A pandas frame, an Arrow table, a path, or records that were opened before; in one process or two."""
    votes = lk.apply_lfs(functions(), SOURCES[source](tmp_path), classes=["ham", "spam"], workers=workers)
    assert votes.votes.tolist() == VOTES
    assert votes.ids.to_pylist() == TABLE["id"]
    assert votes.names == ("links", "thanks", "shouts", "first")
    assert votes.classes == ("ham", "spam")
    (fault,) = votes.faults
    assert (fault.function, fault.record, fault.exception) == ("shouts", "e", "AttributeError")
    assert fault.place == f"engines/test_apply_lfs.py:{shouts.__code__.co_firstlineno + 1}"


def test_csv_is_text_unless_it_is_declared(tmp_path: Path) -> None:
    """A column of numbers is a column of numbers when the reader was told so."""
    with (tmp_path / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "stars"], ["a", "1"], ["b", "5"]])
    rule = lk.rules.threshold("high", field="stars", above=3, label=1)
    declared = lk.read(tmp_path / "t.csv", types={"stars": "int64"})
    assert lk.apply_lfs([rule], declared).votes.tolist() == [[-1], [1]]
    with pytest.raises(FunctionError, match=r'rule "high" needs numbers, but field "stars" is large_string'):
        lk.apply_lfs([rule], tmp_path / "t.csv")


def test_classes_by_name() -> None:
    """Rules and functions may vote by name once the classes have names."""
    voters = [
        lk.rules.pattern("links", "http", field="text", label="spam"),
        lk.labeling_function("named")(lambda x: "ham" if x.text else lk.ABSTAIN),
        lk.labeling_function("misspelt")(lambda x: "hem"),
    ]
    votes = lk.apply_lfs(voters, pa.table(TABLE), classes=["ham", "spam"])
    assert votes.votes[:, 0].tolist() == [1, -1, -1, -1, -1]
    assert votes.votes[:, 1].tolist() == [0, 0, -1, 0, -1]
    assert votes.fault_counts.tolist() == [0, 0, 5]
    assert votes.faults[0].message == '"hem" is no vote: no class has that name'


def test_a_rule_that_votes_by_name_needs_names() -> None:
    """Said at once, with what to write."""
    with pytest.raises(UsageError) as caught:
        lk.apply_lfs([lk.rules.pattern("links", "http", field="text", label="spam")], pa.table(TABLE))
    message = 'rule "links" votes for "spam"; name the classes: apply_lfs(..., classes=[...])'
    assert str(caught.value) == message


@pytest.mark.parametrize(("highest", "classes"), [(-1, 2), (0, 2), (1, 2), (2, 3), (126, 127)])
def test_without_names_there_are_as_many_classes_as_votes_need(highest: int, classes: int) -> None:
    """At least two, numbered."""
    votes = lk.apply_lfs([lk.labeling_function("f")(lambda x: highest)], pa.table(TABLE))
    assert votes.classes == tuple(str(c) for c in range(classes))
    assert votes.faults == ()


@pytest.mark.parametrize("workers", [1, 2])
def test_no_records_are_no_votes(workers: int) -> None:
    """Zero rows with the columns there: an empty matrix with all names."""
    empty = pa.table({"id": pa.array([], pa.string()), "text": pa.array([], pa.string())})
    votes = lk.apply_lfs(functions(), empty, classes=["ham", "spam"], workers=workers)
    assert votes.votes.shape == (0, 4)
    assert votes.votes.dtype == np.int8
    assert (len(votes.ids), votes.faults) == (0, ())
    assert len(lk.lf_summary(votes)) == 4


def test_no_functions_are_no_votes() -> None:
    """An empty matrix with all records."""
    votes = lk.apply_lfs([], pa.table(TABLE))
    assert votes.votes.shape == (5, 0)
    assert not votes.covered.any()


def test_functions_see_the_fields_they_are_given() -> None:
    """All columns but the id; with `fields`, those alone."""
    seen: list[list[str]] = []

    def looks(x: Any) -> int:
        seen.append(list(x))
        return 1

    function = lk.labeling_function()(looks)
    lk.apply_lfs([function], pa.table(TABLE))
    lk.apply_lfs([function], pa.table(TABLE), fields=["stars", "text", "stars"])
    lk.apply_lfs([function], pa.table(TABLE), fields=[])
    assert seen == [["text", "stars", "gold"]] * 5 + [["stars", "text"]] * 5 + [[]] * 5
    gold = lk.apply_lfs([lk.labeling_function("f")(lambda x: x.gold)], pa.table(TABLE), fields=["text"])
    assert gold.faults[0].message == 'a labeling function sees only "text", not "gold"'


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fields": ["txt"]}, 'fields: no column "txt"; columns are "text", "stars", "gold"'),
        ({"fields": "txt"}, 'fields: no column "txt"; columns are "text", "stars", "gold"'),
        ({"fields": ["text", "id"]}, 'fields: "id" is the id, which labeling functions do not see'),
        ({"classes": ["ham"]}, "classes must be a list of 2 to 127 different names such as \"spam\", not ['ham']"),
        ({"classes": "ham"}, "classes must be a list of 2 to 127 different names such as \"spam\", not 'ham'"),
        ({"classes": [0, 1]}, 'classes must be a list of 2 to 127 different names such as "spam", not [0, 1]'),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], message: str) -> None:
    """Fields and classes, named with what there is."""
    with pytest.raises(UsageError) as caught:
        lk.apply_lfs(functions(), pa.table(TABLE), **settings)
    assert str(caught.value) == message


def test_a_single_field_may_be_given_as_text() -> None:
    """`fields="text"` is not the four fields t, e, x and t."""
    assert lk.apply_lfs(functions(), pa.table(TABLE), fields="text").votes.tolist() == VOTES


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda x: 1, FunctionError, "is no labeling function; decorate it with @labelkit.labeling_function()"),
        (
            lk.rules.pattern("links", "http", field="title", label=1),
            FunctionError,
            'no field "title"; functions see "text", "stars", "gold"',
        ),
        (
            lk.rules.pattern("links", "http", field="stars", label=1),
            FunctionError,
            'rule "links" needs text, but field "stars" is int64',
        ),
        (lk.rules.pattern("links", "http", field="text", label=200), FunctionError, "no class 200; classes are"),
    ],
)
def test_functions_that_cannot_run_are_refused(wrong: Any, error: type[Exception], message: str) -> None:
    """Before or at the first record, never as a fault in every cell."""
    with pytest.raises(error) as caught:
        lk.apply_lfs([wrong], pa.table(TABLE))
    assert message in str(caught.value)


def test_one_name_for_two_functions_is_refused() -> None:
    """Votes are kept by name."""
    pair = [lk.labeling_function("f")(lambda x: 1), lk.rules.keywords("f", ["a"], field="text", label=1)]
    with pytest.raises(FunctionError, match=r'two labeling functions are called "f" \(engines/test_apply_lfs.py:\d+, '):
        lk.apply_lfs(pair, pa.table(TABLE))


def test_records_without_ids_of_their_own_are_refused() -> None:
    """A repeated id is named with both places."""
    with pytest.raises(DataError, match='column "id": id "a" stands already at row 1'):
        lk.apply_lfs(functions(), pa.table({"id": ["a", "a"], "text": ["x", "y"]}))
    with pytest.raises(DataError, match=r'the frame: no column "id"; columns are "text"'):
        lk.apply_lfs(functions(), pd.DataFrame({"text": ["x"]}))


def test_votes_go_on_to_a_label_model() -> None:
    """The matrix is what the summary and the label models take."""
    votes = lk.apply_lfs(functions(), pa.table(TABLE), classes=["ham", "spam"])
    assert lk.lf_summary(votes, TABLE["gold"]).rows[0].correct == 1
    labels = lk.MajorityLabelModel(["ham", "spam"]).fit(votes).predict_proba(votes).to_labels()
    assert labels.column("label").to_pylist() == ["spam", "ham", "ham", "ham", "ham"]
