"""Events that wait to be delivered, one file each, so that none is lost while a receiver is down.

An event is written before anything is sent and removed once it was taken. What could not be delivered goes out with the
next run, oldest first; a receiver may get an event twice, never an event in part.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labelkit.files import make_folder, write_json
from labelkit.lineage.openlineage.facts import Event

KEPT = 1_000
"""Events that wait at most; of more, the oldest are given up."""

SECONDS = 2.0
"""As long a verb waits at most, when all its work is done, for events to be delivered."""

Send = Callable[[dict[str, Any]], None]
"""Delivers one event, or raises: Refused where trying again is no use."""


class Refused(Exception):
    """A receiver does not want this very event."""


@dataclass(frozen=True)
class Undelivered:
    """What a person should know when not everything was delivered."""

    waiting: int  # events that go out with the next run
    refused: int  # events that the receiver does not want; they are set aside
    reason: str  # class of the error, or that time was up; empty where nothing waits


@dataclass(frozen=True)
class Outbox:
    """A folder of events."""

    folder: Path

    def add(self, event: Event) -> None:
        """Keep an event until it is delivered. Raises ValueError for what is no event, MachineError from the disk."""
        from labelkit.lineage.openlineage.events import document

        make_folder(self.folder)
        name = f"{time.time_ns():020d}-{os.getpid()}-{next(_COUNTER)}.json"
        write_json(self.folder / name, document(event))
        for old in self.waiting()[:-KEPT]:
            old.unlink(missing_ok=True)

    def waiting(self) -> list[Path]:
        """Files of the events, oldest first."""
        return sorted(self.folder.glob("*.json"))

    def deliver(self, connect: Callable[[], Send], seconds: float = SECONDS) -> Undelivered | None:
        """Send what waits, for a limited time; None when nothing is left.

        `connect` is called first, in the thread that sends: whatever hangs in it, looking up a name for instance, is
        left to itself when the time is up.
        """
        sending = _Sending(self, connect, time.monotonic() + seconds)
        thread = threading.Thread(target=sending.run, name="labelkit-openlineage", daemon=True)
        thread.start()
        thread.join(seconds)
        waiting = len(self.waiting())
        if not waiting and not sending.refused:
            return None
        reason = sending.failed or f"no answer within {seconds:g} s"
        return Undelivered(waiting, sending.refused, reason if waiting else "")


@dataclass
class _Sending:
    """One attempt to empty an outbox, in a thread of its own."""

    outbox: Outbox
    connect: Callable[[], Send]
    until: float  # monotonic
    refused: int = 0
    failed: str = ""

    def run(self) -> None:
        """Send what waits, oldest first, until something goes wrong or the time is up."""
        try:
            send = self.connect()
            with self._alone():
                for path in self.outbox.waiting():
                    if time.monotonic() > self.until:
                        return
                    self._send(send, path)
        except Exception as error:  # noqa: BLE001  whatever keeps an event from its receiver, it goes on waiting
            self.failed = type(error).__name__

    def _send(self, send: Send, path: Path) -> None:
        content = _read(path)
        try:
            if content is not None:
                send(content)
        except Refused:
            self.refused += 1
            path.replace(path.with_suffix(".refused"))
        else:
            path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait until nobody else sends, so that events keep their order."""
        path = self.outbox.folder / "lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            while not _locked(descriptor):
                if time.monotonic() > self.until:
                    raise TimeoutError("another process is sending")
                time.sleep(0.02)
            yield
        finally:
            os.close(descriptor)


_COUNTER = itertools.count()


def _locked(descriptor: int) -> bool:
    """Take the lock, if it is free."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(path: Path) -> dict[str, Any] | None:
    """An event as it was kept; None for one that was damaged, which nobody can use."""
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, FileNotFoundError):
        return None
    return content if isinstance(content, dict) else None
