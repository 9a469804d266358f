"""What labelkit reads and wrote, as Spark DataFrames: records, votes, labels, and what a label model makes of votes.

Executors read the files themselves, with labelkit's own readers, so that a value is the same value on every engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from labelkit.engines.spark.blocks import Block, Blocks, frame_of, over_blocks, spark_errors
from labelkit.errors import UsageError, visible
from labelkit.lineage import CHUNK_ROWS, DataFingerprint, chunk_fingerprint, column_digests, hash_file
from labelkit.matrix import LabelMatrix, VotesFile
from labelkit.records import Records
from labelkit.records.parquet import located

if TYPE_CHECKING:
    import pyarrow as pa


def record_frame(session: Any, blocks: Blocks, records: Records, row: str) -> Any:
    """The records with a column `row`: bigint, 0 for the first. Raises UsageError for a type that Spark has not."""
    from pyspark.errors import PySparkException
    from pyspark.sql.pandas.types import from_arrow_schema

    schema = _plain(next(records.chunks())).schema
    try:
        kinds = from_arrow_schema(schema).add(row, "long")
    except PySparkException as error:
        raise UsageError(
            f"{records.source.name}: a column is of a type that Spark has not: {visible(str(error))[:200]}"
        ) from error
    return frame_of(session, blocks, _ReadRecords(located(records), row), kinds)


@dataclass(frozen=True)
class _ReadRecords:
    records: Records
    row: str

    def __call__(self, block: Block) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        chunks = self.records.chunks(block.first)
        for index in range(block.first, block.last):
            chunk = _plain(next(chunks))
            rows = pa.array(np.arange(chunk.num_rows) + index * CHUNK_ROWS)
            yield pa.RecordBatch.from_arrays([*chunk.columns, rows], names=[*chunk.schema.names, self.row])


def _plain(chunk: pa.RecordBatch) -> pa.RecordBatch:
    """The chunk with texts as Spark has them."""
    import pyarrow as pa

    columns = [
        column.cast(pa.string()) if pa.types.is_large_string(column.type) else column for column in chunk.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=chunk.schema.names)


def fingerprint_of(session: Any, blocks: Blocks, records: Records) -> str:
    """As `Records.fingerprint`, hashed by executors. Ids are not compared."""
    total = DataFingerprint()
    for digests in over_blocks(session, blocks, _Digests(located(records))):
        for digest, rows in digests:
            total.add_digest(digest, rows)
    return total.hexdigest()


@dataclass(frozen=True)
class _Digests:
    records: Records

    def __call__(self, block: Block) -> list[tuple[bytes, int]]:
        chunks = self.records.chunks(block.first)
        found = (next(chunks) for _ in range(block.first, block.last))
        return [(chunk_fingerprint(column_digests(chunk), chunk.num_rows), chunk.num_rows) for chunk in found]


def hashes_of(session: Any, files: Sequence[Path]) -> list[str]:
    """SHA-256 of each file, told by executors."""
    return over_blocks(session, Blocks(len(files), 1), _HashFile(tuple(files)))


@dataclass(frozen=True)
class _HashFile:
    files: tuple[Path, ...]

    def __call__(self, block: Block) -> str:
        return hash_file(self.files[block.index])


def parquet_frame(session: Any, files: Sequence[Path]) -> Any:
    """The rows of Parquet files; a page whose checksum does not hold is an error."""
    reader = session.read.option("parquet.page.verify-checksum.enabled", "true")
    with spark_errors():
        return reader.parquet(*(str(file.resolve()) for file in files))


def votes_frame(session: Any, path: Path) -> Any:
    """The votes of a file or folder: a column of ids, and one of whole numbers per function."""
    from pyspark.sql.types import ByteType, StringType, StructType

    schema = StructType().add("id", StringType())
    for name in VotesFile(path).names:
        schema = schema.add(name, ByteType())
    return _over_votes(session, path, _columns, schema)


def predicted_frame(session: Any, path: Path, labels_of: Callable[[LabelMatrix], pa.RecordBatch]) -> Any:
    """A frame of id and label: what `labels_of`, which goes to executors, makes of the votes of a file or folder."""
    return _over_votes(session, path, labels_of, "id string, label string")


def _over_votes(session: Any, path: Path, rows_of: Callable[[LabelMatrix], pa.RecordBatch], schema: Any) -> Any:
    parts = tuple(sorted(path.glob("[!.]*.arrow"))) if path.is_dir() else (path,)
    return frame_of(session, Blocks(len(parts), 1), _OverVotes(parts, rows_of), schema)


@dataclass(frozen=True)
class _OverVotes:
    parts: tuple[Path, ...]
    rows_of: Callable[[LabelMatrix], pa.RecordBatch]

    def __call__(self, block: Block) -> Iterator[pa.RecordBatch]:
        file = VotesFile(self.parts[block.index])
        for ids, cells in file:
            yield self.rows_of(LabelMatrix(cells, ids, file.names, file.classes))


def _columns(votes: LabelMatrix) -> pa.RecordBatch:
    import pyarrow as pa

    columns = [pa.array(np.ascontiguousarray(column)) for column in votes.votes.T]
    return pa.RecordBatch.from_arrays([votes.ids, *columns], names=["id", *votes.names])


def among(frame: Any, column: str, values: Sequence[str]) -> pa.Table:
    """The rows of a frame whose text is one of some few values, here, in the order of the column."""
    from pyspark.sql import functions as F  # noqa: N812

    wanted = frame.sparkSession.createDataFrame([(value,) for value in values], f"`{column}` string")
    return frame.join(F.broadcast(wanted), column).orderBy(column).toArrow()
