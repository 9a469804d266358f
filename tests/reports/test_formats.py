"""What each report says of the same verdict, to the letter; and what no text can make it say."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from hypothesis import example, given, strategies as st

from labelkit import reports
from labelkit.reports.annotations import fenced, refusal
from labelkit.validation import Outcome, Verdict
from report_samples import BACKGROUND, BROKEN, FAILED, HELD, SOFTENED, VERDICT, everywhere, hostile_texts

GOLDEN = Path(__file__).parent / "golden"
NOTHING = Verdict(())


def outcome_with(text: str) -> Outcome:
    """A failure that has the text in every field."""
    return Outcome(
        text, text, 0, text, text, "critical", "fail", text, text, (text, text), (text,), description=text, notes=text
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("verdict.txt", str(VERDICT) + "\n"),
        ("verdict.md", reports.markdown(VERDICT, BACKGROUND)),
        ("verdict.xml", reports.junit(VERDICT, BACKGROUND)),
        ("verdict.github", reports.github(VERDICT, BACKGROUND) + "\n"),
        ("verdict.json", json.dumps(reports.to_json(VERDICT, BACKGROUND), indent=2) + "\n"),
        ("passed.md", reports.markdown(Verdict((HELD,)))),
        ("passed.xml", reports.junit(Verdict((HELD,)))),
    ],
)
def test_a_report_is_what_it_was(name: str, content: str) -> None:
    """Every report of the sample verdict is, to the letter, the one kept beside the tests."""
    assert content == (GOLDEN / name).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("verdict", "tests", "failures", "errors", "skipped"),
    [
        (VERDICT, 6, 1, 3, 1),
        (replace(VERDICT, strict=True), 6, 2, 3, 0),
        (Verdict((HELD,)), 1, 0, 0, 0),
        (NOTHING, 1, 0, 1, 0),
    ],
)
def test_junit_counts_what_it_holds(verdict: Verdict, tests: int, failures: int, errors: int, skipped: int) -> None:
    """A reader of the counts and a reader of the cases come to the same; nothing to check is an error."""
    root = ET.fromstring(reports.junit(verdict))  # noqa: S314  our own text
    counts = {"tests": tests, "failures": failures, "errors": errors, "skipped": skipped}
    assert {name: int(root.get(name, "")) for name in counts} == counts
    cases = root.findall("./testsuite/testcase")
    assert len(cases) == tests
    assert [len([case for case in cases if case.find(tag) is not None]) for tag in ("failure", "error", "skipped")] == [
        failures, errors, skipped,
    ]  # fmt: skip
    totals = [sum(int(suite.get(name, "")) for suite in root.findall("testsuite")) for name in counts]
    assert totals == list(counts.values())


@example("\ufffe and \uffff and \ufdd0")
@example("]]></failure><failure>\x00&amp;\ud800")
@given(st.text(st.characters(codec=None, categories=None), max_size=40))
def test_junit_is_xml_whatever_the_text(text: str) -> None:
    """Control characters, surrogates, noncharacters and markup are text of a well-formed document."""
    document = reports.junit(Verdict((outcome_with(text),)), replace(BACKGROUND, project=text))
    root = ET.fromstring(document.encode("utf-8"))  # noqa: S314  our own text
    assert len(list(root.iter())) == 8
    assert len(root.findall("./testsuite/testcase/failure")) == 1


@example("a,title=b::c%0A")
@example("one\r\ntwo")
@given(st.text(st.characters(codec=None, categories=None), max_size=40))
def test_annotations_are_one_command_a_line_whatever_the_text(text: str) -> None:
    """A problem is one line; neither a line break nor a comma, colon or older command gets out of its place."""
    lines = reports.github(Verdict((outcome_with(text),)), replace(BACKGROUND, files={text: text})).splitlines()
    assert len(lines) == 1
    kind, properties, message = re.fullmatch(r"::(\w+) (.*?)::(.*)", lines[0]).groups()  # type: ignore[union-attr]
    assert kind == "error"
    assert set(re.findall(r"(?:^|,)(\w+)=", properties)) <= {"file", "title"}
    assert properties.count(",") == (1 if text else 0)
    assert "##[" not in message


@pytest.mark.parametrize(
    "text", ["::add-mask::x", "##[add-mask]x", "x\n::set-env name=A::b", "\r::error::", "\u2028::debug::"]
)
def test_commands_in_data_stay_data(text: str) -> None:
    """No line opens with a command that data brought in."""
    said = reports.github(Verdict((outcome_with(text),)))
    assert [line.lstrip()[:8] for line in said.splitlines()] == ["::error "]
    assert "##[" not in said
    assert refusal(text).count("\n") == 0


def test_text_for_a_runner_stands_between_stop_commands() -> None:
    """The token is long, random and the same at both ends, so that text cannot resume commands."""
    first, second = fenced("::error::x").splitlines(), fenced("::error::x").splitlines()
    token = first[0].removeprefix("::stop-commands::")
    assert first == [f"::stop-commands::{token}", "::error::x", f"::{token}::"]
    assert re.fullmatch(r"[0-9a-f]{32}", token)
    assert token not in second[0]


@pytest.mark.parametrize(
    "text",
    ["@everyone", "#12", "<b>bold</b>", "[a](http://evil.test)", "https://evil.test", "www.evil.test", "| x |",
     "*b* _c_", "`code`", "``two``", "![i](x)", "</details>", "&lt;", "$x$", "~~no~~"],
)  # fmt: skip
def test_markdown_from_data_is_literal(text: str) -> None:
    """Ids, values and findings stand in code spans; words of a suite are escaped."""
    said = reports.markdown(Verdict((outcome_with(text),)))
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", said)  # what is no code span
    for mark in (
        "@everyone",
        "#12",
        "<b>",
        "[a](",
        "https://",
        "www.",
        "</details>",
        "![",
        "*b*",
        "~~no",
        "&lt;",
        "$x$",
    ):
        assert not re.search(r"(?<!\\)" + re.escape(mark), outside), mark
    rows = [line for line in said.splitlines() if line.startswith("| `")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 3 for row in rows if "| 1 |" not in row)


def test_the_json_is_what_the_schema_says() -> None:
    """The published schema is one, and holds for every verdict."""
    jsonschema.Draft202012Validator.check_schema(reports.SCHEMA)
    check = jsonschema.Draft202012Validator(reports.SCHEMA)
    for verdict in (VERDICT, NOTHING, replace(VERDICT, strict=True), Verdict((HELD,))):
        check.validate(reports.to_json(verdict))
    check.validate(json.loads(json.dumps(reports.to_json(VERDICT, BACKGROUND))))


@pytest.mark.parametrize("key", ["status", "outcomes", "counts", "strict", "labels_sha256"])
def test_the_schema_refuses_a_document_without_a_part(key: str) -> None:
    """The schema is not so lax that anything fits."""
    document = reports.to_json(VERDICT, BACKGROUND)
    check = jsonschema.Draft202012Validator(reports.SCHEMA)
    assert not check.is_valid({name: value for name, value in document.items() if name != key})
    assert not check.is_valid({**document, "more": 1})
    assert not check.is_valid({**document, "outcomes": [{**document["outcomes"][0], "status": "passed"}]})


def test_the_json_says_what_blocks_and_since_when() -> None:
    """A machine need not know what a severity softens."""
    found = reports.to_json(VERDICT, BACKGROUND)["outcomes"]
    assert [entry["blocks"] for entry in found] == [False, True, False, True, True, True]
    assert [entry["since"] and entry["since"]["checks"] for entry in found] == [None, 2, 1, 1, 1, 1]
    strict = reports.to_json(replace(VERDICT, strict=True))["outcomes"]
    assert [entry["blocks"] for entry in strict] == [False, True, True, True, True, True]


def test_strict_lets_no_failure_through() -> None:
    """With strict, what a suite calls a warning blocks, in the verdict and in every report of it."""
    soft = Verdict((HELD, SOFTENED))
    strict = replace(soft, strict=True)
    assert (soft.status, soft.exit_code, len(soft.tolerated)) == ("pass", 0, 1)
    assert (strict.status, strict.exit_code, len(strict.tolerated)) == ("fail", 1, 0)
    assert strict.blocking == (SOFTENED,)
    assert str(strict).startswith("FAIL: 1 of 2 expectations block")
    assert "\nfail     lineage: no answers have come since the run" in str(strict)
    assert Verdict.from_json(json.loads(json.dumps(strict.to_json()))) == strict
    for text in (reports.markdown(strict), reports.html(strict)):
        assert "Blocked: do not train on these labels" in text
    assert reports.github(strict).startswith("::error ")
    assert reports.github(soft).startswith("::warning ")
    assert replace(Verdict((HELD,)), strict=True).passed


def test_since_is_kept_when_expectations_are_added_before() -> None:
    """An expectation is known again at another place of its suite, and forgotten once it passed."""
    first = reports.continued(Verdict((HELD, FAILED)), "a", "t1", None)
    moved = Verdict((BROKEN[0], HELD, replace(FAILED, index=9)))
    second = reports.continued(moved, "b", "t2", first)
    assert sorted((since.run, since.checks) for since in second.since.values()) == [("a", 2), ("b", 1)]
    third = reports.continued(Verdict((HELD, replace(FAILED, status="pass"))), "c", "t3", second)
    assert not third.since
    fourth = reports.continued(Verdict((HELD, FAILED)), "d", "t4", third)
    assert [(since.run, since.checks) for since in fourth.since.values()] == [("d", 1)]
    assert [check.run for check in fourth.history] == ["a", "b", "c", "d"]


def test_two_expectations_that_read_alike_are_two() -> None:
    """Expectations that differ in their keywords alone have keys of their own."""
    twice = reports.continued(Verdict((FAILED, replace(FAILED, index=2))), "a", "t1", None)
    assert len(twice.since) == 2


def test_history_is_bounded() -> None:
    """The record of a run does not grow with every check."""
    before = None
    for i in range(50):
        before = reports.continued(VERDICT, f"{i}", "t", before)
    assert before is not None
    assert [check.run for check in before.history] == [str(i) for i in range(20, 50)]


def test_no_report_says_pass_of_nothing() -> None:
    """A verdict on nothing is blocked in every format."""
    assert "Blocked" in reports.html(NOTHING)
    assert "Blocked" in reports.markdown(NOTHING)
    assert reports.github(NOTHING).startswith("::error ")
    assert "<error " in reports.junit(NOTHING)
    assert reports.to_json(NOTHING)["status"] == "vacuous"


def test_hidden_characters_are_shown_in_every_report() -> None:
    """Neither a control character nor one that turns a line round gets into any file."""
    verdict, background = everywhere(["a\x00\x1b[2J\u202e\u2066\u200b\ud800\x85\u2028b"] * 4)
    for text in (
        reports.html(verdict, background),
        reports.markdown(verdict, background),
        reports.junit(verdict, background),
        reports.github(verdict, background),
    ):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u2066\u200b\ud800\u2028]", text)
        assert "\\u202e" in text
        text.encode("utf-8")


def test_a_hundred_thousand_failing_records_stay_readable() -> None:
    """The page lists the first thousand and says where the others are; it stays small."""
    many = replace(FAILED, failing_ids=tuple(f"c{i}" for i in range(100_000)))
    page = reports.html(Verdict((many,)))
    assert len(page) < 300_000
    assert "and 99,000 more; verdict.json of the run lists them all" in page
    assert len(reports.markdown(Verdict((many,)))) < 65_536


def test_hostile_texts_are_many() -> None:
    """The browser test has something to do."""
    assert len(hostile_texts()) >= 200
