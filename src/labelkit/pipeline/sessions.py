"""Sessions: people at one project, at terminals or pages; what they share is computed once."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from typing import Self

from labelkit.active import QueueItem, needs_learner
from labelkit.active.curve import Advice, LearningCurve
from labelkit.active.handout import AT_ONCE, HandOut
from labelkit.active.session import AnnotationSession
from labelkit.annotations import AnnotationStore
from labelkit.annotations.annotation import ADJUDICATOR, PERSON, Role
from labelkit.annotations.label_sets import shown_set
from labelkit.annotations.presence import Place
from labelkit.errors import UsageError
from labelkit.pipeline.agreement import comparable, disputes
from labelkit.pipeline.questions import UNTIL_LEARNED, Rows, wanted_of
from labelkit.pipeline.retraining import Reranked, Retraining
from labelkit.pipeline.truth import store_of
from labelkit.project import ProjectFolder


class Sessions:
    """The sessions of a project, for one terminal or for a server with many people.

        with Sessions(project) as sessions, sessions.open("ana") as session:
            question = session.next()

    With `adjudicate` they decide what people disagree on. Nobody gets the same record twice, and nobody one that
    somebody else has. A process beside learns from the answers and ranks the queue anew, unless `retrain`, or
    `[annotate] retrain`, says no; who answers never waits for it. Threads may share all of this.
    """

    def __init__(
        self,
        project: ProjectFolder,
        *,
        strategy: str | None = None,
        adjudicate: bool = False,
        retrain: bool | None = None,
    ) -> None:
        self.project, self.classes = project, tuple(project.settings.project.classes)
        self.role: Role = ADJUDICATOR if adjudicate else PERSON
        self._wanted = wanted_of(project)
        self.highlights = self._wanted.highlights()
        self.strategy = "adjudicate" if adjudicate else self._wanted.strategy(strategy)
        self._store = store_of(project)
        self._lock = threading.Lock()
        self._open: dict[AnnotationSession, Rows] = {}
        self._retraining: Retraining | None = None
        if not adjudicate and (project.settings.annotate.retrain if retrain is None else retrain):
            self._retraining = Retraining(project.root, self.strategy, self._renew, project.drawn)

    @property
    def learned(self) -> Reranked | None:
        """The latest ranking of the learner beside; None while there is none."""
        return None if self._retraining is None else self._retraining.latest

    @property
    def curve(self) -> LearningCurve | None:
        """What the learner beside has learned so far, and what more answers would bring; None while it cannot say."""
        return None if self._retraining is None else self._retraining.curve

    def open(self, annotator: str, *, budget: int | None = None) -> AnnotationSession:
        """Sit one person down. Raises UsageError where there is nothing to ask them.

        Records that a killed session of the same person held come first.
        """
        session = secrets.token_hex(16)
        place = self._store.leases.enter(session)
        try:
            rows = Rows(self.project, self._items(annotator))
            limit = budget or self.project.settings.annotate.budget
            hand = self._hand_out(rows, annotator, session, limit)
        except BaseException:
            _leave(place)
            raise
        opened = AnnotationSession(
            hand,
            rows.fields_of,
            self._store,
            self.classes,
            annotator,
            limit,
            several=self.project.multilabel,
            overlap=self._overlap,
            role=self.role,
            hold_seconds=self.project.settings.annotate.lease,
            highlights_of=self.highlights,
            session=session,
            on_close=lambda: self._closed(opened, place),
        )
        with self._lock:
            self._open[opened] = rows
        for said in (self.learned, self.curve):
            if said is not None:
                self._renew(said)
        return opened

    @property
    def _overlap(self) -> int:
        """People who get each record."""
        return 1 if self.role == ADJUDICATOR else self.project.settings.annotate.overlap

    def _hand_out(self, rows: Rows, annotator: str, session: str, limit: int) -> HandOut:
        """Records from the hand of the store to one person. Raises UsageError where there are none."""
        hand = HandOut(
            iter(rows),
            self._store.leases,
            annotator,
            overlap=self._overlap,
            seconds=self.project.settings.annotate.lease,
            role=self.role,
            at_once=1 if self.role == ADJUDICATOR else min(AT_ONCE, limit),
            session=session,
            resumed=self._resumed(annotator, session, rows),
            classes=self.classes if self.project.multilabel else (),
        )
        if hand.is_over():
            raise UsageError(nothing_to_ask(self._store, adjudicate=self.role == ADJUDICATOR))
        return hand

    def _items(self, annotator: str) -> Iterator[QueueItem]:
        if self.role == ADJUDICATOR:
            if not self.project.multilabel:
                return disputes(self._store.history(), self._wanted.votes_on)
            return disputes(comparable(self._store.history(), self.classes), self._wanted.votes_on, shown_set)
        strategy = UNTIL_LEARNED if needs_learner(self.strategy) else self.strategy
        return self._wanted.ranked(strategy, annotator=annotator)

    def _renew(self, said: Reranked | LearningCurve) -> None:
        """Let everybody go on with a new ranking, or know what more answers would bring."""
        with self._lock:
            sessions = dict(self._open)
        for session, rows in sessions.items():
            if isinstance(said, LearningCurve):
                session.advice = said.advice
            elif said.failure:
                session.advice = Advice(stop=False, why=f"no learner: {said.failure}")
            else:
                rows.know(said.fields)
                session.renew(said.items)

    def _closed(self, session: AnnotationSession, place: Place | None) -> None:
        with self._lock:
            self._open.pop(session, None)
        _leave(place)

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
        if self._retraining is not None:
            self._retraining.stop()

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
