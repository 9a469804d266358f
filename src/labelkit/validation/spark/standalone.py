"""One Spark DataFrame against one suite, without a project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from labelkit.validation.facts import FACTS, classes_of
from labelkit.validation.spark.evidence import SparkEvidence, arrow_schema
from labelkit.validation.spark.rows import placed
from labelkit.validation.spark.tables import judged_frame, spark_tables
from labelkit.validation.standalone import settled_classes
from labelkit.validation.suites import Suite

if TYPE_CHECKING:
    import pyarrow as pa

    from labelkit.validation.judged import Judged


def judged_tables(
    frame: Any, suite: Suite, records: Any, answers: Mapping[str, str] | None
) -> dict[str, pa.Table | Judged]:
    """The table that a suite judges; on labels with the columns that follow from them and, where given, the records."""
    if suite.table != "labels":
        return {suite.table: judged_frame(frame)}
    import pyarrow as pa

    schema = arrow_schema(frame)
    classes, reads = classes_of(schema.empty_table()), suite.reads
    if records is None:
        records = frame.sparkSession.createDataFrame([], "id string")
        reads -= {column for fact in FACTS["labels"] if fact.needs_records for column in fact.columns}
    texts = [field.name for field in arrow_schema(records) if pa.types.is_string(field.type) and field.name != "id"]
    evidence = SparkEvidence(
        records=placed(records),
        labels=placed(frame),
        classes=classes,
        id="id",
        fields=tuple(texts),
        answers=settled_classes(answers, classes),
    )
    return spark_tables(evidence, {"labels": reads})
