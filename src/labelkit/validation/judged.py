"""What the gate asks of a table, wherever its rows are, and the table that is in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from labelkit.errors import SHOWN_PROBLEMS
from labelkit.validation import gx
from labelkit.validation.findings import values_of
from labelkit.validation.frames import own_columns, row_names, to_frame
from labelkit.validation.reading import ON_COLUMNS, columns_read

if TYPE_CHECKING:
    import pyarrow as pa


class Judged(Protocol):
    """A table of which expectations can be asked."""

    @property
    def schema(self) -> pa.Schema:
        """Its columns; those that labelkit computed say so, see `frames.COMPUTED`."""

    @property
    def num_rows(self) -> int:
        """How many rows it has."""

    def refusal(self, expectation: Any) -> str | None:
        """Why an expectation cannot be evaluated where this table is, seen without running it."""

    def answers(self, asked: Mapping[str, Any], guards: Mapping[str, Any]) -> tuple[gx.Results, Mapping[str, int]]:
        """What GX says of expectations and of their guards, by key, and how many values each column has."""

    def failing(self, result: Mapping[str, Any], columns: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The rows that a result of `answers` says fail, by name, and the judged values of the first of them."""


class ArrowTable:
    """A table in memory, judged on pandas."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    @property
    def schema(self) -> pa.Schema:
        """Its columns."""
        return self._table.schema

    @property
    def num_rows(self) -> int:
        """How many rows it has."""
        return int(self._table.num_rows)

    def refusal(self, _expectation: Any) -> str | None:
        """Nothing is refused here."""
        return None

    def answers(self, asked: Mapping[str, Any], guards: Mapping[str, Any]) -> tuple[gx.Results, Mapping[str, int]]:
        """What GX says. It is given the columns that are read and no others; raises DataError for an unfit table.

        Which columns there are is asked of the file's own ones, without rows, for GX counts whatever it is given.
        """
        on_values, on_columns = told_apart(asked)
        frame = to_frame(self._table, columns_read(on_values.values()))
        answers = gx.evaluate(frame, {**on_values, **guards}) if on_values else {}
        answers |= columns_judged(self._table, on_columns)
        return answers, {name: int(frame[name].count()) for name in frame.columns}

    def failing(self, result: Mapping[str, Any], columns: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The rows that fail, by name, and the judged values of the first of them."""
        import pyarrow as pa

        rows = pa.array(result.get("unexpected_index_list") or [], pa.int64())
        return row_names(self._table, rows), values_of(self._table, columns, rows[:SHOWN_PROBLEMS])


def told_apart(asked: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The expectations that judge values, and those that judge which columns there are."""
    on_columns = {key: e for key, e in asked.items() if e.expectation_type in ON_COLUMNS}
    return {key: e for key, e in asked.items() if key not in on_columns}, on_columns


def columns_judged(table: pa.Table, on_columns: Mapping[str, Any]) -> gx.Results:
    """What GX says of which columns there are, without a row."""
    if not on_columns:
        return {}
    return gx.evaluate(to_frame(table.slice(0, 0).select(own_columns(table.schema))), on_columns)
