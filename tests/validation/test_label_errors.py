"""Confident learning finds labels that were planted wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from labelkit.validation import Evidence, fact_tables
from labelkit.validation.facts.errors import confident_learning

CLASSES = ("ham", "spam", "eggs")
N, PLANTED = 900, 45
WORDS = {
    "ham": ["thanks", "song", "love", "voice", "great", "video", "nice", "channel"],
    "spam": ["subscribe", "free", "click", "link", "money", "win", "page", "visit"],
    "eggs": ["breakfast", "pan", "butter", "fry", "kitchen", "salt", "toast", "oil"],
}


def planted(seed: int) -> tuple[Evidence, set[str]]:
    """Texts of three kinds, each with words of its own and of all, 5 % of the labels wrong; and the ids of those."""
    rng = np.random.default_rng(seed)
    true = rng.integers(0, 3, N)
    common = ["the", "a", "and", "this", "that", "so", "it", "is", "my", "you"]
    texts = [
        " ".join([
            *rng.choice(WORDS[CLASSES[c]], 3, replace=False),
            *rng.choice(common, 5),
            rng.choice(WORDS[CLASSES[rng.integers(3)]]),
        ])
        for c in true
    ]  # fmt: skip
    wrong = rng.choice(N, PLANTED, replace=False)
    given = true.copy()
    given[wrong] = (true[wrong] + rng.integers(1, 3, PLANTED)) % 3
    ids = [f"r{i}" for i in range(N)]
    labels = pa.table({"id": ids, "label": [CLASSES[c] for c in given]})
    return Evidence(pa.table({"id": ids, "text": texts}), labels, CLASSES, "id", ("text",)), {ids[i] for i in wrong}


def errors(evidence: Evidence) -> dict[str, list[Any]]:
    """The columns about label errors."""
    names = ["id", "self_confidence", "suspected_label", "label_issue", "error_rank"]
    table = fact_tables(evidence, {"labels": names})["labels"]
    return {name: table.column(name).to_pylist() for name in names}


@pytest.mark.parametrize("seed", [1, 2])
def test_planted_errors_are_found(seed: int) -> None:
    """The planted ones rank first; three in four of them are called issues, and hardly anything else is."""
    evidence, wrong = planted(seed)
    found = errors(evidence)
    issues = {record for record, issue in zip(found["id"], found["label_issue"], strict=True) if issue}
    first = {record for record, rank in zip(found["id"], found["error_rank"], strict=True) if rank <= PLANTED}
    hits = len(issues & wrong)
    recall, precision, head = hits / PLANTED, hits / len(issues), len(first & wrong) / PLANTED
    print(f"label errors: recall {recall:.2f}, precision {precision:.2f}, of the first {PLANTED}: {head:.2f}")
    assert recall >= 0.75
    assert precision >= 0.9
    assert head >= 0.9


def test_the_suspected_label_is_the_true_one() -> None:
    """It says what to look for."""
    evidence, wrong = planted(3)
    found = errors(evidence)
    true = {
        record: next(name for name in CLASSES if sum(word in text.split() for word in WORDS[name]) >= 2)
        for record, text in zip(found["id"], evidence.records.column("text").to_pylist(), strict=True)
    }
    suspected = dict(zip(found["id"], found["suspected_label"], strict=True))
    assert sum(suspected[record] == true[record] for record in wrong) >= 0.75 * PLANTED


def test_the_same_seed_gives_the_same_ranks() -> None:
    """Folds are drawn by the seed."""
    assert errors(planted(1)[0]) == errors(planted(1)[0])


def test_without_anything_to_learn_from_the_columns_are_null() -> None:
    """Too few labels, one class only, or texts without a word: the gate calls it vacuous."""
    evidence, _ = planted(1)
    few = evidence.labels.slice(0, 5)
    ids = evidence.labels.column("id")
    one = pa.table({"id": ids, "label": ["ham"] * N})
    blank = pa.table({"id": ids, "text": ["!"] * N})
    for changed in (
        Evidence(evidence.records, few, CLASSES, "id", ("text",)),
        Evidence(evidence.records, one, CLASSES, "id", ("text",)),
        Evidence(blank, evidence.labels, CLASSES, "id", ("text",)),
        Evidence(evidence.records, evidence.labels, CLASSES, "id", ()),
    ):
        assert set(errors(changed)["error_rank"]) == {None}


def test_rows_without_a_label_or_record_have_no_rank() -> None:
    """Ranks count the records that were judged."""
    evidence, _ = planted(1)
    labels = evidence.labels.to_pylist()
    labels[3]["label"], labels[4]["label"], labels[5]["id"] = None, "egs", "nobody"
    table = pa.Table.from_pylist(labels, evidence.labels.schema)
    ranks = errors(Evidence(evidence.records, table, CLASSES, "id", ("text",)))["error_rank"]
    assert ranks[3:6] == [None] * 3
    assert sorted(rank for rank in ranks if rank is not None) == list(range(1, N - 2))


def test_thresholds_are_those_of_each_class() -> None:
    """Northcutt, Jiang and Chuang: a timid class is counted from its own mean confidence on."""
    probs = np.array([[0.9, 0.1], [0.9, 0.1], [0.45, 0.55], [0.4, 0.6], [0.42, 0.58]])
    found = confident_learning(probs, np.array([0, 0, 1, 1, 0]))
    assert found.is_issue.tolist() == [False, False, False, False, True]  # 0.58 reaches the mean of 0.55 and 0.6
    assert found.counted_as.tolist() == [0, 0, 1, 1, 1]
