"""The tables that suites judge: labelkit computes the facts, GX only compares them.

    records     the records' named columns, in record order, and what each shares with other records
    labels      labels.parquet as it is on disk, widened by what follows from it, the records and people's answers
    functions   one row per labeling function: coverage, overlaps, conflicts, faults, accuracy
    classes     one row per class: how many records carry it, now and in the reference
    annotators  one row per person: labels given, agreement with the others
    slices      one row per slicing function: records, labels, accuracy
    augmented   one row per augmented record: its parent, and whether it leaks
    fields      one row per field and metadata column, and one for the label: what has drifted, what shifts the label
    runs        one row: the run that wrote labels.parquet, and what has changed since

Facts are lazy: a computed column costs nothing until a suite reads it. A damaged labels file must be judged, not
crash: a computed column is null where what it needs is missing or of the wrong kind, so that the gate calls it
vacuous instead of passing it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from labelkit.validation.facts import augmented, consistency, counts, drift, errors, leakage, lineage, schema, slices
from labelkit.validation.facts.evidence import Evidence, RunFacts
from labelkit.validation.facts.fact import Fact, with_columns
from labelkit.validation.facts.schema import classes_of, with_computed
from labelkit.validation.frames import named_by, unmarked

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FACTS", "Evidence", "Fact", "RunFacts", "classes_of", "fact_table", "fact_tables", "with_computed"]

_BASES: Mapping[str, Callable[[Evidence], pa.Table]] = {
    "records": lambda evidence: named_by(evidence.records, evidence.id),
    "labels": lambda evidence: named_by(evidence.labels, "id"),
    "functions": counts.function_table,
    "classes": counts.class_table,
    "annotators": counts.annotator_table,
    "slices": slices.slice_table,
    "augmented": augmented.augmented_table,
    "fields": drift.field_table,
    "runs": lambda evidence: lineage.run_table(evidence.run),
}

FACTS: Mapping[str, tuple[Fact, ...]] = {
    "records": leakage.RECORDS,
    "labels": (*schema.LABELS, *consistency.LABELS, *errors.LABELS),
    "runs": (*lineage.RUNS, *schema.RUNS, *consistency.RUNS, *counts.RUNS),
}
"""Computed columns of each table."""


def fact_tables(evidence: Evidence, read: Mapping[str, Collection[str]] | None = None) -> dict[str, pa.Table]:
    """The tables that suites read, by name; `read` names their columns. Without it, every table with every column."""
    names = _BASES if read is None else read
    return {name: fact_table(evidence, name, None if read is None else read[name]) for name in names if name in _BASES}


def fact_table(evidence: Evidence, name: str, read: Collection[str] | None = None, *, alone: bool = False) -> pa.Table:
    """One table with the computed columns that are read (None: all). `alone`: only those that need no records."""
    table = unmarked(_BASES[name](evidence))
    for fact in FACTS.get(name, ()):
        wanted = fact.columns if read is None else [column for column in fact.columns if column in read]
        if wanted and not (alone and fact.needs_records):
            computed = fact.compute(evidence)
            table = with_columns(table, {column: computed[column] for column in wanted})
    return table
