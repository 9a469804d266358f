"""The place of each row of a Spark table, which has none of its own: 0 for the first, as on one machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

ROW = "__labelkit_row"
_PART, _WITHIN = "__labelkit_part", "__labelkit_within"


@dataclass(frozen=True)
class Placed:
    """A Spark DataFrame whose rows know their place."""

    frame: Any  # with a column ROW: bigint, 0 to rows - 1
    rows: int
    in_file_order: bool  # whether places are those of the rows in their files, by name of the file


def placed(frame: Any, *, by_files: bool = True) -> Placed:
    """Give each row its place: that in its Parquet files, in the order of their names, or else Spark's own order.

    Counting the rows of each file or partition is one job; nothing is sorted or moved. A frame that reads no Parquet
    file is kept by Spark, for its rows must not change places while they are judged. `by_files` False: Spark's own
    order in any case, such as that of a sort.
    """
    from pyspark.sql import functions as F

    in_file_order = by_files and _reads_parquet(frame)
    if in_file_order:
        part, within = F.col("_metadata.file_path"), F.col("_metadata.row_index")
    else:
        frame, number = frame.persist(), F.monotonically_increasing_id()
        part, within = F.shiftright(number, 33), number.bitwiseAND(2**33 - 1)
    split = frame.select("*", part.alias(_PART), within.alias(_WITHIN))
    counts = sorted(tuple(row) for row in split.groupBy(_PART).count().collect())
    offsets, total = [], 0
    for part, count in counts:
        offsets.append((part, total))
        total += count
    if not offsets:
        return Placed(frame.withColumn(ROW, F.lit(0).cast("bigint")), 0, in_file_order)
    kind = "string" if in_file_order else "bigint"
    table = frame.sparkSession.createDataFrame(offsets, f"{_PART} {kind}, first bigint")
    numbered = split.join(F.broadcast(table), _PART).withColumn(ROW, F.col("first") + F.col(_WITHIN))
    return Placed(numbered.drop(_PART, _WITHIN, "first"), total, in_file_order)


def plainly(frame: Any) -> Any:
    """The frame with columns named by place: `mapInArrow` takes dots and backticks in names for signs of Spark's."""
    return frame.toDF(*(f"c{place}" for place in range(len(frame.columns))))


def _reads_parquet(frame: Any) -> bool:
    """Whether the rows of a frame are those of Parquet files, each where it stands there."""
    from pyspark.errors import AnalysisException

    if not all(file.endswith(".parquet") for file in frame.inputFiles() or [""]):
        return False
    try:
        return "row_index" in frame.select("_metadata.row_index").columns
    except AnalysisException:  # a join or an aggregation of files
        return False
