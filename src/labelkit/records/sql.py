"""Records of a SQL query, through SQLAlchemy. The query runs again on each pass; order it to keep the order."""

from __future__ import annotations

import contextlib
import datetime as dt
import decimal
import sqlite3
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit.errors import DataError, MachineError, shortened, visible
from labelkit.records.kinds import ColumnKinds, column_of

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 8_192


class SqlSource:
    """A SELECT statement on a database."""

    def __init__(self, query: str, url: str) -> None:
        import sqlalchemy as sa

        self._query = query
        try:
            self._url = sa.make_url(url)
            self._engine = sa.create_engine(self._url, poolclass=sa.NullPool)
        except ImportError as error:
            raise DataError(f"the database's driver is not installed: no module {visible(str(error.name))}") from None
        except (sa.exc.ArgumentError, ValueError):
            # The URL may hold a password: neither it nor an error that quotes it is repeated.
            raise DataError("the database URL is not one that SQLAlchemy can open; sqlite:///file.db is one") from None

    @property
    def name(self) -> str:
        """The kind of database, never the URL."""
        return f"query on {self._engine.dialect.name}"

    def columns(self) -> list[str]:
        """Columns of the result."""
        with self._result() as result:
            return self._columns(result)

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The named columns, 8,192 rows at a time."""
        import pyarrow as pa

        types = self._kinds().types(columns)
        with self._result() as result:
            present = self._columns(result)
            places = [present.index(column) for column in columns]
            for rows in result.partitions(BATCH_ROWS):
                arrays = [
                    column_of([_plain(row[place]) for row in rows], kind, self.name)
                    for place, kind in zip(places, types, strict=True)
                ]
                yield pa.RecordBatch.from_arrays(arrays, names=list(columns))

    def places(self, indices: Sequence[int]) -> list[str]:
        """1-based rows of the result."""
        return [f"row {index + 1}" for index in indices]

    def _kinds(self) -> ColumnKinds:
        """One kind per column, found over the whole result."""
        kinds = ColumnKinds(self.name)
        with self._result() as result:
            columns = self._columns(result)
            for column in columns:
                kinds.add(column, None, 0)
            for number, row in enumerate(result.yield_per(BATCH_ROWS), start=1):
                for column, value in zip(columns, row, strict=True):
                    kinds.add(column, _plain(value), number)
        return kinds

    def _columns(self, result: Any) -> list[str]:
        if not result.returns_rows:
            raise DataError(f"{self.name}: the query gives no rows; it must be a SELECT")
        names = list(result.keys())
        column, times = Counter(names).most_common(1)[0]
        if times > 1:
            raise DataError(f'{self.name}: {times} columns are called "{shortened(column)}"; rename them with AS')
        return names

    @contextlib.contextmanager
    def _result(self) -> Iterator[Any]:
        """Run the query, exactly as it is written, and close everything after it."""
        import sqlalchemy as sa

        self._check_file()
        try:
            connection = self._engine.connect()
            try:
                as_written = connection.execution_options(stream_results=True, no_parameters=True)
                yield as_written.exec_driver_sql(self._query)
            finally:
                with contextlib.suppress(sa.exc.SQLAlchemyError):  # nothing was written: closing cannot lose anything
                    connection.close()
        except sa.exc.SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            kind = MachineError if isinstance(error, sa.exc.OperationalError) and not _is_query(cause) else DataError
            raise kind(f"{self.name}: {self._without_password(str(cause))}") from None

    def _check_file(self) -> None:
        """SQLite makes an empty database of a file that is not there; reading must not."""
        path = self._url.database
        is_file = self._url.get_backend_name() == "sqlite" and path and not path.startswith(("file:", ":memory:"))
        if is_file and not Path(str(path)).exists():
            raise DataError(f"{visible(str(path))}: no such database")

    def _without_password(self, said: str) -> str:
        password = self._url.password
        first_line = (said.splitlines() or [""])[0]
        return shortened(first_line.replace(str(password), "***") if password else first_line, 200)


def _is_query(cause: BaseException) -> bool:
    """Whether SQLite means the query or the data: it gives many errors one class."""
    code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return isinstance(cause, sqlite3.Error) and code == sqlite3.SQLITE_ERROR


def _plain(value: Any) -> Any:
    """A driver's own value as other formats have it. Decimals with a point become floats, durations seconds."""
    if isinstance(value, decimal.Decimal):
        exponent = value.as_tuple().exponent
        return int(value) if isinstance(exponent, int) and exponent >= 0 else float(value)
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, memoryview | bytearray):
        return bytes(value)
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    return value
