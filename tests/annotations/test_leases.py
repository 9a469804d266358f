"""Leases: a record goes to as many people as wanted, to nobody twice, and nobody who left keeps it."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import store_writers
from labelkit.annotations import AnnotationStore, standing
from labelkit.annotations.annotation import enough
from labelkit.annotations.label_sets import set_text
from labelkit.annotations.leases import MOST_CANDIDATES
from labelkit.errors import AnswerError, UsageError
from stores import Place, Start

QUEUE = ["c1", "c2", "c3"]


def test_people_get_different_records_in_order(store: AnnotationStore) -> None:
    """With overlap 1 each person gets the first record that nobody else has."""
    assert [store.leases.claim(who, QUEUE) for who in ("ana", "ben", "cem", "dora")] == ["c1", "c2", "c3", None]
    assert store.leases.held() == {"c1": ["ana"], "c2": ["ben"], "c3": ["cem"]}


def test_record_goes_to_as_many_people_as_wanted(store: AnnotationStore) -> None:
    """Leases and answers count alike towards the overlap, each person once."""
    assert store.leases.claim("ana", QUEUE, overlap=2) == "c1"
    store.add("c1", "ham", "ana", "", "op-1")
    assert store.leases.claim("ben", QUEUE, overlap=2) == "c1"
    assert store.leases.claim("cem", QUEUE, overlap=2) == "c2"
    store.add("c1", "spam", "ben", "", "op-2")
    assert store.leases.claim("dora", QUEUE, overlap=2) == "c2"
    assert store.leases.claim("emil", QUEUE, overlap=2) == "c3"
    assert enough(store.history(), 2) == {"c1"}


def test_nobody_gets_a_record_twice(store: AnnotationStore) -> None:
    """Not while holding it, not after answering, not after skipping; whatever the overlap."""
    given = [store.leases.claim("ana", QUEUE, overlap=9) for _ in range(2)]
    store.add("c1", "ham", "ana", "", "op-1")
    store.add("c2", None, "ana", "", "op-2")
    assert [*given, store.leases.claim("ana", QUEUE, overlap=9)] == ["c1", "c2", "c3"]
    assert store.leases.claim("ana", QUEUE, overlap=9) is None


def test_an_answer_that_says_nothing_of_a_class_leaves_its_record_open(store: AnnotationStore) -> None:
    """Who answered before a class was there is asked again, and so are others; a skip is about whatever there is."""
    odd = 'it\'s "odd" \\ é'
    store.add("c1", set_text(["sql"], ["sql"]), "ana", "", "op-1")
    store.add("c2", set_text([], [odd, "sql", "gone"]), "ana", "", "op-2")
    store.add("c3", None, "ana", "", "op-3")
    assert store.leases.claim_some("ana", QUEUE, 9, overlap=9, classes=["sql", odd]) == ["c1"]
    assert store.leases.claim_some("ben", QUEUE, 9, overlap=1, classes=["sql"]) == ["c3"]
    assert store.leases.claim_some("cem", QUEUE, 9, overlap=9, classes=["sql", odd, "new"]) == ["c1", "c2", "c3"]


def test_labels_are_no_sets_where_no_classes_are_named(store: AnnotationStore) -> None:
    """Nothing is read into a class name, and one that is left of a project of one class is in nobody's way."""
    for record, label in zip(QUEUE, ("{", '{"sql": true}', "spam"), strict=True):
        store.add(record, label, "ana", "", f"op-{record}")
    assert store.leases.claim("ben", QUEUE) is None
    assert store.leases.claim_some("ben", QUEUE, 3, classes=["sql", "regex"]) == ["c2"]


def test_answer_ends_the_lease_and_undo_opens_the_record(store: AnnotationStore) -> None:
    """A record answered wants nobody else; its answer taken back, it does again."""
    store.leases.claim("ana", QUEUE)
    store.add("c1", "ham", "ana", "", "op-1")
    assert store.leases.held() == {}
    assert store.leases.claim("ben", ["c1"]) is None
    store.undo("ana", "op-2")
    assert store.leases.claim("ben", ["c1"]) == "c1"


def test_undo_can_keep_the_record_for_its_person(store: AnnotationStore) -> None:
    """Who takes an answer back to give another one does not lose the record to somebody else in between."""
    store.add("c1", "ham", "ana", "", "op-1")
    store.undo("ana", "op-2", hold_seconds=60)
    assert store.leases.claim("ben", ["c1"]) is None
    assert store.leases.held() == {"c1": ["ana"]}


def test_skipped_record_goes_to_somebody_else(store: AnnotationStore) -> None:
    """A skip is no answer: the record still wants one."""
    store.leases.claim("ana", QUEUE)
    store.add("c1", None, "ana", "", "op-1")
    assert store.leases.claim("ben", QUEUE) == "c1"


def test_released_record_is_free_at_once(store: AnnotationStore) -> None:
    """Who quits gives back what was not answered; what others hold stays theirs."""
    store.leases.claim("ana", ["c1"])
    store.leases.claim("ben", ["c2"])
    store.leases.release("ana", ["c1", "c2", "c9"])
    store.leases.release("ana", [])
    assert store.leases.held() == {"c2": ["ben"]}
    assert store.leases.claim("cem", QUEUE) == "c1"


def test_lease_runs_out_by_the_databases_clock(store: AnnotationStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease ends when its seconds are over, whatever the clock of this process says."""
    monkeypatch.setattr(time, "time", lambda: 0.0)
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert store.leases.claim("ana", ["c1"], seconds=0.3) == "c1"
    assert store.leases.claim("ben", ["c1"]) is None
    time.sleep(0.4)
    assert store.leases.held() == {}
    assert store.leases.claim("ben", ["c1"]) == "c1"
    assert store.leases.claim("ana", ["c1"]) is None


def test_late_answer_is_kept(store: AnnotationStore) -> None:
    """Somebody who comes back to a record given away meanwhile is heard as one opinion more."""
    store.leases.claim("ana", ["c1"], seconds=0.01)
    time.sleep(0.05)
    assert store.leases.claim("ben", ["c1"]) == "c1"
    store.add("c1", "spam", "ben", "", "op-1")
    store.add("c1", "ham", "ana", "", "op-2")
    assert [(e.annotator, e.label) for e in store.history()] == [("ben", "spam"), ("ana", "ham")]


def test_adjudicator_has_a_queue_of_their_own(store: AnnotationStore) -> None:
    """People's answers do not close a record to an adjudicator; one decision closes it to everybody."""
    store.add("c1", "ham", "ana", "", "op-1")
    store.add("c1", "spam", "ben", "", "op-2")
    assert store.leases.claim("ana", ["c1"], role="adjudicator") == "c1"
    assert store.leases.claim("dora", ["c1"], role="adjudicator") is None
    store.add("c1", "ham", "ana", "adjudicate", "op-3", role="adjudicator")
    assert store.leases.claim("dora", ["c1"], role="adjudicator") is None
    assert store.leases.claim("dora", ["c1"], overlap=9) is None
    assert enough(store.history(), 9) == {"c1"}


def test_claim_of_nothing_is_nothing(store: AnnotationStore) -> None:
    """Without candidates nobody gets anything."""
    assert store.leases.claim("ana", []) is None


def test_long_list_of_candidates_is_one_claim(store: AnnotationStore) -> None:
    """As many candidates as are taken at once, all but the last of them answered; one more is refused."""
    queue = [f"c{i}" for i in range(MOST_CANDIDATES)]
    assert store.leases.claim("ana", queue[-1:]) == queue[-1]
    assert store.leases.claim("ben", queue) == "c0"
    with pytest.raises(UsageError, match=r"5,001 candidates for one claim; at most 5,000 are taken"):
        store.leases.claim("ana", [*queue, "one more"])


@pytest.mark.parametrize("record", ["a\0b", "\ud83d", ""])
def test_record_that_no_store_keeps_is_not_leased(store: AnnotationStore, record: str) -> None:
    """The same texts are refused here as in an answer."""
    with pytest.raises(AnswerError):
        store.leases.claim("ana", [record])
    with pytest.raises(AnswerError):
        store.leases.claim(record, ["c1"])


@pytest.mark.parametrize(("overlap", "seconds"), [(0, 1.0), (1, 0.0), (1, -1.0), (1, float("nan"))])
def test_senseless_lease_is_refused(store: AnnotationStore, overlap: int, seconds: float) -> None:
    """Nobody, or no time."""
    with pytest.raises(UsageError, match="overlap must be at least 1 and seconds above 0"):
        store.leases.claim("ana", ["c1"], overlap=overlap, seconds=seconds)


_steps = st.lists(
    st.tuples(
        st.sampled_from(["claim", "label", "skip", "undo", "release"]),
        st.sampled_from(["ana", "ben", "cem"]),
        st.sampled_from(QUEUE),
    ),
    max_size=20,
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_steps, overlap=st.integers(1, 3))
def test_claims_agree_with_plain_sets(
    steps: list[tuple[str, str, str]], overlap: int, new_place: Callable[[], Place]
) -> None:
    """After any acts the record claimed is the first one that sets of answers and holders say is open."""
    store = new_place().open()
    said: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    held: set[tuple[str, str]] = set()
    for number, (act, who, record) in enumerate(steps):
        if act == "claim":

            def is_open(candidate: str, person: str = who) -> bool:
                answered = {p for p, acts in said.items() if (candidate, True) in acts}
                holders = {p for r, p in held if r == candidate}
                touched = (candidate, True) in said[person] or (candidate, False) in said[person]
                return not touched and person not in holders and len(answered) + len(holders) < overlap

            expected = next(filter(is_open, QUEUE), None)
            assert store.leases.claim(who, QUEUE, overlap=overlap) == expected
            if expected:
                held.add((expected, who))
        elif act == "undo":
            undone = store.undo(who, f"op-{number}")
            assert (undone is not None) == bool(said[who])
            if said[who]:
                said[who].pop()
        elif act == "release":
            store.leases.release(who, [record])
            held.discard((record, who))
        else:
            store.add(record, "ham" if act == "label" else None, who, "", f"op-{number}")
            said[who].append((record, act == "label"))
            held.discard((record, who))


@pytest.mark.parametrize("overlap", [1, 2])
def test_people_in_several_processes_share_a_queue(start: Start, place: Place, overlap: int) -> None:
    """Every record is answered by exactly as many different people as wanted, and nobody sees an error."""
    store = place.open()
    queue = [f"c{i}" for i in range(40)]
    people = [f"person-{i}" for i in range(4)]
    working = [start(store_writers.work_through, place, who, queue, overlap) for who in people]
    assert [started.says() for started in working] == [[]] * len(people)
    history = store.history()
    assert Counter(e.record for e in history) == dict.fromkeys(queue, overlap)
    assert len({(e.record, e.annotator) for e in history}) == len(history) == len(queue) * overlap
    assert set(standing(history)) == set(queue)
    assert store.leases.held() == {}


def test_record_of_somebody_killed_comes_back(start: Start, place: Place) -> None:
    """SIGKILL in the middle of a record: nobody gets it until the lease runs out, then somebody does."""
    store = place.open()
    started = start(store_writers.claim_and_wait, place, "ana", QUEUE, 1.5)
    assert started.says() == "c1"
    started.process.kill()
    started.process.join()
    assert store.leases.claim("ben", ["c1"]) is None
    deadline = time.monotonic() + 10
    while store.leases.claim("ben", ["c1"]) is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)


# Sessions


def test_dead_session_is_resumed_at_once_and_a_living_one_is_not(place: Place, start: Start) -> None:
    """After kill -9 the person's own records come back; those of their other terminal, and of others, stay there."""
    store = place.open()
    living = store.leases.enter("living")
    assert living is not None
    assert store.leases.enter("living") is None
    assert store.leases.claim_some("ana", ["c1"], 1, session="living") == ["c1"]
    assert store.leases.claim_some("ben", ["c2"], 1, session="nobody's") == ["c2"]
    killed = start(store_writers.hold_until_killed, place, "ana", ["c3", "c4"])
    assert killed.says() == ["c3", "c4"]
    assert store.leases.resume("ana", "new") == []
    killed.process.kill()
    killed.process.join()
    for _ in range(200):  # PostgreSQL notices a moment later
        resumed = store.leases.resume("ana", "new")
        if resumed:
            break
        time.sleep(0.05)
    assert resumed == ["c3", "c4"]
    assert store.leases.resume("ana", "newer") == ["c3", "c4"]  # "new" holds no place
    assert store.leases.held() == {"c1": ["ana"], "c2": ["ben"], "c3": ["ana"], "c4": ["ana"]}
    living.leave()
    living.leave()
    assert store.leases.resume("ana", "newest") == ["c1", "c3", "c4"]


def test_lease_that_ran_out_is_not_resumed(store: AnnotationStore) -> None:
    """Somebody else may have the record by now."""
    store.leases.claim_some("ana", ["c1"], 1, seconds=0.05, session="dead")
    time.sleep(0.1)
    assert store.leases.claim("ben", ["c1"]) == "c1"
    assert store.leases.resume("ana", "new") == []
