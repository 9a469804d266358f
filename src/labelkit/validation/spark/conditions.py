"""Row conditions as Spark columns that match the rows that pandas would match.

Spark would read the text "1" as a number, and say neither yes nor no where there is a null; to pandas a text never
equals a number, and a null equals nothing, itself included.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

from labelkit.errors import DataError
from labelkit.validation.expectations import shown

_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def matches(condition: Any, kinds: Mapping[str, str]) -> Any:
    """A boolean Spark column, never null: the rows that a GX condition is about. `kinds` is `kinds_of` the frame."""
    from pyspark.sql import functions as F

    parts = getattr(condition, "conditions", None)
    if parts is not None:
        join = operator.and_ if condition.type == "and" else operator.or_
        return reduce(join, [matches(part, kinds) for part in parts])
    column = F.col(quoted(condition.column.name))
    if condition.type == "nullity":
        return column.isNull() if condition.is_null else column.isNotNull()
    return _compared(
        column,
        kinds[condition.column.name],
        getattr(condition.operator, "value", condition.operator),
        condition.parameter,
    )


def _compared(column: Any, kind: str, sign: str, parameter: Any) -> Any:
    from pyspark.sql import functions as F

    if sign in ("IN", "NOT_IN"):
        among = F.coalesce(column.isin(_comparable(parameter, kind)), F.lit(False))
        return among if sign == "IN" else ~among
    if not _comparable([parameter], kind):
        if sign in ("==", "!="):
            return F.lit(sign == "!=")
        raise DataError(f"row_condition: a column of {kind} is neither above nor below {shown(parameter)}")
    return F.coalesce(_COMPARE[sign](column, F.lit(parameter)), F.lit(sign == "!="))


def _comparable(values: Sequence[Any], kind: str) -> list[Any]:
    return [value for value in values if kind_of(value) == kind]


def kind_of(value: Any) -> str:
    """Text, number or something else, as `kinds_of` tells columns."""
    if isinstance(value, str):
        return "text"
    return "number" if isinstance(value, (int, float)) else "other"


def kinds_of(frame: Any) -> dict[str, str]:
    """Column name -> text, number (truth values among them) or other."""
    from pyspark.sql import types as T

    numbers = (T.NumericType, T.BooleanType)
    return {
        field.name: "text"
        if isinstance(field.dataType, T.StringType)
        else "number"
        if isinstance(field.dataType, numbers)
        else "other"
        for field in frame.schema.fields
    }


def quoted(name: str) -> str:
    """A column's name as Spark reads it, whatever is in it."""
    return "`" + name.replace("`", "``") + "`"
