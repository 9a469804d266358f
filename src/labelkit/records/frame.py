"""Records in memory: anything with Arrow's stream interface (pandas, polars, pyarrow, DuckDB relations)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from labelkit.errors import DataError, visible

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
            said = visible((str(error).splitlines() or [""])[0])
            raise DataError(f"the frame cannot be read as Arrow: {said}") from error
        names = table.schema.names
        for column in names:
            if names.count(column) > 1:
                raise DataError(f'the frame: two columns are called "{visible(column)}"')
        return table

    def columns(self) -> list[str]:
        """Column names, the index of a pandas frame left out."""
        return [name for name in self._table.schema.names if not name.startswith("__index_level_")]

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The named columns, as they are chunked in memory."""
        yield from self._table.select(list(columns)).to_batches()

    def place(self, index: int) -> str:
        """1-based row number."""
        return f"row {index + 1}"
