"""An acknowledged answer is there: after SIGKILL, beside other writers, on a disk that runs full."""

from __future__ import annotations

import random
import signal
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import store_writers
from labelkit.annotations import AnnotationStore
from labelkit.annotations.durability import JOURNAL, WAL, Durability, durability_for, writers_queue
from labelkit.errors import MachineError
from stores import Place, Start

KILLS = 12  # in each kind of store
PEOPLE = 4
ANSWERS = 50


def integrity(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ((3, 6, 23), JOURNAL),
        ((3, 40, 1), JOURNAL),
        ((3, 44, 5), JOURNAL),
        ((3, 44, 6), WAL),
        ((3, 44, 99), WAL),
        ((3, 45, 0), JOURNAL),
        ((3, 49, 2), JOURNAL),
        ((3, 50, 6), JOURNAL),
        ((3, 50, 7), WAL),
        ((3, 50, 99), WAL),
        ((3, 51, 0), JOURNAL),
        ((3, 51, 2), JOURNAL),
        ((3, 51, 3), WAL),
        ((3, 52, 0), WAL),
        ((4, 0, 0), WAL),
    ],
)
def test_wal_only_where_its_race_is_fixed(version: tuple[int, int, int], expected: Durability) -> None:
    """WAL with FULL on a fixed library, rollback journal with EXTRA on every other one."""
    assert durability_for(version) == expected
    assert (WAL.journal_mode, WAL.synchronous) == ("wal", "FULL")
    assert (JOURNAL.journal_mode, JOURNAL.synchronous) == ("delete", "EXTRA")


def test_store_uses_what_is_safe_with_the_library_found(tmp_path: Path) -> None:
    """The gate is asked about the library that Python links, and its answer ends up in the file."""
    AnnotationStore.open(f"sqlite:///{tmp_path / 'annotations.db'}")
    connection = sqlite3.connect(tmp_path / "annotations.db")
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    connection.close()
    assert mode == durability_for(sqlite3.sqlite_version_info).journal_mode


def test_acknowledged_answers_survive_sigkill(start: Start, place: Place) -> None:
    """A process killed right after an acknowledgement loses nothing, and at most one more answer than acknowledged
    is there."""
    store = place.open()
    acknowledged: set[str] = set()
    chance = random.Random(7)  # when to kill
    for kill in range(KILLS):
        started = start(store_writers.answer_until_killed, place, kill * 1000)
        for _ in range(chance.randrange(1, 6)):
            acknowledged.add(started.says())
        started.process.kill()
        started.process.join()
        assert started.process.exitcode == -signal.SIGKILL
        acknowledged |= set(started.rest())  # said before the kill arrived
        assert acknowledged <= store.answers().keys()
    assert len(store.answers()) <= len(acknowledged) + KILLS
    if place.url.startswith("sqlite:///"):
        assert integrity(Path(place.url.removeprefix("sqlite:///"))) == "ok"


def test_several_people_at_once_lose_nothing(start: Start, place: Place) -> None:
    """Processes that write at the same time get no error, and every answer is stored once."""
    store = place.open()
    people = [f"person-{i}" for i in range(PEOPLE)]
    working = [start(store_writers.answer_all, place, who, ANSWERS) for who in people]
    assert [started.says() for started in working] == [[]] * PEOPLE
    history = store.history()
    assert {(e.annotator, e.record) for e in history} == {(who, f"c{i}") for who in people for i in range(ANSWERS)}
    assert [e.sequence for e in history] == list(range(1, PEOPLE * ANSWERS + 1))


def test_threads_share_a_store(store: AnnotationStore) -> None:
    """Threads of one process can answer through one store object."""
    failures: list[BaseException] = []

    def answer(who: str) -> None:
        try:
            for number in range(20):
                store.add(f"c{number}", "spam", who, "margin", f"{who}-{number}")
        except BaseException as error:  # noqa: BLE001 - shown by the assertion
            failures.append(error)

    threads = [threading.Thread(target=answer, args=(f"person-{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.last_sequence == 80


def test_several_processes_make_one_database(start: Start, new_place: Callable[[], Place]) -> None:
    """Of processes that open a store that is not there yet, one makes it and all use it."""
    for _ in range(3):
        place = new_place()
        working = [start(store_writers.open_and_answer, place) for _ in range(4)]
        assert [started.says() for started in working] == [None] * 4
        assert place.open().last_sequence == 1


@pytest.mark.parametrize("limit", range(32_768, 65_536, 7_001))
def test_full_disk_is_said_and_keeps_what_was_stored(start: Start, tmp_path: Path, limit: int) -> None:
    """An answer that the disk does not take is not acknowledged; those before it stay, and later it is taken."""
    path = tmp_path / "annotations.db"
    acknowledged, kind, message = start(store_writers.answer_until_full, path, limit).says()
    assert (kind, message) == ("MachineError", f"{path}: disk I/O error; nothing was stored")
    store = AnnotationStore.open(f"sqlite:///{path}")
    assert acknowledged == store.last_sequence > 0
    assert store.add("later", "ham", "ana", "margin", "later").sequence == acknowledged + 1
    assert integrity(path) == "ok"


def test_writer_waits_its_turn_and_says_when_it_waited_too_long(tmp_path: Path) -> None:
    """A writer that never gets its turn fails with the reason instead of hanging."""
    database = tmp_path / "annotations.db"
    with writers_queue(database), pytest.raises(MachineError) as caught, writers_queue(database, seconds=0.05):
        pass
    assert str(caught.value) == f"{database}: another process has been writing for 0.05 seconds; try again"
    with writers_queue(database, seconds=0):
        pass


def test_lock_of_another_program_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that another program keeps locked is no traceback."""
    monkeypatch.setattr("labelkit.annotations.sqlite.WAIT_SECONDS", 0.05)
    path = tmp_path / "annotations.db"
    store = AnnotationStore.open(f"sqlite:///{path}")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    calls: list[Callable[[], Any]] = [lambda: store.add("c7", "spam", "ana", "margin", "op-1"), store.history]
    for call in calls:
        with pytest.raises(MachineError) as caught:
            call()
        assert str(caught.value) == f"{path}: another process kept it locked for 0.05 seconds; try again"
    other.close()
    assert store.last_sequence == 0
