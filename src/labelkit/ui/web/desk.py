"""One person at the page: the records in their hands, and what they say about them.

A record is handed out with the operation id under which its answer will be stored. Two tabs, a second press of a key
and a retry all carry the same id, so together they make one answer, whatever happens to the server in between. In the
store the id has the person's own prefix, so that nobody can name an act of somebody else.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from labelkit.active.progress import Given, Progress, progress_of
from labelkit.active.session import AnnotationSession, Question
from labelkit.annotations import AnnotationStore
from labelkit.annotations.annotation import UNDO, Annotation, not_undone
from labelkit.errors import AnswerError, UsageError, visible
from labelkit.ui.label_sets import shown_label
from labelkit.ui.web.task import Source, Task

WITHOUT_LIMIT = 1_000_000  # answers of one person while the server runs, where no budget was given
LOOK_AGAIN_SECONDS = 5.0  # between two looks into a queue that was over


class AnsweredAlready(AnswerError):
    """The person has answered the record under another operation: in another tab, at a terminal, or before."""

    def __init__(self, record: str, shown: str | None) -> None:
        said = "skipped already" if shown is None else f'answered already: "{shown}"'
        super().__init__(f'record "{visible(record)}" is {said}; take that back to answer anew')


@dataclass(frozen=True)
class Asked:
    """A record in a person's hands."""

    question: Question
    operation: str  # under which the answer will be stored
    since: float  # seconds on a monotonic clock
    before: str | None = None  # the label that was taken back


@dataclass(frozen=True)
class Standing:
    """What the person has said about a record."""

    operation: str
    label: str | None
    strategy: str


class Desk:
    """The desk of one person. Several tabs may use it at the same time."""

    def __init__(
        self,
        source: Source,
        store: AnnotationStore,
        task: Task,
        annotator: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.annotator = annotator
        self._prefix = f"{hashlib.sha256(annotator.encode()).hexdigest()[:12]}-"
        self._source, self._store, self.task, self._clock = source, store, task, clock
        self._lock = threading.Lock()
        self._session: AnnotationSession | None = None
        self._looked: float | None = None  # into the queue, when it was over
        self._why_nothing = ""
        self._questions: dict[str, Question] = {}  # asked while the server runs
        self._hand: dict[str, Asked] = {}
        self._given: list[Given] = []  # while the server runs
        self._undone = 0
        self._last_answer = clock()
        self._remember()

    def _remember(self) -> None:
        """Learn from the store what this person has said before."""
        mine = [entry for entry in self._store.history() if entry.annotator == self.annotator]
        self._undos = {entry.operation: entry.undoes or "" for entry in mine if entry.kind == UNDO}
        said = [entry for entry in not_undone(mine) if entry.role == self.task.role and self.task.is_whole(entry.label)]
        self._standing = {entry.record: Standing(entry.operation, entry.label, entry.strategy) for entry in said}
        flags = self._store.remarks.flagged()
        self._flagged = {record for record, people in flags.items() if self.annotator in people}

    def counts(self) -> Progress:
        """What this person has done since the server started."""
        return progress_of(self._given, self.task.budget or WITHOUT_LIMIT, self._undone)

    def progress(self) -> dict[str, Any]:
        """The same as plain values, with the `total` of all times; `nothing` says why there is no record, and
        `enough` why more answers may not be worth their while.
        """
        with self._lock:
            progress = self.counts().to_json()
            total = sum(said.label is not None for said in self._standing.values())
            nothing = "" if self._hand else self._why_nothing
            advice = None if self._session is None else self._session.advice
        enough = visible(advice.why) if advice is not None and advice.stop else ""
        return {**progress, "budget": self.task.budget, "total": total, "nothing": visible(nothing), "enough": enough}

    def is_flagged(self, record: str) -> bool:
        """Whether this person's flag is on a record."""
        return record in self._flagged

    def hand(self, have: Collection[str] = ()) -> list[Asked]:
        """The records to answer next, those in `have` left out: a tab names what it has already.

        A record stays in hand until it is answered, so that two tabs and a page loaded anew show the same ones.
        """
        with self._lock:
            self._pick_up()
            return [asked for record, asked in self._hand.items() if record not in have]

    def answer(self, record: str, said: str | Mapping[str, bool] | None, operation: str) -> bool:
        """Store an answer; None is a skip. Tells whether enough others had answered meanwhile.

        The same operation again changes nothing. Raises AnsweredAlready when this person has answered the record
        otherwise, AnswerError for a record or class that does not exist, MachineError when the store does not take it:
        then the same call can be tried again.
        """
        label, operation = self.task.label_of(said), self._prefix + operation
        with self._lock:
            standing = self._standing.get(record)
            if standing is not None and (standing.operation, standing.label) == (operation, label):
                return False
            if standing is not None:
                raise AnsweredAlready(record, self.shown(standing.label))
            if operation in self._undos.values():
                raise AnswerError(f'record "{visible(record)}": this answer was taken back; answer anew')
            question = self._known(record)
            late = self._store_answer(question, label, operation)
            self._hand.pop(record, None)
            self._standing[record] = Standing(operation, label, question.item.strategy)
            now = self._clock()
            self._given.append(Given(label, operation, now - self._last_answer, record, question.item.suggestion))
            self._last_answer = now
            self._pick_up()
            return late

    def undo(self, operation: str, undoes: str | None = None) -> Asked | None:
        """Take back the latest answer, or the one whose operation is `undoes`, and take its record in hand again.

        The next answer to that record has the operation id "after-" and the one of the undo, so that a page that has
        lost its server can go on. None when there is nothing to take back. The same operation again takes back no more.
        """
        act = self._prefix + operation
        with self._lock:
            by_operation = {said.operation: record for record, said in self._standing.items()}
            latest = next(reversed(by_operation), None)
            target = self._undos.get(act) or (self._prefix + undoes if undoes else latest)
            undone = None if target is None else self._take_back(act, target)
            if undone is None:
                return None
            self._undos[act] = undone.operation
            if undone.operation not in by_operation:  # a retry of what is done
                return self._hand.get(undone.record)
            said = self._standing.pop(undone.record)
            before, self._given = self._given, [one for one in self._given if one.operation != undone.operation]
            self._undone += len(before) - len(self._given)
            self._last_answer = self._clock()
            question = self._known(undone.record, said.strategy)
            asked = Asked(question, f"after-{operation}", self._clock(), said.label)
            self._hand = {undone.record: asked, **self._hand}
            return asked

    def shown(self, label: str | None) -> str | None:
        """A label as people read it."""
        return None if label is None else shown_label(label, several=self.task.several)

    def flag(self, record: str, operation: str, *, on: bool) -> None:
        """Flag a record for somebody else to look at, or take the flag off."""
        with self._lock:
            self._known(record)
            self._store.remarks.add(record, "flag" if on else "unflag", self.annotator, self._prefix + operation)
            (self._flagged.add if on else self._flagged.discard)(record)

    def note(self, record: str, text: str, operation: str) -> None:
        """Keep a note about a record."""
        with self._lock:
            self._known(record)
            self._store.remarks.add(record, "note", self.annotator, self._prefix + operation, text)

    def leave(self) -> None:
        """Give back what is in hand."""
        with self._lock:
            self._hand.clear()
            self._looked = None
            if self._session is not None:
                self._session.close()
                self._session = None

    def _known(self, record: str, strategy: str = "") -> Question:
        """The question about a record that was asked, now or by a server before. Raises AnswerError for another one."""
        if record not in self._questions:
            self._questions[record] = self._source.recall(record, strategy)
        return self._questions[record]

    def _store_answer(self, question: Question, label: str | None, operation: str) -> bool:
        if self._session is not None:
            with contextlib.suppress(AnswerError):  # of another session: it is stored all the same
                return bool(self._session.answer(question.record, label, operation).meanwhile)
        strategy, role = question.item.strategy, self.task.role
        self._store.add(question.record, label, self.annotator, strategy, operation, role=role)
        return False

    def _take_back(self, operation: str, target: str) -> Annotation | None:
        if self._session is not None:
            return self._session.undo(operation, undoes=target)
        return self._store.undo(self.annotator, operation, undoes=target)

    def _pick_up(self) -> None:
        """Take in hand what the session has ready."""
        session = self._sit_down()
        while session is not None:
            question = session.next()
            said = None if question is None else self._standing.get(question.record)
            if question is None or said is None:
                break
            session.answer(question.record, said.label, said.operation)  # answered by way of another session
        else:
            return
        if question is None:
            self._over(session)
        for ready in (question, session.following()):
            if ready is not None and ready.record not in self._standing and ready.record not in self._hand:
                self._questions[ready.record] = ready
                self._hand[ready.record] = Asked(ready, secrets.token_hex(16), self._clock())

    def _sit_down(self) -> AnnotationSession | None:
        """The session, a new one where there is none and the queue may have more by now."""
        budget = self.task.budget or WITHOUT_LIMIT
        left = budget - sum(one.label is not None for one in self._given)
        if left < 1:
            self._why_nothing = f"the budget of {budget:,} answers is spent"
            return None
        waits = self._looked is not None and self._clock() < self._looked + LOOK_AGAIN_SECONDS
        if self._session is None and not waits:
            try:
                self._session = self._source.open(self.annotator, left)
            except UsageError as error:
                self._why_nothing, self._looked = str(error), self._clock()
        return self._session

    def _over(self, session: AnnotationSession) -> None:
        session.close()
        self._session, self._looked = None, self._clock()
        self._why_nothing = "there is nothing to ask at this moment"
