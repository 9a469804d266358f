"""What is in a store, row by row: read in pages, and hashed so that two stores can be compared.

A page is a transaction of its own, so that whoever answers meanwhile is not kept waiting. Rows are only ever appended,
and none becomes visible before one with a lower sequence: what has been read stays true.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from labelkit.annotations.annotation import PERSON
from labelkit.annotations.database import Database
from labelkit.annotations.tables import ENTRIES, REMARKS

PAGE = 5_000  # rows

APPENDED = (ENTRIES, REMARKS)
"""The tables that hold what people said. Leases are a working state, and belong to the database they are in."""

Row = tuple[Any, ...]
"""Values in the order of the table's columns; the first is the sequence."""

_BEFORE_IT_WAS_A_COLUMN = {"role": PERSON}


@dataclass(frozen=True)
class Contents:
    """One table of a store."""

    table: str
    rows: int
    last: int  # sequence of the last row; 0 where there is none
    sha256: str  # of every row, in order: equal in two stores that hold the same


def contents(database: Database, table: sa.Table, *, until: int | None = None) -> Contents:
    """Count and hash the rows of a table, those up to the sequence `until` where it is given."""
    digest, count, last = hashlib.sha256(), 0, 0
    for page in pages(database, table, until=until):
        for row in page:
            digest.update(json.dumps(row, separators=(",", ":")).encode() + b"\n")
        count, last = count + len(page), page[-1][0]
    return Contents(table.name, count, last, digest.hexdigest())


def pages(database: Database, table: sa.Table, *, after: int = 0, until: int | None = None) -> Iterator[list[Row]]:
    """Rows above the sequence `after`, in order; also those of a database that an earlier labelkit wrote."""
    with database.transaction() as connection:
        query = _query(connection, table)
    while query is not None:
        page = query.where(table.c.sequence > after).order_by(table.c.sequence).limit(PAGE)
        with database.transaction() as connection:
            rows = [tuple(row) for row in connection.execute(page if until is None else _until(page, table, until))]
        if not rows:
            return
        yield rows
        after = rows[-1][0]


def _until(query: sa.Select[Any], table: sa.Table, until: int) -> sa.Select[Any]:
    return query.where(table.c.sequence <= until)


def _query(connection: sa.Connection, table: sa.Table) -> sa.Select[Any] | None:
    """A query for today's columns, whichever of them the database has; None where there is no such table."""
    inspector = sa.inspect(connection)
    if not inspector.has_table(table.name):
        return None
    found = {column["name"] for column in inspector.get_columns(table.name)}
    return sa.select(
        *(
            column if column.name in found else sa.literal(_BEFORE_IT_WAS_A_COLUMN[column.name]).label(column.name)
            for column in table.c
        )
    )
