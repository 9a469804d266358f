"""Copying a store into another database: whole, in order, verified, and never at the cost of an answer.

The source is only read. The target is marked as unfinished before the first row and no store opens it until every row
has been compared, so that a copy which was killed anywhere is simply run again and goes on where it stopped. People may
answer into the source all the while: what they said by the end is copied, and a later call brings over the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import sqlalchemy as sa

from labelkit.annotations.annotation import UNDO
from labelkit.annotations.contents import APPENDED, Contents, Row, contents, pages
from labelkit.annotations.database import Database
from labelkit.annotations.leases import Leases
from labelkit.annotations.migrations import LATEST, begin_receiving, end_receiving, receives
from labelkit.errors import ArtifactError, UsageError, visible

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class Copied:
    """One table after a transfer."""

    contents: Contents  # of the source: count and hash are those of the target's rows, too
    new: int  # rows that this call copied
    late: int  # rows that the source got when the target had rows of its own already; the hash leaves them out
    beyond: int  # rows that the target alone has


@dataclass(frozen=True)
class Transfer:
    """What a transfer did; it returns only when all of it has been compared."""

    source: str
    target: str
    tables: tuple[Copied, ...]
    present: tuple[str, ...]  # people who are answering into the source at this moment


@dataclass(frozen=True)
class _Shared:
    """How far two tables begin with the same rows."""

    rows: int
    last: int  # sequence
    source_has_more: bool
    target_has_more: bool


def transfer(source: Database, target: Database, *, late: bool = False, progress: Progress | None = None) -> Transfer:
    """Copy every answer and remark, with its sequence, from one database into another, and compare both.

    A target that holds answers is refused unless they are those of this source. Where source and target both went on
    after an earlier transfer, `late` appends what only the source has.

    Raises UsageError and ArtifactError for stores that do not fit, MachineError when a database fails; then the same
    call again goes on.
    """
    _check_source(source, target)
    target.prepare()
    marked = _mark(source, target)
    shared = [_shared(source, target, table) for table in APPENDED]
    _check_target(target, shared, marked=marked, late=late)
    total = sum(contents(source, table).rows for table in APPENDED) if progress else 0
    tables, done = [], sum(each.rows for each in shared)
    for table, each in zip(APPENDED, shared, strict=True):
        counted = _counted(progress, done, total)
        if each.source_has_more and each.target_has_more:
            tables.append(_append_late(source, target, table, each))
        else:
            tables.append(_continue(source, target, table, each, counted))
        done += tables[-1].new
    if marked:
        with target.transaction(write=True) as connection:
            end_receiving(connection)
    present = Leases(source).present() if source.examine() == LATEST else []
    return Transfer(source.name, target.name, tuple(tables), tuple(present))


def _counted(progress: Progress | None, done: int, total: int) -> Callable[[int], None]:
    def count(rows: int) -> None:
        if progress is not None:
            progress(done + rows, total)

    return count


def _check_source(source: Database, target: Database) -> None:
    if source.examine() == 0:
        raise UsageError(f"{source.name}: holds no answers; there is nothing to migrate")
    if source.identity() == target.identity():
        raise UsageError(f"{target.name}: is where the answers are already")
    with source.transaction() as connection:
        unfinished = receives(connection)
    if unfinished:
        raise ArtifactError(f"{source.name}: is the target of a migration that has not ended; end that one first")


def _mark(source: Database, target: Database) -> bool:
    """Mark an empty target, so that nobody takes a part for the whole. Returns whether it is marked, now or before."""
    with target.transaction(write=True) as connection:
        if receives(connection):
            return True
        empty = all(connection.execute(sa.select(table.c.sequence).limit(1)).first() is None for table in APPENDED)
        if empty:
            begin_receiving(connection, source.name)
        return empty


def _shared(source: Database, target: Database, table: sa.Table) -> _Shared:
    rows = last = 0
    for mine, other in zip_longest(_rows(source, table), _rows(target, table)):
        if mine != other:
            return _Shared(rows, last, mine is not None, other is not None)
        rows, last = rows + 1, mine[0]
    return _Shared(rows, last, source_has_more=False, target_has_more=False)


def _rows(database: Database, table: sa.Table) -> Iterator[Row]:
    for page in pages(database, table):
        yield from page


def _check_target(target: Database, shared: list[_Shared], *, marked: bool, late: bool) -> None:
    """Refuse answers of somebody else, and two histories that went different ways."""
    related = any(each.rows for each in shared)
    grown = any(each.target_has_more for each in shared)
    if grown and (marked or not related):
        raise ArtifactError(
            f"{target.name}: holds other answers, which stay as they are; name an empty database or schema"
        )
    if any(each.source_has_more and each.target_has_more for each in shared) and not late:
        raise ArtifactError(
            f"{target.name}: people answered here, and into the source too, since the answers were copied; "
            "--late appends what only the source has, after what is here"
        )


def _continue(
    source: Database, target: Database, table: sa.Table, shared: _Shared, count: Callable[[int], None]
) -> Copied:
    """Copy the rows that are missing at the end of the target, and compare the whole."""
    new, last = 0, shared.last
    for page in () if shared.target_has_more else pages(source, table, after=last):
        with target.transaction(write=True) as connection:
            _insert(connection, target.name, table, page, after=last)
        new, last = new + len(page), page[-1][0]
        count(new)
    return Copied(_compared(source, target, table, last), new, late=0, beyond=_rows_beyond(target, table, last))


def _insert(connection: sa.Connection, name: str, table: sa.Table, page: list[Row], *, after: int) -> None:
    """Append rows with the sequences they have, and let the database number on from there."""
    if (connection.execute(sa.select(sa.func.max(table.c.sequence))).scalar() or 0) != after:
        raise ArtifactError(f"{name}: somebody answered here while answers were being copied; they stay as they are")
    connection.execute(table.insert(), [dict(zip(table.c.keys(), row, strict=True)) for row in page])
    if connection.dialect.name == "postgresql":
        number_on = sa.text("SELECT setval(pg_get_serial_sequence(:table, 'sequence'), :last)")
        connection.execute(number_on, {"table": table.name, "last": page[-1][0]})


def _compared(source: Database, target: Database, table: sa.Table, until: int) -> Contents:
    """The source's contents. Raises ArtifactError where the target's are others."""
    ours, theirs = contents(source, table, until=until), contents(target, table, until=until)
    if ours != theirs:
        raise ArtifactError(
            f"{target.name}: table {table.name} holds {theirs.rows:,} rows with hash {theirs.sha256[:12]}, the source "
            f"{ours.rows:,} with {ours.sha256[:12]}: it was changed while it was being copied; keep the source"
        )
    return ours


def _rows_beyond(database: Database, table: sa.Table, last: int) -> int:
    with database.transaction() as connection:
        return connection.execute(
            sa.select(sa.func.count()).select_from(table).where(table.c.sequence > last)
        ).scalar_one()


def _append_late(source: Database, target: Database, table: sa.Table, shared: _Shared) -> Copied:
    """Append what only the source has, each under its operation, which keeps a second call from doubling it."""
    new = late = 0
    for page in pages(source, table, after=shared.last):
        with target.transaction(write=True) as connection:
            missing = [row for row in page if not _stands(connection, target.name, table, row)]
            for row in missing:
                connection.execute(table.insert().values(_content(table, row)))
        new, late = new + len(missing), late + len(page)
        with target.transaction() as connection:
            if not all(_stands(connection, target.name, table, row) for row in page):
                raise ArtifactError(f"{target.name}: rows are missing that were just stored; keep the source")
    beyond = max(_rows_beyond(target, table, shared.last) - late, 0)
    return Copied(_compared(source, target, table, shared.last), new, late, beyond)


def _content(table: sa.Table, row: Row) -> dict[str, Any]:
    """The row without its sequence, which is the database's to give."""
    return dict(zip(table.c.keys()[1:], row[1:], strict=True))


def _stands(connection: sa.Connection, name: str, table: sa.Table, row: Row) -> bool:
    """Whether the target has this row, or has taken back the same answer."""
    content = _content(table, row)
    same = table.c.operation == content["operation"]
    if content["kind"] == UNDO:
        same = sa.or_(same, table.c.undoes == content["undoes"])
    found = connection.execute(sa.select(table).where(same)).mappings().first()
    if found is None or content["kind"] == UNDO:
        return found is not None
    if any(found[column] != value for column, value in content.items()):
        raise ArtifactError(
            f'{name}: operation "{visible(content["operation"])}" stands for something else there; '
            "the copy stops before it, and the source is as it was"
        )
    return True
