"""Lineage: the run that wrote labels.parquet, what has changed since, and whether the rows say that they are its."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from labelkit.validation.facts.evidence import Evidence, RunFacts
from labelkit.validation.facts.fact import Fact
from labelkit.validation.frames import named_by
from labelkit.validation.texts import texts_of

if TYPE_CHECKING:
    import pyarrow as pa

_TEXTS = ("run", "functions_changed", "model_changed", "settings_changed", "parents_missing", "versions_missing")


def run_table(run: RunFacts) -> pa.Table:
    """One row: the fields of RunFacts, true as 1 and false as 0."""
    import pyarrow as pa

    row = asdict(run)
    row["faults_over_limit"] = (
        None if run.faults is None or run.max_faults is None else max(0, run.faults - run.max_faults)
    )
    columns = {
        name: pa.array([value], pa.string()) if name in _TEXTS else pa.array([value]).cast(pa.int64())
        for name, value in row.items()
    }
    return named_by(pa.table(columns), "run")


def _rows(evidence: Evidence) -> Mapping[str, Any]:
    import numpy as np
    import pyarrow as pa

    has_row = np.zeros(evidence.records.num_rows, dtype=bool)
    has_row[evidence.place[evidence.place >= 0]] = True
    return {"records_without_row": pa.array([int((~has_row).sum())], pa.int64())}


def _runs_of_rows(evidence: Evidence) -> Mapping[str, Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    run = texts_of(evidence.labels, "run")
    named = pc.count_distinct(run).as_py()
    return {
        "labels_without_run": pa.array([run.null_count], pa.int64()),
        "runs_in_labels": pa.array([named], pa.int64()),
    }


RUNS = (
    Fact({"records_without_row": "int64: records of which labels.parquet says nothing"}, _rows),
    Fact(
        {
            "labels_without_run": "int64: rows of labels.parquet that name no run",
            "runs_in_labels": "int64: how many different runs its rows name",
        },
        _runs_of_rows,
    ),
)
