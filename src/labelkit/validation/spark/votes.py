"""What the functions voted, on Spark: beside each label, and counted per function."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labelkit.label_models.copies import near_copies
from labelkit.label_models.labels import MODEL
from labelkit.matrix import FigureCounts, summary_of
from labelkit.matrix.counts import VoteCounts
from labelkit.project import DEV
from labelkit.validation.facts.counts import summarised
from labelkit.validation.spark.conditions import quoted
from labelkit.validation.spark.evidence import SparkEvidence, SparkVotes, text_column
from labelkit.validation.spark.rows import ROW, plainly

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("voters", "abstained", "conflict", "reversed")


def cast_facts(evidence: SparkEvidence, frame: Any) -> Any:
    """The labels with what was voted on each row's record; null where there are no votes on it."""
    from pyspark.sql import functions as F

    frame = frame.drop(*(name for name in COLUMNS if name in frame.columns))
    if evidence.votes is None or "id" not in frame.columns:
        return frame.withColumns({name: F.lit(None).cast("bigint") for name in COLUMNS})
    schema, classes = evidence.label_schema, evidence.votes.classes
    cast = plainly(evidence.votes.frame).mapInArrow(
        _voters, "id string, voters bigint, conflict bigint, highest bigint"
    )
    frame = frame.join(cast, "id", "left")
    index = F.array_position(F.array(*map(F.lit, classes)), text_column(schema, "label")) - 1
    own = F.coalesce(index, F.lit(-1))
    judged = F.coalesce(text_column(schema, "source") == MODEL, F.lit(False)) & F.col("voters").isNotNull()
    turned = (F.col("voters") > 0) & (F.col("conflict") == 0) & (F.col("highest") != own)
    found = {
        "abstained": (F.col("voters") == 0).cast("bigint"),
        "reversed": F.when(judged, turned.cast("bigint")),
    }
    return frame.withColumns(found).drop("highest")


def _voters(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Runs on executors: votes in; how many, whether they differ and the highest of them out."""
    import pyarrow as pa

    for batch in batches:
        cells = cells_of(batch.columns[1:], batch.num_rows)
        voters, highest = (cells >= 0).sum(axis=1), cells.max(axis=1, initial=-1)
        lowest = np.where(cells >= 0, cells, np.int8(127)).min(axis=1, initial=127)
        found = {"voters": voters, "conflict": (highest != lowest) & (voters > 0), "highest": highest}
        columns = {name: pa.array(values.astype(np.int64)) for name, values in found.items()}
        yield pa.RecordBatch.from_pydict({"id": batch.column(0), **columns})


def cells_of(columns: Sequence[pa.Array], n: int) -> NDArray[np.int8]:
    """(n, m) int8: votes from a column per function."""
    cells = np.empty((n, len(columns)), dtype=np.int8, order="F")
    for j, column in enumerate(columns):
        cells[:, j] = column.to_numpy(zero_copy_only=False)
    return cells


def function_table(evidence: SparkEvidence) -> pa.Table:
    """One row per labeling function; see `facts.counts.function_table`. Executors count, the driver adds up."""
    votes = evidence.votes
    if votes is None:
        return summarised(())
    judged = _with_truth(evidence, votes).select(*map(quoted, votes.names), "truth")
    parts = plainly(judged).mapInArrow(_Count(len(votes.names), len(votes.classes)), "content binary").collect()
    m, k = len(votes.names), len(votes.classes)
    nothing = (FigureCounts.nothing(m, k), VoteCounts.empty(m, k))
    figures, counts = reduce(_added, (pickle.loads(bytes(part[0])) for part in parts), nothing)  # noqa: S301  our own
    known = bool(figures.truths.any())
    return summarised(summary_of(figures, votes.names, with_gold=known, copies=near_copies(counts).groups).rows)


def _added(a: tuple[Any, Any], b: tuple[Any, Any]) -> tuple[Any, Any]:
    return a[0] + b[0], a[1] + b[1]


@dataclass(frozen=True)
class _Count:
    """Runs on executors: votes and truths in, their counts out."""

    m: int
    k: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        total = (FigureCounts.nothing(self.m, self.k), VoteCounts.empty(self.m, self.k))
        for batch in batches:
            cells = cells_of(batch.columns[:-1], batch.num_rows)
            truth = np.asarray(batch.columns[-1], dtype=np.int64)
            total = _added(total, (FigureCounts.of(cells, self.k, truth), VoteCounts.of(cells, self.k)))
        yield pa.RecordBatch.from_pydict({"content": pa.array([pickle.dumps(total)], pa.binary())})


def _with_truth(evidence: SparkEvidence, votes: SparkVotes) -> Any:
    """The votes with the known class of their records, -1 without; see `facts.counts.truth_of_votes`."""
    from pyspark.sql import functions as F

    said = evidence.small(list(evidence.answers.items()), "id string, answer bigint")
    frame = votes.frame.join(said, "id", "left")
    answer = F.coalesce("answer", F.lit(-1))
    if evidence.gold is None:
        return frame.withColumn("truth", answer)
    known = evidence.records.frame.groupBy(F.col(quoted(evidence.id)).alias("id"))
    gold = known.agg(F.min(F.struct(ROW, _gold(evidence).alias("gold"))).alias("first")).select("id", "first.gold")
    frame = frame.join(gold, "id", "left")
    return frame.withColumn("truth", F.when(answer >= 0, -1).otherwise(F.coalesce("gold", F.lit(-1))))


def _gold(evidence: SparkEvidence) -> Any:
    """Class index of the gold label, null without one, for no class, and on split dev."""
    import pyarrow as pa
    from pyspark.sql import functions as F

    schema, name = evidence.record_schema, str(evidence.gold)
    if pa.types.is_integer(schema.field(name).type):
        value = F.col(quoted(name)).cast("bigint")
        index = F.when(value < len(evidence.classes), value)
    else:
        place = F.array_position(F.array(*map(F.lit, evidence.classes)), text_column(schema, name))
        index = F.when(place > 0, place - 1)
    if evidence.split is None:
        return index
    return F.when(~F.coalesce(text_column(schema, evidence.split) == DEV, F.lit(False)), index)
