"""The records table on Spark, with the computed columns that are read."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from labelkit.validation.spark.evidence import SparkEvidence, text_column
from labelkit.validation.spark.rows import ROW
from labelkit.validation.spark.texts import NEAR_TEXT, TEXT, with_groups

_GROUPS = {"duplicate": TEXT, "splits_of_same_text": TEXT, "splits_of_near_text": NEAR_TEXT}


def record_columns(evidence: SparkEvidence, read: Collection[str]) -> Any:
    """The records with those computed columns that are read."""
    from pyspark.sql import functions as F

    wanted = [name for name in _GROUPS if name in read]
    source = evidence.records.frame
    frame = with_groups(source.drop(*wanted), evidence.fields, list(dict.fromkeys(_GROUPS[name] for name in wanted)))
    for name in wanted:
        group = _GROUPS[name]
        value = F.min(ROW) if name == "duplicate" else _splits(evidence)
        found = frame.where(f"{group} is not null").groupBy(group).agg(value.alias(name))
        frame = frame.join(found, group, "left")
        if name == "duplicate":
            frame = frame.withColumn(name, (F.col(ROW) != F.col(name)).cast("bigint"))
    return frame.drop(TEXT, NEAR_TEXT)


def _splits(evidence: SparkEvidence) -> Any:
    """How many splits the records of a group stand on; null without a split."""
    from pyspark.sql import functions as F

    if evidence.split is None:
        return F.max(F.lit(None).cast("bigint"))
    return F.count_distinct(text_column(evidence.record_schema, evidence.split))
