"""The annotation store: answers of people in a database, appended and never changed.

An answer is acknowledged when `add` returns, and from then on survives kill -9 and a power cut (see `durability`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from labelkit.annotations.annotation import SKIP, UNDO, Annotation, Answer, check_answer, not_undone, standing
from labelkit.annotations.sqlite import SqliteDatabase
from labelkit.errors import AnswerError, visible
from labelkit.files import timestamp
from labelkit.lineage import hash_json

_entries = sa.Table(
    "annotation",
    sa.MetaData(),
    sa.Column("sequence", sa.Integer, primary_key=True),
    sa.Column("operation", sa.Text),
    sa.Column("kind", sa.Text),
    sa.Column("record", sa.Text),
    sa.Column("label", sa.Text),
    sa.Column("annotator", sa.Text),
    sa.Column("strategy", sa.Text),
    sa.Column("time", sa.Text),
    sa.Column("undoes", sa.Text),
)


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

    def __init__(self, database: SqliteDatabase) -> None:
        """Use a prepared database; `open` is the way in."""
        self._database = database

    @classmethod
    def open(cls, url: str) -> AnnotationStore:
        """Open the store at a URL such as `sqlite:///.labelkit/annotations.db`, making it if it does not exist.

        Raises ConfigError for a URL it does not know, ArtifactError for a file that is damaged, is something else or
        comes from a newer labelkit, MachineError when the disk or a lock stands in the way.
        """
        database = SqliteDatabase.at(url)
        database.prepare()
        return cls(database)

    def add(self, record: str, label: str | None, annotator: str, strategy: str, operation: str) -> Annotation:
        """Store one answer; label None is a skip. The same operation again is the same answer, stored once.

        Raises AnswerError when the operation already stands for another answer, or a text cannot be kept.
        """
        return self.add_all([Answer(record, label, annotator, strategy, operation)])[0]

    def add_all(self, answers: Sequence[Answer]) -> list[Annotation]:
        """Store several answers, all of them or none. Returns the stored ones, those stored before included."""
        for answer in answers:
            check_answer(answer)
        with self._database.transaction(write=True) as connection:
            return [_add(connection, answer) for answer in answers]

    def undo(self, annotator: str, operation: str, *, undoes: str | None = None) -> Annotation | None:
        """Take back this annotator's latest answer that still counts, or the one whose operation is `undoes`.

        An entry is appended. Returns the answer taken back, or None when there is none to take back.
        The same operation again takes nothing more back. Raises AnswerError when it already stands for something else.
        """
        for act in (operation, operation if undoes is None else undoes):
            check_answer(Answer(record="-", label=None, annotator=annotator, strategy="", operation=act))
        with self._database.transaction(write=True) as connection:
            return _undo(connection, annotator, operation, undoes)

    def history(self) -> list[Annotation]:
        """Every entry, oldest first."""
        with self._database.transaction() as connection:
            rows = connection.execute(sa.select(_entries).order_by(_entries.c.sequence))
            return [_annotation(row) for row in rows]

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
            return connection.execute(sa.select(sa.func.max(_entries.c.sequence))).scalar() or 0


def _add(connection: sa.Connection, answer: Answer) -> Annotation:
    stored = _by_operation(connection, answer.operation)
    if stored is None:
        return _append(connection, answer, answer.kind)
    if (stored.kind, stored.record, stored.label, stored.annotator) != (
        answer.kind,
        answer.record,
        answer.label,
        answer.annotator,
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
    taken_back = sa.select(_entries.c.undoes).where(_entries.c.undoes.is_not(None))
    query = sa.select(_entries).where(
        _entries.c.annotator == annotator, _entries.c.kind != UNDO, _entries.c.operation.not_in(taken_back)
    )
    if undoes is not None:
        query = query.where(_entries.c.operation == undoes)
    row = connection.execute(query.order_by(_entries.c.sequence.desc()).limit(1)).first()
    if row is None:
        return None
    undone = _annotation(row)
    act = Answer(undone.record, None, annotator, undone.strategy, operation)
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
        "time": timestamp(),
        "undoes": undoes,
    }
    sequence = connection.execute(_entries.insert().values(**content).returning(_entries.c.sequence)).scalar_one()
    return Annotation(**{**content, "sequence": sequence})


def _by_operation(connection: sa.Connection, operation: str) -> Annotation | None:
    row = connection.execute(sa.select(_entries).where(_entries.c.operation == operation)).first()
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
