"""Which records say the same, and which nearly: texts meet by their hashes, and only hashes are shuffled.

Near-duplicates are found as `validation.near` finds them: the same sketches, bands and candidates, the same similarity,
so that the groups are the same. Being near is passed on by alternating large and small stars until nothing changes
(R. Kiveris et al., "Connected components in MapReduce and beyond", SoCC 2014).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from labelkit.validation.near import BANDS, NEAR, ROWS, similarity, sketches
from labelkit.validation.spark.conditions import quoted
from labelkit.validation.spark.rows import ROW, plainly
from labelkit.validation.texts import digests, normalised_texts, text_fields

if TYPE_CHECKING:
    import pyarrow as pa

TEXT = "__labelkit_text"
NEAR_TEXT = "__labelkit_near"


def with_groups(records: Any, fields: Sequence[str], wanted: Sequence[str]) -> Any:
    """The records with a column TEXT, binary: equal for the same normalised text, and NEAR_TEXT, bigint, likewise.

    Each is null in every row where the fields do not allow it: one is missing, or none is text.
    """
    from pyspark.sql import functions as F

    out = records
    if TEXT in wanted:
        there = bool(fields) and all(name in records.columns for name in fields)
        found = _digested(records, fields) if there else None
        out = out.withColumn(TEXT, F.lit(None).cast("binary")) if found is None else out.join(found, ROW)
    if NEAR_TEXT in wanted:
        texts = text_fields(_empty(records), fields)
        found = near_groups(records, texts) if texts else None
        out = out.withColumn(NEAR_TEXT, F.lit(None).cast("bigint")) if found is None else out.join(found, ROW)
    return out


def _empty(frame: Any) -> pa.Table:
    from labelkit.validation.spark.evidence import arrow_schema

    return arrow_schema(frame).empty_table()


def _digested(records: Any, fields: Sequence[str]) -> Any:
    read = records.select(ROW, *(quoted(name) for name in fields))
    return plainly(read).mapInArrow(_Digests(tuple(fields)), f"{ROW} bigint, {TEXT} binary")


@dataclass(frozen=True)
class _Digests:
    """Runs on executors: records in, the hash of each one's text out, and the text itself where it is wanted."""

    fields: tuple[str, ...]
    with_text: bool = False

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for batch in batches:
            table = pa.table(batch.columns[1:], names=list(self.fields))
            texts = pa.concat_arrays([pa.array([], pa.large_string()), *normalised_texts(table, self.fields).chunks])
            found = [row.tobytes() for row in digests(texts)]
            columns = {ROW: batch.column(0), TEXT: pa.array(found, pa.binary())}
            if self.with_text:
                columns["text"] = texts.cast(pa.string())
            yield pa.RecordBatch.from_pydict(columns)


def near_groups(records: Any, fields: Sequence[str]) -> Any:
    """ROW and NEAR_TEXT of each record: near-duplicates have the same number, that of the first of them."""
    from pyspark.sql import functions as F

    read = records.select(ROW, *(quoted(name) for name in fields))
    said = plainly(read).mapInArrow(
        _Digests(tuple(fields), with_text=True), f"{ROW} bigint, {TEXT} binary, text string"
    )
    said = said.persist()
    different = said.groupBy(TEXT).agg(F.min(F.struct(ROW, "text")).alias("first"))
    different = different.select(
        TEXT, F.col(f"first.{ROW}").alias("first"), F.col("first.text").alias("text")
    ).persist()
    near = _near_pairs(different.select("first", "text"))
    roots = connected(near)
    grouped = different.select(TEXT, "first").join(roots, F.col("first") == F.col("node"), "left")
    group = grouped.select(TEXT, F.coalesce("root", "first").alias(NEAR_TEXT))
    return said.select(ROW, TEXT).join(group, TEXT).select(ROW, NEAR_TEXT)


def _near_pairs(texts: Any) -> Any:
    """Pairs (a, b) of the numbers of near texts, a < b, from (first bigint, text string)."""
    from pyspark.sql import Window, functions as F

    sketched = texts.mapInArrow(_sketched, "first bigint, band int, key bigint, minima binary")
    here = Window.partitionBy("band", "key").orderBy("first")
    before = F.struct("first", "minima")
    met = sketched.select(
        "first", "minima", F.lag(before).over(here).alias("last"), F.first(before).over(here).alias("head")
    ).where("last is not null")
    pairs = [
        met.select(
            F.col(f"{other}.first").alias("a"),
            F.col("first").alias("b"),
            f"{other}.minima",
            F.col("minima").alias("own"),
        )
        for other in ("last", "head")
    ]
    likely = pairs[0].union(pairs[1]).mapInArrow(_likely, "a bigint, b bigint").distinct()
    left, right = texts.toDF("a", "text_a"), texts.toDF("b", "text_b")
    return likely.join(left, "a").join(right, "b").mapInArrow(_similar, "a bigint, b bigint")


def _sketched(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Runs on executors: texts in, a row per band out."""
    import pyarrow as pa

    for batch in batches:
        first = np.asarray(batch.column("first"), dtype=np.int64)
        keys, minima = sketches(batch.column("text").cast(pa.large_string()))
        rows = [row.tobytes() for row in minima]
        yield pa.RecordBatch.from_pydict(
            {
                "first": pa.array(np.repeat(first, BANDS)),
                "band": pa.array(np.tile(np.arange(BANDS, dtype=np.int32), len(first))),
                "key": pa.array(keys.reshape(-1).view(np.int64)),
                "minima": pa.array([row for row in rows for _ in range(BANDS)], pa.binary()),
            }
        )


def _likely(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Runs on executors: pairs that agree in a band in, those out whose minima agree at least half the time."""
    import pyarrow as pa

    for batch in batches:
        one, other = (
            np.frombuffer(b"".join(column.to_pylist()), np.uint8).reshape(-1, BANDS * ROWS)
            for column in (batch.column(2), batch.column(3))
        )
        likely = (one == other).sum(axis=1) * 2 >= BANDS * ROWS
        yield batch.select(["a", "b"]).filter(pa.array(likely))


def _similar(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Runs on executors: pairs with their texts in, those out that are near."""
    import pyarrow as pa

    for batch in batches:
        texts = pa.chunked_array([batch.column(name).cast(pa.large_string()) for name in ("text_a", "text_b")])
        n = batch.num_rows
        pairs = np.stack([np.arange(n), np.arange(n, 2 * n)], axis=1)
        near = similarity(texts, pairs) >= NEAR if n else np.empty(0, bool)
        yield batch.select(["a", "b"]).filter(pa.array(near))


def connected(pairs: Any) -> Any:
    """(node, root) of each node of pairs (a, b): the smallest node that can be reached."""
    from pyspark.sql import functions as F

    edges = pairs.select(F.greatest("a", "b").alias("a"), F.least("a", "b").alias("b")).distinct().localCheckpoint()
    before = None
    while (now := _checksum(edges)) != before:
        before = now
        both = edges.union(edges.select("b", "a"))
        least = both.groupBy("a").agg(F.least("a", F.min("b")).alias("least"))
        large = both.join(least, "a").where("b > a").select(F.col("b").alias("a"), F.col("least").alias("b")).distinct()
        least = large.groupBy("a").agg(F.min("b").alias("least"))
        small = large.join(least, "a").where("b != least").select(F.col("b").alias("a"), F.col("least").alias("b"))
        edges = small.union(least.select("a", "least")).distinct().localCheckpoint()
    return edges.toDF("node", "root")


def _checksum(edges: Any) -> tuple[int, int]:
    from pyspark.sql import functions as F

    count, total = edges.agg(F.count("*"), F.sum(F.xxhash64("a", "b").cast("decimal(38,0)"))).first()
    return count, int(total or 0)
