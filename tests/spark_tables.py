"""Evidence of tests as Spark has it: the same rows, as DataFrames."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from labelkit.validation import Evidence
from labelkit.validation.spark import SparkEvidence, SparkVotes
from labelkit.validation.spark.rows import ROW, Placed


def placed_table(spark: Any, table: pa.Table) -> Placed:
    """A table on Spark, whose rows know the places they have in it."""
    rows = pa.array(range(table.num_rows), pa.int64())
    return Placed(spark.createDataFrame(table.append_column(ROW, rows)), table.num_rows, in_file_order=True)


def on_spark(spark: Any, evidence: Evidence) -> SparkEvidence:
    """All of it."""
    votes, model, previous = evidence.votes, evidence.model_labels(), evidence.previous()
    frame = None
    if votes is not None:
        columns = {name: pa.array(votes.votes[:, j].copy()) for j, name in enumerate(votes.names)}
        frame = spark.createDataFrame(pa.table({"id": votes.ids, **columns}))
    return SparkEvidence(
        records=placed_table(spark, evidence.records),
        labels=placed_table(spark, evidence.labels),
        classes=evidence.classes,
        id=evidence.id,
        fields=evidence.fields,
        answers=evidence.answers,
        votes=None if votes is None else SparkVotes(frame, votes.names, votes.classes),
        run=evidence.run,
        gold=evidence.gold,
        split=evidence.split,
        metadata=evidence.metadata,
        reference=evidence.reference,
        model_labels=lambda: None if model is None else spark.createDataFrame(model.select(["id", "label"])),
        previous=lambda: None if previous is None else spark.createDataFrame(previous.select(["id", "label"])),
        ratings=evidence.ratings,
    )
