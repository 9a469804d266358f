"""Presence: telling a session that lives from one that was killed.

A session holds its place for as long as its process lives: a lock that the operating system, or the PostgreSQL server,
takes back when the process dies. So whoever comes back after a crash gets the records they had at once, while a
second terminal of the same person takes none away from the first.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import weakref
from collections.abc import Callable
from pathlib import Path

from labelkit.files import machine_errors, make_folder


class Place:
    """A place that is held until `leave`, or until the process ends in whatever way."""

    def __init__(self, leave: Callable[[], None]) -> None:
        self._leave = weakref.finalize(self, leave)

    def leave(self) -> None:
        """Give it up; a second time does nothing."""
        self._leave()


def place_beside(database: Path, session: str) -> Place | None:
    """Take the place of a session at a SQLite file, by a `flock` on a file of its own; None where it is taken."""
    folder = database.with_name(f"{database.name}.sessions")
    path = folder / hashlib.sha256(session.encode()).hexdigest()[:32]
    with machine_errors(path):
        make_folder(folder)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
    return Place(lambda: _leave(descriptor, path))


def place_number(session: str) -> int:
    """The session as the number that a lock of PostgreSQL wants, 64 bits with a sign."""
    return int.from_bytes(hashlib.sha256(b"labelkit session " + session.encode()).digest()[:8], "big", signed=True)


def _leave(descriptor: int, path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)
