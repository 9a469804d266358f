"""Whether a store is as labelkit made it: what is in it, and whether what keeps its answers is still in place.

A store comes back from a backup, from another server or out of somebody's hands; this says what arrived.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from labelkit.annotations.contents import APPENDED, Contents, contents
from labelkit.annotations.database import Database
from labelkit.annotations.leases import Leases
from labelkit.annotations.migrations import LATEST, check_whole
from labelkit.annotations.privileges import may
from labelkit.annotations.tables import ENTRIES
from labelkit.errors import UsageError


@dataclass(frozen=True)
class Soundness:
    """What a store holds, and what is wrong with it."""

    store: str
    tables: tuple[Contents, ...]
    people: int  # who ever answered
    present: tuple[str, ...]  # who is answering at this moment
    role: str | None  # of the connection; None for SQLite, which knows no roles
    rights: tuple[str, ...]  # of that role
    problems: tuple[str, ...]


def examine(database: Database) -> Soundness:
    """Look at a store; nothing is written. Raises UsageError where there is none, ArtifactError for a damaged one."""
    schema = database.examine()
    if schema == 0:
        raise UsageError(f"{database.name}: there is no store yet; the first answer makes it")
    with database.transaction() as connection:
        check_whole(connection)
        people = connection.execute(sa.select(sa.func.count(ENTRIES.c.annotator.distinct()))).scalar_one()
        problems = list(_problems(connection))
        role, rights = None, tuple[str, ...]()
        if connection.dialect.name == "postgresql":
            role = str(connection.exec_driver_sql("SELECT current_user").scalar_one())
            rights = may(connection, role)
    if schema < LATEST:
        problems.append(f"its schema is {schema}, this labelkit's {LATEST}; its owner brings it up by opening it")
    present = Leases(database).present() if schema == LATEST else []
    tables = tuple(contents(database, table) for table in APPENDED)
    return Soundness(database.name, tables, people, tuple(present), role, rights, tuple(problems))


def _problems(connection: sa.Connection) -> Iterator[str]:
    entry, undone = ENTRIES.alias("entry"), ENTRIES.alias("undone")
    lost = sa.select(sa.func.count()).where(
        entry.c.undoes.is_not(None), ~sa.exists().where(undone.c.operation == entry.c.undoes)
    )
    count = connection.execute(lost).scalar_one()
    if count:
        yield f"{count:,} answers were taken back that are not there: rows are missing"
    guards = _guards(connection)
    for table in APPENDED:
        if not sa.inspect(connection).has_table(table.name):
            continue
        if guards.get(table.name, 0) < (1 if connection.dialect.name == "postgresql" else 2):
            yield f"table {table.name} has lost the triggers that keep its rows from being changed"
        yield from _numbering(connection, table)


def _guards(connection: sa.Connection) -> dict[str, int]:
    """Table -> triggers of ours that are at work."""
    query = "SELECT tbl_name, count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%_no_%' GROUP BY 1"
    if connection.dialect.name == "postgresql":
        query = (
            "SELECT relname, count(*) FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
            "WHERE tgname = relname || '_only_append' AND tgenabled IN ('O', 'A') "
            "AND relnamespace = current_schema()::regnamespace GROUP BY 1"
        )
    return dict(tuple(row) for row in connection.execute(sa.text(query)))


def _numbering(connection: sa.Connection, table: sa.Table) -> Iterator[str]:
    """A sequence that stands below the rows would give the next answer a number that is taken."""
    last = connection.execute(sa.select(sa.func.max(table.c.sequence))).scalar() or 0
    given = sa.text("SELECT seq FROM sqlite_sequence WHERE name = :name")
    if connection.dialect.name == "postgresql":
        given = sa.text(
            "SELECT last_value FROM pg_sequences WHERE schemaname = current_schema() "
            "AND sequencename = :name || '_sequence_seq'"
        )
    reached = connection.execute(given, {"name": table.name}).scalar()
    if reached is None and connection.dialect.name == "postgresql":
        return  # never used, or this role may not look
    if (reached or 0) < last:
        yield f"table {table.name} numbers on from {reached:,}, below its last row, {last:,}"
