"""Label consistency: against the votes, against people, against the run before, against near-duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from labelkit.annotations.agreement import RatingTable, krippendorff_alpha
from labelkit.matrix import FAULT, LabelMatrix, wilson_interval
from labelkit.validation import Evidence, fact_tables
from labelkit.validation.profile import Profile

CLASSES = ("ham", "spam")
IDS = ["a", "b", "c", "d", "e"]
TEXTS = [
    "the very same long text of ten words or so, isn't it",
    "the very same long text of ten words or so, isn't it!",
]
RECORDS = pa.table({"id": IDS, "text": [*TEXTS, "c", "d", "e"], "gold": ["ham", "spam", "spam", None, "ham"]})


def labels(names: Sequence[str | None], sources: Sequence[str] | None = None) -> pa.Table:
    """A labels table of these class names, in record order."""
    return pa.table(
        {
            "id": IDS,
            "label": pa.array(names, pa.string()),
            "confidence": pa.array([None if name is None else 1.0 for name in names], pa.float64()),
            "p_ham": pa.array([None if name is None else float(name == "ham") for name in names], pa.float64()),
            "p_spam": pa.array([None if name is None else float(name == "spam") for name in names], pa.float64()),
            "source": list(sources or ["none" if name is None else "model" for name in names]),
            "run": ["r"] * len(names),
        }
    )


VOTES = LabelMatrix.from_rows(
    [[0, 0], [1, 0], [1, 1], [-1, FAULT], [0, -1]], names=["short", "link"], classes=CLASSES, ids=IDS
)
EVIDENCE = Evidence(RECORDS, labels(["ham", "spam", "ham", None, "ham"]), CLASSES, "id", ("text",), votes=VOTES)


def columns(evidence: Evidence, table: str, *names: str) -> dict[str, list[Any]]:
    """Some columns of a table, computed alone."""
    found = fact_tables(evidence, {table: names})[table]
    return {name: found.column(name).to_pylist() for name in names}


def test_what_the_functions_voted_stands_beside_the_label() -> None:
    """A fault is no vote; a label that all voters contradict is a reversal; only model labels can be reversed."""
    assert columns(EVIDENCE, "labels", "voters", "abstained", "conflict", "reversed") == {
        "voters": [2, 2, 2, 0, 1],
        "abstained": [0, 0, 0, 1, 0],
        "conflict": [0, 1, 0, 0, 0],
        "reversed": [0, 0, 1, None, 0],
    }
    answered = replace(
        EVIDENCE, labels=labels(["ham", "spam", "ham", None, "ham"], ["model", "model", "human", "none", "model"])
    )
    assert columns(answered, "labels", "reversed")["reversed"] == [0, 0, None, None, 0]


def test_the_share_of_reversals_is_one_number() -> None:
    """Of four labels of the model one is reversed; where people decided all there is none."""
    assert columns(EVIDENCE, "runs", "reversal_share") == {"reversal_share": [0.25]}
    human = replace(EVIDENCE, labels=labels(["ham"] * 5, ["human"] * 5))
    assert columns(human, "runs", "reversal_share") == {"reversal_share": [0.0]}
    assert columns(replace(EVIDENCE, votes=None), "runs", "reversal_share") == {"reversal_share": [None]}


def test_votes_are_matched_by_id() -> None:
    """Rows in another order find their own votes; a row without votes has none."""
    turned = replace(EVIDENCE, labels=EVIDENCE.labels.take([4, 3, 2, 1, 0]))
    assert columns(turned, "labels", "conflict")["conflict"] == [0, 0, 0, 1, 0]
    part = LabelMatrix.from_rows([[1, 0]], names=["short", "link"], classes=CLASSES, ids=["b"])
    assert columns(replace(EVIDENCE, votes=part), "labels", "conflict")["conflict"] == [None, 1, None, None, None]
    assert columns(replace(EVIDENCE, votes=None), "labels", "conflict")["conflict"] == [None] * 5


def test_near_duplicates_with_two_labels_are_found() -> None:
    """Two texts that differ in punctuation, one called ham, the other spam."""
    assert columns(EVIDENCE, "labels", "labels_of_near_text")["labels_of_near_text"] == [2, 2, 1, 0, 1]
    assert columns(EVIDENCE, "labels", "labels_of_same_text")["labels_of_same_text"] == [1, 1, 1, 0, 1]


def test_the_model_is_compared_with_people_answers_aside() -> None:
    """labels.parquet carries the answers, so that it agrees with them by construction."""
    model = pa.table({"id": IDS, "label": pa.array(["ham", "spam", "ham", None, "ham"])})
    evidence = replace(EVIDENCE, answers={"a": 0, "b": 0, "d": 1, "e": 0}, model_labels=lambda: model)
    assert columns(evidence, "labels", "model_agrees")["model_agrees"] == [1, 0, None, None, 1]
    low, high = wilson_interval(2, 3)
    assert fact_tables(evidence)["runs"].select(
        ["answers_compared", "model_accuracy", "model_accuracy_low", "model_accuracy_high"]
    ).to_pylist() == [
        {"answers_compared": 3, "model_accuracy": 2 / 3, "model_accuracy_low": low, "model_accuracy_high": high}
    ]


def test_labels_that_changed_since_the_run_before_are_flips() -> None:
    """Only labels of the model in both runs are compared: an answer that changes a label is no flip."""
    before = pa.table({"id": ["e", "a", "b", "d"], "label": ["ham", "spam", "spam", "ham"]})
    evidence = replace(EVIDENCE, previous=lambda: before)
    assert columns(evidence, "labels", "flipped")["flipped"] == [1, 0, None, None, 0]
    answered = replace(evidence, labels=labels(["ham", "spam", "ham", None, "ham"], ["human"] + ["model"] * 4))
    assert columns(answered, "labels", "flipped")["flipped"] == [None, 0, None, None, 0]
    assert columns(EVIDENCE, "labels", "flipped")["flipped"] == [None] * 5


def test_functions_are_measured_against_gold_else_against_answers() -> None:
    """The interval tells how little three votes say."""
    shown = ("name", "judged", "accuracy", "accuracy_low")
    gold = columns(replace(EVIDENCE, gold="gold"), "functions", *shown)
    assert gold["judged"] == [4, 3]
    assert gold["accuracy"] == [1.0, 2 / 3]
    assert gold["accuracy_low"] == [wilson_interval(4, 4)[0], wilson_interval(2, 3)[0]]
    assert columns(replace(EVIDENCE, answers={"b": 1}), "functions", *shown)["accuracy"] == [1.0, 0.0]
    numbers = RECORDS.set_column(2, "gold", pa.array([0, 1, 1, None, 0]))
    assert columns(replace(EVIDENCE, gold="gold", records=numbers), "functions", *shown) == gold
    assert columns(EVIDENCE, "functions", *shown)["accuracy"] == [None, None]


def test_functions_worse_than_chance_and_copies_can_be_judged() -> None:
    """A suite may block a function that misleads, or one that votes twice; without a truth nobody is blamed."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 200)
    right = rng.random((200, 3)) < [0.8, 0.2, 0.7]
    cells = np.where(right, truth[:, None], 1 - truth[:, None])
    ids = [str(i) for i in range(200)]
    votes = LabelMatrix.from_rows(np.c_[cells, cells[:, 0]], classes=CLASSES, ids=ids)
    records = pa.table({"id": ids, "text": ids, "gold": [CLASSES[c] for c in truth]})
    evidence = replace(EVIDENCE, records=records, votes=votes)
    shown = columns(replace(evidence, gold="gold"), "functions", "worse_than_chance", "copies")
    assert shown == {"worse_than_chance": [0, 1, 0, 0], "copies": [1, 0, 0, 1]}
    assert columns(evidence, "functions", "worse_than_chance")["worse_than_chance"] == [None] * 4


def test_no_figure_uses_records_that_were_looked_at_or_asked_about() -> None:
    """Functions were written on split dev, and an answer may have been asked for because the model was wrong."""
    records = RECORDS.append_column("split", pa.array(["dev", "train", "train", "train", "train"]))
    evidence = replace(EVIDENCE, records=records, gold="gold", split="split", answers={"b": 1})
    assert columns(evidence, "functions", "judged")["judged"] == [2, 1]


def test_class_balance_is_compared_with_the_reference() -> None:
    """Three hams of four labels, where one of two was expected."""
    evidence = replace(EVIDENCE, reference=Profile(100, {}, {"ham": 0.5, "spam": 0.5}))
    assert columns(evidence, "classes", "share", "reference_share", "share_change") == {
        "share": [0.75, 0.25],
        "reference_share": [0.5, 0.5],
        "share_change": [0.25, -0.25],
    }


def test_annotators_are_counted_and_compared_pair_by_pair() -> None:
    """Ana and Ben agree on one of two shared records; Cem shares nothing."""
    said = RatingTable(
        np.array([[0, 0, -1], [0, 1, -1], [-1, -1, 0]], np.int16), ("a", "b", "c"), ("ana", "ben", "cem")
    )
    evidence = replace(EVIDENCE, ratings=lambda: said)
    assert fact_tables(evidence)["annotators"].to_pylist() == [
        {"annotator": "ana", "labels": 2, "shared": 2, "agreement": 0.5},
        {"annotator": "ben", "labels": 2, "shared": 2, "agreement": 0.5},
        {"annotator": "cem", "labels": 1, "shared": 0, "agreement": None},
    ]
    assert columns(evidence, "runs", "annotators", "annotator_alpha") == {
        "annotators": [3],
        "annotator_alpha": [krippendorff_alpha(said.ratings)],
    }
    assert fact_tables(EVIDENCE)["annotators"].num_rows == 0
    assert columns(EVIDENCE, "runs", "annotator_alpha") == {"annotator_alpha": [None]}


def test_columns_of_the_file_are_named_when_they_are_wrong() -> None:
    """Missing, unexpected and of another type, each in words."""
    damaged = EVIDENCE.labels.drop_columns(["run"]).append_column("note", pa.array(["x"] * 5))
    damaged = damaged.set_column(2, "confidence", pa.array([1, 1, 1, None, 1]))
    found = columns(replace(EVIDENCE, labels=damaged), "runs", "columns_missing", "columns_unexpected", "types_wrong")
    assert found == {"columns_missing": ["run"], "columns_unexpected": ["note"], "types_wrong": ["confidence is int64"]}


def test_a_row_out_of_place_is_found() -> None:
    """Order and id survive every step; a sorted file is not what `apply` wrote."""
    moved = replace(EVIDENCE, labels=EVIDENCE.labels.take([0, 2, 1, 3, 4]))
    assert columns(moved, "labels", "in_place", "in_records") == {"in_place": [1, 0, 0, 1, 1], "in_records": [1] * 5}


@pytest.mark.parametrize("table", ["model_labels", "previous", "ratings"])
def test_what_no_suite_reads_is_not_fetched(table: str) -> None:
    """Costly evidence is a function that is called for the facts that need it, and for no others."""

    def must_not_be_called() -> Any:
        raise AssertionError(table)

    evidence = replace(EVIDENCE, **{table: must_not_be_called})  # type: ignore[arg-type]
    assert fact_tables(evidence, {"labels": ["p_sum", "conflict"], "runs": ["labels_match"]}).keys() == {
        "labels",
        "runs",
    }
