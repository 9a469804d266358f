"""On Spark facts and verdicts are those of one machine: healthy tables, damaged ones, and where Spark sets traps."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from labelkit.annotations.agreement import RatingTable
from labelkit.errors import UsageError
from labelkit.matrix import FAULT, LabelMatrix
from labelkit.validation import Evidence, Outcome, fact_tables, judge, load_suite, load_suites, read_by, validate
from labelkit.validation.facts import FACTS
from labelkit.validation.near import components
from labelkit.validation.profile import Profile, profile_of
from labelkit.validation.spark import MOST_ROWS, judged_frame, placed, spark_tables
from labelkit.validation.spark.tables import REFUSED
from labelkit.validation.spark.texts import connected
from spark_tables import on_spark
from suite_files import (
    BETWEEN,
    CLASSES,
    COUNT,
    IN_SET,
    NOT_NULL,
    SUITES,
    UNIQUE,
    N,
    check,
    clean_evidence,
    clean_labels,
    clean_records,
    judged,
    when,
    with_cell,
    write_suite,
)

pytestmark = pytest.mark.spark

LONG = "a review of a dozen words that says why the camera is worth its price"


def damaged() -> Evidence:
    """A project in which everything is wrong that a cell can say, each in a row of its own."""
    labels, records = clean_labels({"r3": 1, "r10": 0}), clean_records()
    p = {c: labels.column(f"p_{c}").to_pylist() for c in CLASSES}
    rows = [i for i, source in enumerate(labels.column("source").to_pylist()) if source == "model"]
    cells: list[tuple[str, int, object]] = [
        ("id", rows[0], None),
        ("id", rows[1], f"r{rows[2]}"),
        ("id", rows[3], "nobody"),
        ("label", rows[4], "positve"),
        ("label", rows[5], None),
        ("source", rows[6], "magic"),
        ("source", rows[7], None),
        ("p_negative", rows[8], 1.5),
        ("p_positive", rows[9], float("nan")),
        ("p_positive", rows[10], None),
        ("confidence", rows[11], float("nan")),
        ("run", rows[12], None),
        ("run", rows[13], "another"),
        ("label", rows[14], CLASSES[0] if p["positive"][rows[14]] > 0.5 else CLASSES[1]),
    ]
    for column, row, value in cells:
        labels = with_cell(labels, column, row, value)
    wrong = {
        ("text", 20): "Same  TEXT",
        ("text", 22): "same text",
        ("text", 30): " \n ",
        ("text", 31): None,
        ("text", 40): LONG,
        ("text", 41): f"{LONG}!",
        ("split", 50): "trian",
        ("gold", 51): "positve",
        ("gold", 52): None,
        ("id", 53): None,
    }
    for (column, row), value in wrong.items():
        records = with_cell(records, column, row, value)
    answers = {"r3": 1, "r10": 0, f"r{rows[15]}": 0, f"r{rows[16]}": 1}
    return clean_evidence(labels=labels.slice(0, N - 50), records=records, answers=answers)


def outcomes(evidence: Any, read: Mapping[str, Collection[str]]) -> list[Outcome]:
    """What the demo's gate says."""
    tables = fact_tables(evidence, read) if isinstance(evidence, Evidence) else spark_tables(evidence, read)
    return list(judge(load_suites(SUITES), tables).outcomes)


@pytest.mark.parametrize("name", ["healthy", "damaged", "no label"])
def test_the_demos_gate_says_on_spark_what_it_says_here(spark: Any, name: str) -> None:
    """Status, finding, reason and every failing row of all expectations, whatever is wrong."""
    nothing = clean_evidence().labels.filter(pa.array([i % 3 == 0 for i in range(N)]))
    evidence = {
        "healthy": clean_evidence(),
        "damaged": damaged(),
        "no label": clean_evidence(labels=nothing, votes=None),
    }[name]
    read = read_by(load_suites(SUITES))
    found = outcomes(on_spark(spark, evidence), read)
    assert [each for each in found if "GX could not" not in each.reason] == [
        each for each in outcomes(evidence, read) if "GX could not" not in each.reason
    ]


RATINGS = RatingTable(np.array([[0, 0], [1, 0], [1, -1]], np.int16), ("a", "b", "c"), ("ana", "ben"))


def whole_evidence() -> Evidence:
    """A small project about which everything can be told, some of it twice and some of it strange."""
    ids = [f"i{i}" for i in range(40)]
    texts = [LONG if i % 9 == 0 else f"{LONG} {i % 4}" if i % 5 == 0 else f"Text number {i} Ünï" for i in range(40)]
    texts[1], texts[2], texts[7] = "Straße  X", "strasse x", "?!"
    rng = np.random.default_rng(5)
    records = pa.table(
        {
            "id": ids,
            "text": pa.array([None if i == 11 else text for i, text in enumerate(texts)], pa.string()),
            "size": pa.array([None if i == 4 else float(x) for i, x in enumerate(rng.normal(size=40))]),
            "shop": [("A", "B", "C")[i % 3] for i in range(40)],
            "gold": [(None, "ham", "spam", "eggs")[i % 4] for i in range(40)],
            "split": [("dev", "train", "test")[i % 3] for i in range(40)],
        }
    )
    names = [("ham", "spam", None, "ham", "spma")[i % 5] for i in range(40)]
    p = rng.uniform(size=40)
    labels = pa.table(
        {
            "id": [*ids[:35], "i3", None, "new", "i36", "i35"],
            "label": pa.array(names, pa.string()),
            "confidence": p,
            "p_ham": pa.array([None if i == 6 else float("nan") if i == 8 else p[i] for i in range(40)]),
            "p_spam": 1 - p,
            "source": [("model", "human", "none", "model")[i % 4] for i in range(40)],
            "run": ["r"] * 40,
        }
    )
    votes = rng.integers(-2, 2, (40, 3)).astype(np.int8)
    votes[0] = FAULT
    model = pa.table({"id": ids, "label": pa.array([("ham", "spam", None)[i % 3] for i in range(40)], pa.string())})
    return Evidence(
        records=records,
        labels=labels,
        classes=("ham", "spam"),
        id="id",
        fields=("text", "size"),
        answers={"i0": 0, "i1": 1, "i5": 0, "gone": 1},
        votes=LabelMatrix.from_rows(votes, names=["a.b", "c d", "e`f"], classes=("ham", "spam"), ids=ids),
        gold="gold",
        split="split",
        metadata=("shop",),
        reference=reference(records),
        model_labels=lambda: model,
        previous=lambda: model.slice(5),
        ratings=lambda: RATINGS,
    )


def reference(records: pa.Table) -> Profile:
    """What the same columns looked like once."""
    earlier = records.slice(0, 20).set_column(2, "size", pa.array(np.linspace(-1, 1, 20)))
    return profile_of(earlier, ["text", "size", "shop"], pa.array(["ham", "spam"] * 10))


def as_lists(table: Any, names: Collection[str]) -> dict[str, list[Any]]:
    """Columns of a table, wherever it is, in the order of its rows."""
    from labelkit.validation.spark.conditions import quoted
    from labelkit.validation.spark.rows import ROW

    if isinstance(table, pa.Table):
        return {name: table.column(name).to_pylist() for name in names}
    found = table.frame.orderBy(ROW).select(*map(quoted, names)).toArrow()
    return {name: found.column(name).to_pylist() for name in names}


TOLD = ("records", "labels", "functions", "classes", "annotators", "fields", "runs")
"""The tables that Spark tells of."""


@pytest.mark.parametrize(("gold", "names"), [("gold", TOLD), (None, ("functions",))], ids=["all", "without gold"])
def test_every_fact_is_that_of_one_machine(spark: Any, gold: str | None, names: tuple[str, ...]) -> None:
    """Every column of every table, on data with nulls, NaN, doubled and foreign ids, near texts and odd names."""
    evidence = replace(whole_evidence(), gold=gold)
    here = fact_tables(evidence)
    computed = {name: [c for fact in facts for c in fact.columns] for name, facts in FACTS.items()}
    read = {name: computed.get(name, here[name].column_names) for name in names}
    there = spark_tables(on_spark(spark, evidence), read)
    for name, columns in read.items():
        told = [column for column in columns if column not in REFUSED]
        local, spread = as_lists(here[name], told), as_lists(there[name], told)
        for column in told:
            assert spread[column] == pytest.approx(local[column], nan_ok=True), (name, column)


def test_being_near_is_passed_on_along_chains(spark: Any) -> None:
    """The groups of pairs are their connected components, named by the smallest member, however long a chain is."""
    chain = [(i + 1, i) for i in range(20, 45)]
    pairs = [*chain, (3, 1), (5, 4), (9, 5), (4, 9), (50, 60), (60, 3)]
    found = dict(map(tuple, connected(spark.createDataFrame(pairs, "a bigint, b bigint")).collect()))
    roots = components(61, np.array(pairs))
    assert found == {node: roots[node] for node in range(61) if roots[node] != node}


def test_label_errors_are_refused_plainly(spark: Any, tmp_path: Path) -> None:
    """What is not told on Spark is an error that says so, and never passes."""
    suite = load_suite(
        write_suite(tmp_path / "s.json", check(BETWEEN, column="error_rank", min_value=1), table="labels")
    )
    table = spark_tables(on_spark(spark, clean_evidence()), {"labels": suite.reads})["labels"]
    (outcome,) = judge([suite], {"labels": table}).outcomes
    assert (outcome.status, outcome.reason) == (
        "error",
        REFUSED["error_rank"],
    )
    assert outcome.reason.startswith("the end model is not trained on Spark, so that label errors cannot be told")


def test_a_text_is_no_number_whatever_the_session_says(spark: Any, tmp_path: Path) -> None:
    """Without ANSI mode Spark makes nulls of texts that are no numbers, and bounds on them would pass."""
    spark.conf.set("spark.sql.ansi.enabled", "false")
    try:
        table = spark.createDataFrame(pa.table({"id": ["a", "b"], "word": ["x", "-7"], "number": [1, 2]}))
        entries = [
            check(BETWEEN, column="word", min_value=0, max_value=1),
            check("expect_column_values_to_not_be_in_set", column="word", value_set=[-7]),
            check(UNIQUE, column="id", row_condition=when("number", "1")),
            check(COUNT, min_value=1, row_condition=when("word", -7)),
        ]
        verdict = validate(table, write_suite(tmp_path / "s.json", *entries))
        assert [outcome.status for outcome in verdict.outcomes] == ["error", "error", "vacuous", "fail"]
        assert spark.conf.get("spark.sql.ansi.enabled") == "false"
    finally:
        spark.conf.set("spark.sql.ansi.enabled", "true")


def test_a_nan_is_missing_as_it_is_in_pandas(spark: Any, tmp_path: Path) -> None:
    """To Spark it is a value: not null, and larger than any other. It is shown as what it is."""
    table = pa.table({"id": ["a", "b", "c"], "share": [0.5, float("nan"), None]})
    entries = [
        check(NOT_NULL, column="share"),
        check(BETWEEN, column="share", min_value=0, max_value=1),
        check("expect_column_max_to_be_between", column="share", max_value=1),
        check(IN_SET, column="share", value_set=[0.5], row_condition=when("share", 0.7, "<")),
    ]
    there = validate(spark.createDataFrame(table), write_suite(tmp_path / "s.json", *entries)).outcomes
    assert there == judged(tmp_path, table, *entries).outcomes
    assert (there[0].failing_ids, there[0].failing_values) == (("b", "c"), ("NaN", "null"))


CONDITIONS: list[dict[str, Any]] = [
    when("word", "a", "!="),
    when("word", ["a", "b"], "IN"),
    when("word", ["a"], "NOT_IN"),
    when("number", 2, ">="),
    when("number", "2", "!="),
    {"type": "nullity", "column": {"name": "word"}, "is_null": True},
    {"type": "or", "conditions": [when("word", 'it\'s "so"\n'), when("number", 1)]},
]


def test_conditions_match_the_rows_that_pandas_matches(spark: Any, tmp_path: Path) -> None:
    """Nulls, texts with quotes in them, and numbers written as text."""
    table = pa.table({"id": list("abcde"), "word": ["a", None, "b", 'it\'s "so"\n', "a"], "number": [1, 2, 3, 2, 1]})
    entries = [check(IN_SET, column="id", value_set=["none"], row_condition=condition) for condition in CONDITIONS]
    there = validate(spark.createDataFrame(table), write_suite(tmp_path / "s.json", *entries)).outcomes
    assert there == judged(tmp_path, table, *entries).outcomes
    assert there[0].failing_ids == ("b", "c", "d")


def test_a_pair_with_a_null_is_no_pair_that_holds(spark: Any, tmp_path: Path) -> None:
    """Spark says neither yes nor no of such rows, and GX passes them."""
    table = spark.createDataFrame(pa.table({"id": ["a", "b"], "x": [1, None], "y": [1, 2]}))
    kind = "expect_column_pair_values_a_to_be_greater_than_b"
    entries = [
        check(kind, column_A="x", column_B="y", or_equal=True),
        check(kind, column_A="x", column_B="y", or_equal=True, ignore_row_if="either_value_is_missing"),
        check("expect_column_pair_values_to_be_equal", column_A="x", column_B="y"),
    ]
    found = validate(table, write_suite(tmp_path / "s.json", *entries)).outcomes
    assert [outcome.status for outcome in found] == ["error", "pass", "fail"]


def test_rows_of_several_files_have_their_place_in_the_order_of_the_files(spark: Any, tmp_path: Path) -> None:
    """Spark reads large files first; places are those of the files' names, and failing rows come in that order."""
    for part, rows in enumerate((3, 2000, 5)):
        ids = [f"{part}-{row}" for row in range(rows)]
        pq.write_table(pa.table({"id": ids, "number": list(range(rows))}), tmp_path / f"part-{part}.parquet")
    found = placed(spark.read.parquet(str(tmp_path)))
    assert (found.rows, found.in_file_order) == (2008, True)
    assert [row["id"] for row in found.frame.orderBy("__labelkit_row").collect()][2:5] == ["0-2", "1-0", "1-1"]
    suite = load_suite(write_suite(tmp_path / "s.json", check(BETWEEN, column="number", max_value=1)))
    (outcome,) = judge([suite], {"records": judged_frame(spark.read.parquet(str(tmp_path / "*.parquet")))}).outcomes
    assert outcome.observed == "2,002 of 2,008 values not as expected"
    assert len(outcome.failing_ids) == MOST_ROWS
    assert outcome.failing_ids[0] == "0-2"


def test_labels_alone_are_judged_with_what_follows_from_them(spark: Any, tmp_path: Path) -> None:
    """A frame without a project: computed columns, people's answers, and records where they are given."""
    labels, records = clean_labels({}), clean_records().select(["id", "text"])
    answer = {"r1": "positive" if labels.column("label")[1].as_py() == "negative" else "negative"}
    entries = [
        check(BETWEEN, column="p_sum", min_value=0.999999, max_value=1.000001),
        check(IN_SET, column="contradicts_people", value_set=[0]),
        check(IN_SET, column="in_records", value_set=[1]),
    ]
    suite = write_suite(tmp_path / "s.json", *entries, table="labels")
    frame = spark.createDataFrame(labels)
    alone = validate(frame, suite, answers=answer).outcomes
    assert [outcome.status for outcome in alone] == ["pass", "fail", "error"]
    assert alone == validate(labels, suite, answers=answer).outcomes
    beside = validate(frame, suite, records=spark.createDataFrame(records), answers=answer).outcomes
    assert [outcome.status for outcome in beside] == ["pass", "fail", "pass"]
    with pytest.raises(UsageError, match='answers: no class "spma"'):
        validate(frame, suite, answers={"r1": "spma"})
