"""What the processes of test_store_durability do. Each gets the end of a pipe and says there what happened."""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from labelkit.annotations import AnnotationStore
from labelkit.errors import MachineError
from stores import Place


def answer_until_killed(say: Connection, place: Place, start: int) -> None:
    """Answer as fast as possible, and say each answer that was acknowledged."""
    store = place.open()
    for number in range(start, start + 1000):
        store.add(f"c{number}", "spam", "ana", "margin", f"op-{number}")
        say.send(f"c{number}")


def answer_all(say: Connection, place: Place, who: str, count: int) -> None:
    """Answer `count` records, and say which errors there were."""
    errors = []
    store = place.open()
    for number in range(count):
        try:
            store.add(f"c{number}", "spam", who, "margin", f"{who}-{number}")
        except Exception as error:  # noqa: BLE001 - counted, and shown by the assertion
            errors.append(repr(error))
    say.send(errors)


def open_and_answer(say: Connection, place: Place) -> None:
    """Open a store that may not be there yet, give one answer, and say the error if there was one."""
    try:
        place.open().add("c1", "spam", "ana", "", "same")
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


def work_through(say: Connection, place: Place, who: str, queue: Sequence[str], overlap: int) -> None:
    """Claim and answer until nothing is left, and say which errors there were."""
    errors, number = [], 0
    store = place.open()
    try:
        while (record := store.leases.claim(who, queue, overlap=overlap)) is not None:
            number += 1
            store.add(record, "spam", who, "margin", f"{who}-{number}")
    except Exception as error:  # noqa: BLE001 - counted, and shown by the assertion
        errors.append(repr(error))
    say.send(errors)


def claim_and_wait(say: Connection, place: Place, who: str, queue: Sequence[str], seconds: float) -> None:
    """Claim a record, say which, and never answer it."""
    say.send(place.open().leases.claim(who, queue, seconds=seconds))
    time.sleep(600)


def answer_stubbornly(say: Connection, place: Place, who: str, count: int) -> None:
    """Answer `count` records, each as often as it takes, and say how many were acknowledged."""
    acknowledged = 0
    store = place.open()
    say.send("open")
    for number in range(count):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                store.add(f"c{number}", "spam", who, "margin", f"{who}-{number}")
            except MachineError:
                time.sleep(0.02)
            else:
                acknowledged += 1
                break
    say.send(acknowledged)


def hold_until_killed(say: Connection, place: Place, who: str, records: list[str]) -> None:
    """Lease records in a session of this process, and wait."""
    store = place.open()
    session = store.leases.enter("of this process")
    say.send(store.leases.claim_some(who, records, len(records), session="of this process"))
    time.sleep(60)
    del session
