"""One table against one suite, without a project."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import labelkit as lk
from labelkit.errors import AnswerIsNo, DataError, SuiteError, UsageError
from labelkit.label_models.posterior import Posterior
from labelkit.validation import load_suite, validate
from suite_files import BETWEEN, IN_SET, NOT_NULL, check, write_suite

ENTRIES = [
    check(IN_SET, column="label", value_set=["ham", "spam"]),
    check(BETWEEN, column="p_sum", min_value=0.999999, max_value=1.000001),
]


def labels(probs: list[list[float]]) -> pa.Table:
    """Labels of a posterior over ham and spam."""
    n = len(probs)
    ids = pa.array([f"r{i}" for i in range(n)])
    return Posterior(np.array(probs), np.ones(n, dtype=np.bool_), ids, ("ham", "spam")).to_labels()


def test_labels_are_judged_in_two_lines(tmp_path: Path) -> None:
    """The computed columns that need no records come by themselves."""
    suite = write_suite(tmp_path / "labels.json", *ENTRIES, table="labels")
    lk.validate(labels([[0.9, 0.1], [0.5, 0.5]]), suite).raise_if_failed()
    with pytest.raises(AnswerIsNo) as caught:
        lk.validate(labels([[0.9, 0.1], [0.5, 0.4]]), str(suite)).raise_if_failed()
    assert str(caught.value) == (
        "FAIL: 1 of 2 expectations block; do not train on these labels\n"
        "checks: fail: expect_column_values_to_be_between (p_sum): 1 of 2 values not as expected: r1 = 0.9"
    )


def test_a_column_that_needs_records_is_explained(tmp_path: Path) -> None:
    """A labels table alone cannot say what the records are."""
    suite = write_suite(tmp_path / "labels.json", check(IN_SET, column="in_records", value_set=[1]), table="labels")
    verdict = validate(labels([[0.9, 0.1]]), suite)
    assert verdict.exit_code == 2
    assert verdict.outcomes[0].reason == (
        'no column "in_records"; labelkit computes it from the records: give them as records=, or validate the project'
    )


COMMENTS = pa.table({"key": ["r0", "r1", "r2"], "text": ["Buy now", "buy  NOW", "hello"], "stars": [1, 2, 3]})


@pytest.mark.parametrize("given", [COMMENTS, lk.read(COMMENTS, id="key")], ids=["table", "records"])
def test_with_records_labels_are_compared_with_them(tmp_path: Path, given: object) -> None:
    """Records are what `lk.read` returns, or what it takes: then their ids are in "id"."""
    if isinstance(given, pa.Table):
        given = given.rename_columns(["id", "text", "stars"])
    entries = [
        check(BETWEEN, column="labels_of_same_text", max_value=1),
        check(IN_SET, column="in_records", value_set=[1]),
    ]
    suite = write_suite(tmp_path / "labels.json", *entries, table="labels")
    agreeing = labels([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9]])
    assert validate(agreeing, suite, records=given).passed
    differing = labels([[0.9, 0.1], [0.2, 0.8], [0.1, 0.9], [0.5, 0.5]])
    found = [(outcome.status, outcome.failing_ids) for outcome in validate(differing, suite, records=given).outcomes]
    assert found == [("fail", ("r0", "r1")), ("fail", ("r3",))]


def test_answers_are_class_names_by_record(tmp_path: Path) -> None:
    """A label against an answer is found, an answer that is no class is refused."""
    suite = write_suite(tmp_path / "s.json", check(IN_SET, column="contradicts_people", value_set=[0]), table="labels")
    table = labels([[0.9, 0.1], [0.2, 0.8]])
    assert validate(table, suite, answers={"r0": "ham"}).passed
    assert validate(table, suite, answers={"r1": "ham"}).outcomes[0].failing_ids == ("r1",)
    with pytest.raises(UsageError) as caught:
        validate(table, suite, answers={"r1": "hma"})
    assert str(caught.value) == 'answers: no class "hma"; the labels have "ham", "spam"'


def test_what_only_a_project_knows_is_vacuous(tmp_path: Path) -> None:
    """Nothing passes because there were no votes to look at."""
    suite = write_suite(tmp_path / "s.json", check(IN_SET, column="conflict", value_set=[0]), table="labels")
    found = validate(labels([[0.9, 0.1]]), suite, records=COMMENTS.rename_columns(["id", "text", "stars"]))
    assert found.outcomes[0].status == "vacuous"


def test_which_columns_there_are_is_asked_of_the_file(tmp_path: Path) -> None:
    """What labelkit adds is no unexpected column, and no column that the file can be said to have."""
    own = ["id", "label", "confidence", "p_ham", "p_spam", "source", "run"]
    suite = write_suite(
        tmp_path / "s.json",
        check("expect_table_columns_to_match_set", column_set=own, exact_match=True),
        check(BETWEEN, column="p_sum", min_value=0.99),
        check("expect_column_to_exist", column="p_sum"),
        table="labels",
    )
    assert [outcome.status for outcome in validate(labels([[0.9, 0.1]]), suite).outcomes] == ["pass", "pass", "fail"]
    forged = labels([[0.9, 0.1]])
    field = pa.field("extra", pa.int64(), metadata={"labelkit.computed": "1"})
    assert validate(forged.append_column(field, pa.array([1])), suite).outcomes[0].status == "fail"


@pytest.mark.parametrize("kind", ["arrow", "pandas", "parquet", "stream"])
def test_every_kind_of_table_is_judged_alike(tmp_path: Path, kind: str) -> None:
    """Arrow, pandas with any index, anything that streams Arrow, and Parquet files."""
    table = pa.table({"id": ["a", "b"], "word": ["yes", None]})
    pq.write_table(table, tmp_path / "table.parquet")
    given = {
        "arrow": table,
        "pandas": pd.DataFrame({"id": ["a", "b"], "word": ["yes", None]}, index=[7, 7]),
        "parquet": tmp_path / "table.parquet",
        "stream": pa.RecordBatchReader.from_batches(table.schema, table.to_batches()),
    }[kind]
    (outcome,) = validate(given, write_suite(tmp_path / "s.json", check(NOT_NULL, column="word"))).outcomes
    assert (outcome.status, outcome.failing_ids) == ("fail", ("b",))


def test_a_loaded_suite_serves_many_tables(tmp_path: Path) -> None:
    """Judging changes neither the suite nor its expectations."""
    suite = load_suite(write_suite(tmp_path / "s.json", check(NOT_NULL, column="word")))
    good, bad = pa.table({"word": ["a"]}), pa.table({"word": pa.array([None], pa.string())})
    assert [validate(table, suite).status for table in (good, bad, good, bad)] == ["pass", "fail", "pass", "fail"]


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    """The message says what would be one."""
    suite = write_suite(tmp_path / "s.json", check(NOT_NULL, column="word"))
    with pytest.raises(UsageError) as usage:
        validate([1, 2], suite)
    assert str(usage.value) == "list is no table; give an Arrow table, a frame or the path of a Parquet file"
    with pytest.raises(DataError) as missing:
        validate(tmp_path / "none.parquet", suite)
    assert str(missing.value) == f"{tmp_path}/none.parquet: no such file"
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError) as torn:
        validate(tmp_path / "torn.parquet", suite)
    assert str(torn.value) == f"{tmp_path}/torn.parquet: not a readable Parquet file"
    with pytest.raises(DataError, match=r"^the frame does not fit into Arrow: "):
        validate(pd.DataFrame({"mixed": ["a", 1]}), suite)


def test_a_suite_that_does_not_hold_is_refused_before_anything_is_judged(tmp_path: Path) -> None:
    """A misspelt expectation is the caller's to mend."""
    with pytest.raises(SuiteError, match="did you mean"):
        validate(pa.table({"word": ["a"]}), write_suite(tmp_path / "s.json", check(NOT_NULL + "s", column="word")))


def test_the_gate_imports_gx_only_when_it_judges() -> None:
    """`import labelkit.validation` stays quick; GX takes seconds."""
    code = "import labelkit.validation, sys, json; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)
    assert {"great_expectations", "pandas", "pyarrow", "scipy"}.isdisjoint(loaded)
