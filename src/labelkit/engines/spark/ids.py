"""Unique ids, proved on Spark: equal hashes meet in a shuffle; only where some are equal, the ids themselves do.

The driver gets at most the few bad ids that a message shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from labelkit.engines.spark.blocks import Block, Blocks, frame_of, spark_errors
from labelkit.errors import SHOWN_PROBLEMS
from labelkit.lineage import CHUNK_ROWS
from labelkit.records import Records
from labelkit.records.ids import LONGEST, BadId
from labelkit.records.parquet import located

if TYPE_CHECKING:
    import pyarrow as pa


def repeated_hashes(session: Any, blocks: Blocks, hashes: Callable[[Block], Iterator[pa.RecordBatch]]) -> bool:
    """Whether a hash occurs twice; `hashes` gives those of a block as a column `hash` of int64."""
    with spark_errors():
        counts = frame_of(session, blocks, hashes, "hash long").groupBy("hash").count()
        return bool(counts.where("count > 1").limit(1).collect())


def refuse_bad_ids(session: Any, blocks: Blocks, records: Records) -> None:
    """Raise DataError naming the records without an id of their own, if there are any."""
    from pyspark.sql import functions as F  # noqa: N812

    with spark_errors():
        rows = frame_of(
            session, blocks, _Ids(located(replace(records, columns=(records.id,)))), "row long, id string, bad boolean"
        )
        good = rows.where("not bad")
        counted = good.groupBy("id").agg(F.min("row").alias("first"), F.count("*").alias("times"))
        twice = counted.where("times > 1")
        blank = rows.where("bad").selectExpr("row", "id", "cast(null as long) as first")
        repeated = good.join(twice, "id").where("row > first").select("row", "id", "first")
        total = blank.count() + (twice.selectExpr("sum(times - 1)").collect()[0][0] or 0)
        shown = blank.union(repeated).orderBy("row").limit(SHOWN_PROBLEMS).collect()
    records.refuse_ids([BadId(row["row"], row["id"], row["first"]) for row in shown], total)


@dataclass(frozen=True)
class _Ids:
    """The ids of a block as its records have them, with the index of each record."""

    records: Records

    def __call__(self, block: Block) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        import pyarrow.compute as pc

        chunks = self.records.chunks(block.first)
        for index in range(block.first, block.last):
            ids = next(chunks).column(0)
            rows = pa.array(range(index * CHUNK_ROWS, index * CHUNK_ROWS + len(ids)), pa.int64())
            lengths = pc.utf8_length(ids)
            kept = pc.and_(pc.greater(lengths, 0), pc.less_equal(lengths, LONGEST))
            whole = pc.and_(kept, pc.invert(pc.match_substring(ids, "\0")))
            bad = pc.invert(pc.fill_null(whole, fill_value=False))
            yield pa.RecordBatch.from_arrays([rows, ids, bad], names=["row", "id", "bad"])
