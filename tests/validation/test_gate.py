"""The gate judges what GX's answers are worth, and names the rows."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from labelkit.errors import SuiteError
from labelkit.validation import Outcome, Suite, Verdict, judge, load_suite, validate
from labelkit.validation.frames import named_by
from labelkit.validation.gate import _unusable
from suite_files import BETWEEN, COUNT, IN_SET, NOT_NULL, UNIQUE, check, judged, when, write_suite

WORDS = pa.table({"id": ["a", "b", None, "d"], "word": ["yes", "no", "maybe", None]})


def only(verdict: Verdict) -> Outcome:
    """The one outcome of a verdict."""
    (outcome,) = verdict.outcomes
    return outcome


def test_outcomes_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    """GX answers in an order of its own; people read the file."""
    entries = [
        check(COUNT, min_value=1),
        check(UNIQUE, column="missing"),
        check(NOT_NULL, column="id"),
        check("expect_column_to_exist", column="word"),
        check(IN_SET, column="word", value_set=["yes", "no", "maybe"]),
        check(UNIQUE, column="id"),
    ]
    verdict = judged(tmp_path, WORDS, *entries)
    assert [outcome.type for outcome in verdict.outcomes] == [entry["type"] for entry in entries]
    assert [outcome.index for outcome in verdict.outcomes] == list(range(6))
    assert [outcome.status for outcome in verdict.outcomes] == ["pass", "error", "fail", "pass", "pass", "pass"]


def test_a_failure_names_rows_values_and_what_was_expected(tmp_path: Path) -> None:
    """Null is no value and is skipped; a row without an id is named by its number."""
    found = only(judged(tmp_path, WORDS, check(IN_SET, column="word", value_set=["yes", "never"])))
    assert found == Outcome(
        suite="checks",
        table="records",
        index=0,
        type=IN_SET,
        column="word",
        severity="critical",
        status="fail",
        reason='value_set ["yes", "never"]',
        observed="2 of 3 values not as expected",
        failing_ids=("b", "(row 3)"),
        failing_values=('"no"', '"maybe"'),
    )


def test_every_failing_row_is_named_not_the_first_twenty(tmp_path: Path) -> None:
    """GX itself stops at 200; ids are complete, values are shown for twenty."""
    n = 1000
    table = pa.table({"id": [f"r{i}" for i in range(n)], "number": list(range(n))})
    found = only(judged(tmp_path, table, check(BETWEEN, column="number", max_value=99)))
    assert found.failing_ids == tuple(f"r{i}" for i in range(100, n))
    assert found.failing_values == tuple(str(i) for i in range(100, 120))
    assert found.observed == "900 of 1,000 values not as expected"


def test_rows_are_named_by_the_column_that_the_table_names(tmp_path: Path) -> None:
    """Labeling functions are named by their name, records by whatever their id column is called."""
    table = named_by(pa.table({"name": ["short", "link"], "faults": [0, 3]}), "name")
    found = only(judged(tmp_path, table, check(BETWEEN, column="faults", max_value=0)))
    assert (found.failing_ids, found.failing_values) == (("link",), ("3",))


def test_a_row_is_named_after_its_place_when_a_condition_leaves_others_out(tmp_path: Path) -> None:
    """Ids belong to the rows of the table, not to those of the part that was judged."""
    table = pa.table({"id": list("abcd"), "kind": ["x", "y", "x", "y"], "number": [1, 9, 9, 1]})
    found = only(judged(tmp_path, table, check(BETWEEN, column="number", max_value=5, row_condition=when("kind", "x"))))
    assert (found.failing_ids, found.failing_values) == (("c",), ("9",))
    assert found.observed == "1 of 2 values not as expected"
    assert found.reason == "max_value 5.0 where kind == x"


def test_pairs_of_columns_are_judged_and_shown_as_pairs(tmp_path: Path) -> None:
    """The values of both columns say why a row fails."""
    table = pa.table({"id": ["a", "b", "c"], "left": [0.5, 0.25, None], "right": [0.5, 0.75, None]})
    kind = "expect_column_pair_values_to_be_equal"
    found = only(judged(tmp_path, table, check(kind, column_A="left", column_B="right")))
    assert (found.column, found.failing_ids, found.failing_values) == ("left, right", ("b",), ("0.25, 0.75",))


def test_whole_numbers_with_nulls_are_compared_exactly(tmp_path: Path) -> None:
    """As floats, 2**53 + 1 would be 2**53, and the set would hold it."""
    table = pa.table({"id": ["a", "b", "c"], "number": pa.array([2**53, 2**53 + 1, None], pa.int64())})
    found = only(judged(tmp_path, table, check(IN_SET, column="number", value_set=[2**53])))
    assert (found.status, found.failing_ids, found.failing_values) == ("fail", ("b",), (str(2**53 + 1),))


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, None, 3], pa.uint64()),
        pa.array([True, None, True]),
        pa.array(["a", None, "b"]).dictionary_encode(),
        pa.array([1.5, None, 2.5]),
        pa.array([1, None, 3], pa.int8()),
        pa.array([b"a", None, b"b"]),
    ],
    ids=lambda column: str(column.type),
)
def test_a_null_stays_a_null_in_every_type(tmp_path: Path, column: pa.Array) -> None:
    """A null must not become 0, false, NaN-as-text or an empty text on its way to GX."""
    table = pa.table({"id": ["a", "b", "c"], "column": column})
    found = only(judged(tmp_path, table, check(NOT_NULL, column="column")))
    assert (found.failing_ids, found.failing_values) == (("b",), ("null",))


def test_a_missing_column_is_an_error_that_names_the_near_one(tmp_path: Path) -> None:
    """A misspelt column is the suite's fault or the table's; either way nothing was judged."""
    found = only(judged(tmp_path, WORDS, check(UNIQUE, column="wrod")))
    assert (found.status, found.reason) == ("error", 'no column "wrod" (near it: "word")')
    far = only(judged(tmp_path, WORDS, check(UNIQUE, column="rating")))
    assert far.reason == 'no column "rating"; columns are "id", "word"'


def test_an_expectation_that_gx_cannot_evaluate_is_an_error_and_the_others_are_judged(tmp_path: Path) -> None:
    """One broken expectation neither passes nor takes the others with it."""
    verdict = judged(
        tmp_path, WORDS, check(BETWEEN, column="word", min_value=0), check(IN_SET, column="word", value_set=["yes"])
    )
    first, second = verdict.outcomes
    assert first.status == "error"
    assert first.reason.startswith("GX could not evaluate it: ")
    assert (second.status, second.failing_ids) == ("fail", ("b", "(row 3)"))
    assert verdict.exit_code == 2


def test_an_error_that_gx_raises_is_pinned_to_its_expectation() -> None:
    """GX raises out of the whole call for a parameter that is not given; the other expectations still count."""
    import great_expectations.expectations as gxe

    parameter = gxe.ExpectColumnValuesToBeInSet(column="word", value_set={"$PARAMETER": "words"})
    fine = gxe.ExpectColumnValuesToNotBeNull(column="word")
    first, second = judge([Suite("mine", "mine.json", "records", (parameter, fine))], {"records": WORDS}).outcomes
    assert first.status == "error"
    assert first.reason.startswith("GX could not evaluate it: ")
    assert (second.status, second.failing_ids) == ("fail", ("d",))


def test_an_expectation_built_by_hand_is_linted_too() -> None:
    """What a file may not say, a Suite made in Python may not say either."""
    import great_expectations.expectations as gxe

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GX calls string conditions deprecated
        query = gxe.ExpectColumnValuesToBeUnique(column="id", row_condition="word == 'yes'", condition_parser="pandas")
    endless = gxe.ExpectColumnMeanToBeBetween(column="id")
    first, second = judge([Suite("mine", "mine.json", "records", (query, endless))], {"records": WORDS}).outcomes
    assert (first.status, first.reason) == (
        "error",
        "row_condition is a string, which would be run as a pandas query; write it as a condition object",
    )
    assert (second.status, second.reason) == (
        "error",
        "it has no min_value and no max_value: it could not fail; give one",
    )


def test_a_refused_type_built_by_hand_is_an_error() -> None:
    """GX would count the null as 0 and call the sum right."""
    import great_expectations.expectations as gxe

    table = pa.table({"id": ["a"], "p": [1.0], "q": pa.array([None], pa.float64())})
    total = gxe.ExpectMulticolumnSumToEqual(column_list=["p", "q"], sum_total=1.0)
    found = only(judge([Suite("mine", "mine.json", "records", (total,))], {"records": table}))
    assert found.status == "error"
    assert found.reason.startswith("labelkit does not judge by this type: ")


def test_a_table_that_pandas_cannot_hold_is_an_error(tmp_path: Path) -> None:
    """Arrow knows days that Python does not; a column that no expectation reads is not asked for."""
    table = pa.table({"id": ["a"], "day": pa.array([10**9], pa.date32())})
    assert only(judged(tmp_path, table, check(UNIQUE, column="id"))).status == "pass"
    found = only(judged(tmp_path, table, check(UNIQUE, column="day")))
    assert found.status == "error"
    assert found.reason.startswith("the table does not fit into pandas: ")


def test_an_impostor_registered_under_gx_own_name_is_an_error(tmp_path: Path) -> None:
    """GX would run the class registered last, whatever the suite was built from."""
    from great_expectations.expectations import ExpectColumnValuesToBeUnique
    from great_expectations.expectations.registry import register_expectation

    suite = load_suite(write_suite(tmp_path / "suite.json", check(UNIQUE, column="id")))
    impostor = type("ExpectColumnValuesToBeUnique", (ExpectColumnValuesToBeUnique,), {"__module__": __name__})
    try:
        assert only(validate(WORDS, suite)).reason == f"another class than GX's own is registered as {UNIQUE}"
        with pytest.raises(SuiteError):
            load_suite(tmp_path / "suite.json")
    finally:
        register_expectation(ExpectColumnValuesToBeUnique)
    assert impostor.__name__ == "ExpectColumnValuesToBeUnique"
    assert only(validate(WORDS, suite)).status == "pass"


@pytest.mark.parametrize(
    ("success", "info", "reason"),
    [
        ("False", {}, "GX answered 'False', which is neither true nor false"),
        (None, {}, "GX answered None, which is neither true nor false"),
        (2, {}, "GX answered 2, which is neither true nor false"),
        (
            True,
            {"raised_exception": True, "exception_message": "flat\nand long", "exception_traceback": ""},
            "GX could not evaluate it: flat",
        ),
        (
            True,
            {"MetricConfigurationID(1)": {"raised_exception": True, "exception_message": "by \x1b[2Jmetric"}},
            "GX could not evaluate it: by \\x1b[2Jmetric",
        ),
    ],
)
def test_an_answer_that_is_none_is_an_error(success: Any, info: dict[str, Any], reason: str) -> None:
    """A success counts only when it is true or false and nothing was raised on the way."""
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult

    assert _unusable([ExpectationValidationResult(success=success, exception_info=info)]) == reason


@pytest.mark.parametrize("count", [0, 2])
def test_more_or_fewer_answers_than_expectations_are_an_error(count: int) -> None:
    """An expectation that GX lost, or answered twice, was not judged."""
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult

    answers = [ExpectationValidationResult(success=True)] * count
    assert _unusable(answers) == f"GX gave {count} results for it instead of one"


def test_a_suite_on_a_table_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """Nothing is skipped for lack of data."""
    suite = load_suite(write_suite(tmp_path / "suite.json", check(UNIQUE, column="id"), table="annotators"))
    found = only(judge([suite], {"records": WORDS}))
    assert (found.status, found.reason) == ("error", 'there is no table "annotators" to judge; tables are "records"')


def test_no_suites_are_no_pass() -> None:
    """A gate without rules is closed."""
    verdict = judge([], {"records": WORDS})
    assert (verdict.status, verdict.exit_code, str(verdict)) == ("vacuous", 1, "VACUOUS: there was nothing to check")


def test_a_suite_without_expectations_cannot_be_made() -> None:
    """Not even in Python."""
    with pytest.raises(SuiteError) as caught:
        Suite("mine", "mine.json", "labels", ())
    assert str(caught.value).startswith("mine.json: a suite judges one of ")


@pytest.mark.parametrize(
    ("severity", "status", "code"), [("critical", "fail", 1), ("warning", "pass", 0), ("info", "pass", 0)]
)
def test_severity_decides_whether_a_failure_blocks(tmp_path: Path, severity: str, status: str, code: int) -> None:
    """The failure is reported either way."""
    verdict = judged(tmp_path, WORDS, check(NOT_NULL, column="word", severity=severity))
    assert (verdict.status, verdict.exit_code, only(verdict).status) == (status, code, "fail")


def test_mostly_tolerates_what_it_says_and_no_more(tmp_path: Path) -> None:
    """A tolerated row is in the finding, not among the failing ids."""
    three_of_four = only(judged(tmp_path, WORDS, check(NOT_NULL, column="word", mostly=0.75)))
    assert (three_of_four.status, three_of_four.failing_ids) == ("pass", ())
    assert three_of_four.observed == "1 of 4 values not as expected"
    assert only(judged(tmp_path, WORDS, check(NOT_NULL, column="word", mostly=0.8))).status == "fail"


def test_text_from_data_is_shown_and_not_sent_to_the_terminal(tmp_path: Path) -> None:
    """Ids, values and column names come from data; a long value is cut."""
    table = pa.table({"id": ["\x1b[2J", "b"], "wo\u202erd": ["\x1b]0;owned\x07", "x" * 100]})
    found = only(judged(tmp_path, table, check(IN_SET, column="wo\u202erd", value_set=["a"])))
    assert found.column == "wo\\u202erd"
    assert found.failing_ids == ("\\x1b[2J", "b")
    assert found.failing_values == ('"\\u001b]0;owned\\u0007"', f'"{"x" * 58}…')


def test_nothing_that_gx_says_reaches_the_user(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """No progress bar, print, warning or log line; credentials of GX Cloud in the environment change nothing."""
    for name in ("ACCESS_TOKEN", "ORGANIZATION_ID", "BASE_URL"):
        monkeypatch.setenv(f"GX_CLOUD_{name}", "http://localhost:1")
    with caplog.at_level(logging.DEBUG):
        partition = {"values": ["yes", "no", "maybe"], "weights": [0.3, 0.3, 0.4]}
        verdict = judged(
            tmp_path,
            WORDS,
            check(
                "expect_column_kl_divergence_to_be_less_than", column="word", partition_object=partition, threshold=1
            ),
            check(BETWEEN, column="word", min_value=0),
        )
    assert [outcome.status for outcome in verdict.outcomes] == ["pass", "error"]
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.name.startswith("great_expectations")] == []


def test_the_callers_own_gx_context_stays_current(tmp_path: Path) -> None:
    """Somebody who uses GX beside labelkit finds it as it was, its log level and handlers too."""
    import great_expectations as gx
    from great_expectations.data_context.data_context.context_factory import project_manager

    mine = gx.get_context(mode="ephemeral")
    log = logging.getLogger("great_expectations")
    before = (log.propagate, list(log.handlers))
    try:
        judged(tmp_path, WORDS, check(UNIQUE, column="id"))
        assert project_manager.get_current_project() is mine
        assert (log.propagate, log.handlers) == before
    finally:
        project_manager.set_project(None)


values = st.one_of(st.none(), st.sampled_from(["yes", "no", "maybe", "", "NaN", "None"]))


@settings(max_examples=40, deadline=None)
@given(words=st.lists(values, max_size=6))
def test_the_gate_agrees_with_plain_python(tmp_path_factory: pytest.TempPathFactory, words: list[str | None]) -> None:
    """pass, fail or vacuous, and the failing rows, for three rules and any column."""
    table = pa.table(
        {"id": pa.array([f"r{i}" for i in range(len(words))], pa.string()), "word": pa.array(words, pa.string())}
    )
    verdict = judged(
        tmp_path_factory.mktemp("law"),
        table,
        check(NOT_NULL, column="word"),
        check(IN_SET, column="word", value_set=["yes", "no"]),
        check(UNIQUE, column="word"),
    )
    given_words = [word for word in words if word is not None]
    broken = [
        [i for i, word in enumerate(words) if word is None],
        [i for i, word in enumerate(words) if word is not None and word not in ("yes", "no")],
        [i for i, word in enumerate(words) if word is not None and words.count(word) > 1],
    ]
    for outcome, rows, scope in zip(verdict.outcomes, broken, (words, given_words, given_words), strict=True):
        assert outcome.status == ("vacuous" if not scope else "fail" if rows else "pass")
        assert outcome.failing_ids == tuple(f"r{i}" for i in rows)
