"""What a column of the records holds, counted chunk by chunk."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from labelkit.errors import named
from labelkit.reports.overview.content import Column

if TYPE_CHECKING:
    import pyarrow as pa

FEW = 100
"""Different values that are still counted one by one."""

LISTED = 4
"""Classes or splits that the page names."""

NAMED = frozenset({"gold", "split"})
"""Roles whose values may be named: what stands in fields and metadata stays in the records."""


@dataclass
class ColumnFigures:
    """Counts of one column so far."""

    name: str
    role: str
    kind: str = "nothing"
    rows: int = 0
    filled: int = 0
    low: float | None = None  # least value, or fewest characters
    high: float | None = None
    values: Counter[str] = field(default_factory=Counter)  # texts and truth values, while there are few
    many: bool = False  # whether there were more different values than are counted

    def add(self, column: pa.Array) -> None:
        """Count one more chunk."""
        import pyarrow as pa
        import pyarrow.compute as pc

        present = column.drop_null()
        self.rows += len(column)
        self.filled += len(present)
        if not len(present):
            return
        self.kind = kind_of(column.type)
        if self.kind in {"text", "true or false"} and not self.many and self.role != "id":
            counts = pc.value_counts(present.cast(pa.large_string()))
            self.values.update({pair["values"]: pair["counts"] for pair in counts[: FEW + 1].to_pylist()})
            self.many = len(self.values) > FEW or len(counts) > FEW
        measured = pc.utf8_length(present) if self.kind == "text" else present if self.kind in NUMBERS else None
        if measured is not None:
            ends = pc.min_max(measured).as_py()
            self.low = ends["min"] if self.low is None else min(self.low, ends["min"])
            self.high = ends["max"] if self.high is None else max(self.high, ends["max"])

    def column(self) -> Column:
        """The column in words."""
        return Column(self.name, self.role, self.kind, self.filled / max(self.rows, 1), self._said())

    def _said(self) -> str:
        if self.role == "id" or not self.filled:
            return "" if self.filled else "no value"
        if self.values and not self.many and len(self.values) < self.filled:
            most = [value for value, _ in self.values.most_common(LISTED)] if self.role in NAMED else []
            more = len(self.values) - len(most)
            return named(most) + (f" and {more:,} more" if more else "") if most else f"{more:,} different values"
        if self.low is None or self.high is None:
            return ""
        unit = " characters" if self.kind == "text" else ""
        return f"{self.low:,.6g} to {self.high:,.6g}{unit}"


NUMBERS = frozenset({"whole numbers", "numbers"})


def kind_of(kind: pa.DataType) -> str:
    """A type in words.

    >>> import pyarrow as pa
    >>> kind_of(pa.large_string()), kind_of(pa.int64()), kind_of(pa.date32())
    ('text', 'whole numbers', 'date32[day]')
    """
    import pyarrow.types as is_a

    if is_a.is_string(kind) or is_a.is_large_string(kind):
        return "text"
    if is_a.is_integer(kind):
        return "whole numbers"
    if is_a.is_floating(kind):
        return "numbers"
    return "true or false" if is_a.is_boolean(kind) else str(kind)
