"""A fact: columns that labelkit adds to a table, computed together, and only when a suite reads one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labelkit.validation.frames import COMPUTED

if TYPE_CHECKING:
    import pyarrow as pa

    from labelkit.validation.facts.evidence import Evidence


@dataclass(frozen=True)
class Fact:
    """Columns with their type and meaning, and the function that computes all of them."""

    columns: Mapping[str, str]  # name -> type and meaning, as documentation prints it
    compute: Callable[[Evidence], Mapping[str, Any]]  # name -> Arrow or NumPy array, one value per row of the table
    needs_records: bool = True  # False: it follows from the labels alone


def with_columns(table: pa.Table, columns: Mapping[str, Any]) -> pa.Table:
    """The table with these columns at its end. A column of the same name that it brought along is not trusted."""
    import pyarrow as pa

    kept = [i for i, name in enumerate(table.schema.names) if name not in columns]
    widened = table.select(kept)
    for name, values in columns.items():
        array = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values)
        widened = widened.append_column(pa.field(name, array.type, metadata={COMPUTED: b"1"}), array)
    return widened
