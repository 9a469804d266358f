"""Suite files, and the demo's tables, for tests of the gate."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from labelkit.label_models.labels import labels_table
from labelkit.label_models.posterior import Posterior
from labelkit.matrix import LabelMatrix
from labelkit.validation import Evidence, RunFacts, Verdict, validate

JudgedOn = Callable[..., Verdict]
"""`judged`, on whichever engine."""

SUITES = Path(__file__).parent.parent / "expectations"
CLASSES = ("negative", "positive")
RUN = "0123456789abcdef"
NOT_NULL = "expect_column_values_to_not_be_null"
IN_SET = "expect_column_values_to_be_in_set"
BETWEEN = "expect_column_values_to_be_between"
UNIQUE = "expect_column_values_to_be_unique"
COUNT = "expect_table_row_count_to_be_between"


def check(kind: str, /, **kwargs: Any) -> dict[str, Any]:
    """One entry of a suite file. `severity`, `description`, `notes` and `meta` go beside the keywords."""
    beside = ("severity", "description", "notes", "meta")
    about: dict[str, Any] = {key: kwargs.pop(key) for key in beside if key in kwargs}
    return {"type": kind, "kwargs": kwargs, **about}


def suite_content(*entries: Any, table: str = "records", **changes: Any) -> dict[str, Any]:
    """The content of a suite file."""
    return {"name": "checks", "meta": {"labelkit": {"table": table}}, "expectations": list(entries), **changes}


def write_suite(path: Path, *entries: Any, table: str = "records", **changes: Any) -> Path:
    """Write a suite file. Folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(suite_content(*entries, table=table, **changes)), encoding="utf-8")
    return path


def judged(folder: Path, table: Any, *entries: Any) -> Verdict:
    """The verdict of real GX on a table, by a suite of these entries."""
    return validate(table, write_suite(folder / "checks.json", *entries))


def when(column: str, value: object, operator: str = "==") -> dict[str, Any]:
    """A row condition, as GX writes it."""
    return {"type": "comparison", "column": {"name": column}, "operator": operator, "parameter": value}


N = 1200


def clean_records() -> pa.Table:
    """Records as the demo has them: id, text, gold, split; no two texts alike."""
    return pa.table(
        {
            "id": [f"r{i}" for i in range(N)],
            "text": [f"review number {i}" for i in range(N)],
            "gold": [CLASSES[i % 2] for i in range(N)],
            "split": [("dev", "train", "test")[i % 3] for i in range(N)],
        }
    )


def clean_labels(answers: Mapping[str, int]) -> pa.Table:
    """Labels as `apply` writes them: a third of the records without a vote, the answered ones settled."""
    p = np.random.default_rng(7).uniform(0.05, 0.95, size=N)
    covered = np.arange(N) % 3 != 0
    ids = pa.array([f"r{i}" for i in range(N)])
    return labels_table(Posterior(np.stack([p, 1 - p], axis=1), covered, ids, CLASSES), answers, run=RUN)


CLEAN_RUN = RunFacts(
    run=RUN,
    run_recorded=True,
    labels_match=True,
    data_match=True,
    functions_changed="",
    model_changed="",
    settings_changed="",
    faults=0,
    max_faults=0,
    answers_newer=0,
    parents_missing="",
    versions_missing="",
    records=N,
    labelled=N * 2 // 3,
)


def clean_votes() -> LabelMatrix:
    """Votes that the labels follow: one function that speaks where the labels have a model behind them."""
    model = clean_labels({})
    votes = [[-1 if label is None else CLASSES.index(label)] for label in model.column("label").to_pylist()]
    return LabelMatrix.from_rows(votes, names=["style"], classes=CLASSES, ids=model.column("id").to_pylist())


def clean_evidence(**changes: Any) -> Evidence:
    """What a healthy demo project looks like, with changes."""
    answers = {"r3": 1, "r10": 0}
    clean = Evidence(
        records=clean_records(),
        labels=clean_labels(answers),
        classes=CLASSES,
        id="id",
        fields=("text",),
        answers=answers,
        votes=clean_votes(),
        run=CLEAN_RUN,
        split="split",
    )
    return replace(clean, **changes)


def with_cell(table: pa.Table, column: str, row: int, value: object) -> pa.Table:
    """The table with one cell changed, types and metadata kept."""
    i = table.schema.get_field_index(column)
    values = table.column(i).to_pylist()
    values[row] = value
    return table.set_column(i, table.schema.field(i), pa.array(values, table.schema.field(i).type))
