"""Who may do what in a PostgreSQL store: statements that give each role what it needs, and what a role may do.

An annotator reads, appends answers and remarks, and keeps leases; a reader reads. Neither can change or delete an
answer, give one a place in the order, or touch the schema: these belong to the owner, as whom nobody annotates.
Triggers keep even the owner from changing an answer by mistake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from labelkit.annotations.contents import APPENDED
from labelkit.annotations.tables import LEASES
from labelkit.errors import UsageError, named, visible

READ, ANSWER, CHANGE, SCHEMA = "read", "answer", "change answers", "change the schema"

_OF_ANNOTATORS, _OF_READERS = (READ, ANSWER), (READ,)
_JOURNAL = "labelkit_migration"
_TABLES = (*(table.name for table in APPENDED), LEASES.name, _JOURNAL)
_SEQUENCES = tuple(f"{table.name}_sequence_seq" for table in APPENDED)


@dataclass(frozen=True)
class Roles:
    """Roles of the server, which must be there already."""

    owner: str | None  # None: the tables stay with whom they belong to
    annotators: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        everybody = [*([self.owner] if self.owner else []), *self.annotators, *self.readers]
        if not everybody:
            raise UsageError("name a role: --owner, --annotator or --reader")
        twice = sorted({role for role in everybody if everybody.count(role) > 1})
        if twice:
            raise UsageError(f"role {named(twice)} is named twice; each has one part")


def grants(connection: sa.Connection, roles: Roles) -> list[str]:
    """SQL that gives the roles what they need in the schema of this connection, and takes back what else they had."""
    database, schema = connection.exec_driver_sql("SELECT current_database(), current_schema()").one()
    database, schema = _quoted([database]), _quoted([schema])
    tables = _quoted(_TABLES)
    lines = []
    if roles.owner is not None:
        lines += _to_owner(_quoted([roles.owner]), schema)
    lines += [f"REVOKE ALL ON SCHEMA {schema} FROM PUBLIC", f"REVOKE ALL ON TABLE {tables} FROM PUBLIC"]
    people = [*roles.annotators, *roles.readers]
    if people:
        who, sequences = _quoted(people), _quoted(_SEQUENCES)
        lines += [
            f"REVOKE ALL ON SCHEMA {schema} FROM {who}",
            f"REVOKE ALL ON TABLE {tables} FROM {who}",
            f"REVOKE ALL ON SEQUENCE {sequences} FROM {who}",
            f"GRANT CONNECT ON DATABASE {database} TO {who}",
            f"GRANT USAGE ON SCHEMA {schema} TO {who}",
            f"GRANT SELECT ON TABLE {tables} TO {who}",
        ]
    if roles.readers:
        lines.append(f"GRANT SELECT ON SEQUENCE {_quoted(_SEQUENCES)} TO {_quoted(roles.readers)}")
    return lines + (_to_annotators(_quoted(roles.annotators)) if roles.annotators else [])


def _to_owner(owner: str, schema: str) -> list[str]:
    return [
        f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {owner}",
        *(f"ALTER TABLE {_quoted([table])} OWNER TO {owner}" for table in _TABLES),
        f"ALTER FUNCTION labelkit_only_append() OWNER TO {owner}",
    ]


def _to_annotators(who: str) -> list[str]:
    """They give an answer every column but its sequence: its place in the order is the database's to give."""
    return [
        *(
            f"GRANT INSERT ({_quoted([column.name for column in table.c if column.name != 'sequence'])}) "
            f"ON TABLE {_quoted([table.name])} TO {who}"
            for table in APPENDED
        ),
        f"GRANT USAGE ON SEQUENCE {_quoted(_SEQUENCES)} TO {who}",
        f"GRANT INSERT, UPDATE, DELETE ON TABLE {_quoted([LEASES.name])} TO {who}",
    ]


def set_up(connection: sa.Connection, roles: Roles) -> list[str]:
    """Execute `grants`, and see that each role may do now what it should and no more. Returns the statements."""
    statements = grants(connection, roles)
    for statement in statements:
        connection.exec_driver_sql(statement.replace("%", "%%"))
    parts = [(roles.annotators, _OF_ANNOTATORS), (roles.readers, _OF_READERS)]
    for role, wanted in ((role, wanted) for people, wanted in parts for role in people):
        found = may(connection, role)
        if found != wanted:
            raise UsageError(
                f'role "{visible(role)}" may {_said(found)} instead of {_said(wanted)}; it has rights by another way: '
                "a superuser, a member of the owner, or one whose grants come from somebody else; nothing was changed"
            )
    return statements


def _said(rights: Sequence[str]) -> str:
    return " and ".join(rights) or "do nothing"


def may(connection: sa.Connection, role: str) -> tuple[str, ...]:
    """What a role may do: some of READ, ANSWER, CHANGE and SCHEMA."""
    table, column = sa.func.has_table_privilege, sa.func.has_any_column_privilege
    names = [each.name for each in APPENDED]
    owns = sa.text(
        "SELECT bool_or(pg_has_role(CAST(:role AS name), relowner, 'USAGE')) FROM pg_class WHERE oid = ANY("
        "ARRAY['annotation'::regclass, 'remark'::regclass])"
    )
    creates = sa.func.has_schema_privilege(role, sa.func.current_schema(), "CREATE")
    rights = {
        READ: [table(role, name, "SELECT") for name in _TABLES],
        ANSWER: [column(role, name, "INSERT") for name in names],
    }
    found = [
        right for right, asked in rights.items() if all(connection.execute(sa.select(each)).scalar() for each in asked)
    ]
    changes = [table(role, name, verb) for name in names for verb in ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER")]
    if any(connection.execute(sa.select(each)).scalar() for each in changes):
        found.append(CHANGE)
    if connection.execute(sa.select(creates)).scalar() or connection.execute(owns, {"role": role}).scalar():
        found.append(SCHEMA)
    return tuple(found)


def _quoted(names: Sequence[str]) -> str:
    quote = postgresql.dialect().identifier_preparer.quote_identifier  # type: ignore[no-untyped-call]
    return ", ".join(quote(name) for name in names)
