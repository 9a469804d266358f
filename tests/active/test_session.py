"""A session: one person, a queue and a store, whatever shows the questions."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from labelkit.active import QueueItem
from labelkit.active.handout import HandOut
from labelkit.active.session import AnnotationSession, Question
from labelkit.annotations import AnnotationStore
from labelkit.errors import AnswerError, MachineError
from waiting import until


@pytest.fixture
def store(tmp_path: Path) -> AnnotationStore:
    return AnnotationStore.open(f"sqlite:///{tmp_path / 'annotations.db'}")


def items(n: int) -> Iterator[QueueItem]:
    for i in range(n):
        yield QueueItem(f"r{i}", "margin", 0.0, "undecided", "ham" if i % 2 else None, {})


def sit(
    store: AnnotationStore, who: str = "ana", n: int = 6, budget: int = 10, overlap: int = 1, **options: Any
) -> AnnotationSession:
    hand = HandOut(items(n), store.leases, who, overlap=overlap)
    return AnnotationSession(
        hand, lambda record: {"text": record}, store, ["ham", "spam"], who, budget, overlap=overlap, **options
    )


def shown(session: AnnotationSession) -> Question:
    question = session.next()
    assert question is not None
    return question


def test_question_stays_until_it_is_answered(store: AnnotationStore) -> None:
    """Asking again asks the same; an answer moves on; the counts say so."""
    with sit(store) as session:
        assert (shown(session).record, shown(session).record) == ("r0", "r0")
        assert shown(session).fields == {"text": "r0"}
        session.answer("r0", "spam", "op-1")
        assert shown(session).record == "r1"
        session.answer("r1", "ham", "op-2")
        session.answer(shown(session).record, None, "op-3")
        progress = session.progress
    assert (progress.answered, progress.skipped, progress.agreed, progress.judged) == (2, 1, 1, 1)
    assert [(e.record, e.label) for e in store.history()] == [("r0", "spam"), ("r1", "ham"), ("r2", None)]


def test_following_question_is_ready_before_the_answer(store: AnnotationStore) -> None:
    """While a person reads, the next record is leased and its fields are read."""
    read: list[str] = []

    def fields_of(record: str) -> dict[str, object]:
        read.append(record)
        return {}

    hand = HandOut(items(5), store.leases, "ana", at_once=1)
    session = AnnotationSession(hand, fields_of, store, ["ham", "spam"], "ana", 10)
    assert shown(session).record == "r0"
    until(session.following)
    assert (read, set(store.leases.held())) == (["r0", "r1"], {"r0", "r1"})
    session.answer("r0", "ham", "op-1")
    assert shown(session).record == "r1"
    session.close()
    assert store.leases.held() == {}


def test_nothing_is_leased_beyond_the_budget(store: AnnotationStore) -> None:
    """Who may answer one record keeps one from the others."""
    hand = HandOut(items(5), store.leases, "ana", at_once=1)
    with AnnotationSession(hand, lambda _: {}, store, ["ham", "spam"], "ana", 1) as session:
        shown(session)
        time.sleep(0.1)
        assert (session.following(), set(store.leases.held())) == (None, {"r0"})
        session.answer("r0", "ham", "op-1")
        assert session.next() is None
        assert session.progress.is_spent


def test_undo_asks_the_record_again_and_then_goes_on(store: AnnotationStore) -> None:
    """The record taken back comes first, then the one that was open."""
    with sit(store, hold_seconds=60) as session:
        session.answer(shown(session).record, "ham", "op-1")
        assert shown(session).record == "r1"
        undone = session.undo("op-2")
        assert undone is not None
        assert (undone.record, shown(session).record) == ("r0", "r0")
        session.answer("r0", "spam", "op-3")
        assert shown(session).record == "r1"
        assert (session.progress.answered, session.progress.undone) == (1, 1)
        assert session.undo("op-4", undoes="op-3") is not None
        assert session.undo("op-5") is None
    assert store.answers() == {}


def test_operation_tried_again_is_one_act(store: AnnotationStore) -> None:
    """A reply that was lost on the way does not count twice."""
    with sit(store) as session:
        shown(session)
        session.answer("r0", "ham", "op-1")
        session.answer("r0", "ham", "op-1")
        assert session.progress.answered == 1
        assert session.undo("op-2", undoes="op-1") is not None
        assert session.undo("op-2", undoes="op-1") is not None
        assert (session.progress.answered, session.progress.undone) == (0, 1)
        assert shown(session).record == "r0"
    assert [e.kind for e in store.history()] == ["label", "undo"]


def test_late_answer_says_what_others_said_meanwhile(store: AnnotationStore) -> None:
    """Where the lease ran out and somebody else answered, both opinions are kept and the person hears of it."""
    ana, ben = sit(store), sit(store, "ben")
    assert shown(ana).record == "r0"
    store.leases.release("ana", ["r0"])  # as if its time had run out
    assert shown(ben).record == "r0"
    assert ben.answer("r0", "spam", "op-1").meanwhile == ()
    said = ana.answer("r0", "ham", "op-2")
    assert [(e.annotator, e.label) for e in said.meanwhile] == [("ben", "spam")]
    assert len(store.opinions_on("r0")) == 2
    shown(ana)
    store.add("r1", "ham", "dora", "", "op-3", role="adjudicator")
    assert [e.annotator for e in ana.answer("r1", "ham", "op-4").meanwhile] == ["dora"]


def test_second_opinion_that_was_wanted_is_not_late(store: AnnotationStore) -> None:
    """With overlap 2 two people answer a record, and only a third one comes too late."""
    people = {who: sit(store, who, overlap=2) for who in ("ana", "ben")}
    for number, session in enumerate(people.values()):
        assert session.answer(shown(session).record, "ham", f"op-{number}").meanwhile == ()


def test_record_that_was_not_asked_is_refused(store: AnnotationStore) -> None:
    """Nor is a class that does not exist."""
    with sit(store) as session:
        shown(session)
        with pytest.raises(AnswerError, match='record "r5" was not asked in this session'):
            session.answer("r5", "ham", "op-1")
        with pytest.raises(AnswerError, match='no class "eggs"; classes are "ham", "spam"'):
            session.answer("r0", "eggs", "op-1")
        session.flag("r0", "op-2")
        session.note("r0", "odd", "op-3")
        session.flag("r0", "op-4", on=False)
    assert [r.kind for r in store.remarks.history()] == ["flag", "note", "unflag"]


def test_store_that_fails_between_two_questions_loses_none(store: AnnotationStore) -> None:
    """The question that could not be fetched comes when the store is back."""
    broken = True

    def fields_of(record: str) -> dict[str, object]:
        if broken and record == "r1":
            raise MachineError("the line went dead")
        return {}

    with AnnotationSession(items(3), fields_of, store, ["ham", "spam"], "ana", 10) as session:
        session.answer(shown(session).record, "ham", "op-1")
        with pytest.raises(MachineError):
            session.next()
        broken = False
        assert shown(session).record == "r1"


def test_threads_of_one_person_see_one_question(store: AnnotationStore) -> None:
    """A page that asks several times at once gets one record, and every record is asked once."""
    seen: list[str] = []
    with sit(store, n=30, budget=30) as session:
        for number in itertools.count():
            with ThreadPoolExecutor(4) as threads:
                together = [asked.result() for asked in [threads.submit(session.next) for _ in range(4)]]
            records = {question.record if question else None for question in together}
            assert len(records) == 1
            (record,) = records
            if record is None:
                break
            seen.append(record)
            session.answer(record, "ham", f"op-{number}")
    assert seen == [f"r{i}" for i in range(30)]
