"""The Spark engine: the chunks of the local engine, cast by executors through the same kernel.

Executors read the records themselves, from Parquet that they and the driver see under the same path: a chunk is found
by the rows that the footers of the files count, so that it holds the same records with any number of partitions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from labelkit.engines.base import ChunkVotes
from labelkit.engines.chunks import ChunkCaster
from labelkit.engines.limits import Limits
from labelkit.engines.spark.blocks import CHUNKS, Block, Blocks, over_blocks
from labelkit.engines.spark.session import SparkPlace, spark_session
from labelkit.engines.spark.shipping import Shipped, pickled, ship_folder, ship_labelkit
from labelkit.engines.workers import cast_with_workers
from labelkit.errors import UsageError
from labelkit.labeling import LabelingFunction
from labelkit.records import Records
from labelkit.records.embedded import EmbeddedSource
from labelkit.records.gold_sets import GoldSource
from labelkit.records.parquet import ParquetSource, located
from labelkit.settings import EngineSection


@dataclass(frozen=True)
class CastTask:
    """Casts the chunks of a block, on an executor: in a process of their own, as on one machine."""

    functions: Shipped
    names: tuple[str, ...]  # of the functions
    records: Records
    fields: tuple[str, ...]
    classes: tuple[str, ...]
    limits: Limits

    def chunks(self, block: Block) -> Iterator[ChunkVotes]:
        """The chunks with their votes, in order."""
        caster = ChunkCaster(self.functions.load(), self.fields, self.classes)
        return cast_with_workers(caster, self.records, 1, self.limits, range(block.first, block.last))

    def __call__(self, block: Block) -> list[ChunkVotes]:
        """All of them."""
        return list(self.chunks(block))


@dataclass(frozen=True)
class SparkEngine:
    """Runs on Spark; see `SparkPlace` for where.

    >>> SparkEngine(SparkPlace("local[2]"), partitions=4).place.master
    'local[2]'
    """

    place: SparkPlace = field(default_factory=SparkPlace)
    limits: Limits = field(default_factory=Limits)
    partitions: int = 0  # tasks that share the blocks; 0 means one per block
    block: int = CHUNKS  # chunks of a block

    @classmethod
    def of(cls, settings: EngineSection, limits: Limits | None = None) -> Self:
        """The engine that the settings name."""
        place = SparkPlace(settings.master, settings.remote, settings.spark)
        return cls(place, limits or Limits(), settings.partitions)

    @cached_property
    def session(self) -> Any:
        """The Spark session, whose executors have this labelkit."""
        session = spark_session(self.place)
        ship_labelkit(session)
        return session

    def blocks(self, records: Records) -> Blocks:
        """The records in blocks. Raises UsageError for records that executors cannot read."""
        if isinstance(records.source, EmbeddedSource):
            raise UsageError(
                f"{records.source.name}: Spark reads no embeddings; leave embedding under [data] out, or use the local "
                "engine"
            )
        if isinstance(records.source, GoldSource):
            raise UsageError(
                f"{records.source.name}: Spark reads no gold of several classes per record; leave gold under [data] "
                "out, or use the local engine"
            )
        if not isinstance(records.source, ParquetSource):
            raise UsageError(
                f"{records.source.name}: Spark reads records from Parquet, a file or a folder; convert them, or use "
                "the local engine"
            )
        return Blocks(records.chunk_count() or 0, self.block, self.partitions)

    def task(
        self,
        functions: Sequence[LabelingFunction],
        records: Records,
        fields: Sequence[str],
        classes: Sequence[str],
        folder: Path | None = None,
    ) -> CastTask:
        """What casts a block. `folder` is where the functions were loaded from, if they were."""
        shipped = (
            pickled(functions) if folder is None else ship_folder(self.session, folder, functions, fields, classes)
        )
        names = tuple(function.name for function in functions)
        return CastTask(shipped, names, located(records), tuple(fields), tuple(classes), self.limits)

    def cast(
        self,
        functions: Sequence[LabelingFunction],
        records: Records,
        fields: Sequence[str],
        classes: Sequence[str],
    ) -> Iterator[ChunkVotes]:
        """Votes of all functions, chunk by chunk in record order. See `Engine.cast`.

        Ids and votes come to the driver: for records that fit there. `labelkit apply` leaves them where they are cast.
        """
        blocks, session = self.blocks(records), self.session
        for chunks in over_blocks(session, blocks, self.task(functions, records, fields, classes)):
            yield from chunks
