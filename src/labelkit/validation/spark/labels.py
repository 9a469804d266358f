"""The labels table on Spark, with the computed columns that are read: what `facts` computes on one machine."""

from __future__ import annotations

import operator
from collections.abc import Collection
from functools import reduce
from typing import TYPE_CHECKING, Any

from labelkit.label_models.labels import HUMAN, MODEL, NONE, probability_column
from labelkit.validation.spark.conditions import quoted
from labelkit.validation.spark.evidence import SparkEvidence, text_column
from labelkit.validation.spark.rows import ROW
from labelkit.validation.spark.texts import NEAR_TEXT, TEXT, with_groups
from labelkit.validation.spark.votes import cast_facts

if TYPE_CHECKING:
    import pyarrow as pa

PLACE = "__labelkit_place"
_GROUPED = {"labels_of_same_text": TEXT, "labels_of_near_text": NEAR_TEXT}
_PLACED = ("in_records", "in_place", *_GROUPED)
_PEOPLE = ("human_label", "contradicts_people", "model_agrees")
_MODEL = ("model_label", "model_agrees")
_FLIPS = ("previous_label", "flipped")
_VOTES = ("voters", "abstained", "conflict", "reversed")


def label_columns(evidence: SparkEvidence, read: Collection[str]) -> Any:
    """The labels with those computed columns that are read, and some more; rows keep their ROW, not their order."""
    frame = _cells(evidence)
    if any(name in read for name in _PLACED):
        frame = _with_places(evidence, frame, read)
    if any(name in read for name in _PEOPLE):
        frame = _with_people(evidence, frame)
    for names, prefix, source in ((_MODEL, "model", evidence.model_labels), (_FLIPS, "previous", evidence.previous)):
        if any(name in read for name in names):
            frame = _with_other(frame, f"{prefix}_label", source())
    if "model_agrees" in read:
        frame = frame.withColumn("model_agrees", _column("model_label = human_label").cast("bigint"))
    if "flipped" in read:
        frame = _with_flips(evidence, frame)
    if any(name in read for name in _VOTES):
        frame = cast_facts(evidence, frame)
    return frame


def _column(text: str) -> Any:
    from pyspark.sql import functions as F

    return F.expr(text)


def _cells(evidence: SparkEvidence) -> Any:
    """What follows from a row alone; see `facts.schema`. A column of the same name that the file brings is replaced."""
    from pyspark.sql import functions as F

    schema, classes = evidence.label_schema, evidence.classes
    probs = [_probability(schema, name) for name in classes]
    label, source = text_column(schema, "label"), text_column(schema, "source")
    own = reduce(
        lambda rest, c: F.when(label == classes[c], probs[c]).otherwise(rest),
        reversed(range(len(classes))),
        F.lit(None).cast("double"),
    )
    given = [p.isNotNull() for p in probs]
    missing = reduce(operator.add, [(~there).cast("bigint") for there in given], F.lit(0).cast("bigint"))
    every, some, labelled = missing == 0, missing < len(classes), label.isNotNull()
    total = reduce(operator.add, [F.coalesce(p, F.lit(0.0)) for p in probs], F.lit(0.0))
    known_source = F.coalesce(source, F.lit(""))
    decided = known_source.isin(HUMAN, MODEL) & labelled & every
    undecided = (known_source == NONE) & ~labelled & ~some
    highest = F.greatest(*(F.coalesce(p, F.lit(float("-inf"))) for p in probs))
    found = {
        "labelled": labelled.cast("bigint"),
        "p_sum": F.when(some, total),
        "missing_p": missing,
        "label_p": own,
        "label_is_argmax": F.when(labelled, F.coalesce(own >= highest, F.lit(False)).cast("bigint")),
        "source_fits": (decided | undecided).cast("bigint"),
    }
    return evidence.labels.frame.withColumns(found)


def _probability(schema: pa.Schema, class_name: str) -> Any:
    """The column of a class, NaN made null; null where it is missing or holds no numbers."""
    import pyarrow as pa
    from pyspark.sql import functions as F

    name = probability_column(class_name)
    kind = schema.field(name).type if name in schema.names else pa.null()
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
        return F.lit(None).cast("double")
    value = F.col(quoted(name)).cast("double")
    return F.when(~F.isnan(value), value)


def record_places(evidence: SparkEvidence, read: Collection[str]) -> Any:
    """One row per id of the records, that of the first of them: id, PLACE and the groups of its text that are read."""
    from pyspark.sql import functions as F

    wanted = [group for name, group in _GROUPED.items() if name in read]
    records = with_groups(evidence.records.frame, evidence.fields, wanted)
    first = records.where(F.col(quoted(evidence.id)).isNotNull()).groupBy(F.col(quoted(evidence.id)).alias("id"))
    named = F.min(F.struct(F.col(ROW).alias(PLACE), *wanted)).alias("first")
    return first.agg(named).select("id", "first.*")


def _with_places(evidence: SparkEvidence, frame: Any, read: Collection[str]) -> Any:
    from pyspark.sql import functions as F

    known = record_places(evidence, read).withColumnRenamed("id", "__labelkit_id")
    frame = frame.join(known, text_column(evidence.label_schema, "id") == F.col("__labelkit_id"), "left")
    place = F.col(PLACE)
    frame = frame.withColumns(
        {
            "in_records": place.isNotNull().cast("bigint"),
            "in_place": F.coalesce(place == F.col(ROW), F.lit(False)).cast("bigint"),
        }
    )
    for name, group in _GROUPED.items():
        if name in read:
            frame = _with_labels_of_group(frame, text_column(evidence.label_schema, "label"), name, group)
    return frame.drop("__labelkit_id", PLACE)


def _with_labels_of_group(frame: Any, label: Any, name: str, group: str) -> Any:
    """How many different labels the group of each row's record carries; null without a group."""
    from pyspark.sql import functions as F

    counts = frame.where(f"{group} is not null").groupBy(group).agg(F.count_distinct(label).alias(name))
    return frame.join(counts, group, "left").drop(group)


def _with_people(evidence: SparkEvidence, frame: Any) -> Any:
    from pyspark.sql import functions as F

    settled = [(record, evidence.classes[index]) for record, index in evidence.answers.items()]
    said = evidence.small(settled, "__labelkit_id string, human_label string")
    frame = _without(frame, "human_label")
    schema = evidence.label_schema
    frame = frame.join(said, text_column(schema, "id") == F.col("__labelkit_id"), "left").drop("__labelkit_id")
    human = F.col("human_label")
    contradicts = human.isNotNull() & ~F.coalesce(human == text_column(schema, "label"), F.lit(False))
    return frame.withColumn("contradicts_people", contradicts.cast("bigint"))


def _with_other(frame: Any, name: str, other: Any) -> Any:
    """The label that another table of ids and labels gives each row; of several the first it has."""
    from pyspark.sql import functions as F

    frame = _without(frame, name)
    if other is None or "id" not in frame.columns:
        return frame.withColumn(name, F.lit(None).cast("string"))
    return frame.join(other.toDF("id", name), "id", "left")


def _with_flips(evidence: SparkEvidence, frame: Any) -> Any:
    from pyspark.sql import functions as F

    schema = evidence.label_schema
    by_model = F.coalesce(text_column(schema, "source") == MODEL, F.lit(False))
    now = F.when(by_model, text_column(schema, "label"))
    return frame.withColumn("flipped", (now != F.col("previous_label")).cast("bigint"))


def _without(frame: Any, *names: str) -> Any:
    """The frame without columns that the file brought along under the names of computed ones."""
    return frame.drop(*(name for name in names if name in frame.columns))


def counted(evidence: SparkEvidence) -> dict[str, int]:
    """How many records carry each label."""
    from pyspark.sql import functions as F

    label = text_column(evidence.label_schema, "label").alias("label")
    rows = evidence.labels.frame.select(label).where("label is not null").groupBy("label").agg(F.count("*")).collect()
    return dict(rows)
