"""The annotation store: answers of people in a database, appended and never changed.

An answer is acknowledged when `add` returns, and from then on survives kill -9 and a power cut (see `durability`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from labelkit.annotations.annotation import (
    PERSON,
    SKIP,
    UNDO,
    Annotation,
    Answer,
    Role,
    check_answer,
    not_undone,
    opinions,
    standing,
)
from labelkit.annotations.database import Database, database_at
from labelkit.annotations.label_sets import said_of
from labelkit.annotations.leases import Leases, end_lease, hold
from labelkit.annotations.migrations import check_whole
from labelkit.annotations.remarks import Remarks
from labelkit.annotations.tables import ENTRIES
from labelkit.errors import AnswerError, UsageError, visible
from labelkit.files import timestamp
from labelkit.lineage import hash_json


class AnnotationStore:
    """Answers of people, in the order in which they were stored.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = AnnotationStore.open(f"sqlite:///{folder}/annotations.db")
    ...     said = store.add("c7", "spam", "ana", "margin", "op-1")
    ...     again = store.add("c7", "spam", "ana", "margin", "op-1")
    ...     (said == again, store.last_sequence, store.answers()["c7"].label)
    (True, 1, 'spam')
    """

    def __init__(self, database: Database, of_class: str | None = None) -> None:
        """Use a prepared database; `open` is the way in."""
        self._database = database
        self._of_class = of_class  # of answers that are sets of classes, what they say of this one
        self.leases = Leases(database)
        self.remarks = Remarks(database)

    @classmethod
    def open(cls, url: str) -> AnnotationStore:
        """Open the store at a URL, making its tables if they do not exist.

        A URL is `sqlite:///` and the path of a file, or `postgresql://user@host:port/database`. Raises ConfigError for
        another one or a server that does not keep what it acknowledged, ArtifactError for a database that is damaged,
        half copied, something else or from a newer labelkit, MachineError when disk, network or a lock is in the way.
        """
        database = database_at(url)
        database.prepare()
        with database.transaction() as connection:
            check_whole(connection)
        return cls(database)

    def about(self, of_class: str) -> AnnotationStore:
        """The same store to one class, where answers are sets of classes: labels say yes or no. It is only read."""
        return AnnotationStore(self._database, of_class)

    def add(
        self,
        record: str,
        label: str | None,
        annotator: str,
        strategy: str,
        operation: str,
        *,
        role: Role = PERSON,
    ) -> Annotation:
        """Store one answer; label None is a skip. The same operation again is the same answer, stored once.

        The answer ends this person's lease on the record.

        Raises AnswerError when the operation already stands for another answer, or a text cannot be kept.
        """
        return self.add_all([Answer(record, label, annotator, strategy, operation, role)])[0]

    def add_all(self, answers: Sequence[Answer]) -> list[Annotation]:
        """Store several answers, all of them or none. Returns the stored ones, those stored before included."""
        self._check_whole_answers()
        for answer in answers:
            check_answer(answer)
        with self._database.transaction(write=True) as connection:
            check_whole(connection)
            return [_add(connection, answer) for answer in answers]

    def undo(
        self,
        annotator: str,
        operation: str,
        *,
        undoes: str | None = None,
        hold_seconds: float = 0.0,
        session: str = "",
    ) -> Annotation | None:
        """Take back this annotator's latest answer that still counts, or the one whose operation is `undoes`.

        An entry is appended; with `hold_seconds` the person (in their `session`) gets a lease on the record, to
        answer it again.
        Returns the answer taken back, or None when there is none to take back.
        The same operation again takes nothing more back. Raises AnswerError when it already stands for something else.
        """
        self._check_whole_answers()
        for act in (operation, operation if undoes is None else undoes):
            check_answer(Answer(record="-", label=None, annotator=annotator, strategy="", operation=act))
        with self._database.transaction(write=True) as connection:
            check_whole(connection)
            undone = _undo(connection, annotator, operation, undoes)
            if undone is not None and hold_seconds > 0:
                hold(connection, undone.record, annotator, hold_seconds, undone.role, session)
            return undone

    def history(self) -> list[Annotation]:
        """Every entry, oldest first."""
        with self._database.transaction() as connection:
            rows = connection.execute(sa.select(ENTRIES).order_by(ENTRIES.c.sequence))
            return self._seen(_annotation(row) for row in rows)

    def opinions_on(self, record: str) -> list[Annotation]:
        """What each person last said about one record; see `opinions`."""
        with self._database.transaction() as connection:
            rows = connection.execute(sa.select(ENTRIES).where(ENTRIES.c.record == record))
            return opinions(self._seen(_annotation(row) for row in rows))

    def answers(self) -> dict[str, Annotation]:
        """The answer that stands for each record; see `standing`."""
        return standing(self.history())

    def asked(self, annotator: str) -> frozenset[str]:
        """Ids of records that this annotator has labelled or skipped and not taken back."""
        return frozenset(entry.record for entry in not_undone(self.history()) if entry.annotator == annotator)

    def fingerprint(self) -> str:
        """SHA-256 of the standing answers: of records and labels only, not of who answered, when or in which order."""
        return hash_json(sorted([record, entry.label] for record, entry in self.answers().items()))

    @property
    def last_sequence(self) -> int:
        """Sequence of the latest entry; 0 while there is none."""
        with self._database.transaction() as connection:
            return connection.execute(sa.select(sa.func.max(ENTRIES.c.sequence))).scalar() or 0

    def _seen(self, entries: Iterable[Annotation]) -> list[Annotation]:
        """The entries as this store shows them: all of them, or what they say of its class."""
        if self._of_class is None:
            return list(entries)
        seen = list[Annotation]()
        for entry in entries:
            said = None if entry.label is None else said_of(entry.label, self._of_class)
            if entry.label is None or said is not None:
                seen.append(replace(entry, label=said))
        return seen

    def _check_whole_answers(self) -> None:
        if self._of_class is not None:
            raise UsageError(
                f'an answer names all classes of a record, not "{visible(self._of_class)}" alone; '
                "give it to the project as a whole"
            )


def _add(connection: sa.Connection, answer: Answer) -> Annotation:
    stored = _by_operation(connection, answer.operation)
    if stored is None:
        end_lease(connection, answer.record, answer.annotator, answer.role)
        return _append(connection, answer, answer.kind)
    if (stored.kind, stored.record, stored.label, stored.annotator, stored.role) != (
        answer.kind,
        answer.record,
        answer.label,
        answer.annotator,
        answer.role,
    ):
        raise AnswerError(
            f'operation "{visible(answer.operation)}" already stands for {_said(stored)}; '
            "give each answer an operation id of its own"
        )
    return stored


def _undo(connection: sa.Connection, annotator: str, operation: str, undoes: str | None) -> Annotation | None:
    stored = _by_operation(connection, operation)
    if stored is not None:
        if stored.kind != UNDO or stored.annotator != annotator or undoes not in {None, stored.undoes}:
            raise AnswerError(
                f'operation "{visible(operation)}" already stands for {_said(stored)}; '
                "give each undo an operation id of its own"
            )
        return _by_operation(connection, stored.undoes or "")
    taken_back = sa.select(ENTRIES.c.undoes).where(ENTRIES.c.undoes.is_not(None))
    query = sa.select(ENTRIES).where(
        ENTRIES.c.annotator == annotator, ENTRIES.c.kind != UNDO, ENTRIES.c.operation.not_in(taken_back)
    )
    if undoes is not None:
        query = query.where(ENTRIES.c.operation == undoes)
    row = connection.execute(query.order_by(ENTRIES.c.sequence.desc()).limit(1)).first()
    if row is None:
        return None
    undone = _annotation(row)
    act = Answer(undone.record, None, annotator, undone.strategy, operation, undone.role)
    _append(connection, act, UNDO, undoes=undone.operation)
    return undone


def _append(connection: sa.Connection, answer: Answer, kind: str, undoes: str | None = None) -> Annotation:
    content = {
        "operation": answer.operation,
        "kind": kind,
        "record": answer.record,
        "label": answer.label,
        "annotator": answer.annotator,
        "strategy": answer.strategy,
        "time": answer.time or timestamp(),
        "undoes": undoes,
        "role": answer.role,
    }
    sequence = connection.execute(ENTRIES.insert().values(**content).returning(ENTRIES.c.sequence)).scalar_one()
    return Annotation(**{**content, "sequence": sequence})


def _by_operation(connection: sa.Connection, operation: str) -> Annotation | None:
    row = connection.execute(sa.select(ENTRIES).where(ENTRIES.c.operation == operation)).first()
    return None if row is None else _annotation(row)


def _annotation(row: sa.Row[Any]) -> Annotation:
    return Annotation(**row._mapping)


def _said(entry: Annotation) -> str:
    record, who = visible(entry.record), visible(entry.annotator)
    if entry.kind == UNDO:
        return f'an undo by "{who}"'
    return (
        f'"{who}" skipping "{record}"'
        if entry.kind == SKIP
        else f'"{who}" calling "{record}" "{visible(entry.label or "")}"'
    )
