"""How the annotation database came to its present shape: numbered steps, each applied once, in one transaction.

A step is history and is never edited: it draws its tables itself instead of asking `store` for today's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    inspect,
    select,
)

from labelkit.errors import ArtifactError
from labelkit.files import timestamp


@dataclass(frozen=True)
class Migration:
    """One step."""

    number: int
    what: str
    apply: Callable[[Connection], None]


_journal = Table(
    "labelkit_migration",
    MetaData(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("what", Text, nullable=False),
    Column("applied", Text, nullable=False),
)


def _annotations(connection: Connection) -> None:
    table = Table(
        "annotation",
        MetaData(),
        Column("sequence", Integer, primary_key=True, autoincrement=True),
        Column("operation", Text, nullable=False, unique=True),
        Column("kind", Text, nullable=False),
        Column("record", Text, nullable=False),
        Column("label", Text),
        Column("annotator", Text, nullable=False),
        Column("strategy", Text, nullable=False),
        Column("time", Text, nullable=False),
        Column("undoes", Text, unique=True),
        CheckConstraint("kind IN ('label', 'skip', 'undo')", name="annotation_kind"),
        CheckConstraint("(kind = 'label') = (label IS NOT NULL)", name="annotation_label"),
        CheckConstraint("(kind = 'undo') = (undoes IS NOT NULL)", name="annotation_undoes"),
        sqlite_autoincrement=True,
    )
    Index("annotation_by_annotator", table.c.annotator, table.c.sequence)
    table.create(connection)
    if connection.dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER annotation_no_{verb.lower()} BEFORE {verb} ON annotation "
                "BEGIN SELECT RAISE(ABORT, 'annotations are only ever appended'); END"
            )


def _several_people(connection: Connection) -> None:
    connection.exec_driver_sql(
        "ALTER TABLE annotation ADD COLUMN role TEXT NOT NULL DEFAULT 'person' "
        "CHECK (role IN ('person', 'adjudicator'))"
    )
    by_record = "USING hash (record)" if connection.dialect.name == "postgresql" else "(record)"  # ids may be long
    connection.exec_driver_sql(f"CREATE INDEX annotation_by_record ON annotation {by_record}")
    Table(
        "lease",
        MetaData(),
        Column("record_key", Text, primary_key=True),
        Column("annotator", Text, primary_key=True),
        Column("role", Text, primary_key=True),
        Column("record", Text, nullable=False),
        Column("expires", Float(53), nullable=False),
    ).create(connection)
    Table(
        "remark",
        MetaData(),
        Column("sequence", Integer, primary_key=True, autoincrement=True),
        Column("operation", Text, nullable=False, unique=True),
        Column("kind", Text, nullable=False),
        Column("record", Text, nullable=False),
        Column("text", Text, nullable=False),
        Column("annotator", Text, nullable=False),
        Column("time", Text, nullable=False),
        CheckConstraint("kind IN ('flag', 'unflag', 'note')", name="remark_kind"),
        sqlite_autoincrement=True,
    ).create(connection)
    if connection.dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            connection.exec_driver_sql(
                f"CREATE TRIGGER remark_no_{verb.lower()} BEFORE {verb} ON remark "
                "BEGIN SELECT RAISE(ABORT, 'remarks are only ever appended'); END"
            )
    else:
        _only_ever_appended(connection)


def _only_ever_appended(connection: Connection) -> None:
    """PostgreSQL's triggers, for both tables: the first step knew SQLite alone."""
    connection.exec_driver_sql(
        "CREATE FUNCTION labelkit_only_append() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || 's are only ever appended'; END $$"
    )
    for table in ("annotation", "remark"):
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table}_only_append BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION labelkit_only_append()"
        )


def _sessions(connection: Connection) -> None:
    connection.exec_driver_sql("ALTER TABLE lease ADD COLUMN session TEXT NOT NULL DEFAULT ''")


MIGRATIONS = (
    Migration(1, "annotations, append-only", _annotations),
    Migration(2, "leases, adjudicators, flags and notes", _several_people),
    Migration(3, "leases say which session holds them", _sessions),
)

LATEST = MIGRATIONS[-1].number

_RECEIVING = 0
"""The row of the journal that says: answers are being copied into this database, and some are still missing. An earlier
labelkit takes it for a gap and refuses, as it should."""


def version(connection: Connection) -> int:
    """The last step that the database went through; 0 for an empty one.

    Raises ArtifactError when its tables are not labelkit's or a newer labelkit wrote it.
    """
    tables = inspect(connection).get_table_names()
    if _journal.name not in tables:
        if tables:
            raise ArtifactError("holds other tables than labelkit's; name another database under [store] url")
        return 0
    numbers = sorted(connection.execute(select(_journal.c.number).where(_journal.c.number != _RECEIVING)).scalars())
    if numbers and numbers[-1] > LATEST:
        raise ArtifactError(
            f"written by a newer labelkit (schema {numbers[-1]}, this one knows {LATEST}); upgrade labelkit"
        )
    if numbers != list(range(1, len(numbers) + 1)):
        raise ArtifactError("its record of migrations has gaps; restore the file from a copy")
    return len(numbers)


def migrate(connection: Connection) -> None:
    """Apply the steps that are missing. The caller holds a writing transaction, so all of them happen or none."""
    reached = version(connection)
    if reached == 0:
        _journal.create(connection, checkfirst=True)
    for migration in MIGRATIONS[reached:]:
        migration.apply(connection)
        row = {"number": migration.number, "what": migration.what, "applied": timestamp()}
        connection.execute(_journal.insert(), row)


def receives(connection: Connection) -> bool:
    """Whether a copy into this database was begun and has not ended."""
    return connection.execute(select(_journal.c.number).where(_journal.c.number == _RECEIVING)).first() is not None


def check_whole(connection: Connection) -> None:
    """Refuse a database that holds a part of what is being copied into it. Raises ArtifactError."""
    if receives(connection):
        raise ArtifactError(
            "answers are being copied here and some are missing; "
            "run the same `labelkit store migrate` again until it says that it is done"
        )


def begin_receiving(connection: Connection, source: str) -> None:
    """Mark the database as one that holds a part only; `source` is for people."""
    row = {"number": _RECEIVING, "what": f"answers of {source} are being copied", "applied": timestamp()}
    connection.execute(_journal.insert(), row)


def end_receiving(connection: Connection) -> None:
    """The copy is whole."""
    connection.execute(_journal.delete().where(_journal.c.number == _RECEIVING))
