"""Sessions of a project: what one person left behind, and what several share."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labelkit.annotations import AnnotationStore
from labelkit.errors import UsageError
from labelkit.pipeline.sessions import Sessions
from projects import Made

SITTING = """
import sys, time
from pathlib import Path
from labelkit.pipeline.sessions import Sessions
from labelkit.project import find_project

session = Sessions(find_project(Path(sys.argv[1])), retrain=False).open("ana")
print(session.next().record, flush=True)
time.sleep(60)
"""


@pytest.fixture
def sessions(applied: Made) -> Iterator[Sessions]:
    with Sessions(applied.project.folder, retrain=False) as opened:
        yield opened


def killed_while_asking(root: Path) -> str:
    """The record that a process of ana's showed when it was killed."""
    with subprocess.Popen([sys.executable, "-c", SITTING, str(root)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        record = process.stdout.readline().strip()
        process.kill()
    assert process.returncode == -signal.SIGKILL
    return record


def test_records_of_a_killed_session_come_back_to_their_person(applied: Made, sessions: Sessions) -> None:
    """At once, and the one on the screen first; nobody else gets them while the lease runs."""
    record = killed_while_asking(applied.root)
    with sessions.open("ben") as ben, sessions.open("ana") as ana:
        first, others = ana.next(), ben.next()
        assert first is not None
        assert others is not None
        assert first.record == record
        assert others.record != record
        assert first.fields["text"]


def test_second_terminal_of_one_person_takes_nothing_from_the_first(sessions: Sessions) -> None:
    """Both live, so they ask different records."""
    with sessions.open("ana") as one, sessions.open("ana") as two:
        first, second = one.next(), two.next()
        assert first is not None
        assert second is not None
        assert first.record != second.record


def test_closed_session_leaves_nothing_behind(applied: Made, sessions: Sessions) -> None:
    """No lease and no file of the session."""
    with sessions.open("ana") as session:
        session.next()
    store = AnnotationStore.open(applied.project.folder.store_url)
    assert store.leases.held() == {}
    assert list((applied.root / ".labelkit").glob("annotations.db.sessions/*")) == []


def test_refused_session_leaves_nothing_behind(applied: Made) -> None:
    """Who has nothing to decide holds no place."""
    with Sessions(applied.project.folder, adjudicate=True) as sessions, pytest.raises(UsageError, match="nothing to"):
        sessions.open("ana")
    assert list((applied.root / ".labelkit").glob("annotations.db.sessions/*")) == []
