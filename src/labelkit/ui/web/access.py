"""Who may come in: links that open the page once, and the sessions that they are exchanged for.

Tokens and session ids are 256 random bits. Only their hashes are kept, in memory and on disk, so that a look-up tells
nothing by the time it takes and a file that is read by somebody opens no door. Sessions outlive a restart of the
server: a page that waits for it goes on by itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from labelkit.files import machine_errors, make_folder, write_json

SESSION_SECONDS = 12 * 3600.0
MOST_SESSIONS = 1_000


class _Session(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    annotator: str = Field(min_length=1, max_length=200)
    ends: float  # seconds since 1970


class Access:
    """Links and sessions of one server. `people` are the only names there are."""

    def __init__(self, people: Iterable[str], file: Path, clock: Callable[[], float] = time.time) -> None:
        self.people = tuple(dict.fromkeys(people))
        self._file, self._clock, self._lock = file, clock, threading.Lock()
        self._links: dict[str, str] = {}  # hash of a token -> annotator
        self._sessions = self._read()

    def link(self, annotator: str) -> str:
        """A token that lets this person in, once."""
        token = secrets.token_urlsafe(32)
        with self._lock:
            self._links[_hash(token)] = annotator
        return token

    def enter(self, token: str) -> str | None:
        """Exchange a token for a session id; None for a token that is unknown or was used."""
        session = secrets.token_urlsafe(32)
        with self._lock:
            annotator = self._links.get(_hash(token))
            if annotator is None:
                return None
            sessions = {**self._alive(), _hash(session): _Session(annotator=annotator, ends=self._ends())}
            self._write(sessions)  # a disk that is full uses up no link
            del self._links[_hash(token)]
            return session

    def annotator(self, session: str) -> str | None:
        """Whose session it is; None for one that has ended or never began."""
        with self._lock:
            found = self._sessions.get(_hash(session))
        live = found is not None and found.ends > self._clock() and found.annotator in self.people
        return found.annotator if found is not None and live else None

    def leave(self, session: str) -> None:
        """End a session."""
        with self._lock:
            self._write({key: value for key, value in self._alive().items() if key != _hash(session)})

    def _ends(self) -> float:
        return self._clock() + SESSION_SECONDS

    def _alive(self) -> dict[str, _Session]:
        """The sessions that have not ended, the oldest left out where there are too many."""
        now = self._clock()
        live = [(key, session) for key, session in self._sessions.items() if session.ends > now]
        return dict(live[-MOST_SESSIONS:])

    def _write(self, sessions: dict[str, _Session]) -> None:
        with machine_errors(self._file):
            make_folder(self._file.parent)
            with contextlib.suppress(FileExistsError):  # only its owner reads it, and it keeps its permissions
                os.close(os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        write_json(self._file, {key: session.model_dump() for key, session in sessions.items()})
        self._sessions = sessions

    def _read(self) -> dict[str, _Session]:
        """The sessions on disk. A file that cannot be read lets nobody in: people open a new link."""
        try:
            found = json.loads(self._file.read_bytes())
            return {str(key): _Session.model_validate(value) for key, value in dict(found).items()}
        except (OSError, ValueError, TypeError, RecursionError, ValidationError):
            return {}


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "backslashreplace")).hexdigest()
