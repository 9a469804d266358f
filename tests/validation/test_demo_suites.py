"""The demo's three suites pass what is healthy and refuse each damage by its cause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from labelkit.validation import Evidence, RunFacts, Suite, Verdict, fact_tables, judge, load_suites
from suite_files import CLEAN_RUN, SUITES, N, clean_evidence, clean_labels, clean_records, with_cell


@cache
def suites() -> tuple[Suite, ...]:
    """The suites of the repository root."""
    return load_suites(SUITES)


def verdict_on(evidence: Evidence) -> Verdict:
    """What the demo's gate says."""
    return judge(suites(), fact_tables(evidence))


def causes(verdict: Verdict) -> dict[str, tuple[str, ...]]:
    """What blocks, in the suites' own words, with the rows or the value found."""
    return {
        f"{outcome.suite}: {outcome.description}": outcome.failing_ids or (outcome.observed,)
        for outcome in verdict.blocking
    }


def test_a_healthy_project_passes_every_expectation() -> None:
    """Records without a vote, answered records and a tolerated class balance included."""
    verdict = verdict_on(clean_evidence())
    assert verdict.passed, str(verdict)
    assert {outcome.status for outcome in verdict.outcomes} == {"pass"}
    assert len(verdict.outcomes) == 45


def test_a_project_that_nobody_answered_for_passes() -> None:
    """No expectation is vacuous just because there are no answers yet."""
    assert verdict_on(clean_evidence(answers={}, labels=clean_labels({}))).passed


def test_a_project_where_every_record_has_a_vote_passes() -> None:
    """No expectation is vacuous just because nothing was left out."""
    labels = clean_evidence().labels
    kept = labels.filter(pc.not_equal(labels.column("source"), "none"))
    records = clean_records().filter(pc.is_in(clean_records().column("id"), value_set=kept.column("id")))
    evidence = clean_evidence(labels=kept, records=records)
    assert [outcome.description for outcome in verdict_on(evidence).blocking] == [
        "the data is whole: at least 1,000 records"
    ]


def test_every_expectation_says_what_it_means_and_what_to_do() -> None:
    """A report is read by somebody who did not write the suite."""
    for suite in suites():
        for expectation in suite.expectations:
            assert expectation.description
            assert expectation.notes


def labels(change: Callable[[pa.Table], pa.Table]) -> Evidence:
    """Evidence with changed labels."""
    return clean_evidence(labels=change(clean_evidence().labels))


def cell(column: str, row: int, value: object) -> Evidence:
    """Evidence with one cell of the labels changed."""
    return labels(lambda table: with_cell(table, column, row, value))


def run(**changes: object) -> Evidence:
    """Evidence with other facts about the run."""
    return clean_evidence(run=replace(CLEAN_RUN, **changes))  # type: ignore[arg-type]


def records(column: str, row: int, value: object) -> Evidence:
    """Evidence with one cell of the records changed."""
    return clean_evidence(records=with_cell(clean_records(), column, row, value))


def first_of_each_class() -> dict[str, int]:
    """A row of each class; both are of one split."""
    found = clean_evidence().labels.column("label").to_pylist()
    return {name: next(i for i in range(1, N, 3) if found[i] == name) for name in ("negative", "positive")}


def two_labels_of_one_text() -> Evidence:
    """Two records that say the same, one of them labelled negative, the other positive."""
    same = with_cell(clean_records(), "text", FIRST["positive"], "Same  TEXT")
    return clean_evidence(records=with_cell(same, "text", FIRST["negative"], "same text"))


FIRST = first_of_each_class()
ROW = clean_evidence().labels.column("source").to_pylist().index("model")
LABEL = clean_evidence().labels.column("label").to_pylist()[ROW]
OTHER = "negative" if LABEL == "positive" else "positive"
OWN_P = clean_evidence().labels.column(f"p_{LABEL}").to_pylist()[ROW]
ID = f"r{ROW}"
DAMAGES: dict[str, tuple[Evidence, dict[str, tuple[str, ...]]]] = {
    "a null id": (
        cell("id", 5, None),
        {
            "labels: every label says which record it belongs to": ("(row 6)",),
            "labels: every label belongs to a record that exists": ("(row 6)",),
            "lineage: every record has a row in labels.parquet": ("records_without_row = 1",),
        },
    ),
    "an id twice": (
        cell("id", 5, "r6"),
        {
            "labels: no record is labelled twice": ("r6", "r6"),
            "lineage: every record has a row in labels.parquet": ("records_without_row = 1",),
        },
    ),
    "a class name with a typo": (
        cell("label", ROW, f"{LABEL[:-1]}"),
        {
            "labels: every label is a class of the project": (ID,),
            "labels: the label is the most probable class": (ID,),
            "labels: the confidence is the probability of the label": (ID,),
        },
    ),
    "probabilities that do not sum to one": (
        cell(f"p_{OTHER}", ROW, 0.0),
        {"labels: the probabilities of a record sum to one": (ID,)},
    ),
    "a probability above one": (
        cell(f"p_{LABEL}", ROW, 1.5),
        {
            f"labels: the probability of {LABEL} lies between 0 and 1": (ID,),
            "labels: the probabilities of a record sum to one": (ID,),
            "labels: the confidence is the probability of the label": (ID,),
        },
    ),
    "a probability that is no number": (
        cell(f"p_{OTHER}", ROW, float("nan")),
        {
            "labels: a record has a label and all its probabilities unless nobody voted on it": (ID,),
            "labels: the probabilities of a record sum to one": (ID,),
        },
    ),
    "a label that is not the most probable class": (
        cell("label", ROW, OTHER),
        {
            "labels: the label is the most probable class": (ID,),
            "labels: the confidence is the probability of the label": (ID,),
        },
    ),
    "a label taken away": (
        cell("label", ROW, None),
        {
            "labels: a record has a label and all its probabilities unless nobody voted on it": (ID,),
            "labels: the confidence is the probability of the label": (ID,),
        },
    ),
    "an unknown source": (
        cell("source", ROW, "magic"),
        {
            "labels: every label says who decided it": (ID,),
            "labels: a record has a label and all its probabilities unless nobody voted on it": (ID,),
        },
    ),
    "no run": (
        cell("run", ROW, None),
        {"lineage: every label names the run that made it": ("labels_without_run = 1",)},
    ),
    "labels of two runs": (
        cell("run", ROW, "another"),
        {"lineage: all labels are from one run": ("runs_in_labels = 2",)},
    ),
    "one text with two labels": (
        two_labels_of_one_text(),
        {"labels: records with the same text have the same label": tuple(f"r{i}" for i in sorted(FIRST.values()))},
    ),
    "an answer that is not in the labels": (
        clean_evidence(answers={**clean_evidence().answers, ID: ("negative", "positive").index(OTHER)}),
        {"labels: no label contradicts what people answered": (ID,)},
    ),
    "half of the rows": (
        labels(lambda table: table.slice(0, N // 2)),
        {"lineage: every record has a row in labels.parquet": (f"records_without_row = {N // 2}",)},
    ),
    "a function edited": (
        run(functions_changed="style.py changed"),
        {"lineage: no labeling function has changed since the run": ('functions_changed = "style.py changed"',)},
    ),
    "a file edited": (
        run(labels_match=False),
        {"lineage: labels.parquet is byte for byte what its run wrote": ("labels_match = 0",)},
    ),
    "other records": (
        run(data_match=False),
        {"lineage: the records are those that the run read": ("data_match = 0",)},
    ),
    "another label model": (
        run(model_changed="seed"),
        {"lineage: the label model is still the one that made the labels": ('model_changed = "seed"',)},
    ),
    "other settings": (
        run(settings_changed="fields"),
        {"lineage: no setting that matters has changed since the run": ('settings_changed = "fields"',)},
    ),
    "too many faults": (
        run(faults=3, max_faults=1),
        {"lineage: labeling functions failed on no more records than allowed": ("faults_over_limit = 2",)},
    ),
    "a parent run gone": (
        run(parents_missing="00ff"),
        {"lineage: every run that the labels stand on is on record": ('parents_missing = "00ff"',)},
    ),
    "a version unknown": (
        run(versions_missing="snorkel"),
        {"lineage: the run names the version of every library that matters": ('versions_missing = "snorkel"',)},
    ),
    "a record without text": (records("text", 8, None), {"records: every record has a text": ("r8",)}),
    "a blank text": (records("text", 8, " \n "), {"records: no text is blank": ("r8",)}),
    "texts run together": (
        records("text", 8, "x" * 5001),
        {"records: no text is longer than 5,000 characters": ("r8",)},
    ),
    "an unknown split": (records("split", 8, "trian"), {"records: the splits are dev, train and test": ("r8",)}),
    "an unknown gold class": (
        records("gold", 8, "positve"),
        {"records: every gold class is a class of the project": ("r8",)},
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_refused_by_its_cause(name: str) -> None:
    """The causes named are those of the damage, with the rows, and no others."""
    evidence, expected = DAMAGES[name]
    verdict = verdict_on(evidence)
    assert (causes(verdict), verdict.exit_code) == (expected, 1)


def test_a_column_taken_away_is_an_error() -> None:
    """What reads the column cannot be evaluated, which outranks every failure that follows from it."""
    verdict = verdict_on(labels(lambda table: table.drop_columns(["p_positive"])))
    first = verdict.blocking[0]
    assert (verdict.exit_code, first.status) == (2, "error")
    assert first.reason == 'no column "p_positive" (near it: "p_negative")'
    assert "labels: the labels file has the columns of this project" in causes(verdict)


def test_an_empty_labels_file_is_refused() -> None:
    """Zero rows pass most of GX's expectations; here none of the suite on labels passes."""
    verdict = verdict_on(labels(lambda table: table.slice(0, 0)))
    found = [outcome for outcome in verdict.outcomes if outcome.suite == "labels"]
    assert {outcome.status for outcome in found} == {"fail", "vacuous"}
    assert found[0].status == "fail"
    assert found[0].description == "the labels file has rows"


def test_labels_without_a_single_label_are_refused() -> None:
    """Everything null is vacuous, not fine."""
    table = clean_evidence().labels
    nothing = table.filter(pc.equal(table.column("source"), "none"))
    found = {outcome.column: outcome.status for outcome in verdict_on(clean_evidence(labels=nothing)).blocking}
    assert found["label"] == found["p_sum"] == found["confidence, label_p"] == "vacuous"
    assert found["labelled"] == "fail"


def test_labels_of_an_unknown_run_are_refused() -> None:
    """What cannot be told is not taken for granted."""
    found = {outcome.column: outcome.status for outcome in verdict_on(clean_evidence(run=RunFacts(run="x"))).blocking}
    assert found == {
        "run_recorded": "fail",
        "labels_match": "fail",
        "data_match": "fail",
        "functions_changed": "vacuous",
        "model_changed": "vacuous",
        "settings_changed": "vacuous",
        "faults_over_limit": "vacuous",
        "parents_missing": "vacuous",
        "versions_missing": "vacuous",
        "answers_newer": "vacuous",
    }


def test_answers_that_came_later_are_a_warning() -> None:
    """The labels are not wrong; they could be better."""
    verdict = verdict_on(run(answers_newer=3))
    assert verdict.passed
    assert [outcome.description for outcome in verdict.tolerated] == ["no answers have come since the run"]


def test_too_few_records_are_refused() -> None:
    """A file that was cut short is not the data."""
    found = causes(verdict_on(clean_evidence(records=clean_records().slice(0, 900))))
    assert "records: the data is whole: at least 1,000 records" in found
