"""Sessions: people at one project, at terminals or pages; what they share is computed once."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Self

from labelkit.active import QueueItem
from labelkit.active.handout import AT_ONCE, HandOut
from labelkit.active.session import AnnotationSession
from labelkit.annotations import AnnotationStore
from labelkit.annotations.annotation import ADJUDICATOR, PERSON, Role
from labelkit.annotations.presence import Place
from labelkit.errors import UsageError
from labelkit.pipeline.agreement import disputes
from labelkit.pipeline.current import current_run
from labelkit.pipeline.questions import Rows, wanted
from labelkit.project import ProjectFolder


class Sessions:
    """The sessions of a project, for one terminal or for a server with many people.

        with Sessions(project) as sessions, sessions.open("ana") as session:
            question = session.next()

    With `adjudicate` they decide what people disagree on. Nobody gets the same record twice, and nobody one that
    somebody else has. Threads may share it.
    """

    def __init__(self, project: ProjectFolder, *, strategy: str | None = None, adjudicate: bool = False) -> None:
        settings = project.settings.annotate
        self.project, self.classes = project, tuple(project.settings.project.classes)
        self.strategy = "adjudicate" if adjudicate else strategy or settings.strategy
        self.role: Role = ADJUDICATOR if adjudicate else PERSON
        self._given_strategy = strategy
        self._current = current_run(project)
        self._store = AnnotationStore.open(project.store_url)

    def open(self, annotator: str, *, budget: int | None = None) -> AnnotationSession:
        """Sit one person down. Raises UsageError where there is nothing to ask them.

        Records that a killed session of the same person held come first.
        """
        settings, limit = self.project.settings.annotate, budget or self.project.settings.annotate.budget
        overlap = 1 if self.role == ADJUDICATOR else settings.overlap
        session = secrets.token_hex(16)
        place = self._store.leases.enter(session)
        try:
            rows = Rows(self.project, self._items(annotator))
            hand = HandOut(
                iter(rows),
                self._store.leases,
                annotator,
                overlap=overlap,
                seconds=settings.lease,
                role=self.role,
                at_once=1 if self.role == ADJUDICATOR else min(AT_ONCE, limit),
                session=session,
                resumed=self._resumed(annotator, session, rows),
            )
            if hand.is_over():
                raise UsageError(nothing_to_ask(self._store, adjudicate=self.role == ADJUDICATOR))
        except BaseException:
            _leave(place)
            raise
        return AnnotationSession(
            hand,
            rows.fields_of,
            self._store,
            self.classes,
            annotator,
            limit,
            overlap=overlap,
            role=self.role,
            hold_seconds=settings.lease,
            session=session,
            on_close=lambda: _leave(place),
        )

    def _items(self, annotator: str) -> Iterator[QueueItem]:
        if self.role == ADJUDICATOR:
            return disputes(self._store.history(), self._current.votes)
        return wanted(self.project, self._current, self._given_strategy, annotator)

    def _resumed(self, annotator: str, session: str, rows: Rows) -> list[QueueItem]:
        """What a killed session of this person held and the queue still wants soon; the rest of it is given back."""
        leases, seconds = self._store.leases, self.project.settings.annotate.lease
        held = leases.resume(annotator, session, seconds=seconds, role=self.role)
        items = rows.put_first(held) if held else []
        resumed = {item.record for item in items}
        leases.release(annotator, [record for record in held if record not in resumed], self.role)
        return items

    def close(self) -> None:
        """End what runs beside the sessions."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


def _leave(place: Place | None) -> None:
    if place is not None:
        place.leave()


def nothing_to_ask(store: AnnotationStore, *, adjudicate: bool) -> str:
    """Say why there is no question."""
    if adjudicate:
        return "there is nothing to decide: no record has answers that differ, or somebody is deciding it"
    busy = len(store.leases.held())
    if busy:
        return f"there is nothing to ask: {busy:,} records are with people at this moment; try again later"
    return "there is nothing to ask: every record of this queue is answered; try another --strategy"
