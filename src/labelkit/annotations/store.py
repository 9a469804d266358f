"""The annotation store: answers of people in a database, appended and never changed.

An answer is acknowledged when `add` returns, and from then on survives kill -9 and a power cut (see `durability`).
Every operation opens the file anew: nothing is shared across a fork, and a database that somebody moved away is
noticed instead of being written to in its grave.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from labelkit.annotations.annotation import SKIP, UNDO, Annotation, Answer, check_answer, not_undone, standing
from labelkit.annotations.durability import WAIT_SECONDS, Durability, durability_for, writers_queue
from labelkit.annotations.migrations import LATEST, migrate, version
from labelkit.errors import AnswerError, ArtifactError, ConfigError, LabelkitError, MachineError, visible
from labelkit.files import machine_errors, sync_folder, timestamp
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

    def __init__(self, path: Path, durability: Durability) -> None:
        """Use an existing, migrated database; `open` is the way in."""
        self.path = path
        self._durability = durability
        self._engine = sa.create_engine("sqlite+pysqlite://", creator=self._connect, poolclass=sa.NullPool)
        sa.event.listen(self._engine, "begin", _begin)

    @classmethod
    def open(cls, url: str) -> AnnotationStore:
        """Open the store at a URL such as `sqlite:///.labelkit/annotations.db`, making it if it does not exist.

        Raises ConfigError for a URL it does not know, ArtifactError for a file that is damaged, is something else or
        comes from a newer labelkit, MachineError when the disk or a lock stands in the way.
        """
        path = _sqlite_path(url)
        if not path.exists():
            _create(path)
        store = cls(path, durability_for(sqlite3.sqlite_version_info))
        store._prepare()
        return store

    def add(self, record: str, label: str | None, annotator: str, strategy: str, operation: str) -> Annotation:
        """Store one answer; label None is a skip. The same operation again is the same answer, stored once.

        Raises AnswerError when the operation already stands for another answer, or a text cannot be kept.
        """
        return self.add_all([Answer(record, label, annotator, strategy, operation)])[0]

    def add_all(self, answers: Sequence[Answer]) -> list[Annotation]:
        """Store several answers, all of them or none. Returns the stored ones, those stored before included."""
        for answer in answers:
            check_answer(answer)
        with self._transaction(write=True) as connection:
            return [_add(connection, answer) for answer in answers]

    def undo(self, annotator: str, operation: str, *, undoes: str | None = None) -> Annotation | None:
        """Take back this annotator's latest answer that still counts, or the one whose operation is `undoes`.

        An entry is appended. Returns the answer taken back, or None when there is none to take back.
        The same operation again takes nothing more back. Raises AnswerError when it already stands for something else.
        """
        for act in (operation, operation if undoes is None else undoes):
            check_answer(Answer(record="-", label=None, annotator=annotator, strategy="", operation=act))
        with self._transaction(write=True) as connection:
            return _undo(connection, annotator, operation, undoes)

    def history(self) -> list[Annotation]:
        """Every entry, oldest first."""
        with self._transaction() as connection:
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
        with self._transaction() as connection:
            return connection.execute(sa.select(sa.func.max(_entries.c.sequence))).scalar() or 0

    def _prepare(self) -> None:
        """Bring a database to the present schema and journal mode; one that is there already is only read."""
        with machine_errors(self.path), self._errors(), self._connection() as connection:
            damage = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
            if damage != "ok":
                raise ArtifactError(f"is damaged ({visible(str(damage))}); restore it from a copy")
            if self.path.stat().st_size % connection.exec_driver_sql("PRAGMA page_size").scalar_one():
                raise ArtifactError(
                    "is damaged (cut short within a page); restore it from a copy"
                )  # SQLite reads zeros
            mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
            ready = version(connection) == LATEST and mode == self._durability.journal_mode
        if ready:
            return
        with self._errors(), writers_queue(self.path):
            self._set_journal_mode()
            with self._connection(write=True) as connection, connection.begin():
                migrate(connection)

    def _set_journal_mode(self) -> None:
        """Set it once: SQLite remembers it in the file."""
        with contextlib.closing(self._connect()) as connection:
            wanted = self._durability.journal_mode
            (mode,) = connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()
        if mode != wanted:
            raise MachineError(f"{visible(str(self.path))}: the journal mode stays {mode} instead of {wanted}")

    @contextlib.contextmanager
    def _transaction(self, *, write: bool = False) -> Iterator[sa.Connection]:
        """One transaction: committed when the block ends well. Writers take their turn first."""
        queue = writers_queue(self.path) if write and self._durability.queued else contextlib.nullcontext()
        with self._errors(), queue, self._connection(write=write) as connection, connection.begin():
            yield connection

    def _connection(self, *, write: bool = False) -> sa.Connection:
        return self._engine.connect().execution_options(labelkit_write=write)

    def _connect(self) -> sqlite3.Connection:
        """A connection to the existing file: `mode=rw` never makes an empty one in the place of a lost one."""
        connection = sqlite3.connect(
            f"file:{quote(os.fsencode(self.path))}?mode=rw", uri=True, timeout=WAIT_SECONDS, isolation_level=None
        )
        try:
            connection.execute(f"PRAGMA synchronous = {self._durability.synchronous}")
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
        except BaseException:
            connection.close()
            raise
        return connection

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Say what a failure of the database means to a user, and name the file."""
        name = visible(str(self.path))
        try:
            yield
        except ArtifactError as error:
            raise ArtifactError(f"{name}: {error}") from error
        except (DBAPIError, sqlite3.Error) as error:
            explained = _explained(name, error.orig if isinstance(error, DBAPIError) else error)
            if explained is None:
                raise
            raise explained from error


def _begin(connection: sa.Connection) -> None:
    """Begin by hand: a writer takes its lock at once, so that it never fails half-way for having read first."""
    write = connection.get_execution_options().get("labelkit_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


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


_SQLITE = "sqlite:///"
_OPTIONS = re.compile(r"\?\w+=[^/]*$")


def _sqlite_path(url: str) -> Path:
    """The file of a SQLite URL. Messages show the scheme only: the rest may hold a password."""
    if not url.startswith(_SQLITE):
        scheme = visible(url.split(":", 1)[0][:40])
        raise ConfigError(f'[store] url: no store of kind "{scheme}"; write sqlite:/// and the path of a file')
    path = url.removeprefix(_SQLITE)
    if path in {"", ":memory:"}:
        raise ConfigError("[store] url: answers kept in memory would be lost; write sqlite:/// and the path of a file")
    if "\0" in path or _OPTIONS.search(path):
        raise ConfigError("[store] url: options after ? are not supported; labelkit sets what keeps answers safe")
    return Path(path).absolute()


def _create(path: Path) -> None:
    """Make an empty file that only its owner can read, and make it outlive a power cut."""
    with machine_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):  # somebody else was quicker
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        sync_folder(path.parent)
        sync_folder(path.parent.parent)


_DAMAGED = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_SCHEMA})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def _explained(name: str, error: BaseException | None) -> LabelkitError | None:
    """The error in the user's words; None for a broken constraint, which is a bug and must look like one."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_IOERR) & 0xFF
    if code == sqlite3.SQLITE_CONSTRAINT:
        return None
    if code in _DAMAGED:
        return ArtifactError(
            f"{name}: not a whole database of labelkit ({visible(str(error))}); restore it from a copy"
        )
    if code in _BUSY:
        return MachineError(f"{name}: another process kept it locked for {WAIT_SECONDS:g} seconds; try again")
    return MachineError(f"{name}: {visible(str(error))}; nothing was stored")
