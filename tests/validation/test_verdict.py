"""A verdict amounts to one status, is kept as JSON and is read by people."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from labelkit.errors import AnswerIsNo, ArtifactError, SuiteError
from labelkit.validation import Outcome, Verdict

HELD = Outcome("labels", "labels", 0, "expect_column_values_to_be_unique", "id", "critical", "pass")
FAILED = Outcome(
    suite="labels",
    table="labels",
    index=3,
    type="expect_column_values_to_be_in_set",
    column="label",
    severity="critical",
    status="fail",
    reason='value_set ["negative", "positive"]',
    observed="7 of 819 values not as expected",
    failing_ids=("r7", "(row 9)", "r11", "r12", "r13", "r14", "r15"),
    failing_values=('"positve"', "null", '"c"', '"d"', '"e"', '"f"', '"g"'),
    description="every label is a class of the project",
    notes="A class name with a typo; run `labelkit apply`.",
)
WARNED = Outcome(
    suite="lineage",
    table="runs",
    index=10,
    type="expect_column_values_to_be_in_set",
    column="answers_newer",
    severity="warning",
    status="fail",
    reason="value_set [0]",
    observed="answers_newer = 3",
    description="no answers have come since the run",
)
EMPTY = replace(HELD, index=1, status="vacuous", reason="nothing was checked: the table has no rows")
BROKEN = replace(
    HELD, suite="records", table="records", index=2, status="error", reason='no column "id"', notes="Add it."
)


@pytest.mark.parametrize(
    ("outcomes", "status", "code"),
    [
        ((), "vacuous", 1),
        ((HELD,), "pass", 0),
        ((HELD, WARNED), "pass", 0),
        ((HELD, EMPTY), "vacuous", 1),
        ((EMPTY, FAILED), "fail", 1),
        ((FAILED, BROKEN, EMPTY), "error", 2),
        ((replace(EMPTY, severity="info"),), "vacuous", 1),
        ((replace(BROKEN, severity="info"),), "error", 2),
        ((replace(FAILED, severity="info"),), "pass", 0),
    ],
)
def test_the_worst_outcome_that_blocks_decides(outcomes: tuple[Outcome, ...], status: str, code: int) -> None:
    """Error over fail over vacuous over pass; severity softens failures only; nothing checked is no pass."""
    verdict = Verdict(outcomes)
    assert (verdict.status, verdict.exit_code, verdict.passed) == (status, code, code == 0)


def test_a_passed_verdict_raises_nothing() -> None:
    """Warnings do not stop a training job."""
    Verdict((HELD, WARNED)).raise_if_failed()


def test_a_failed_verdict_raises_with_its_causes() -> None:
    """Exit code 1, every cause with its rows, nothing about what only warns."""
    with pytest.raises(AnswerIsNo) as caught:
        Verdict((HELD, EMPTY, FAILED, WARNED)).raise_if_failed()
    assert caught.value.exit_code == 1
    assert str(caught.value) == (
        "FAIL: 2 of 4 expectations block; do not train on these labels\n"
        "labels: fail: every label is a class of the project: 7 of 819 values not as expected: "
        'r7 = "positve", (row 9) = null, r11 = "c", r12 = "d", r13 = "e" and 2 more\n'
        "labels: vacuous: expect_column_values_to_be_unique (id): nothing was checked: the table has no rows"
    )


def test_what_could_not_be_evaluated_raises_exit_code_2() -> None:
    """Somebody must change the suite or the data."""
    with pytest.raises(SuiteError) as caught:
        Verdict((BROKEN, FAILED)).raise_if_failed()
    assert caught.value.exit_code == 2
    assert str(caught.value).split("\n")[1] == (
        'records: error: expect_column_values_to_be_unique (id): no column "id"'
    )


GOLDEN = """\
ERROR: 4 of 6 expectations block; do not train on these labels

error    records: expect_column_values_to_be_unique (id)
         because  no column "id"
         do       Add it.
         rule     expectations[2] of suite records: expect_column_values_to_be_unique (id)

fail     labels: every label is a class of the project
         found    7 of 819 values not as expected: r7 = "positve", (row 9) = null, r11 = "c", r12 =
                  "d", r13 = "e" and 2 more
         do       A class name with a typo; run `labelkit apply`.
         rule     expectations[3] of suite labels: expect_column_values_to_be_in_set (label):
                  value_set ["negative", "positive"]

vacuous  labels: 2 expectations: nothing was checked: the table has no rows
         of       expect_column_values_to_be_unique (id); the labels file has rows

These failed too, but do not block:

warning  lineage: no answers have come since the run
         found    answers_newer = 3
         rule     expectations[10] of suite lineage: expect_column_values_to_be_in_set
                  (answers_newer): value_set [0]

suite    table    pass  fail  vacuous  error
labels   labels      1     1        2      0
lineage  runs        0     1        0      0
records  records     0     0        0      1"""


def test_a_verdict_reads_as_answer_causes_and_counts() -> None:
    """First the answer, then what blocks and what to do about it, worst first, then a line per suite."""
    rows = replace(EMPTY, index=2, description="the labels file has rows")
    assert str(Verdict((HELD, EMPTY, rows, FAILED, WARNED, BROKEN))) == GOLDEN


def test_a_passed_verdict_is_short() -> None:
    """Good news needs no list."""
    assert str(Verdict((HELD, WARNED))).split("\n")[0] == "PASS: 1 of 2 expectations hold; 1 failed as a warning"
    assert str(Verdict((HELD,))) == (
        "PASS: 1 of 1 expectations hold\n\n"
        "suite   table   pass  fail  vacuous  error\n"
        "labels  labels     1     0        0      0"
    )  # fmt: skip


def test_at_most_twenty_problems_are_shown() -> None:
    """The rest is a count; JSON has them all."""
    text = str(Verdict(tuple(replace(FAILED, index=i) for i in range(30))))
    assert text.count("\nfail     labels: ") == 20
    assert "\n\nand 10 more that block\n\n" in text


texts = st.text(max_size=8)
outcomes = st.builds(
    Outcome,
    suite=texts,
    table=texts,
    index=st.integers(0, 50),
    type=texts,
    column=st.none() | texts,
    severity=st.sampled_from(["critical", "warning", "info"]),
    status=st.sampled_from(["pass", "fail", "vacuous", "error"]),
    reason=texts,
    observed=texts,
    failing_ids=st.lists(texts, max_size=3).map(tuple),
    failing_values=st.lists(texts, max_size=3).map(tuple),
    description=texts,
    notes=texts,
)


@given(st.lists(outcomes, max_size=4))
def test_a_verdict_survives_json(found: list[Outcome]) -> None:
    """Whatever the outcomes, what is read is what was written."""
    verdict = Verdict(tuple(found))
    assert Verdict.from_json(json.loads(json.dumps(verdict.to_json()))) == verdict


def test_the_json_says_what_it_amounts_to() -> None:
    """A machine needs no arithmetic."""
    content = Verdict((HELD, FAILED, WARNED)).to_json()
    assert {key: content[key] for key in ("schema", "status", "exit_code", "counts")} == {
        "schema": 1,
        "status": "fail",
        "exit_code": 1,
        "counts": {"pass": 1, "fail": 2, "vacuous": 0, "error": 0},
    }
    assert content["outcomes"][1]["failing_ids"][:2] == ["r7", "(row 9)"]


def damaged(**changes: Any) -> Any:
    """The JSON of a failed verdict with changes."""
    return {**Verdict((FAILED,)).to_json(), **changes}


def damaged_outcome(**changes: Any) -> Any:
    """The JSON of a failed verdict with changes in its outcome."""
    content = Verdict((FAILED,)).to_json()
    return {**content, "outcomes": [{**content["outcomes"][0], **changes}]}


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        {},
        damaged(schema=2),
        damaged(status="pass"),
        damaged(outcomes=[]),
        damaged(outcomes=None),
        damaged(outcomes=[1]),
        damaged_outcome(status="passed"),
        damaged_outcome(severity="low"),
        damaged_outcome(index="3"),
        damaged_outcome(index=True),
        damaged_outcome(column=5),
        damaged_outcome(failing_ids="r7"),
        damaged_outcome(failing_ids=[7]),
        damaged_outcome(extra=1),
    ],
)
def test_a_verdict_that_was_tampered_with_is_refused(content: Any) -> None:
    """The status is not believed: it must be what the outcomes amount to."""
    with pytest.raises(
        ArtifactError, match=r"^no verdict of this version of labelkit \(.*\); run `labelkit validate`$"
    ):
        Verdict.from_json(content)
