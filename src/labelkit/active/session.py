"""One person's sitting at a queue, whatever shows it to them: a terminal, a page, a script.

    question = session.next()
    session.answer(question.record, "spam", operation)
    session.next()

A session leases the next record, has the one after it ready, stores what the person says, and counts. It may be used
by several threads, as a server does. An operation id stands for one act: the same id again is the same act again.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self, TypeAlias

from labelkit.active.curve import Advice
from labelkit.active.progress import Given, Progress, progress_of
from labelkit.active.queue import QueueItem
from labelkit.annotations import Annotation, AnnotationStore, Answer
from labelkit.annotations.annotation import ADJUDICATOR, PERSON, Role, check_answer
from labelkit.annotations.label_sets import checked_label, speaks_of_all
from labelkit.errors import AnswerError, LabelkitError, MachineError, visible

AHEAD = 1  # questions that wait, leased and read, behind the one that is shown

Fields: TypeAlias = Mapping[str, object]
Spans: TypeAlias = Mapping[str, Sequence[tuple[int, int, str]]]
"""Field -> (start, end, name of the function) of the characters of its text that made a function vote."""


@dataclass(frozen=True)
class Question:
    """A record that a person is asked about, with all there is to show."""

    item: QueueItem
    fields: Fields
    highlights: Spans = field(default_factory=dict)  # empty where nothing is known

    @property
    def record(self) -> str:
        """Id of the record."""
        return self.item.record


@dataclass(frozen=True)
class Said:
    """An answer that is in the store."""

    annotation: Annotation
    meanwhile: tuple[Annotation, ...] = ()
    """What others say who together had answered the record often enough already: this answer came late."""


class AnnotationSession:
    """A person, a queue and a store.

    `hand` gives records and has them leased, `fields_of` gives the fields of a record it gave. With `several` a label
    is the text of a set of classes (see `annotations.label_sets`). `overlap` is how many
    people answer a record; a record whose answer is taken back is leased for `hold_seconds` to `session`, the name
    under which this person's leases are kept. Raises AnswerError for an annotator that no store keeps.
    """

    def __init__(
        self,
        hand: Iterator[QueueItem],
        fields_of: Callable[[str], Fields],
        store: AnnotationStore,
        classes: Sequence[str],
        annotator: str,
        budget: int,
        *,
        several: bool = False,
        overlap: int = 1,
        role: Role = PERSON,
        hold_seconds: float = 0.0,
        highlights_of: Callable[[QueueItem, Fields], Spans] | None = None,
        session: str = "",
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        check_answer(Answer("-", None, annotator, "", "-", role))
        self.classes, self.annotator, self.budget, self.role = tuple(classes), annotator, budget, role
        self.several, self.overlap = several, overlap
        self._hand, self._fields_of, self._store = hand, fields_of, store
        self._hold_seconds, self._highlights_of = hold_seconds, highlights_of
        self._session, self._on_close = session, on_close
        self._unread: QueueItem | None = None  # given by the hand, its fields not read yet
        self._waiting: list[Question] = []  # not answered; the first is the one to show
        self._asked: dict[str, Question] = {}  # all so far, by record
        self._shown: dict[str, float] = {}  # record -> when it was first given to be shown
        self._given: list[Given] = []
        self._undone = 0
        self.advice: Advice | None = None  # whether more answers are worth it, where something beside has found out
        self._over = self._closed = False
        self._lock = threading.Lock()  # of the lists above; never held while waiting for disk or network
        self._fetching = threading.Lock()  # of the hand

    def next(self) -> Question | None:
        """The question to answer now, the same one until it is answered; None when the budget or the queue is over.

        Raises MachineError when the store does not say; then it may be asked again.
        """
        if self.progress.is_spent or self._closed:
            return None
        with self._fetching if not self._waiting else contextlib.nullcontext():
            if not self._waiting:
                self._fetch()
        with self._lock:
            question = self._waiting[0] if self._waiting else None
            if question is not None:
                self._shown.setdefault(question.record, time.monotonic())
        if question is not None:
            self._look_ahead()
        return question

    def following(self) -> Question | None:
        """The question after `next`, where it is there already: a page can have it ready before the answer is given."""
        with self._lock:
            return self._waiting[1] if len(self._waiting) > 1 else None

    def answer(self, record: str, label: str | None, operation: str) -> Said:
        """Store an answer to a record that was asked; label None skips it. It is durable when this returns.

        Raises AnswerError for a record that was not asked or a class that does not exist, MachineError when the store
        did not take it: the same operation may then be tried again.
        """
        question = self._question(record)
        if label is not None:
            checked_label(label, self.classes, several=self.several)
        stored = self._store.add(record, label, self.annotator, question.item.strategy, operation, role=self.role)
        with self._lock:
            if all(entry.operation != operation for entry in self._given):
                seconds = time.monotonic() - self._shown.pop(record, time.monotonic())
                self._given.append(Given(label, operation, seconds, record, question.item.suggestion))
            self._waiting = [other for other in self._waiting if other.record != record]
        return Said(stored, self._answered_meanwhile(record) if label is not None else ())

    def undo(self, operation: str, *, undoes: str | None = None) -> Annotation | None:
        """Take back the latest answer of this session, or the one whose operation is `undoes`, and ask it again next.

        None when there is nothing to take back.
        """
        with self._lock:
            known = [entry.operation for entry in self._given]
        if undoes is None and not known:
            return None
        undoes = known[-1] if undoes is None else undoes
        undone = self._store.undo(
            self.annotator, operation, undoes=undoes, hold_seconds=self._hold_seconds, session=self._session
        )
        if undone is not None:
            self._returned(undone)
        return undone

    def flag(self, record: str, operation: str, *, on: bool = True) -> None:
        """Flag a record for somebody else to look at, or take the flag off."""
        self._store.remarks.add(self._question(record).record, "flag" if on else "unflag", self.annotator, operation)

    def note(self, record: str, text: str, operation: str) -> None:
        """Keep a note about a record."""
        self._store.remarks.add(self._question(record).record, "note", self.annotator, operation, text)

    @property
    def progress(self) -> Progress:
        """Counts, pace, and agreement with what was suggested."""
        with self._lock:
            return progress_of(self._given, self.budget, self._undone)

    def renew(self, items: Sequence[QueueItem]) -> None:
        """Ask these records next, after those that wait already: somebody has ranked the queue anew."""
        renew = getattr(self._hand, "renew", None)
        if renew is not None:
            with self._fetching:
                renew(items)

    def close(self) -> None:
        """End the session. What was leased and not answered goes back, at the latest when its lease has run out."""
        self._closed = True
        with self._fetching, contextlib.suppress(MachineError):
            release = getattr(self._hand, "release", None)
            if release is not None:
                release()
        self._on_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _question(self, record: str) -> Question:
        with self._lock:
            question = self._asked.get(record)
        if question is None:
            raise AnswerError(f'record "{visible(record)}" was not asked in this session')
        return question

    def _fetch(self) -> None:
        """Put one more question to those that wait; the caller holds `_fetching`."""
        item = self._unread = self._unread or next(self._hand, None)
        if item is not None:
            fields = self._fields_of(item.record)
            question = Question(item, fields, self._highlights_of(item, fields) if self._highlights_of else {})
        with self._lock:
            self._over, self._unread = item is None, None
            if item is not None:
                self._waiting.append(question)
                self._asked[item.record] = question

    def _look_ahead(self) -> None:
        """Fetch the following question beside, where one more may be asked."""
        if self._wants_more():
            threading.Thread(target=self._fetch_ahead, name="labelkit-ahead", daemon=True).start()

    def _wants_more(self) -> bool:
        with self._lock:
            labels = sum(entry.label is not None for entry in self._given)
            room = min(AHEAD + 1, self.budget - labels)
            return not self._over and not self._closed and len(self._waiting) < room

    def _fetch_ahead(self) -> None:
        """An error is not lost: `next` meets it again."""
        if not self._fetching.acquire(blocking=False):
            return
        try:
            with contextlib.suppress(Exception):
                if self._wants_more():
                    self._fetch()
        finally:
            self._fetching.release()

    def _answered_meanwhile(self, record: str) -> tuple[Annotation, ...]:
        """Opinions of others on a record that had enough of them without this person's."""
        try:
            said = self._store.opinions_on(record)
            if self.several:
                said = [entry for entry in said if speaks_of_all(entry.label, self.classes)]
        except LabelkitError:  # the answer is stored; who else answered is a courtesy
            return ()
        others = [entry for entry in said if (entry.annotator, entry.role) != (self.annotator, self.role)]
        peers = [entry for entry in others if entry.role == self.role]
        decided = [entry for entry in others if entry.role == ADJUDICATOR]
        return tuple(decided or peers) if decided or len(peers) >= self.overlap else ()

    def _returned(self, undone: Annotation) -> None:
        """Make the record of an answer that was taken back the next one again."""
        with self._lock:
            kept = [entry for entry in self._given if entry.operation != undone.operation]
            if len(kept) == len(self._given):
                return
            self._given, self._undone = kept, self._undone + 1
            question = self._asked[undone.record]
            self._waiting = [question, *(other for other in self._waiting if other.record != undone.record)]
