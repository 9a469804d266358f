"""Nothing passes that was not checked: every expectation type of GX on tables where there is nothing to check."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from labelkit.validation import Verdict, load_suite
from labelkit.validation.gx import expectation_types
from labelkit.validation.lint import UNSUPPORTED
from suite_files import BETWEEN, COUNT, IN_SET, NOT_NULL, UNIQUE, JudgedOn, check, when, write_suite

COLUMNS = ["id", "word", "same", "number", "twin", "share"]
SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("word", pa.string()),
        ("same", pa.string()),
        ("number", pa.int64()),
        ("twin", pa.int64()),
        ("share", pa.float64()),
    ]
)
WORDS = ["a", "b", "c"]
HEALTHY = pa.table([["1", "2", "3"], WORDS, WORDS, [1, 2, 3], [1, 2, 3], [0.1, 0.2, 0.4]], schema=SCHEMA)
EMPTY = HEALTHY.slice(0, 0)
NULLS = pa.table([pa.nulls(3, field.type) for field in SCHEMA], schema=SCHEMA)

HOLD: dict[str, dict[str, Any]] = {
    "expect_column_distinct_values_to_be_in_set": {"column": "word", "value_set": WORDS},
    "expect_column_distinct_values_to_contain_set": {"column": "word", "value_set": ["a"]},
    "expect_column_distinct_values_to_equal_set": {"column": "word", "value_set": WORDS},
    "expect_column_kl_divergence_to_be_less_than": {
        "column": "word",
        "partition_object": {"values": WORDS, "weights": [0.4, 0.3, 0.3]},
        "threshold": 0.5,
    },
    "expect_column_max_to_be_between": {"column": "number", "max_value": 5},
    "expect_column_mean_to_be_between": {"column": "number", "min_value": 0},
    "expect_column_median_to_be_between": {"column": "number", "min_value": 0},
    "expect_column_min_to_be_between": {"column": "number", "min_value": 0},
    "expect_column_most_common_value_to_be_in_set": {"column": "word", "value_set": WORDS, "ties_okay": True},
    "expect_column_pair_values_a_to_be_greater_than_b": {"column_A": "number", "column_B": "twin", "or_equal": True},
    "expect_column_pair_values_to_be_equal": {"column_A": "word", "column_B": "same"},
    "expect_column_pair_values_to_be_in_set": {
        "column_A": "word",
        "column_B": "number",
        "value_pairs_set": [["a", 1], ["b", 2], ["c", 3]],
    },
    "expect_column_proportion_of_non_null_values_to_be_between": {"column": "word", "min_value": 0.5},
    "expect_column_proportion_of_unique_values_to_be_between": {"column": "word", "min_value": 0.5},
    "expect_column_quantile_values_to_be_between": {
        "column": "number",
        "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[0, 5]]},
    },
    "expect_column_stdev_to_be_between": {"column": "number", "max_value": 5},
    "expect_column_sum_to_be_between": {"column": "number", "min_value": 0},
    "expect_column_to_exist": {"column": "word"},
    "expect_column_type_to_be": {"column": "word", "type_": "str"},
    "expect_column_unique_value_count_to_be_between": {"column": "word", "max_value": 5},
    "expect_column_value_lengths_to_be_between": {"column": "word", "max_value": 5},
    "expect_column_value_lengths_to_equal": {"column": "word", "value": 1},
    "expect_column_values_to_be_between": {"column": "number", "max_value": 5},
    "expect_column_values_to_be_dateutil_parseable": {"column": "id"},
    "expect_column_values_to_be_decreasing": {"column": "number"},
    "expect_column_values_to_be_in_set": {"column": "number", "value_set": [1, 2, 3]},
    "expect_column_values_to_be_in_type_list": {"column": "share", "type_list": ["float64"]},
    "expect_column_values_to_be_increasing": {"column": "number"},
    "expect_column_values_to_be_json_parseable": {"column": "id"},
    "expect_column_values_to_be_null": {"column": "word"},
    "expect_column_values_to_be_of_type": {"column": "share", "type_": "float64"},
    "expect_column_values_to_be_unique": {"column": "word"},
    "expect_column_values_to_match_regex": {"column": "word", "regex": "[a-c]"},
    "expect_column_values_to_match_regex_list": {"column": "word", "regex_list": ["[a-c]"]},
    "expect_column_values_to_match_strftime_format": {"column": "id", "strftime_format": "%d"},
    "expect_column_values_to_not_be_in_set": {"column": "word", "value_set": ["z"]},
    "expect_column_values_to_not_be_null": {"column": "word"},
    "expect_column_values_to_not_be_outliers": {"column": "number", "method": "iqr", "multiplier": 1.5},
    "expect_column_values_to_not_match_regex": {"column": "word", "regex": "z"},
    "expect_column_values_to_not_match_regex_list": {"column": "word", "regex_list": ["z"]},
    "expect_compound_columns_to_be_unique": {"column_list": ["word", "number"]},
    "expect_multicolumn_values_to_be_equal": {"column_list": ["number", "twin"]},
    "expect_select_column_values_to_be_unique_within_record": {"column_list": ["word", "id"]},
    "expect_table_column_count_to_be_between": {"min_value": 1},
    "expect_table_column_count_to_equal": {"value": 6},
    "expect_table_columns_to_match_ordered_list": {"column_list": COLUMNS},
    "expect_table_columns_to_match_set": {"column_set": ["word", "id"], "exact_match": False},
    "expect_table_row_count_to_be_between": {"max_value": 5},
    "expect_table_row_count_to_equal": {"value": 3},
}
"""Every type with keywords that hold on HEALTHY, but for the two that contradict another one."""

OPPOSITES = ("expect_column_values_to_be_decreasing", "expect_column_values_to_be_null")
ABOUT_NULLS = ("expect_column_values_to_be_null",)
ABOUT_THE_TABLE = {kind for kind in HOLD if kind.startswith("expect_table")} | {"expect_column_to_exist"}


def statuses(judged_on: JudgedOn, folder: Path, table: pa.Table, kinds: list[str], **more: Any) -> dict[str, str]:
    """The status of each type on a table, in one suite."""
    verdict = judged_on(folder, table, *(check(kind, **HOLD[kind], **more) for kind in kinds))
    return {outcome.type: outcome.status for outcome in verdict.outcomes}


def test_every_type_of_gx_is_either_judged_here_or_refused() -> None:
    """A type that a new GX brings must be looked at before a suite may rely on it."""
    assert set(HOLD) | set(UNSUPPORTED) == set(expectation_types())


def test_on_a_healthy_table_each_type_says_what_it_should(judged_on: JudgedOn, tmp_path: Path) -> None:
    """The keywords of this file are no nonsense: on data they are evaluated and hold."""
    found = statuses(judged_on, tmp_path, HEALTHY, list(HOLD))
    assert found == {kind: "fail" if kind in OPPOSITES else "pass" for kind in HOLD}


def test_on_a_table_without_rows_nothing_passes(judged_on: JudgedOn, tmp_path: Path) -> None:
    """GX passes most of them on zero rows."""
    found = statuses(judged_on, tmp_path, EMPTY, list(HOLD))
    assert "pass" not in found.values()
    assert {kind for kind, status in found.items() if status == "fail"} == {"expect_table_row_count_to_equal"}


def test_on_a_column_of_nulls_nothing_passes_but_what_is_about_nulls(judged_on: JudgedOn, tmp_path: Path) -> None:
    """GX passes most of them on a column of nulls; that a column is null is a thing that can be checked."""
    found = statuses(judged_on, tmp_path, NULLS, [kind for kind in HOLD if kind not in ABOUT_THE_TABLE])
    assert {kind for kind, status in found.items() if status == "pass"} == set(ABOUT_NULLS)


def test_where_a_condition_matches_no_row_nothing_passes(judged_on: JudgedOn, tmp_path: Path) -> None:
    """GX passes most of them when the row_condition matches nothing, as with a misspelt value."""
    fields: Any = {kind: vars(expectation_types()[kind])["__fields__"] for kind in HOLD}
    kinds = [kind for kind in HOLD if "row_condition" in fields[kind]]
    assert len(kinds) > 35
    found = statuses(judged_on, tmp_path, HEALTHY, kinds, row_condition=when("word", "misspelt"))
    assert "pass" not in found.values()


@pytest.mark.parametrize(
    "condition",
    [
        when("number", "1"),
        when("word", 1),
        when("word", [], "IN"),
        {"type": "and", "conditions": [when("word", "a"), when("word", "b")]},
        {"type": "nullity", "column": {"name": "word"}, "is_null": True},
    ],
    ids=["text for a number", "a number for text", "in nothing", "a contradiction", "null where nothing is"],
)
def test_a_condition_that_can_match_nothing_is_vacuous(
    judged_on: JudgedOn, tmp_path: Path, condition: dict[str, Any]
) -> None:
    """Whatever the reason, nothing was checked."""
    verdict = judged_on(tmp_path, HEALTHY, check(UNIQUE, column="id", row_condition=condition))
    assert [(outcome.status, outcome.blocks) for outcome in verdict.outcomes] == [("vacuous", True)]


BLOCKED: dict[str, tuple[pa.Table, dict[str, Any], str]] = {
    "a column that is not there": (HEALTHY, check(UNIQUE, column="words"), "error"),
    "a condition on a column that is not there": (
        HEALTHY,
        check(UNIQUE, column="id", row_condition=when("wrd", "a")),
        "error",
    ),
    "one of several columns not there": (
        HEALTHY,
        check("expect_compound_columns_to_be_unique", column_list=["id", "wrd"]),
        "error",
    ),
    "a column of the pair not there": (
        HEALTHY,
        check("expect_column_pair_values_to_be_equal", column_A="word", column_B="sam"),
        "error",
    ),
    "numbers asked of text": (HEALTHY, check(BETWEEN, column="word", min_value=0), "error"),
    "a mean of text": (HEALTHY, check("expect_column_mean_to_be_between", column="word", min_value=0), "error"),
    "text forbidden in a column of numbers": (
        HEALTHY,
        check("expect_column_values_to_not_be_in_set", column="number", value_set=["7"]),
        "error",
    ),
    "numbers forbidden in a column of text": (
        HEALTHY,
        check("expect_column_values_to_not_be_in_set", column="word", value_set=[7]),
        "error",
    ),
    "a deviation of one value": (
        HEALTHY.slice(0, 1),
        check("expect_column_stdev_to_be_between", column="number", max_value=5),
        "fail",
    ),
    "no row that a count could count": (
        HEALTHY,
        check(COUNT, max_value=5, row_condition=when("word", "misspelt")),
        "vacuous",
    ),
    "a column of the null type": (
        pa.table({"id": ["1"], "word": pa.nulls(1)}),
        check(IN_SET, column="word", value_set=["a"]),
        "vacuous",
    ),
    "a column of NaN": (
        pa.table({"id": ["1"], "share": [float("nan")]}),
        check(BETWEEN, column="share", min_value=0, max_value=1),
        "vacuous",
    ),
    "two columns of one name": (
        pa.table([["1"], ["a"], ["a"]], names=["id", "word", "word"]),
        check(UNIQUE, column="id"),
        "error",
    ),
    "infinity beyond a bound": (
        pa.table({"id": ["1"], "share": [float("inf")]}),
        check(BETWEEN, column="share", min_value=0, max_value=1),
        "fail",
    ),
    "a table without columns": (pa.table({}), check(COUNT, max_value=5), "vacuous"),
}


@pytest.mark.parametrize(("table", "entry", "status"), BLOCKED.values(), ids=BLOCKED.keys())
def test_what_cannot_be_judged_blocks(
    judged_on: JudgedOn, tmp_path: Path, table: pa.Table, entry: dict[str, Any], status: str
) -> None:
    """A low severity softens real failures; it never lets through what could not be judged."""
    verdict = judged_on(tmp_path, table, entry)
    assert [outcome.status for outcome in verdict.outcomes] == [status]
    assert not verdict.passed
    softened = Verdict(tuple(replace(outcome, severity="info") for outcome in verdict.outcomes))
    assert softened.passed == (status == "fail")


def test_a_share_of_nulls_is_judged_on_a_column_of_nulls(judged_on: JudgedOn, tmp_path: Path) -> None:
    """That a column is mostly empty is a finding, not a vacuum."""
    kind = "expect_column_proportion_of_non_null_values_to_be_between"
    verdict = judged_on(tmp_path, NULLS, check(kind, column="word", min_value=0.5), check(NOT_NULL, column="word"))
    assert [outcome.status for outcome in verdict.outcomes] == ["fail", "fail"]


def test_a_loaded_suite_has_exactly_the_expectations_of_its_file(tmp_path: Path) -> None:
    """GX drops entries it does not know; none may be lost here."""
    path = write_suite(tmp_path / "all.json", *(check(kind, **kwargs) for kind, kwargs in HOLD.items()))
    assert [expectation.expectation_type for expectation in load_suite(path).expectations] == list(HOLD)
