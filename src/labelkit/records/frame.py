"""Records in memory: anything with Arrow's stream interface (pandas, polars, pyarrow, DuckDB relations)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from labelkit.errors import DataError, shortened
from labelkit.records.base import PANDAS_INDEX

if TYPE_CHECKING:
    import pyarrow as pa


class FrameSource:
    """A frame's columns without its index."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    @property
    def name(self) -> str:
        """What messages call a frame."""
        return "the frame"

    @cached_property
    def _table(self) -> pa.Table:
        import pyarrow as pa

        try:
            table = pa.table(self._frame)
        except (pa.ArrowException, TypeError, ValueError) as error:
            said = "; ".join(str(part) for part in error.args)
            raise DataError(f"the frame cannot be read as Arrow: {shortened(said, 200)}") from error
        column, times = Counter(table.schema.names).most_common(1)[0] if table.schema.names else ("", 1)
        if times > 1:
            raise DataError(f'the frame: {times} columns are called "{shortened(column)}"')
        return table

    def columns(self) -> list[str]:
        """Column names, the index of a pandas frame left out."""
        return [name for name in self._table.schema.names if not name.startswith(PANDAS_INDEX)]

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The named columns, as they are chunked in memory."""
        return self.batches_from(columns, 0)

    def rows(self) -> int:
        """Number of records."""
        return int(self._table.num_rows)

    def batches_from(self, columns: Sequence[str], start: int) -> Iterator[pa.RecordBatch]:
        """As `batches`, without the first `start` records."""
        yield from self._table.select(list(columns)).slice(start).to_batches()

    def places(self, indices: Sequence[int]) -> list[str]:
        """1-based row numbers."""
        return [f"row {index + 1}" for index in indices]
