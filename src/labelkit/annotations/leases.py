"""Leases: who is looking at which record, so that a record goes to as many people as wanted and to nobody twice.

A lease ends when its person answers, when it is given back, or when its time has run out by the database's clock: a
person who closed the lid keeps nobody waiting. A late answer is kept all the same, as one opinion more.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from labelkit.annotations.annotation import ADJUDICATOR, LABEL, PERSON, UNDO, Answer, Role, check_answer
from labelkit.annotations.database import Database
from labelkit.annotations.presence import Place
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
        session: str = "",
        classes: Sequence[str] = (),
    ) -> list[str]:
        """Give the person the first `count` records that `claim` could give, or as many as there are, in order.

        One statement decides, so two people never get the same place. `session` is that of `enter`, where there is one.
        Where answers are sets of `classes`, one that says nothing of some of them leaves its record as it was.
        """
        _check(annotator, candidates, overlap, seconds, role)
        if not candidates or count < 1:
            return []
        with self._database.transaction(write=True) as connection:
            statement = _claim(connection.dialect.name, bool(classes))
            values = {
                "candidates": json.dumps([[record, record_key(record)] for record in dict.fromkeys(candidates)]),
                "annotator": annotator,
                "role": role,
                "overlap": overlap,
                "seconds": seconds,
                "count": count,
                "session": session,
            }
            values |= {"classes": json.dumps(list(classes))} if classes else {}
            claimed = set(connection.execute(statement, values).scalars())
        return [record for record in dict.fromkeys(candidates) if record in claimed]

    def enter(self, session: str) -> Place | None:
        """Say that a session lives until its place is left or its process dies; None where it lives already."""
        return self._database.place(session)

    def resume(self, annotator: str, session: str, *, seconds: float = LEASE_SECONDS, role: Role = PERSON) -> list[str]:
        """Make a session the holder of what dead sessions of the same person held. Returns those records' ids, sorted.

        Leases that have run out, and those of sessions that still live, stay as they are.
        """
        mine = sa.and_(LEASES.c.annotator == annotator, LEASES.c.role == role, LEASES.c.expires > database_clock())
        with self._database.transaction() as connection:
            query = sa.select(LEASES.c.session).where(mine, LEASES.c.session.not_in(["", session])).distinct()
            dead = [found for found in connection.execute(query).scalars() if self._is_dead(found)]
        if not dead:
            return []
        change = LEASES.update().where(mine, LEASES.c.session.in_(dead))
        values = {"session": session, "expires": database_clock() + seconds}
        with self._database.transaction(write=True) as connection:
            return sorted(connection.execute(change.values(**values).returning(LEASES.c.record)).scalars())

    def _is_dead(self, session: str) -> bool:
        place = self._database.place(session)
        if place is not None:
            place.leave()
        return place is not None

    def release(self, annotator: str, records: Sequence[str], role: Role = PERSON) -> None:
        """Give records back unanswered; those that the person does not hold do not matter."""
        if records:
            with self._database.transaction(write=True) as connection:
                for record in records:
                    end_lease(connection, record, annotator, role)

    def present(self) -> list[str]:
        """People who are answering at this moment: those whose sessions live and hold records."""
        query = sa.select(LEASES.c.annotator, LEASES.c.session).where(LEASES.c.session != "")
        with self._database.transaction() as connection:
            found = list(connection.execute(query.where(LEASES.c.expires > database_clock()).distinct()))
        return sorted({annotator for annotator, session in found if not self._is_dead(session)})

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


def hold(connection: sa.Connection, record: str, annotator: str, seconds: float, role: str, session: str) -> None:
    """Lease a record to the person who has it in hand anyway, whoever else does."""
    values = {
        "record_key": record_key(record),
        "annotator": annotator,
        "role": role,
        "record": record,
        "expires": database_clock() + seconds,
        "session": session,
    }
    connection.execute(_or_prolong(_insert(connection.dialect.name).values(**values)))


@functools.cache
def _claim(dialect: str, several: bool) -> Any:  # noqa: FBT001
    """The one statement of a claim. It is always the same, since making it takes longer than running it."""
    candidate = _candidates(dialect)
    annotator, role, session = (sa.bindparam(name, type_=sa.Text) for name in ("annotator", "role", "session"))
    entry, live = ENTRIES.alias("entry"), LEASES.alias("live")
    counting = sa.and_(entry.c.record == candidate.c.record, entry.c.kind != UNDO, _not_undone(entry))
    if several:
        counting = sa.and_(counting, _whole(entry, dialect))
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
    expires = database_clock() + sa.bindparam("seconds", type_=sa.Float)
    chosen = (
        sa.select(candidate.c.record_key, annotator, role, candidate.c.record, expires, session)
        .where(~said, ~decided, ~mine, answers + holders < sa.bindparam("overlap", type_=sa.Integer))
        .order_by(candidate.c.position)
        .limit(sa.bindparam("count", type_=sa.Integer))
    )
    columns = ["record_key", "annotator", "role", "record", "expires", "session"]
    return _or_prolong(_insert(dialect).from_select(columns, chosen)).returning(LEASES.c.record)


def _candidates(dialect: str) -> Any:
    """The candidates as a table of position, record and record_key, from one JSON text [[record, record_key], ...]."""
    given = sa.bindparam("candidates", type_=sa.Text)
    if dialect == "postgresql":
        rows = (
            sa.func.jsonb_array_elements(sa.cast(given, postgresql.JSONB))
            .table_valued(sa.column("value", postgresql.JSONB), with_ordinality="position")
            .render_derived(name="given")
        )
        parts: list[Any] = [rows.c.value.op("->>")(place) for place in (0, 1)]
        position = rows.c.position
    else:
        rows = sa.func.json_each(given).table_valued("key", "value").alias("given")
        parts = [sa.func.json_extract(rows.c.value, f"$[{place}]") for place in (0, 1)]
        position = rows.c.key
    return sa.select(
        position.label("position"),
        sa.type_coerce(parts[0], sa.Text).label("record"),
        sa.type_coerce(parts[1], sa.Text).label("record_key"),
    ).cte("candidate")


def _not_undone(entry: Any) -> sa.ColumnElement[bool]:
    undo = ENTRIES.alias("undo")
    return ~sa.exists().where(undo.c.undoes == entry.c.operation)


def _whole(entry: Any, dialect: str) -> sa.ColumnElement[bool]:
    """Whether an entry is a skip or speaks of all the classes; a label that is no set is taken as it is."""
    given = sa.bindparam("classes", type_=sa.Text)
    if dialect == "postgresql":
        names = sa.func.jsonb_array_elements_text(sa.cast(given, postgresql.JSONB)).table_valued("value").alias("named")
        unsaid = ~sa.func.jsonb_exists(sa.cast(entry.c.label, postgresql.JSONB), names.c.value)
        whole = sa.case((entry.c.label.like("{%}"), ~sa.exists().select_from(names).where(unsaid)), else_=sa.true())
    else:
        names = sa.func.json_each(given).table_valued("value").alias("named")
        keys = sa.func.json_each(entry.c.label).table_valued("key").alias("said")
        said = sa.select(sa.func.count()).select_from(keys).where(keys.c.key.in_(sa.select(names.c.value)))
        whole_set = said.scalar_subquery() == sa.func.json_array_length(given)
        whole = sa.case((sa.func.json_valid(entry.c.label) == 0, sa.true()), else_=whole_set)
    return sa.or_(entry.c.kind != LABEL, whole)


def _insert(dialect: str) -> Any:
    return postgresql.insert(LEASES) if dialect == "postgresql" else sqlite.insert(LEASES)


def _or_prolong(statement: Any) -> Any:
    """The row of a lease that ran out is used again."""
    return statement.on_conflict_do_update(
        index_elements=["record_key", "annotator", "role"],
        set_={"expires": statement.excluded.expires, "session": statement.excluded.session},
    )


def _check(annotator: str, candidates: Sequence[str], overlap: int, seconds: float, role: Role) -> None:
    for record in candidates[:MOST_CANDIDATES] or ["-"]:
        check_answer(Answer(record, None, annotator, "", "-", role))
    if len(candidates) > MOST_CANDIDATES:
        raise UsageError(f"{len(candidates):,} candidates for one claim; at most {MOST_CANDIDATES:,} are taken")
    if overlap < 1 or not 0 < seconds <= 86_400 * 365:
        raise UsageError(f"overlap must be at least 1 and seconds above 0, not {overlap} and {seconds:g}")
