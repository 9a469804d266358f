"""The PostgreSQL database under the annotation store: how it is reached, kept safe, and what its failures mean.

Several people on several machines answer into one server. What SQLite does with a lock on a file is done here with an
advisory lock that lives as long as its transaction, so both stores keep the same order and the same promises.
"""

from __future__ import annotations

import contextlib
import os
import weakref
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError

from labelkit.annotations.durability import WAIT_SECONDS
from labelkit.annotations.migrations import LATEST, migrate, version
from labelkit.annotations.presence import Place, place_number
from labelkit.errors import ArtifactError, ConfigError, LabelkitError, MachineError, named, visible

_DRIVER = "postgresql+psycopg"
_SCHEMES = frozenset({"postgres", "postgresql", _DRIVER})
_OPTIONS = frozenset(
    {"host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey", "options", "connect_timeout", "passfile", "service"}
)
_WRITERS_LOCK = 0x6C6162656C6B6974  # "labelkit" in ASCII, as the number that PostgreSQL wants
_STUCK_SECONDS = 15  # a writer that stands still keeps all others waiting: the server ends its transaction


class PostgresDatabase:
    """One PostgreSQL database, or one schema of it, with the tables of `migrations`."""

    def __init__(self, url: sa.URL) -> None:
        self.name = visible(url.set(drivername="postgresql", query={}).render_as_string(hide_password=True))
        self._secrets = [url.password] if url.password else []
        self._engine = sa.create_engine(
            url,
            pool_pre_ping=True,  # a server that was restarted meanwhile is found again
            pool_size=4,
            max_overflow=60,
            isolation_level="READ COMMITTED",  # a writer sees what was committed until it got its turn
            connect_args={"connect_timeout": 10, "application_name": "labelkit", "tcp_user_timeout": 30_000},
        )
        sa.event.listen(self._engine, "connect", _check_durability)
        _forget_after_fork(self._engine)
        weakref.finalize(self, self._engine.dispose)  # nobody has to close a store

    @classmethod
    def at(cls, url: str) -> PostgresDatabase:
        """Find the database at a URL. No message repeats the URL: it may hold a password."""
        return cls(_parsed(url))

    def prepare(self) -> None:
        """Make the tables, or bring them to the present schema."""
        if self.examine() != LATEST:
            with self.transaction(write=True) as connection:
                migrate(connection)

    def examine(self) -> int:
        """The schema that is there, 0 where there is none; nothing is written."""
        with self.transaction() as connection:
            return version(connection)

    def identity(self) -> object:
        """The schema of a database of a server that has run since a moment of its own."""
        asks = "SELECT pg_postmaster_start_time()::text, current_database(), current_schema()"
        with self.transaction() as connection:
            return tuple(connection.exec_driver_sql(asks).one())

    @contextlib.contextmanager
    def transaction(self, *, write: bool = False) -> Iterator[sa.Connection]:
        """One transaction: committed when the block ends well. Writers take their turn first."""
        with self._errors(), self._engine.connect() as connection, connection.begin():
            if write:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS_LOCK})")
            yield connection

    def place(self, session: str) -> Place | None:
        """Take the place of a session, held until its connection ends; None where somebody holds it."""
        with self._errors():
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            connection.detach()  # it is no longer the pool's: it ends with the place
            taken = connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({place_number(session)})").scalar_one()
        if not taken:
            connection.close()
            return None
        return Place(connection.close)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Say what a failure of the database means to a user, and name the database."""
        try:
            yield
        except (ArtifactError, ConfigError) as error:
            if str(error).startswith(self.name):
                raise
            raise type(error)(f"{self.name}: {error}") from error
        except DBAPIError as error:
            explained = self._explained(error)
            if explained is None:
                raise
            raise explained from None  # the chain would end with libpq's words, which nobody has looked through

    def _explained(self, error: DBAPIError) -> LabelkitError | None:
        """The error in the user's words; None for a broken constraint, which is a bug and must look like one."""
        state = getattr(error.orig, "sqlstate", None) or ""
        text = visible(str(error.orig).strip().split("\n", 1)[0])
        for secret in self._secrets:
            text = text.replace(secret, "***")
        if state.startswith("23") or state == "P0001":  # a constraint or trigger of our own
            return None
        if state == "42501":
            return MachineError(
                f"{self.name}: {text}; nothing was stored; what a role may do its owner decides: labelkit store setup"
            )
        if state == "55P03":
            return MachineError(f"{self.name}: others have been writing for {WAIT_SECONDS:g} seconds; try again")
        if state in {"42P01", "42703"}:
            return ArtifactError(f"{self.name}: not a whole database of labelkit ({text}); restore it from a copy")
        if error.connection_invalidated or not state or state.startswith(("08", "57P", "25P03")):
            return MachineError(f"{self.name}: {text}; try again: what is stored already is not stored twice")
        return MachineError(f"{self.name}: {text}; nothing was stored")


def _parsed(url: str) -> sa.URL:
    scheme = url.split(":", 1)[0]
    if scheme not in _SCHEMES:
        raise ConfigError(f'[store] url: no store of kind "{visible(scheme[:40])}"; write postgresql://host/database')
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or not parsed.database or url.split("?", maxsplit=1)[0].count("@") > 1 or "\0" in url:
        raise ConfigError(
            "[store] url: write postgresql://user@host:port/database; "
            "in a password @ is written %40, / is %2F, : is %3A"
        )
    unknown = sorted(set(parsed.query) - _OPTIONS)
    if unknown:
        raise ConfigError(f"[store] url: unknown option {named(unknown)}; known are {named(sorted(_OPTIONS))}")
    if find_spec("psycopg") is None:
        raise ConfigError('[store] url: PostgreSQL needs psycopg; pip install "labelkit[postgres]"')
    return parsed.set(drivername=_DRIVER)


def _check_durability(connection: Any, _record: Any) -> None:
    """Refuse a server that forgets, and make this connection wait for the disk and never for ever."""
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('fsync'), current_setting('synchronous_commit')")
        fsync, synchronous = cursor.fetchone()
        if fsync != "on":
            raise ConfigError("fsync is off there, so a power cut loses answers; set fsync = on in postgresql.conf")
        if synchronous == "off":  # a default of the role or database: the session may decide otherwise
            cursor.execute("SET synchronous_commit = on")
        cursor.execute(f"SET lock_timeout = '{WAIT_SECONDS:g}s'")
        cursor.execute(f"SET idle_in_transaction_session_timeout = '{_STUCK_SECONDS}s'")
    connection.autocommit = False


def _forget_after_fork(engine: sa.Engine) -> None:
    """A forked child makes its own connections: two processes on one would mix up their answers."""
    known = weakref.ref(engine)

    def forget() -> None:
        engine = known()
        if engine is not None:
            engine.dispose(close=False)

    os.register_at_fork(after_in_child=forget)
