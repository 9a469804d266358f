"""The tables that suites judge, on Spark: rows stay there, what has a row per function or class comes to the driver."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

from labelkit.validation.facts import FACTS, counts, fact_table
from labelkit.validation.facts.counts import compared, counted_classes
from labelkit.validation.facts.fact import with_columns
from labelkit.validation.frames import COMPUTED, named_by
from labelkit.validation.spark.drift import field_table
from labelkit.validation.spark.evidence import SparkEvidence, arrow_schema, text_column
from labelkit.validation.spark.judged import SparkTable, strict
from labelkit.validation.spark.labels import counted, label_columns, record_places
from labelkit.validation.spark.records import record_columns
from labelkit.validation.spark.rows import placed
from labelkit.validation.spark.votes import function_table

if TYPE_CHECKING:
    import pyarrow as pa

    from labelkit.validation.judged import Judged

_ON_ONE_MACHINE = (
    "the end model is not trained on Spark, so that label errors cannot be told there; validate with the local engine, "
    "or without this expectation"
)
_NO_ORDER = "the rows of a Spark table that is no Parquet have no order; validate the files"
_NOT_COMPARED = "embeddings are not compared on Spark; validate with the local engine, or without this expectation"
REFUSED = {
    **dict.fromkeys(("self_confidence", "suspected_label", "label_issue", "error_rank"), _ON_ONE_MACHINE),
    **dict.fromkeys(("labels_of_near_embedding", "splits_of_near_embedding"), _NOT_COMPARED),
}
"""Computed columns that are not told on Spark, and why."""


def spark_tables(evidence: SparkEvidence, read: Mapping[str, Collection[str]]) -> dict[str, pa.Table | Judged]:
    """The tables that suites read, by name; `read` names their columns."""
    with strict(evidence.labels.frame.sparkSession):
        return {name: _TABLES[name](evidence, read[name]) for name in read if name in _TABLES}


def judged_frame(frame: Any) -> SparkTable:
    """Any Spark DataFrame as a table for the gate."""
    found = placed(frame)
    return SparkTable(found.frame, found.rows, arrow_schema(frame))


def _records(evidence: SparkEvidence, read: Collection[str]) -> SparkTable:
    frame = record_columns(evidence, read).drop(*REFUSED)
    schema = _schema(evidence.record_schema, frame, "records", evidence.id, REFUSED)
    return SparkTable(frame, evidence.records.rows, schema, REFUSED)


def _labels(evidence: SparkEvidence, read: Collection[str]) -> SparkTable:
    frame = label_columns(evidence, read).drop(*REFUSED)
    ordered = evidence.labels.in_file_order and evidence.records.in_file_order
    refused = {**REFUSED, **({} if ordered else {"in_place": _NO_ORDER})}
    schema = _schema(evidence.label_schema, frame, "labels", "id", refused)
    return SparkTable(frame, evidence.labels.rows, schema, refused)


def _schema(own: pa.Schema, frame: Any, table: str, id_name: str, refused: Collection[str] = ()) -> pa.Schema:
    """The file's own columns, then the computed ones that the frame has, or that are refused for a reason."""
    import pyarrow as pa

    computed = [column for fact in FACTS[table] for column in fact.columns]
    there = arrow_schema(frame)
    fields = [field for field in own if field.name not in computed]
    for name in computed:
        if name in there.names or name in refused:
            kind = there.field(name).type if name in there.names else pa.null()
            fields.append(pa.field(name, kind, metadata={COMPUTED: b"1"}))
    return named_by(pa.schema(fields).empty_table(), id_name).schema


def _classes(evidence: SparkEvidence, _read: Collection[str]) -> pa.Table:
    return counted_classes(counted(evidence), evidence.classes, evidence.reference)


def _runs(evidence: SparkEvidence, read: Collection[str]) -> pa.Table:
    """The run, from what the driver knows, and the few numbers that take the rows."""
    known = fact_table(evidence.on_driver, "runs", [name for name in read if name not in _COUNTED])
    for names, count in _COUNTS:
        wanted = [name for name in names if name in read]
        if wanted:
            found = count(evidence)
            known = with_columns(known, {name: found[name] for name in wanted})
    return known


def _without_row(evidence: SparkEvidence) -> Mapping[str, Any]:
    """Records of which the labels say nothing; of several of one id only the first has a row."""
    import pyarrow as pa

    ids = evidence.labels.frame.select(text_column(evidence.label_schema, "id").alias("id")).where("id is not null")
    known = record_places(evidence, ()).join(ids.distinct(), "id", "left_semi").count()
    return {"records_without_row": pa.array([evidence.records.rows - known], pa.int64())}


def _runs_of_rows(evidence: SparkEvidence) -> Mapping[str, Any]:
    import pyarrow as pa
    from pyspark.sql import functions as F

    run = text_column(evidence.label_schema, "run")
    filled, named = evidence.labels.frame.agg(F.count(run), F.count_distinct(run)).first()
    return {
        "labels_without_run": pa.array([evidence.labels.rows - filled], pa.int64()),
        "runs_in_labels": pa.array([named], pa.int64()),
    }


def _reversals(evidence: SparkEvidence) -> Mapping[str, Any]:
    import pyarrow as pa
    from pyspark.sql import functions as F

    if evidence.votes is None:
        return {"reversal_share": pa.array([None], pa.float64())}
    turned, judged = label_columns(evidence, ["reversed"]).agg(F.sum("reversed"), F.count("reversed")).first()
    return {"reversal_share": pa.array([turned / judged if judged else 0.0], pa.float64())}


def _against_people(evidence: SparkEvidence) -> Mapping[str, Any]:
    from pyspark.sql import functions as F

    agrees = label_columns(evidence, ["model_agrees"]).agg(F.sum("model_agrees"), F.count("model_agrees")).first()
    return compared(int(agrees[0] or 0), int(agrees[1]))


_COUNTS: tuple[tuple[tuple[str, ...], Callable[[SparkEvidence], Mapping[str, Any]]], ...] = (
    (("records_without_row",), _without_row),
    (("labels_without_run", "runs_in_labels"), _runs_of_rows),
    (("reversal_share",), _reversals),
    (("answers_compared", "model_accuracy", "model_accuracy_low", "model_accuracy_high"), _against_people),
)
_COUNTED = frozenset(name for names, _ in _COUNTS for name in names)

_TABLES: Mapping[str, Callable[[SparkEvidence, Collection[str]], Any]] = {
    "records": _records,
    "labels": _labels,
    "functions": lambda evidence, _read: function_table(evidence),
    "classes": _classes,
    "annotators": lambda evidence, _read: counts.annotator_table(evidence.on_driver),
    "fields": lambda evidence, _read: field_table(evidence),
    "runs": _runs,
}
