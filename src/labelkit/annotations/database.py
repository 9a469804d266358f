"""What the store asks of a database: transactions in which one writes at a time."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

import sqlalchemy as sa

from labelkit.annotations.postgres import PostgresDatabase
from labelkit.annotations.presence import Place
from labelkit.annotations.sqlite import SqliteDatabase


class Database(Protocol):
    """A database with the tables of `migrations`, durable once a transaction has ended."""

    @property
    def name(self) -> str:
        """What messages call it; without a password."""

    def examine(self) -> int:
        """The schema that is there, 0 where there is none; nothing is written.

        Raises ArtifactError for a database that is damaged, is something else or comes from a newer labelkit.
        """

    def identity(self) -> object:
        """The same for two URLs of one database; None where there is none yet."""

    def prepare(self) -> None:
        """Make the tables, or bring them to the present schema."""

    def transaction(self, *, write: bool = False) -> AbstractContextManager[sa.Connection]:
        """One transaction, committed when the block ends well. Writers come one after the other.

        So an entry with a higher sequence is never visible before one with a lower one.
        """

    def place(self, session: str) -> Place | None:
        """Take the place of a session, held until its process ends; None where somebody holds it."""


def database_at(url: str) -> Database:
    """Find the database at a URL. Raises ConfigError for a URL it does not know."""
    if url.startswith("postgres"):
        return PostgresDatabase.at(url)
    return SqliteDatabase.at(url)


def without_password(url: str) -> str:
    """The URL as it may be written down.

    >>> without_password("postgresql://ana:s3cret@db.example:5432/labels?sslmode=require")
    'postgresql://ana@db.example:5432/labels?sslmode=require'
    """
    if not url.startswith("postgres"):
        return url
    parsed = sa.make_url(url)
    if not parsed.password:
        return url
    kept = sa.URL.create(
        parsed.drivername, parsed.username, None, parsed.host, parsed.port, parsed.database, parsed.query
    )
    return kept.render_as_string()
