"""Suite files are read so that what is written is what is checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labelkit.errors import SuiteError
from labelkit.validation import load_suite, load_suites
from labelkit.validation.gx import expectation_types
from labelkit.validation.lint import UNSUPPORTED
from suite_files import BETWEEN, COUNT, IN_SET, NOT_NULL, SUITES, UNIQUE, check, suite_content, when, write_suite

EXAMPLE = '{"type": "comparison", "column": {"name": "source"}, "operator": "==", "parameter": "model"}'


def refusal(path: Path, content: object) -> str:
    """The message with which a suite file is refused, without the file's name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(SuiteError) as caught:
        load_suite(path)
    return str(caught.value).replace(f"{path}: ", "")


def test_a_suite_keeps_its_name_its_table_and_the_order_of_its_expectations(tmp_path: Path) -> None:
    """A loaded suite is the file, in order."""
    path = write_suite(tmp_path / "mine.json", check(UNIQUE, column="id"), check(NOT_NULL, column="id"), table="labels")
    suite = load_suite(path)
    assert (suite.name, suite.table, suite.path) == ("checks", "labels", str(path))
    assert [expectation.expectation_type for expectation in suite.expectations] == [UNIQUE, NOT_NULL]


@pytest.mark.parametrize("path", sorted(SUITES.glob("*.json")), ids=lambda path: path.stem)
def test_a_suite_survives_the_round_trip_through_gx(path: Path) -> None:
    """What GX writes of a loaded suite is the file again, down to severity, description and notes."""
    import great_expectations as gx

    content = json.loads(path.read_text(encoding="utf-8"))
    suite = gx.ExpectationSuite(name=content["name"], expectations=list(load_suite(path).expectations))
    written = [dict(entry) for entry in suite.to_json_dict()["expectations"]]
    for entry in written:
        assert entry.pop("meta") == {}
    assert _without_defaults(written) == _without_defaults(content["expectations"])


def _without_defaults(entries: list[Any]) -> list[Any]:
    """GX leaves out a keyword that has its default, and writes bounds as floats."""
    return [{**entry, "kwargs": {k: v for k, v in entry["kwargs"].items() if v is not False}} for entry in entries]


def test_suites_of_a_folder_come_in_name_order() -> None:
    """The three suites of the demo judge the three tables."""
    found = [(suite.name, suite.table, suite.path) for suite in load_suites(SUITES)]
    assert found == [
        ("labels", "labels", "expectations/labels.json"),
        ("lineage", "runs", "expectations/lineage.json"),
        ("records", "records", "expectations/records.json"),
    ]


def test_a_folder_without_suites_is_refused(tmp_path: Path) -> None:
    """No suites would mean that everything passes."""
    (tmp_path / "notes.txt").write_text("no suite")
    with pytest.raises(SuiteError) as caught:
        load_suites(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path.name}: no suite (*.json) in this folder, so nothing could be checked; "
        "`labelkit init` writes suites to start from"
    )


def test_problems_of_all_files_come_in_one_message_of_at_most_twenty(tmp_path: Path) -> None:
    """One reading shows all that is wrong, and how much was left out."""
    folder = tmp_path / "expectations"
    write_suite(folder / "a.json", *(check(f"expect_nothing_{i}") for i in range(15)))
    write_suite(folder / "b.json", *(check(f"expect_nothing_{i}") for i in range(15)))
    with pytest.raises(SuiteError) as caught:
        load_suites(folder)
    lines = str(caught.value).split("\n")
    assert len(lines) == 21
    assert lines[0].startswith('expectations/a.json: expectations[0]: no expectation type "expect_nothing_0"')
    assert lines[15].startswith("expectations/b.json: expectations[0]: ")
    assert lines[20] == "and 10 more"


def test_two_suites_of_one_name_are_refused(tmp_path: Path) -> None:
    """Outcomes are told apart by the name of their suite."""
    folder = tmp_path / "expectations"
    write_suite(folder / "a.json", check(UNIQUE, column="id"))
    write_suite(folder / "b.json", check(UNIQUE, column="id"))
    with pytest.raises(SuiteError) as caught:
        load_suites(folder)
    assert str(caught.value) == (
        'expectations/a.json: name: another suite is called "checks" too; give each its own\n'
        'expectations/b.json: name: another suite is called "checks" too; give each its own'
    )


FILES: dict[str, tuple[object, str]] = {
    "empty file": (b"", "not JSON: Expecting value: line 1 column 1 (char 0)"),
    "not UTF-8": (b'{"name": "caf\xe9"}', "not UTF-8: byte 0xE9 at 13"),
    "byte order mark": (
        b"\xef\xbb\xbf{}",
        "not JSON: Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)",
    ),
    "NaN": (b'{"name": NaN}', "not JSON: NaN is no JSON value"),
    "infinity": (b'{"name": -Infinity}', "not JSON: -Infinity is no JSON value"),
    "a number too large": (b'{"name": 1e999}', "not JSON: 1e999 is too large for a number"),
    "a key given twice": (b'{"name": "a", "name": "b"}', 'not JSON: key "name" stands twice'),
    "half a surrogate pair": (b'{"name": "\\ud800"}', "not JSON: a text in it holds half of a surrogate pair"),
    "deep nesting": (b"[" * 100_000, "not a suite: nested too deeply"),
    "a list": ([], "a suite is a JSON object, not []"),
    "a number": (b"7", "a suite is a JSON object, not 7"),
    "an empty suite": (suite_content(), "expectations: the suite checks nothing; give it at least one expectation"),
    "expectations that are no list": (
        suite_content(expectations={"type": UNIQUE}),
        "expectations: the suite checks nothing; give it at least one expectation",
    ),
    "an unknown key": (
        suite_content(check(UNIQUE, column="id"), expectation=[]),
        'unknown key "expectation"; did you mean "expectations"?',
    ),
    "no name": (suite_content(check(UNIQUE, column="id"), name=" "), 'name: " " is no name; give the suite one'),
    "parameters": (
        suite_content(check(UNIQUE, column="id"), suite_parameters={"low": 1}),
        "suite_parameters: labelkit has no parameters; write the values into the expectations",
    ),
    "no table": (
        suite_content(check(UNIQUE, column="id"), meta={}),
        (
            'meta: name the table to judge, as in "meta": {"labelkit": {"table": "labels"}}; tables are '
            '"records", "labels", "functions", "classes", "annotators", "slices", "augmented", "fields", "runs"'
        ),
    ),
    "an unknown table": (
        suite_content(check(UNIQUE, column="id"), table="label"),
        'meta.labelkit.table: no table "label"; did you mean "labels"?',
    ),
    "a table that is no text": (
        suite_content(check(UNIQUE, column="id"), table=["labels"]),  # type: ignore[arg-type]
        'meta.labelkit.table: no table ["labels"]; did you mean "labels"?',
    ),
    "a misspelt key about the table": (
        suite_content(check(UNIQUE, column="id"), meta={"labelkit": {"table": "labels", "allow_empty": True}}),
        'meta.labelkit: unknown key "allow_empty"; known are "table"',
    ),
}


@pytest.mark.parametrize(("content", "message"), FILES.values(), ids=FILES.keys())
def test_a_file_that_is_no_suite_is_refused(tmp_path: Path, content: object, message: str) -> None:
    """The message names what is wrong and the way out."""
    assert refusal(tmp_path / "suite.json", content) == message


ENTRIES: dict[str, tuple[object, str]] = {
    "a misspelt type": (
        check("expect_column_values_to_be_uniqe", column="id"),
        'no expectation type "expect_column_values_to_be_uniqe"; did you mean "expect_column_values_to_be_unique"?',
    ),
    "a class name for a type": (
        check("ExpectColumnValuesToBeUnique", column="id"),
        'no expectation type "ExpectColumnValuesToBeUnique"; did you mean "expect_column_values_to_be_unique"?',
    ),
    "no object": ("not null", 'an expectation is a JSON object, not "not null"'),
    "kwargs missing": ({"type": UNIQUE}, "kwargs: null is no object"),
    "a misspelt key": (
        {"type": UNIQUE, "kwargs": {"column": "id"}, "severty": "info"},
        'unknown key "severty"; did you mean "severity"?',
    ),
    "a severity that GX would drop": (
        check(UNIQUE, column="id", severity="Critical"),
        'severity: "Critical" is none of "critical", "warning", "info"',
    ),
    "severity null": (
        check(UNIQUE, column="id", severity=None),
        'severity: null is none of "critical", "warning", "info"',
    ),
    "severity among the keywords": (
        {"type": UNIQUE, "kwargs": {"column": "id", "severity": "info"}},
        f'{UNIQUE}: unknown keyword "severity"; known are "column", "mostly", "row_condition"',
    ),
    "a result format that hides the counts": (
        check(UNIQUE, column="id", result_format="BOOLEAN_ONLY"),
        f'{UNIQUE}: unknown keyword "result_format"; known are "column", "mostly", "row_condition"',
    ),
    "notes that are no text": (check(UNIQUE, column="id", notes=5), "notes: 5 is no text"),
    "a description that is no text": (check(UNIQUE, column="id", description=["a"]), 'description: ["a"] is no text'),
    "meta that is no object": (check(UNIQUE, column="id", meta="m"), 'meta: "m" is no object'),
    "a misspelt keyword": (
        check(IN_SET, column="label", values_set=["a"]),
        f'{IN_SET}: unknown keyword "values_set"; did you mean "value_set"?',
    ),
    "a keyword missing": (check(IN_SET, column="label"), f"{IN_SET}: value_set: field required"),
    "a column that is no name": (check(UNIQUE, column=5), f"{UNIQUE}: column: str type expected (it says 5)"),
    "a number as text": (
        check(NOT_NULL, column="id", mostly="0.9"),
        f'{NOT_NULL}: mostly: write 0.9; that is how GX reads "0.9"',
    ),
    "a number as true": (
        check(NOT_NULL, column="id", mostly=True),
        f"{NOT_NULL}: mostly: write 1.0; that is how GX reads true",
    ),
    "a bound as text": (
        check(BETWEEN, column="p", min_value="0"),
        f'{BETWEEN}: min_value: write 0.0; that is how GX reads "0"',
    ),
    "true as text": (
        check(BETWEEN, column="p", min_value=0, strict_min="yes"),
        f'{BETWEEN}: strict_min: write true; that is how GX reads "yes"',
    ),
    "no bounds": (check(BETWEEN, column="p"), f"{BETWEEN}: min_value and max_value cannot both be None"),
    "a parameter": (
        check(IN_SET, column="label", value_set={"$PARAMETER": "classes"}),
        f"{IN_SET}: value_set: labelkit has no parameters; write the value itself",
    ),
    "a condition that runs as a pandas query": (
        check(NOT_NULL, column="id", row_condition="label == 'a'"),
        f"{NOT_NULL}: row_condition: \"label == 'a'\" is no condition; write it as {EXAMPLE}",
    ),
    "the same within another": (
        check(
            NOT_NULL,
            column="id",
            row_condition={
                "type": "and",
                "conditions": [when("label", 1), {"type": "pass_through", "pass_through_filter": "True"}],
            },
        ),
        (
            f'{NOT_NULL}: row_condition: {{"type": "pass_through", "pass_through_filter": "True"}} is no condition; '
            f"write it as {EXAMPLE}"
        ),
    ),
    "a condition with an unknown operator": (
        check(NOT_NULL, column="id", row_condition=when("label", 1, "=")),
        f'{NOT_NULL}: row_condition: operator "=" is none of "==", "!=", "<", "<=", ">", ">=", "IN", "NOT_IN"',
    ),
    "a condition on a column that is no object": (
        check(NOT_NULL, column="id", row_condition={**when("label", 1), "column": "label"}),
        (
            f'{NOT_NULL}: row_condition: {{"type": "comparison", "column": "label", "operator": "==", "parameter": 1}} '
            f"is no condition; write it as {EXAMPLE}"
        ),
    ),
    "a condition with a key too many": (
        check(NOT_NULL, column="id", row_condition={**when("label", 1), "mostly": 1}),
        (
            f'{NOT_NULL}: row_condition: "comparison" takes "column", "operator", "parameter", "type", '
            'not "column", "mostly", "operator", "parameter", "type"'
        ),
    ),
    "a condition of no conditions": (
        check(NOT_NULL, column="id", row_condition={"type": "and", "conditions": []}),
        f'{NOT_NULL}: row_condition: "and" has no conditions',
    ),
}


@pytest.mark.parametrize(("entry", "message"), ENTRIES.values(), ids=ENTRIES.keys())
def test_an_expectation_that_gx_would_drop_or_misread_is_refused(tmp_path: Path, entry: object, message: str) -> None:
    """The message names the entry, the value and the way out."""
    content = suite_content(check("expect_column_to_exist", column="id"), entry)
    assert refusal(tmp_path / "suite.json", content) == f"expectations[1]: {message}"


MEAN = "expect_column_mean_to_be_between"
REGEX = "expect_column_values_to_match_regex"
LENGTHS = "expect_column_value_lengths_to_be_between"

KL = "expect_column_kl_divergence_to_be_less_than"
QUANTILES = "expect_column_quantile_values_to_be_between"
UNBOUNDED = "it has no min_value and no max_value: it could not fail; give one"
EMPTY = "is empty or missing: it could not fail, or not be evaluated"
CANNOT_FAIL: dict[str, tuple[dict[str, Any], str]] = {
    "mostly 0": (
        check(NOT_NULL, column="a", mostly=0),
        "mostly is 0: it could not fail; give a share above 0, or leave it out",
    ),
    "a mean without bounds": (check(MEAN, column="a"), UNBOUNDED),
    "a count without bounds": (check(COUNT), UNBOUNDED),
    "a sum without bounds": (
        check("expect_column_sum_to_be_between", column="a"),
        UNBOUNDED,
    ),
    "at least no rows": (
        check(COUNT, min_value=0),
        "min_value 0, max_value None: what it measures is never outside; tighten one",
    ),
    "lengths of at least 0": (
        check(LENGTHS, column="a", min_value=0),
        "min_value 0, max_value None: what it measures is never outside; tighten one",
    ),
    "a share from 0 to 1": (
        check("expect_column_proportion_of_unique_values_to_be_between", column="a", min_value=0, max_value=1),
        "min_value 0.0, max_value 1.0: what it measures is never outside; tighten one",
    ),
    "a share of at most 1": (
        check("expect_column_proportion_of_non_null_values_to_be_between", column="a", max_value=1),
        "min_value None, max_value 1.0: what it measures is never outside; tighten one",
    ),
    "a deviation of at least 0": (
        check("expect_column_stdev_to_be_between", column="a", min_value=0),
        "min_value 0.0, max_value None: what it measures is never outside; tighten one",
    ),
    "bounds the wrong way round": (
        check(BETWEEN, column="a", min_value=2, max_value=1),
        "min_value 2.0 is above max_value 1.0: nothing lies between",
    ),
    "an empty set": (check(IN_SET, column="a", value_set=[]), f"value_set {EMPTY}"),
    "nothing forbidden": (
        check("expect_column_values_to_not_be_in_set", column="a", value_set=[]),
        f"value_set {EMPTY}",
    ),
    "nothing to contain": (
        check("expect_column_distinct_values_to_contain_set", column="a", value_set=[]),
        f"value_set {EMPTY}",
    ),
    "no pairs": (
        check("expect_column_pair_values_to_be_in_set", column_A="a", column_B="b", value_pairs_set=[]),
        f"value_pairs_set {EMPTY}",
    ),
    "no columns to match": (
        check("expect_table_columns_to_match_set", column_set=[], exact_match=False),
        f"column_set {EMPTY}",
    ),
    "no list of columns": (
        check("expect_table_columns_to_match_ordered_list", column_list=None),
        f"column_list {EMPTY}",
    ),
    "no list of types": (
        check("expect_column_values_to_be_in_type_list", column="a", type_list=None),
        f"type_list {EMPTY}",
    ),
    "GX's own default pattern": (
        check(REGEX, column="a"),
        "the pattern '(?s).*' is found in any text: it could not fail; anchor it with ^ and $",
    ),
    "a pattern found anywhere": (
        check(REGEX, column="a", regex="[a-z]*"),
        "the pattern '[a-z]*' is found in any text: it could not fail; anchor it with ^ and $",
    ),
    "one such pattern of several": (
        check("expect_column_values_to_match_regex_list", column="a", regex_list=["^x", ""]),
        "the pattern '' is found in any text: it could not fail; anchor it with ^ and $",
    ),
    "no regular expression": (
        check(REGEX, column="a", regex="("),
        "'(' is no regular expression: missing ), unterminated subpattern at position 0",
    ),
    "a divergence without threshold": (
        check(KL, column="a", partition_object={"values": ["a"], "weights": [1.0]}),
        f"threshold {EMPTY}",
    ),
    "a divergence from nothing": (check(KL, column="a", threshold=0.1), f"partition_object {EMPTY}"),
    "no quantiles": (
        check(QUANTILES, column="a", quantile_ranges={"quantiles": [], "value_ranges": []}),
        "quantiles is empty: it could not fail",
    ),
    "a quantile without bounds": (
        check(QUANTILES, column="a", quantile_ranges={"quantiles": [0.5], "value_ranges": [[None, None]]}),
        "a value range of quantile_ranges has no bound: it could not fail",
    ),
}


@pytest.mark.parametrize(("entry", "message"), CANNOT_FAIL.values(), ids=CANNOT_FAIL.keys())
def test_an_expectation_that_cannot_fail_is_refused(tmp_path: Path, entry: dict[str, Any], message: str) -> None:
    """It would guard nothing and look as if it did."""
    assert refusal(tmp_path / "suite.json", suite_content(entry)) == f"expectations[0]: {entry['type']}: {message}"


@pytest.mark.parametrize("kind", sorted(UNSUPPORTED))
def test_a_type_that_cannot_be_judged_here_is_refused_with_its_reason(tmp_path: Path, kind: str) -> None:
    """GX would answer with an exception, or with a pass that means nothing."""
    message = refusal(tmp_path / "suite.json", suite_content(check(kind, column="a")))
    assert message == f"expectations[0]: labelkit does not judge by {kind}: {UNSUPPORTED[kind]}"


def test_every_refused_type_is_one_that_gx_knows() -> None:
    """The list follows GX: a type that is gone from GX is gone from it."""
    assert set(UNSUPPORTED) <= set(expectation_types())


def test_the_same_expectation_twice_is_refused(tmp_path: Path) -> None:
    """Somebody meant to write the second one otherwise; other notes do not make it another check."""
    entries = [check(UNIQUE, column="id"), check(NOT_NULL, column="id"), check(UNIQUE, column="id", notes="again")]
    assert refusal(tmp_path / "suite.json", suite_content(*entries)) == (
        f"expectations[2]: {UNIQUE}: the same as expectations[0]; remove one"
    )


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The message names the path as it was given."""
    with pytest.raises(SuiteError) as caught:
        load_suite(tmp_path / "none.json")
    assert str(caught.value) == f"{tmp_path}/none.json: no such file"


def test_what_gx_prints_while_reading_reaches_nobody(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """GX prints a warning about queries to stdout and logs what it drops; stdout is for data."""
    from labelkit.validation import gx

    gx.build("unexpected_rows_expectation", {"unexpected_rows_query": "SELECT 1"})
    write_suite(tmp_path / "a.json", check(NOT_NULL, column="id", severity="Critical"))
    with pytest.raises(SuiteError):
        load_suite(tmp_path / "a.json")
    assert (capfd.readouterr(), caplog.records) == (("", ""), [])


def test_control_characters_of_a_suite_are_shown_not_sent(tmp_path: Path) -> None:
    """A suite file cannot steer the terminal through an error message."""
    message = refusal(tmp_path / "suite.json", {**suite_content(check(UNIQUE, column="id")), "\x1b[2J\u202e": 1})
    assert message.startswith('unknown key "\\u001b[2J\\u202e"; known are ')
