"""Rooms for tests of the annotate page: a real store and queue without a project around them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from labelkit.active import QueueItem
from labelkit.active.handout import HandOut
from labelkit.active.session import AnnotationSession, Question, Spans
from labelkit.annotations import AnnotationStore
from labelkit.annotations.annotation import enough
from labelkit.errors import AnswerError, UsageError
from labelkit.ui.terminal.keys import class_keys
from labelkit.ui.web import Access, Room, Source, Task, listening, site_at
from labelkit.ui.web.app import application
from labelkit.ui.web.server import server_of

ORIGIN = "http://127.0.0.1:8477"
HEADERS = {"Origin": ORIGIN, "Content-Type": "application/json"}


@dataclass
class Records:
    """Records to ask about, by id: their fields and what is known about them."""

    fields: Mapping[str, Mapping[str, object]]
    votes: Mapping[str, str] = field(default_factory=lambda: {"begs": "spam", "sings": "ham"})
    suggestion: str | None = "spam"
    reason: str = "undecided between ham and spam (0.52 / 0.48)"
    highlights: Spans = field(default_factory=dict)

    def question(self, record: str, strategy: str = "margin") -> Question:
        """The question about one of them."""
        if record not in self.fields:
            raise AnswerError("not one of these records")
        item = QueueItem(record, strategy, 0.1, self.reason, self.suggestion, self.votes)
        return Question(item, self.fields[record], self.highlights)


def numbered(n: int) -> Records:
    """n records with a text each."""
    return Records({f"r{i}": {"text": f"text number {i}"} for i in range(n)})


def make_room(
    folder: Path,
    records: Records,
    people: Sequence[str] = ("ana", "ben"),
    *,
    overlap: int = 2,
    port: int = 8477,
    url: str | None = None,
    figures: Mapping[str, Any] | None = None,
    **task: Any,
) -> Room:
    """A room whose store lies in `folder`; a second one for the same folder is what a restart of the server makes."""
    store = AnnotationStore.open(f"sqlite:///{folder / 'annotations.db'}")
    classes = tuple(task.pop("classes", ("ham", "spam")))
    keys = class_keys(classes)

    def open_session(annotator: str, budget: int) -> AnnotationSession:
        done = enough(store.history(), overlap) | store.asked(annotator)
        items = iter([records.question(record).item for record in records.fields if record not in done])
        hand = HandOut(items, store.leases, annotator, overlap=overlap)
        if hand.is_over():
            raise UsageError("there is nothing to ask: every record of this queue is answered")
        return AnnotationSession(
            hand,
            lambda record: records.fields[record],
            store,
            classes,
            annotator,
            budget,
            several=task.get("several", False),
            overlap=overlap,
            hold_seconds=600,
            highlights_of=lambda item, fields: records.highlights,
        )

    source = Source(open_session, records.question, lambda: figures or {})
    access = Access(people, folder / "web-sessions.json")
    return Room(
        Task(task.pop("project", "comments"), "p1", classes, keys, **task),
        store,
        source,
        access,
        site_at("127.0.0.1", port, url),
    )


class Visitor:
    """Somebody with a browser of their own: requests come with its Origin and keep its cookie."""

    def __init__(self, room: Room, person: str | None = None) -> None:
        self.room = room
        self.client = TestClient(application(room), base_url=ORIGIN, raise_server_exceptions=False)
        if person is not None:
            assert self.post("enter", token=room.access.link(person)).status_code == 200

    def post(self, path: str, **body: Any) -> Any:
        """A request as the page sends it."""
        return self.client.post(f"/api/{path}", json=body, headers=HEADERS)

    def said(self, path: str, **body: Any) -> dict[str, Any]:
        """The reply to a request that must succeed."""
        response = self.post(path, **body)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def get(self, path: str, **headers: str) -> Any:
        """Read something."""
        return self.client.get(path, headers=headers)

    def records(self, *have: str) -> list[dict[str, Any]]:
        """What is in hand, once the record after the first one is there too."""
        for _ in range(100):
            found: list[dict[str, Any]] = self.said("next", have=list(have))["records"]
            if len(found) + len(have) >= 2:
                break
        return found


@contextlib.contextmanager
def on_a_port(make: Callable[[int], Room]) -> Iterator[tuple[Room, str]]:
    """A room made for a port of this machine, and its origin while it is served there."""
    with listening("127.0.0.1", 0) as sock:
        room = make(sock.getsockname()[1])
        server = server_of(room)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
        thread.start()
        try:
            yield room, room.site.home
        finally:
            server.should_exit = True
            thread.join()
