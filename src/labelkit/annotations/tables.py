"""The tables of the store as they are today, and the database's own clock. `migrations` makes them."""

from __future__ import annotations

import hashlib
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

_metadata = sa.MetaData()

ENTRIES = sa.Table(
    "annotation",
    _metadata,
    sa.Column("sequence", sa.Integer, primary_key=True),
    sa.Column("operation", sa.Text),
    sa.Column("kind", sa.Text),
    sa.Column("record", sa.Text),
    sa.Column("label", sa.Text),
    sa.Column("annotator", sa.Text),
    sa.Column("strategy", sa.Text),
    sa.Column("time", sa.Text),
    sa.Column("undoes", sa.Text),
    sa.Column("role", sa.Text),
)
"""Answers: only ever appended."""

REMARKS = sa.Table(
    "remark",
    _metadata,
    sa.Column("sequence", sa.Integer, primary_key=True),
    sa.Column("operation", sa.Text),
    sa.Column("kind", sa.Text),
    sa.Column("record", sa.Text),
    sa.Column("text", sa.Text),
    sa.Column("annotator", sa.Text),
    sa.Column("time", sa.Text),
)
"""Flags and notes: only ever appended."""

LEASES = sa.Table(
    "lease",
    _metadata,
    sa.Column("record_key", sa.Text, primary_key=True),
    sa.Column("annotator", sa.Text, primary_key=True),
    sa.Column("role", sa.Text, primary_key=True),
    sa.Column("record", sa.Text),
    sa.Column("expires", sa.Float),
    sa.Column("session", sa.Text),  # that holds it; empty where none is known
)
"""Who is looking at which record until when: a working state, no history."""


def record_key(record: str) -> str:
    """A key of 64 characters in place of an id of any length: PostgreSQL's indexes take no long texts."""
    return hashlib.sha256(record.encode()).hexdigest()


class database_clock(FunctionElement[float]):  # noqa: N801  it is used as a function of SQL
    """Seconds since 1970 by the clock of the database, so that everybody's leases run on one clock."""

    type = sa.Float()
    inherit_cache = True


@compiles(database_clock, "sqlite")
def _sqlite_clock(_element: Any, _compiler: Any, **_: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(database_clock, "postgresql")
def _postgres_clock(_element: Any, _compiler: Any, **_: Any) -> str:
    return "extract(epoch FROM clock_timestamp())::double precision"
