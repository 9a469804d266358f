"""Records of a SQL query, through SQLAlchemy. The query runs again on each pass; order it to keep the order."""

from __future__ import annotations

import contextlib
import decimal
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from labelkit.errors import DataError, MachineError, visible

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 8_192


class SqlSource:
    """A SELECT statement on a database."""

    def __init__(self, query: str, url: str) -> None:
        import sqlalchemy

        self._query = sqlalchemy.text(query)
        try:
            self._engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
        except (sqlalchemy.exc.ArgumentError, ImportError) as error:
            # The URL may hold a password: it is not repeated.
            raise DataError("the database URL is not one that SQLAlchemy can open") from error

    @property
    def name(self) -> str:
        """The database's name, never the URL."""
        return f"query on {self._engine.dialect.name}"

    def columns(self) -> list[str]:
        """Columns of the result."""
        with self._result() as result:
            return list(result.keys())

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The named columns, 8,192 rows at a time; each column has the type of its first values."""
        import pyarrow as pa

        schema = self._schema(columns)
        with self._result() as result:
            places = [list(result.keys()).index(column) for column in columns]
            for rows in result.partitions(BATCH_ROWS):
                arrays = []
                for i, place in enumerate(places):
                    values = [_plain(row[place]) for row in rows]
                    arrays.append(self._array(values, schema.field(i).type, columns[i]))
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def place(self, index: int) -> str:
        """1-based row of the result."""
        return f"row {index + 1}"

    def _array(self, values: list[Any], kind: pa.DataType, column: str) -> pa.Array:
        import pyarrow as pa

        try:
            return pa.array(values, kind)
        except (pa.ArrowException, OverflowError, TypeError) as error:
            raise DataError(f'{self.name}: column "{visible(column)}" holds values of several types') from error

    def _schema(self, columns: Sequence[str]) -> pa.Schema:
        """One type per column, found over the whole result."""
        import pyarrow as pa

        kinds: dict[str, pa.DataType] = {}
        with self._result() as result:
            places = {column: list(result.keys()).index(column) for column in columns}
            for rows in result.partitions(BATCH_ROWS):
                for column, place in places.items():
                    found = pa.infer_type([_plain(row[place]) for row in rows])
                    known = kinds.get(column, pa.null())
                    if pa.types.is_null(known) or (pa.types.is_integer(known) and pa.types.is_floating(found)):
                        kinds[column] = found
                    elif not (pa.types.is_null(found) or found == known or pa.types.is_floating(known)):
                        raise DataError(f'{self.name}: column "{visible(column)}" holds values of several types')
        string = pa.string()
        return pa.schema([(c, string if pa.types.is_null(kinds.get(c, pa.null())) else kinds[c]) for c in columns])

    @contextlib.contextmanager
    def _result(self) -> Iterator[Any]:
        """Run the query, and close everything after it."""
        import sqlalchemy

        try:
            with self._engine.connect() as connection:
                yield connection.execution_options(stream_results=True).execute(self._query)
        except sqlalchemy.exc.OperationalError as error:
            raise MachineError(f"{self.name}: {visible(str(error.orig))}") from error
        except sqlalchemy.exc.SQLAlchemyError as error:
            raise DataError(f"{self.name}: {visible(str(getattr(error, 'orig', error)))}") from error


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, decimal.Decimal) else value
