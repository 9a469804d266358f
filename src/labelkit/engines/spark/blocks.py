"""Work on blocks of chunks, done by executors: results come back, records do not.

A block is a fixed range of chunks, whatever the number of partitions, executors or attempts. The driver sends the
numbers of blocks, and each task opens what it needs itself, so that what goes through the driver is small.
"""

from __future__ import annotations

import math
import pickle
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from labelkit import errors
from labelkit.errors import LabelkitError, MachineError, visible
from labelkit.labeling.faults import first_line

if TYPE_CHECKING:
    import pyarrow as pa

CHUNKS = 8
"""Chunks of a block: 524,288 records, which is one file of labels."""

DIRECT = 64  # results that the driver merges by itself; of more, executors merge some of them first

T = TypeVar("T")


@dataclass(frozen=True)
class Block:
    """Some consecutive chunks."""

    index: int
    first: int
    last: int  # the chunk behind the last one

    @property
    def part(self) -> str:
        """The beginning of the names of files that belong to the block: in name order they are in record order."""
        return f"part-{self.index:08d}"


@dataclass(frozen=True)
class Blocks:
    """All chunks of the records, cut into blocks, and how many tasks share them."""

    chunks: int
    size: int = CHUNKS  # chunks of a block
    tasks: int = 0  # 0: one per block

    def __len__(self) -> int:
        return (self.chunks + self.size - 1) // self.size

    def __getitem__(self, index: int) -> Block:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return Block(index, index * self.size, min((index + 1) * self.size, self.chunks))

    @property
    def partitions(self) -> int:
        """Spark's partitions."""
        return max(1, min(self.tasks or len(self), len(self)))


def over_blocks(
    session: Any, blocks: Blocks, work: Callable[[Block], T], merge: Callable[[T, T], T] | None = None
) -> list[T]:
    """What `work` gives for each block, in order; with `merge`, fewer values that merge to the same.

    `work` runs on executors, perhaps more than once for a block. Raises the LabelkitError that it raises for the first
    of the blocks, MachineError for executors that fail.
    """
    frame = _numbers(session, blocks).mapInArrow(_Worker(blocks, work), "block long, kind string, content binary")
    if merge is not None and len(blocks) > DIRECT:
        groups = math.isqrt(len(blocks))
        frame = frame.selectExpr(f"block div {groups} as few", "*").repartition(groups, "few")
        frame = frame.mapInArrow(_Merger(merge), "block long, kind string, content binary")
    with spark_errors():
        rows = sorted(frame.collect(), key=lambda row: int(row["block"]))
    return [_opened(row["kind"], bytes(row["content"])) for row in rows]


def frame_of(session: Any, blocks: Blocks, work: Callable[[Block], Iterator[pa.RecordBatch]], schema: str) -> Any:
    """A Spark DataFrame of the Arrow batches that `work` gives for each block."""
    return _numbers(session, blocks).mapInArrow(_Rows(blocks, work), schema)


def _numbers(session: Any, blocks: Blocks) -> Any:
    return session.range(0, len(blocks), 1, blocks.partitions)


def _opened(kind: str, content: bytes) -> Any:
    """A result. Raises the error that came in its place."""
    value = pickle.loads(content)  # noqa: S301  from our own executors, as all that Spark carries
    if kind == "error":
        name, message = value
        raise getattr(errors, name)(message)
    if kind == "bug":
        raise RuntimeError(value)
    return value


class spark_errors:  # noqa: N801  reads as a function
    """Turn what Spark raises into a MachineError that says why, in one line."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        from pyspark.errors import PySparkException

        gateway = kind is not None and kind.__module__.startswith("py4j.")
        if isinstance(error, PySparkException) or gateway:
            assert error is not None  # noqa: S101  for the types
            if (interrupt := _interrupt_before(error)) is not None:
                raise interrupt
            raise MachineError(f"Spark: {visible(said(error))}") from error


def _interrupt_before(error: BaseException) -> BaseException | None:
    """The Ctrl-C that led to the error: it breaks the connection over which pyspark then wants to tidy up."""
    before = error.__context__
    while before is not None and not isinstance(before, KeyboardInterrupt):
        before = before.__context__
    return before


def said(error: BaseException) -> str:
    """The line of a Spark error that tells: the last of a Python traceback in it, or the first."""
    lines = [line.strip() for line in str(error).splitlines()]
    named = [line for line in lines if line.startswith("labelkit.errors.")]
    python = [line for line in lines if line.partition(":")[0].endswith(("Error", "Exception", "Interrupt"))]
    return (named[-1].partition(": ")[2] if named else python[-1] if python else first_line(error))[:400]


@dataclass(frozen=True)
class _Worker:
    """Runs on executors: numbers of blocks in, results out."""

    blocks: Blocks
    work: Callable[[Block], Any]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for index in batch.column(0).to_pylist():
                yield _row(index, *_tried(self.work, self.blocks[index]))


@dataclass(frozen=True)
class _Rows:
    """Runs on executors: numbers of blocks in, rows out."""

    blocks: Blocks
    work: Callable[[Block], Iterator[pa.RecordBatch]]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for index in batch.column(0).to_pylist():
                yield from self.work(self.blocks[index])


@dataclass(frozen=True)
class _Merger:
    """Runs on executors: results in, fewer of them out. Neighbours are merged, in order, and errors kept."""

    merge: Callable[[Any, Any], Any]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        groups: dict[int, list[tuple[int, str, bytes]]] = {}
        for batch in batches:
            for row in batch.to_pylist():
                groups.setdefault(row["few"], []).append((row["block"], row["kind"], row["content"]))
        for group in groups.values():
            yield from self._merged(sorted(group))

    def _merged(self, rows: list[tuple[int, str, bytes]]) -> Iterator[pa.RecordBatch]:
        for index, kind, content in rows:
            if kind != "result":
                yield _row(index, kind, content)
                return
        value = None
        for index, _, content in rows:
            found = pickle.loads(content)  # noqa: S301
            value = found if index == rows[0][0] else self.merge(value, found)
        yield _row(rows[0][0], "result", pickle.dumps(value))


def _tried(work: Callable[[Block], Any], block: Block) -> tuple[str, bytes]:
    """A result, or what only the user or we can mend. Other failures are raised, so that Spark tries again."""
    try:
        return "result", pickle.dumps(work(block))
    except MachineError:
        raise
    except LabelkitError as error:
        return "error", pickle.dumps((type(error).__name__, str(error)))
    except (OSError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001  a bug; its text goes to the driver, which fails with it
        said = f"{type(error).__name__}: {error}\non an executor:\n{traceback.format_exc()}"
        return "bug", pickle.dumps(said)


def _row(index: int, kind: str, content: bytes) -> pa.RecordBatch:
    import pyarrow as pa

    columns = [pa.array([index], pa.int64()), pa.array([kind]), pa.array([content], pa.binary())]
    return pa.RecordBatch.from_arrays(columns, names=["block", "kind", "content"])
