"""What the processes of test_store_durability do. Each gets the end of a pipe and says there what happened."""

from __future__ import annotations

import resource
from multiprocessing.connection import Connection
from pathlib import Path

from labelkit.annotations import AnnotationStore
from labelkit.annotations.durability import Durability
from labelkit.annotations.sqlite import SqliteDatabase


def answer_until_killed(say: Connection, path: Path, durability: Durability, start: int) -> None:
    """Answer as fast as possible, and say each answer that was acknowledged."""
    store = AnnotationStore(SqliteDatabase(path, durability))
    for number in range(start, start + 1000):
        store.add(f"c{number}", "spam", "ana", "margin", f"op-{number}")
        say.send(f"c{number}")


def answer_all(say: Connection, path: Path, durability: Durability, who: str, count: int) -> None:
    """Answer `count` records, and say which errors there were."""
    errors = []
    store = AnnotationStore(SqliteDatabase(path, durability))
    for number in range(count):
        try:
            store.add(f"c{number}", "spam", who, "margin", f"{who}-{number}")
        except Exception as error:  # noqa: BLE001 - counted, and shown by the assertion
            errors.append(repr(error))
    say.send(errors)


def open_and_answer(say: Connection, path: Path) -> None:
    """Open a store that may not be there yet, give one answer, and say the error if there was one."""
    try:
        AnnotationStore.open(f"sqlite:///{path}").add("c1", "spam", "ana", "", "same")
        say.send(None)
    except Exception as error:  # noqa: BLE001 - shown by the assertion
        say.send(repr(error))


def answer_until_full(say: Connection, path: Path, limit: int) -> None:
    """Answer until files may not grow any more, and say how many answers were acknowledged and what went wrong."""
    store = AnnotationStore.open(f"sqlite:///{path}")
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    acknowledged = 0
    try:
        for number in range(10_000):
            store.add(f"c{number}" * 20, "spam", "ana", "margin", f"op-{number}")
            acknowledged += 1
    except Exception as error:  # noqa: BLE001 - its kind is what is asked
        say.send((acknowledged, type(error).__name__, str(error)))
