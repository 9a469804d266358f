"""Arrow tables as the pandas frames that GX judges: a null stays a null, a whole number stays exact.

By default pandas turns a column of whole numbers with a null in it into floats; 2**53 + 1 would then equal 2**53.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from labelkit.errors import DataError, named, visible

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ROW_KEY = b"labelkit.row"
"""Key in a table's schema metadata: the column by which its rows are named."""

COMPUTED = b"labelkit.computed"
"""Key in the metadata of a column that labelkit added: it is no column of the file that is judged."""


def named_by(table: pa.Table, column: str) -> pa.Table:
    """The table, saying which column names its rows."""
    return table.replace_schema_metadata({**(table.schema.metadata or {}), ROW_KEY: column.encode()})


def naming_column(schema: pa.Schema) -> str:
    """The column that names the rows."""
    return ((schema.metadata or {}).get(ROW_KEY) or b"id").decode("utf-8", "replace")


def row_names(table: pa.Table, rows: pa.Array, numbers: pa.Array | None = None) -> tuple[str, ...]:
    """Name rows (int64 row indices) by their id; where there is none, by row number, from 1.

    `numbers` are their row indices where the table holds but a part of the rows.
    """
    column = naming_column(table.schema)
    known = table.schema.names.count(column) == 1
    ids = table.column(column).take(rows).to_pylist() if known else [None] * len(rows)
    return tuple(
        f"(row {row + 1:,})" if name is None else visible(str(name))
        for row, name in zip((rows if numbers is None else numbers).to_pylist(), ids, strict=True)
    )


def unmarked(table: pa.Table) -> pa.Table:
    """The table with all its columns as its own, whatever a file says of them."""
    import pyarrow as pa

    marked = any(COMPUTED in (field.metadata or {}) for field in table.schema)
    fields = [field.remove_metadata() for field in table.schema] if marked else []
    return table.cast(pa.schema(fields, table.schema.metadata)) if marked else table


def own_columns(schema: pa.Schema) -> list[str]:
    """Names of the columns that the judged file itself has."""
    return [field.name for field in schema if COMPUTED not in (field.metadata or {})]


def to_frame(table: pa.Table, columns: Collection[str] | None = None) -> pd.DataFrame:
    """A pandas frame of the same rows, index 0..n-1, of some columns or all.

    Raises DataError for a table that pandas cannot hold.
    """
    import pandas as pd
    import pyarrow as pa

    names = table.schema.names
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"the table has more than one column {named(twice)}")
    if columns is not None:
        table = table.select([name for name in names if name in columns])
        names = table.schema.names
    try:
        series = {name: _series(column) for name, column in zip(names, table.columns, strict=True)}
        return pd.DataFrame(series, index=pd.RangeIndex(table.num_rows))
    except (pa.ArrowException, ValueError, OverflowError) as error:
        raise DataError(f"the table does not fit into pandas: {visible(str(error))[:200]}") from error


def _series(column: pa.ChunkedArray) -> Any:
    import pandas as pd
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        return _series(column.cast(kind.value_type))
    if column.null_count and pa.types.is_integer(kind):
        exact: Any = pd.UInt64Dtype() if pa.types.is_uint64(kind) else pd.Int64Dtype()
        wide = column.cast(pa.uint64() if pa.types.is_uint64(kind) else pa.int64())
        return wide.to_pandas(types_mapper=lambda _: exact)
    if column.null_count and pa.types.is_boolean(kind):
        return column.to_pandas(types_mapper=lambda _: pd.BooleanDtype())
    return column.to_pandas()
