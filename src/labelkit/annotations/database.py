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
