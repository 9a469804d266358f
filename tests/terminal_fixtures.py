"""Somebody at the annotate screen in a real terminal (a pty), with a real store."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labelkit.annotations import AnnotationStore

CHILD = """
import signal
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may have been told to ignore it
import json, sys, time
from labelkit.active import QueueItem
from labelkit.annotations import AnnotationStore
from labelkit.errors import LabelkitError
from labelkit.active.session import AnnotationSession
from labelkit.ui.terminal import annotate_in_terminal as at_terminal

def annotate_in_terminal(items, fields_of, store, classes, who, budget, *, keys=None, **options):
    return at_terminal(AnnotationSession(iter(items), fields_of, store, classes, who, budget, **options), keys=keys)

def fields_of(record):
    return {"text": f"the text of {record}"}

url, records, classes, budget = sys.argv[1], int(sys.argv[2]), sys.argv[3].split(","), int(sys.argv[4])
PREPARE
items = [QueueItem(f"r{i}", "margin", 0.1, "undecided", "ham" if i % 2 else None, {"f": "ham"}) for i in range(records)]
try:
    session = annotate_in_terminal(items, fields_of, AnnotationStore.open(url), classes, "ana", budget)
    said = {"answered": session.answered, "skipped": session.skipped, "undone": session.undone}
    print("SESSION", json.dumps(said), flush=True)
except LabelkitError as error:
    print("ERROR", type(error).__name__, error, flush=True)
"""

OURS = re.compile(r"\x1b\[(H|2K|J|\?1049[hl]|\?25[hl]|\?2004[hl]|[0-9;]*m)")
PATIENCE = 20.0


class Person:
    """Somebody at a terminal: types, looks, and can pull the plug."""

    def __init__(
        self,
        database: Path,
        *,
        records: int = 5,
        classes: str = "ham,spam",
        budget: int = 50,
        prepare: str = "",
        size: tuple[int, int] = (24, 80),
        **environment: str,
    ) -> None:
        self.database = database
        self._hand, self.tty = pty.openpty()
        termios.tcsetwinsize(self.tty, size)
        self.before = termios.tcgetattr(self.tty)
        settings = {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **environment}
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                CHILD.replace("PREPARE", prepare),
                f"sqlite:///{database}",
                str(records),
                classes,
                str(budget),
            ],
            stdin=self.tty,
            stdout=self.tty,
            stderr=self.tty,
            env={**os.environ, **settings},
            start_new_session=True,
        )
        self.output = ""

    def types(self, keys: str | bytes) -> None:
        os.write(self._hand, keys.encode() if isinstance(keys, str) else keys)

    def looks(self, seconds: float = 0.05) -> bool:
        """Take in what has come; whether anything has."""
        came = bool(select.select([self._hand], [], [], seconds)[0])
        if came:
            self.output += os.read(self._hand, 65536).decode("utf-8", "replace")
        return came

    @property
    def screen(self) -> str:
        """The latest screen that has come whole, as text."""
        whole = self.output.rpartition("\x1b[J")[0]
        return OURS.sub("", whole.rsplit("\x1b[H", 1)[-1]).replace("\r", "")

    def sees(self, text: str) -> None:
        """Wait until the text is on the screen."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.screen:
            self.looks()
            assert time.monotonic() < deadline, f"{text!r} never came; the screen is:\n{self.screen}"

    def leaves(self) -> str:
        """Wait for the end; the last line of what was printed after the screen was closed."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            self.looks()
            assert time.monotonic() < deadline, f"it never ended; the screen is:\n{self.screen}"
        while self.looks(0):
            pass
        return self.output.rsplit("\x1b[?1049l", 1)[-1].replace("\r", "").strip().rsplit("\n", 1)[-1]

    def session(self) -> dict[str, int]:
        word, _, rest = self.leaves().partition("SESSION ")
        assert rest, f"no session but:\n{word}"
        return dict(json.loads(rest))

    def hangs_up(self) -> None:
        os.close(self._hand)
        self._hand = -1

    def gone(self) -> None:
        self.process.kill()
        self.process.wait()
        for descriptor in (self._hand, self.tty):
            if descriptor >= 0:
                os.close(descriptor)

    @property
    def store(self) -> AnnotationStore:
        return AnnotationStore.open(f"sqlite:///{self.database}")


Sit = Callable[..., Person]


@pytest.fixture
def sit(tmp_path: Path) -> Iterator[Sit]:
    """Let somebody sit down at a terminal of their own."""
    people: list[Person] = []

    def sits(**options: object) -> Person:
        people.append(Person(tmp_path / "annotations.db", **options))  # type: ignore[arg-type]
        return people[-1]

    yield sits
    for person in people:
        person.gone()
