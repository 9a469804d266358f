"""What facts are computed from where the rows are on Spark: the same as on one machine, rows as DataFrames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from labelkit.validation.facts.evidence import Evidence, RunFacts
from labelkit.validation.spark.rows import ROW, Placed

if TYPE_CHECKING:
    import pyarrow as pa

    from labelkit.annotations.agreement import RatingTable
    from labelkit.validation.profile import Profile


@dataclass(frozen=True)
class SparkVotes:
    """Votes on Spark."""

    frame: Any  # id string, and a column of whole numbers per function
    names: tuple[str, ...]  # of the functions
    classes: tuple[str, ...]


def _unknown() -> None:
    """Nothing is known."""


@dataclass(frozen=True)
class SparkEvidence:
    """Everything that facts are computed from; see `facts.Evidence`. What people said is on the driver."""

    records: Placed
    labels: Placed
    classes: tuple[str, ...]
    id: str
    fields: tuple[str, ...]
    answers: Mapping[str, int] = field(default_factory=dict)
    votes: SparkVotes | None = None
    run: RunFacts = field(default_factory=RunFacts)
    gold: str | None = None
    split: str | None = None
    metadata: tuple[str, ...] = ()
    reference: Profile | None = None
    model_labels: Callable[[], Any] = _unknown  # DataFrame of id and label, or None
    previous: Callable[[], Any] = _unknown
    ratings: Callable[[], RatingTable | None] = _unknown

    @cached_property
    def record_schema(self) -> pa.Schema:
        """The columns of the records as Arrow knows them."""
        return arrow_schema(self.records.frame)

    @cached_property
    def label_schema(self) -> pa.Schema:
        """The columns of the labels as Arrow knows them."""
        return arrow_schema(self.labels.frame)

    @cached_property
    def on_driver(self) -> Evidence:
        """What can be told without rows: people, the run, the columns that the tables have."""
        return Evidence(
            records=self.record_schema.empty_table(),
            labels=self.label_schema.empty_table(),
            classes=self.classes,
            id=self.id,
            fields=self.fields,
            answers=self.answers,
            run=self.run,
            ratings=self.ratings,
        )

    def small(self, rows: list[tuple[Any, ...]], schema: str) -> Any:
        """A DataFrame of what the driver knows, sent to every executor that needs it."""
        from pyspark.sql import functions as F

        return F.broadcast(self.labels.frame.sparkSession.createDataFrame(rows, schema))


def arrow_schema(frame: Any) -> pa.Schema:
    """What Arrow calls the columns of a Spark DataFrame, that of places aside."""
    from pyspark.sql.pandas.types import to_arrow_schema

    schema = to_arrow_schema(frame.schema)
    return schema if ROW not in schema.names else schema.remove(schema.get_field_index(ROW))


def text_column(schema: pa.Schema, name: str) -> Any:
    """The column as text, or nulls where it is missing or holds no text."""
    import pyarrow as pa
    from pyspark.sql import functions as F

    from labelkit.validation.spark.conditions import quoted

    if name in schema.names and pa.types.is_string(schema.field(name).type):
        return F.col(quoted(name))
    return F.lit(None).cast("string")
