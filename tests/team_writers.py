"""What the processes of test_team_on_postgres do: a person at a shared queue, who does not give up."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import TypeVar

from labelkit.active import QueueItem
from labelkit.active.handout import HandOut
from labelkit.errors import MachineError
from stores import Place

T = TypeVar("T")


def annotate_in_a_team(say: Connection, place: Place, who: str, records: Sequence[str]) -> None:
    """Be one of many at a shared queue until it is empty, through whatever happens to the server.

    Says ("stored", operation) for each answer that was acknowledged, ("trouble", message) for what went wrong, and
    ("done", None) at the end.
    """

    def stubbornly(act: Callable[[], T]) -> T:
        deadline = time.monotonic() + 100
        while True:
            try:
                return act()
            except MachineError as error:
                say.send(("trouble", str(error)))
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    store = stubbornly(place.open)
    session = secrets.token_hex(8)
    held = stubbornly(lambda: store.leases.enter(session))
    mine = stubbornly(lambda: store.leases.resume(who, session))
    items = [QueueItem(record, "margin", 0.0, "", None, {}) for record in records]
    resumed = [item for item in items if item.record in mine]
    hand = HandOut(iter(items), store.leases, who, session=session, resumed=resumed)
    while (item := stubbornly(lambda: next(hand, None))) is not None:
        record, operation = item.record, secrets.token_hex(8)
        time.sleep(0.05)  # the person looks at it
        stubbornly(lambda record=record, operation=operation: store.add(record, "spam", who, "margin", operation))  # type: ignore[misc]
        say.send(("stored", operation))
    say.send(("done", None))
    del held
