"""How SQLite is told to keep an answer through a power cut, given the library that Python links.

SQLite 3.7.0 to 3.51.2 can lose a committed transaction in WAL mode when several connections write at once (the
WAL-reset race, https://sqlite.org/wal.html). It is fixed in 3.51.3 and, in their branches, 3.50.7 and 3.44.6. With any
other library the rollback journal is used, with synchronous=EXTRA: FULL does not sync the folder after the journal
is removed, and a power cut can then roll back the last answer. In either mode writers queue at a file lock; left to
SQLite's own waiting, many busy writers starve one another.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labelkit.errors import MachineError, visible
from labelkit.files import machine_errors

WAIT_SECONDS = 30.0
_POLL_SECONDS = 0.001


@dataclass(frozen=True)
class Durability:
    """Pragmas of a SQLite database."""

    journal_mode: str  # wal or delete
    synchronous: str  # FULL or EXTRA


WAL = Durability("wal", "FULL")
JOURNAL = Durability("delete", "EXTRA")


def durability_for(version: tuple[int, int, int]) -> Durability:
    """What is safe with this version of the SQLite library.

    >>> durability_for((3, 51, 3)).journal_mode, durability_for((3, 46, 1)).journal_mode
    ('wal', 'delete')
    """
    fixed = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51, 0) or (3, 44, 6) <= version < (3, 45, 0)
    return WAL if fixed else JOURNAL


@contextlib.contextmanager
def writers_queue(database: Path, seconds: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the database's one writing place for the block; a killed holder frees it at once.

    The lock is a `flock` on a file beside the database, opened anew each time, so that it also keeps threads apart,
    and unlocked rather than only closed, so that a process forked meanwhile cannot hold it.
    Raises MachineError after `seconds` of waiting.
    """
    path = database.with_name(f"{database.name}.lock")
    with machine_errors(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        _wait_for(descriptor, database, seconds)
        try:
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, database: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise MachineError(
                    f"{visible(str(database))}: another process has been writing for {seconds:g} seconds; try again"
                ) from error
            time.sleep(_POLL_SECONDS * (1 + random.random()))  # noqa: S311 - spreads the waiting, decides nothing
        except OSError as error:
            raise MachineError(f"{visible(str(database))}: cannot be locked: {error.strerror}") from error
        else:
            return
