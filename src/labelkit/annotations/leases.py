"""Leases: who is looking at which record, so that a record goes to as many people as wanted and to nobody twice.

A lease ends when its person answers, when it is given back, or when its time has run out by the database's clock: a
person who closed the lid keeps nobody waiting. A late answer is kept all the same, as one opinion more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from labelkit.annotations.annotation import ADJUDICATOR, LABEL, PERSON, UNDO, Answer, Role, check_answer
from labelkit.annotations.database import Database
from labelkit.annotations.tables import ENTRIES, LEASES, database_clock, record_key
from labelkit.errors import UsageError

LEASE_SECONDS = 600.0
MOST_CANDIDATES = 5_000


class Leases:
    """The leases of a store; `AnnotationStore.leases` is the way in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(
        self,
        annotator: str,
        candidates: Sequence[str],
        *,
        overlap: int = 1,
        seconds: float = LEASE_SECONDS,
        role: Role = PERSON,
    ) -> str | None:
        """Give the person the first of the candidate records that still wants an answer; None when none does.

        A record wants answers while fewer than `overlap` people have answered it or hold a lease on it and no
        adjudicator has decided. One that this person has answered, skipped or already holds is never given again.
        """
        claimed = self.claim_some(annotator, candidates, 1, overlap=overlap, seconds=seconds, role=role)
        return claimed[0] if claimed else None

    def claim_some(
        self,
        annotator: str,
        candidates: Sequence[str],
        count: int,
        *,
        overlap: int = 1,
        seconds: float = LEASE_SECONDS,
        role: Role = PERSON,
    ) -> list[str]:
        """Give the person the first `count` records that `claim` could give, or as many as there are, in order.

        One statement decides, so two people never get the same place.
        """
        _check(annotator, candidates, overlap, seconds, role)
        if not candidates or count < 1:
            return []
        with self._database.transaction(write=True) as connection:
            chosen = _open_to(annotator, candidates, overlap, seconds, role).limit(count)
            claimed = set(connection.execute(_into_leases(connection.dialect.name, chosen)).scalars())
        return [record for record in dict.fromkeys(candidates) if record in claimed]

    def release(self, annotator: str, records: Sequence[str], role: Role = PERSON) -> None:
        """Give records back unanswered; those that the person does not hold do not matter."""
        if records:
            with self._database.transaction(write=True) as connection:
                for record in records:
                    end_lease(connection, record, annotator, role)

    def held(self) -> dict[str, list[str]]:
        """Record id -> the people who hold it at this moment."""
        query = sa.select(LEASES.c.record, LEASES.c.annotator).where(LEASES.c.expires > database_clock())
        out: dict[str, list[str]] = {}
        with self._database.transaction() as connection:
            for record, annotator in connection.execute(query.order_by(LEASES.c.record_key, LEASES.c.annotator)):
                out.setdefault(record, []).append(annotator)
        return out


def end_lease(connection: sa.Connection, record: str, annotator: str, role: str) -> None:
    """End the lease that a person has on a record, where there is one."""
    connection.execute(
        LEASES.delete().where(
            LEASES.c.record_key == record_key(record), LEASES.c.annotator == annotator, LEASES.c.role == role
        )
    )


def hold(connection: sa.Connection, record: str, annotator: str, seconds: float, role: str) -> None:
    """Lease a record to the person who has it in hand anyway, whoever else does."""
    values = {
        "record_key": record_key(record),
        "annotator": annotator,
        "role": role,
        "record": record,
        "expires": database_clock() + seconds,
    }
    connection.execute(_or_prolong(_insert(connection.dialect.name).values(**values)))


def _open_to(annotator: str, candidates: Sequence[str], overlap: int, seconds: float, role: Role) -> sa.Select[Any]:
    """The leases that the person could get, in order of the candidates."""
    rows = [(position, record, record_key(record)) for position, record in enumerate(dict.fromkeys(candidates))]
    places = (sa.column("position", sa.Integer), sa.column("record", sa.Text), sa.column("record_key", sa.Text))
    candidate = sa.values(*places, name="candidate").data(rows).cte("candidate")
    entry, live = ENTRIES.alias("entry"), LEASES.alias("live")

    counting = sa.and_(entry.c.record == candidate.c.record, entry.c.kind != UNDO, _not_undone(entry))
    said = sa.exists().where(counting, entry.c.annotator == annotator, entry.c.role == role)
    decided = sa.exists().where(counting, entry.c.role == ADJUDICATOR, entry.c.kind == LABEL)
    answers = (
        sa.select(sa.func.count(entry.c.annotator.distinct()))
        .where(counting, entry.c.role == role, entry.c.kind == LABEL)
        .scalar_subquery()
    )
    alive = sa.and_(live.c.record_key == candidate.c.record_key, live.c.role == role, live.c.expires > database_clock())
    mine = sa.exists().where(alive, live.c.annotator == annotator)
    holders = sa.select(sa.func.count()).where(alive).scalar_subquery()
    return (
        sa.select(
            candidate.c.record_key,
            sa.literal(annotator, sa.Text),
            sa.literal(role, sa.Text),
            candidate.c.record,
            database_clock() + sa.literal(seconds, sa.Float),
        )
        .where(~said, ~decided, ~mine, answers + holders < overlap)
        .order_by(candidate.c.position)
    )


def _into_leases(dialect: str, chosen: sa.Select[Any]) -> Any:
    columns = ["record_key", "annotator", "role", "record", "expires"]
    return _or_prolong(_insert(dialect).from_select(columns, chosen)).returning(LEASES.c.record)


def _not_undone(entry: Any) -> sa.ColumnElement[bool]:
    undo = ENTRIES.alias("undo")
    return ~sa.exists().where(undo.c.undoes == entry.c.operation)


def _insert(dialect: str) -> Any:
    return postgresql.insert(LEASES) if dialect == "postgresql" else sqlite.insert(LEASES)


def _or_prolong(statement: Any) -> Any:
    """The row of a lease that ran out is used again."""
    return statement.on_conflict_do_update(
        index_elements=["record_key", "annotator", "role"], set_={"expires": statement.excluded.expires}
    )


def _check(annotator: str, candidates: Sequence[str], overlap: int, seconds: float, role: Role) -> None:
    for record in candidates[:MOST_CANDIDATES] or ["-"]:
        check_answer(Answer(record, None, annotator, "", "-", role))
    if len(candidates) > MOST_CANDIDATES:
        raise UsageError(f"{len(candidates):,} candidates for one claim; at most {MOST_CANDIDATES:,} are taken")
    if overlap < 1 or not 0 < seconds <= 86_400 * 365:
        raise UsageError(f"overlap must be at least 1 and seconds above 0, not {overlap} and {seconds:g}")
