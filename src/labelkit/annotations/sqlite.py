"""The SQLite database under the annotation store: how it is made, opened, kept safe, and what its failures mean.

Every transaction opens the file anew: nothing is shared across a fork, and a database that somebody moved away is
noticed instead of being written to in its grave.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from labelkit.annotations.durability import WAIT_SECONDS, Durability, durability_for, writers_queue
from labelkit.annotations.migrations import LATEST, migrate, version
from labelkit.annotations.presence import Place, place_beside
from labelkit.errors import ArtifactError, ConfigError, LabelkitError, MachineError, visible
from labelkit.files import machine_errors, sync_folder


class SqliteDatabase:
    """One SQLite file with the tables of `migrations`."""

    def __init__(self, path: Path, durability: Durability) -> None:
        self.path = path
        self.name = visible(str(path))
        self.durability = durability
        self._engine = sa.create_engine("sqlite+pysqlite://", creator=self._connect, poolclass=sa.NullPool)
        sa.event.listen(self._engine, "begin", _begin)

    @classmethod
    def at(cls, url: str) -> SqliteDatabase:
        """Find the database at a URL, as durable as the SQLite library found can make it."""
        return cls(_sqlite_path(url), durability_for(sqlite3.sqlite_version_info))

    def prepare(self) -> None:
        """Make the database, or bring it to the present schema and journal mode; one that is there is only read."""
        if not self.path.exists():
            _create(self.path)
        if self._examined() == (LATEST, self.durability.journal_mode):
            return
        with self._errors(), writers_queue(self.path):
            self._set_journal_mode()
            with self._connection(write=True) as connection, connection.begin():
                migrate(connection)

    def examine(self) -> int:
        """The schema that is there, 0 where there is none; nothing is written."""
        return self._examined()[0] if self.path.exists() else 0

    def identity(self) -> object:
        """The file, whatever path leads to it."""
        with machine_errors(self.path), contextlib.suppress(FileNotFoundError):
            found = self.path.stat()
            return found.st_dev, found.st_ino
        return None

    def _examined(self) -> tuple[int, str]:
        """Schema and journal mode of a whole database."""
        with machine_errors(self.path), self._errors(), self._connection() as connection:
            damage = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
            if damage != "ok":
                raise ArtifactError(f"is damaged ({visible(str(damage))}); restore it from a copy")
            page = connection.exec_driver_sql("PRAGMA page_size").scalar_one()
            if self.path.stat().st_size % page:  # SQLite would read zeros for what is missing
                raise ArtifactError("is damaged (cut short within a page); restore it from a copy")
            return version(connection), str(connection.exec_driver_sql("PRAGMA journal_mode").scalar())

    def _set_journal_mode(self) -> None:
        """Set it once: SQLite remembers it in the file."""
        with contextlib.closing(self._connect()) as connection:
            wanted = self.durability.journal_mode
            (mode,) = connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()
        if mode != wanted:
            raise MachineError(f"{visible(str(self.path))}: the journal mode stays {mode} instead of {wanted}")

    @contextlib.contextmanager
    def transaction(self, *, write: bool = False) -> Iterator[sa.Connection]:
        """One transaction: committed when the block ends well. Writers take their turn first."""
        queue = writers_queue(self.path) if write else contextlib.nullcontext()
        with self._errors(), queue, self._connection(write=write) as connection, connection.begin():
            yield connection

    def place(self, session: str) -> Place | None:
        """Take the place of a session, held until its process ends; None where somebody holds it."""
        return place_beside(self.path, session)

    def _connection(self, *, write: bool = False) -> sa.Connection:
        return self._engine.connect().execution_options(labelkit_write=write)

    def _connect(self) -> sqlite3.Connection:
        """A connection to the existing file: `mode=rw` never makes an empty one in the place of a lost one."""
        connection = sqlite3.connect(
            f"file:{quote(os.fsencode(self.path))}?mode=rw", uri=True, timeout=WAIT_SECONDS, isolation_level=None
        )
        try:
            connection.execute(f"PRAGMA synchronous = {self.durability.synchronous}")
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
        except BaseException:
            connection.close()
            raise
        return connection

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Say what a failure of the database means to a user, and name the file."""
        try:
            yield
        except ArtifactError as error:
            if str(error).startswith(self.name):
                raise
            raise ArtifactError(f"{self.name}: {error}") from error
        except (DBAPIError, sqlite3.Error) as error:
            explained = _explained(self.name, error.orig if isinstance(error, DBAPIError) else error)
            if explained is None:
                raise
            raise explained from error


def _begin(connection: sa.Connection) -> None:
    """Begin by hand: a writer takes its lock at once, so that it never fails half-way for having read first."""
    write = connection.get_execution_options().get("labelkit_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


_SQLITE = "sqlite:///"
_OPTIONS = re.compile(r"\?\w+=[^/]*$")


def _sqlite_path(url: str) -> Path:
    """The file of a SQLite URL. Messages show the scheme only: the rest may hold a password."""
    if not url.startswith(_SQLITE):
        scheme = visible(url.split(":", 1)[0][:40])
        raise ConfigError(
            f'[store] url: no store of kind "{scheme}"; write sqlite:/// and the path of a file, or postgresql://host/database'
        )
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
