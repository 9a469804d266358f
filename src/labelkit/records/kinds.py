"""The type of a column whose values come one by one, as JSON lines and databases give them: one type, or a refusal.

It is found over all values before any is used, so that nothing depends on which come first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labelkit.errors import DataError, shortened

if TYPE_CHECKING:
    import pyarrow as pa

WHOLE, NUMBER, TEXT, TEXTS, NOTHING = "a whole number", "a number", "text", "a list of texts", "nothing"

KINDS: Mapping[type, str] = {
    str: TEXT,
    bool: "true or false",
    int: WHOLE,
    float: NUMBER,
    bytes: "bytes",
    dt.date: "a date",
    dt.time: "a time of day",
    type(None): NOTHING,
    list: "a list",
    dict: "an object",
}


class ColumnKinds:
    """Kinds of the columns of one source, gathered value by value, and why a column has none."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._kinds: dict[str, str] = {}
        self._refused: dict[str, str] = {}  # column -> the first value that does not fit, and why
        self._rounded: dict[str, str] = {}  # column -> the first whole number that a float64 does not hold

    @property
    def columns(self) -> list[str]:
        """Column names, in order of first appearance."""
        return list(self._kinds)

    def add(self, column: str, value: Any, row: int) -> None:
        """See one value, which stands in row `row` as people count."""
        kind = kind_of(value)
        known = self._kinds.setdefault(column, kind)
        if kind == WHOLE and not -(2**53) <= value <= 2**53:
            self._check_size(column, value, row)
        if kind in (known, NOTHING):
            return
        if known == NOTHING:
            self._kinds[column] = kind
        elif {kind, known} == {WHOLE, NUMBER}:
            self._kinds[column] = NUMBER
        else:
            self._refuse(column, row, f"{kind}, but {known} in the rows before; a column holds values of one type")

    def _check_size(self, column: str, value: int, row: int) -> None:
        if not -(2**63) <= value < 2**63:
            self._refuse(column, row, f"{shortened(str(value), 40)} does not fit 64 bits; write it as text")
        elif int(float(value)) != value:
            self._rounded.setdefault(column, f'row {row}, column "{shortened(column)}": {value}')

    def _refuse(self, column: str, row: int, why: str) -> None:
        self._refused.setdefault(column, f'row {row}, column "{shortened(column)}": {why}')

    def types(self, columns: Sequence[str]) -> list[pa.DataType]:
        """Arrow types of some columns. Raises DataError, naming the row at fault, for one that has no plain type."""
        return [self._type(column) for column in columns]

    def _type(self, column: str) -> pa.DataType:
        kind = self._kinds[column]
        if column in self._refused:
            raise DataError(f"{self._source}: {self._refused[column]}")
        if kind == NUMBER and column in self._rounded:
            raise DataError(
                f"{self._source}: {self._rounded[column]} would be rounded, as other rows hold numbers with a point; "
                "write it as text"
            )
        types = arrow_types()
        if kind not in types:
            raise DataError(f'{self._source}: column "{shortened(column)}" holds {kind}; fields are plain values')
        return types[kind]


def kind_of(value: Any) -> str:
    """What a value is, in words."""
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return TEXTS
    if isinstance(value, dt.datetime):
        return "a time" if value.tzinfo is None else "a time with zone"
    return KINDS.get(type(value)) or f"a {type(value).__name__}"


def arrow_types() -> Mapping[str, pa.DataType]:
    """Arrow type of each kind that a field may be of."""
    import pyarrow as pa

    return {
        NOTHING: pa.large_string(),
        TEXT: pa.large_string(),
        TEXTS: pa.large_list(pa.large_string()),
        "true or false": pa.bool_(),
        WHOLE: pa.int64(),
        NUMBER: pa.float64(),
        "bytes": pa.large_binary(),
        "a date": pa.date32(),
        "a time": pa.timestamp("us"),
        "a time with zone": pa.timestamp("us", "UTC"),
        "a time of day": pa.time64("us"),
    }


def column_of(values: Iterable[Any], kind: pa.DataType, source: str) -> pa.Array:
    """Values as an Arrow column. Raises DataError when they are no longer what they were when their kind was found."""
    import pyarrow as pa

    whole = pa.types.is_floating(kind)
    try:
        return pa.array([float(v) if whole and v is not None else v for v in values], kind)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{source}: changed while it was read; try again") from error
