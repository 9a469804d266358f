"""What an expectation expected and what was found instead, as short text that is safe to print."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labelkit.errors import visible
from labelkit.validation.expectations import shown

if TYPE_CHECKING:
    import pyarrow as pa

_VALUE_LENGTH = 60
_LENGTH = 200


def found(result: Mapping[str, Any], scope: int) -> str:
    """The finding in a GX result. `scope` is how many values were judged."""
    if "element_count" in result:
        return f"{int(result.get('unexpected_count') or 0):,} of {scope:,} values not as expected"
    mismatched = (result.get("details") or {}).get("mismatched")
    named = {
        "": result.get("observed_value"),
        "differs in ": mismatched or None,
        "unexpected ": result.get("partial_unexpected_list") or None,
        "missing ": result.get("partial_missing_list") or None,
    }
    return "; ".join(word + shown(_plain(value), _LENGTH) for word, value in named.items() if value is not None)


def _plain(value: Any) -> Any:
    """The value with Python's numbers instead of those of numpy."""
    return json.loads(json.dumps(value, default=lambda item: item.item() if hasattr(item, "item") else str(item)))


def expected(expectation: Any) -> str:
    """The keywords of an expectation that say what it expects."""
    kwargs = expectation.configuration.to_json_dict()["kwargs"]
    aside = ("column", "column_A", "column_B", "row_condition")
    said = ", ".join(f"{key} {shown(value)}" for key, value in kwargs.items() if key not in aside)
    condition = getattr(expectation, "row_condition", None)
    return said + ("" if condition is None else visible(f" where {condition!r}"))


def values_of(table: pa.Table, columns: Sequence[str], rows: pa.Array) -> tuple[str, ...]:
    """The values of rows (int64 row indices) in the judged columns, shortened."""
    read = [table.column(name).take(rows).to_pylist() for name in columns]
    return tuple(", ".join(shown(value, _VALUE_LENGTH) for value in row) for row in zip(*read, strict=True))
