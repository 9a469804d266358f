"""What every annotation store keeps to: SQLite in both journal modes, and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings, strategies as st

from labelkit.annotations import AnnotationStore, Answer, standing
from labelkit.annotations.annotation import LIMITS
from labelkit.errors import AnswerError
from stores import Place


def test_stored_answer_comes_back_as_it_went_in(store: AnnotationStore) -> None:
    """`add` returns what `history` holds."""
    said = store.add("c7", "spam", "ana", "margin", "op-1")
    assert (said.record, said.label, said.annotator, said.strategy, said.operation) == (
        "c7",
        "spam",
        "ana",
        "margin",
        "op-1",
    )
    assert (said.sequence, said.kind, said.undoes) == (1, "label", None)
    assert store.history() == [said]


def test_an_answer_given_elsewhere_keeps_its_time(store: AnnotationStore) -> None:
    """When it was given is told with it; which stands is still a matter of the order in which they were stored."""
    early, late = "2020-01-02T03:04:05.678Z", "2024-01-01T00:00:00.000Z"
    answers = [Answer("c7", label, "ana", "", label, time=time) for label, time in [("spam", late), ("ham", early)]]
    assert [said.time for said in store.add_all(answers)] == [late, early]
    assert [said.time for said in store.history()] == [late, early]
    assert store.answers()["c7"].label == "ham"


@pytest.mark.parametrize("time", ["yesterday", "2020-01-02T03:04:05", "2020-01-02T03:04:05+01:00", "2020-01-02"])
def test_time_that_is_not_labelkits_is_refused(store: AnnotationStore, time: str) -> None:
    """A time of another kind, or without a zone, would be read wrongly some day."""
    with pytest.raises(AnswerError, match=r"the time \".*\" is not like 1970-01-01T00:00:00.000Z"):
        store.add_all([Answer("c7", "spam", "ana", "", "op-1", time=time)])
    assert store.history() == []


def test_answers_outlive_the_store(place: Place) -> None:
    """A store opened again in the same place knows what was said."""
    said = place.open().add("c7", "spam", "ana", "margin", "op-1")
    assert place.open().answers() == {"c7": said}


def test_retried_operation_is_one_answer(store: AnnotationStore) -> None:
    """The same operation again returns the stored answer and stores nothing."""
    said = store.add("c7", "spam", "ana", "margin", "op-1")
    assert store.add("c7", "spam", "ana", "margin", "op-1") == said
    assert store.history() == [said]


@pytest.mark.parametrize(
    "change", [("c8", "spam", "ana"), ("c7", "ham", "ana"), ("c7", None, "ana"), ("c7", "spam", "ben")]
)
def test_operation_cannot_stand_for_two_answers(store: AnnotationStore, change: tuple[str, str | None, str]) -> None:
    """Another record, label, skip or person under a used operation id is refused."""
    store.add("c7", "spam", "ana", "margin", "op-1")
    record, label, annotator = change
    with pytest.raises(AnswerError) as caught:
        store.add(record, label, annotator, "margin", "op-1")
    assert str(caught.value) == (
        'operation "op-1" already stands for "ana" calling "c7" "spam"; give each answer an operation id of its own'
    )
    assert len(store.history()) == 1


def test_several_answers_are_stored_all_or_none(store: AnnotationStore) -> None:
    """One refused answer keeps its whole batch out."""
    store.add("c1", "ham", "ana", "margin", "op-1")
    batch = [Answer("c2", "ham", "ana", "", "op-2"), Answer("c3", "ham", "ana", "", "op-1")]
    with pytest.raises(AnswerError):
        store.add_all(batch)
    assert store.last_sequence == 1


def test_skip_is_asked_but_not_answered(store: AnnotationStore) -> None:
    """A skipped record is not asked again of that person, and has no answer."""
    store.add("c7", None, "ana", "margin", "op-1")
    assert store.asked("ana") == {"c7"}
    assert store.asked("ben") == frozenset()
    assert store.answers() == {}


def test_undo_takes_back_the_latest_of_that_person(store: AnnotationStore) -> None:
    """Undo appends an entry and leaves other people's answers alone."""
    first = store.add("c1", "ham", "ana", "margin", "op-1")
    second = store.add("c2", None, "ana", "margin", "op-2")
    other = store.add("c3", "spam", "ben", "margin", "op-3")
    assert store.undo("ana", "op-4") == second
    assert store.undo("ana", "op-5") == first
    assert store.undo("ana", "op-6") is None
    assert store.answers() == {"c3": other}
    assert store.asked("ana") == frozenset()
    assert [e.kind for e in store.history()] == ["label", "skip", "label", "undo", "undo"]


def test_retried_undo_takes_back_once(store: AnnotationStore) -> None:
    """The same undo again returns the same answer and takes nothing more back."""
    first = store.add("c1", "ham", "ana", "margin", "op-1")
    second = store.add("c2", "ham", "ana", "margin", "op-2")
    assert store.undo("ana", "op-3") == second
    assert store.undo("ana", "op-3") == second
    assert store.answers() == {"c1": first}


def test_undo_of_a_named_answer(store: AnnotationStore) -> None:
    """Undo can name the answer; somebody else's, or one taken back already, is not there to take back."""
    first = store.add("c1", "ham", "ana", "margin", "op-1")
    store.add("c2", "ham", "ana", "margin", "op-2")
    assert store.undo("ben", "op-3", undoes="op-1") is None
    assert store.undo("ana", "op-4", undoes="op-1") == first
    assert store.undo("ana", "op-5", undoes="op-1") is None
    assert set(store.answers()) == {"c2"}


def test_operation_of_an_answer_is_no_undo(store: AnnotationStore) -> None:
    """An undo under the operation id of an answer is refused, and the other way round."""
    store.add("c1", "ham", "ana", "margin", "op-1")
    with pytest.raises(AnswerError, match='operation "op-1" already stands for "ana" calling "c1" "ham"'):
        store.undo("ana", "op-1")
    store.undo("ana", "op-2")
    with pytest.raises(AnswerError, match='operation "op-2" already stands for an undo by "ana"'):
        store.add("c1", "ham", "ana", "margin", "op-2")


def test_fingerprint_depends_on_standing_answers_only(new_place: Callable[[], Place]) -> None:
    """Who answered, when and in which order is not in the fingerprint; what stands is."""
    one, two = new_place().open(), new_place().open()
    empty = one.fingerprint()
    one.add("c1", "ham", "ana", "margin", "a")
    one.add("c2", "spam", "ben", "margin", "b")
    two.add("c2", "ham", "cem", "random", "c")
    two.add("c2", "spam", "cem", "random", "d")
    two.add("c1", "ham", "cem", "", "e")
    assert one.fingerprint() == two.fingerprint() != empty
    two.undo("cem", "f")
    assert one.fingerprint() != two.fingerprint()


@pytest.mark.parametrize("statement", ["UPDATE annotation SET label = 'ham'", "DELETE FROM annotation"])
def test_database_itself_refuses_changes(store: AnnotationStore, statement: str) -> None:
    """Also another program cannot change or delete an answer or a remark by mistake."""
    store.add("c7", "spam", "ana", "margin", "op-1")
    store.remarks.add("c7", "note", "ana", "op-1", "two people in one")
    for table, column in (("annotation", "label"), ("remark", "text")):
        changed = statement.replace("annotation", table).replace("label", column)
        with (
            pytest.raises(sa.exc.DBAPIError, match=f"{table}s are only ever appended"),
            store._database.transaction(write=True) as connection,
        ):
            connection.exec_driver_sql(changed)


def test_hostile_text_is_only_text(store: AnnotationStore) -> None:
    """Ids, names and labels that look like SQL or hold quotes, escapes and other scripts come back unchanged."""
    texts = ["'; DROP TABLE annotation; --", '"', "\x1b[2J", "नमस्ते", "a\nb", "%s :x ?", " ", "👩‍👩‍👧"]
    for number, text in enumerate(texts):
        store.add(text, text, text, text, f"op-{number}")
    assert [(e.record, e.label, e.annotator, e.strategy) for e in store.history()] == [(t, t, t, t) for t in texts]


@pytest.mark.parametrize("position", range(5))
@pytest.mark.parametrize("text", ["a\0b", "\ud83d"])
def test_text_that_databases_disagree_on_is_refused(store: AnnotationStore, position: int, text: str) -> None:
    """NUL and lone surrogates do not get in, wherever they stand."""
    words = ["c7", "spam", "ana", "margin", "op-1"]
    words[position] = text
    with pytest.raises(AnswerError, match="holds a NUL or half a surrogate pair"):
        store.add(*words)
    assert store.history() == []


_acts = st.lists(
    st.tuples(
        st.sampled_from(["label", "skip", "undo", "retry"]),
        st.sampled_from(["ana", "ben"]),
        st.sampled_from(["c1", "c2", "c3"]),
        st.sampled_from(["ham", "spam"]),
    ),
    max_size=12,
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=_acts)
def test_store_agrees_with_a_plain_list(acts: list[tuple[str, str, str, str]], new_place: Callable[[], Place]) -> None:
    """After any sequence of acts the store holds what lists of answers per person hold."""
    store = new_place().open()
    plain: dict[str, list[tuple[str, str | None]]] = {"ana": [], "ben": []}
    for number, (act, who, record, label) in enumerate(acts):
        if act == "undo":
            undone = store.undo(who, f"op-{number}")
            expected = plain[who].pop() if plain[who] else None
            assert (undone and (undone.record, undone.label)) == expected
            continue
        said = None if act == "skip" else label
        plain[who].append((record, said))
        for _ in range(2 if act == "retry" else 1):
            store.add(record, said, who, "margin", f"op-{number}")
    for who, entries in plain.items():
        assert store.asked(who) == {record for record, _ in entries}
    labelled = {record for entries in plain.values() for record, label in entries if label is not None}
    assert set(store.answers()) == labelled
    assert store.answers() == standing(store.history())
    assert [e.sequence for e in store.history()] == list(range(1, store.last_sequence + 1))


def test_longest_texts_are_kept_whole(store: AnnotationStore) -> None:
    """Ids and names at their limits, in letters of four bytes, come back and can be looked up and leased."""
    long = {name: "\U0001f600" * limit for name, limit in LIMITS.items()}
    record, annotator = long["record"], long["annotator"]
    assert store.leases.claim(annotator, [record]) == record
    said = store.add(record, long["label"], annotator, long["strategy"], long["operation"])
    store.remarks.add(record, "note", annotator, long["operation"], long["note"])
    assert store.history() == [said]
    assert (said.record, said.label, said.annotator) == (record, long["label"], annotator)
    assert store.remarks.history()[0].text == long["note"]


def test_role_of_an_answer_is_kept(store: AnnotationStore) -> None:
    """An adjudicator's answer outranks people's, is retried as such, and its undo is one in that role."""
    store.add("c7", "spam", "ana", "margin", "op-1")
    said = store.add("c7", "ham", "dora", "adjudicate", "op-2", role="adjudicator")
    assert store.add("c7", "ham", "dora", "adjudicate", "op-2", role="adjudicator") == said
    with pytest.raises(AnswerError, match='operation "op-2" already stands for "dora" calling "c7" "ham"'):
        store.add("c7", "ham", "dora", "adjudicate", "op-2")
    store.add("c7", "spam", "ben", "margin", "op-3")
    assert store.answers()["c7"] == said
    assert store.undo("dora", "op-4") == said
    assert store.history()[-1].role == "adjudicator"
    assert store.answers()["c7"].label == "spam"


def test_unknown_role_is_refused(store: AnnotationStore) -> None:
    """There are people and adjudicators."""
    with pytest.raises(AnswerError, match='no role "boss"; known are "person", "adjudicator"'):
        store.add("c7", "spam", "ana", "margin", "op-1", role="boss")  # type: ignore[arg-type]
    assert store.history() == []
