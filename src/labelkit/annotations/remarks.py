"""Remarks beside the answers: a flag asks somebody else to look at a record, a note says something about it.

Neither answers anything or changes what stands. A flag that is taken off is another entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from labelkit.annotations.annotation import check_text
from labelkit.annotations.database import Database
from labelkit.annotations.migrations import check_whole
from labelkit.annotations.tables import REMARKS
from labelkit.errors import AnswerError, named, visible
from labelkit.files import timestamp

RemarkKind = Literal["flag", "unflag", "note"]

FLAG: RemarkKind = "flag"
UNFLAG: RemarkKind = "unflag"
NOTE: RemarkKind = "note"
KINDS: tuple[RemarkKind, ...] = (FLAG, UNFLAG, NOTE)


@dataclass(frozen=True)
class Remark:
    """One entry."""

    record: str  # id of the record
    kind: RemarkKind
    text: str  # of a note; empty otherwise
    annotator: str
    time: str  # UTC, ISO 8601
    operation: str  # unique
    sequence: int  # given by the store, growing


class Remarks:
    """The remarks of a store; `AnnotationStore.remarks` is the way in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, record: str, kind: RemarkKind, annotator: str, operation: str, text: str = "") -> Remark:
        """Store a flag, the end of a flag, or a note. The same operation again is stored once."""
        _check(record, kind, annotator, operation, text)
        with self._database.transaction(write=True) as connection:
            check_whole(connection)
            row = connection.execute(sa.select(REMARKS).where(REMARKS.c.operation == operation)).first()
            if row is None:
                content = {
                    "operation": operation,
                    "kind": kind,
                    "record": record,
                    "text": text,
                    "annotator": annotator,
                    "time": timestamp(),
                }
                row = connection.execute(REMARKS.insert().values(**content).returning(*REMARKS.c)).one()
            stored = Remark(**row._mapping)
        if (stored.record, stored.kind, stored.text, stored.annotator) != (record, kind, text, annotator):
            raise AnswerError(
                f'operation "{visible(operation)}" already stands for another remark; '
                "give each remark an operation id of its own"
            )
        return stored

    def history(self) -> list[Remark]:
        """Every entry, oldest first."""
        with self._database.transaction() as connection:
            return [
                Remark(**row._mapping) for row in connection.execute(sa.select(REMARKS).order_by(REMARKS.c.sequence))
            ]

    def flagged(self) -> dict[str, list[str]]:
        """Record id -> the people whose flag is on it, in the order in which they set it."""
        flags: dict[str, list[str]] = {}
        for entry in self.history():
            people = flags.setdefault(entry.record, [])
            if entry.kind == FLAG and entry.annotator not in people:
                people.append(entry.annotator)
            if entry.kind == UNFLAG and entry.annotator in people:
                people.remove(entry.annotator)
        return {record: people for record, people in flags.items() if people}


def _check(record: str, kind: str, annotator: str, operation: str, text: str) -> None:
    if kind not in KINDS:
        raise AnswerError(f'no remark of kind "{visible(str(kind)[:80])}"; known are {named(KINDS)}')
    if (kind == NOTE) != bool(text):
        raise AnswerError("a note has a text, a flag has none")
    for name, value in (("record", record), ("annotator", annotator), ("operation", operation)):
        check_text(name, value)
    if text:
        check_text("note", text)
