"""Answers that are sets of classes, and what the store shows of them to one class."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from labelkit.annotations import AnnotationStore
from labelkit.annotations.annotation import Answer
from labelkit.annotations.label_sets import checked_label, classes_in, said_of, set_in, set_text, shown_set
from labelkit.errors import AnswerError, UsageError

CLASSES = ["python", "pandas", "ß\x1b"]
some = st.sets(st.sampled_from(CLASSES))
NUMBERS = itertools.count()


@pytest.fixture
def store(tmp_path: Path) -> AnnotationStore:
    """An empty store."""
    return AnnotationStore.open(f"sqlite:///{tmp_path / 'answers.db'}")


@given(some)
def test_a_set_is_read_as_it_was_written(chosen: set[str]) -> None:
    """Every class is said of, in the project's order."""
    text = set_text(chosen, CLASSES)
    assert set_in(text) == {name: name in chosen for name in CLASSES}
    assert list(set_in(text)) == CLASSES
    assert classes_in(text) == tuple(name for name in CLASSES if name in chosen)
    assert {name: said_of(text, name) for name in [*CLASSES, "later"]} == {
        **{name: "yes" if name in chosen else "no" for name in CLASSES},
        "later": None,
    }
    assert checked_label(text, CLASSES, several=True) == text
    assert shown_set(text) == (", ".join(classes_in(text)) or "none of the classes")


@pytest.mark.parametrize("text", ["", "python", "[]", "{", '{"python": 1}', '{"python": null}', "[" * 100_000, "null"])
def test_a_text_that_is_no_set(text: str) -> None:
    """It is refused wherever a set is read."""
    for read in (set_in, classes_in, lambda t: said_of(t, "python"), lambda t: checked_label(t, CLASSES, several=True)):
        with pytest.raises(AnswerError, match=r"says not of each class whether a record has it; "):
            read(text)


def test_a_class_that_is_not_there() -> None:
    """It is named, and those that are there."""
    said = 'no class "perl"; classes are "python", "pandas", "ß\\x1b"'
    with pytest.raises(AnswerError) as caught:
        set_text(["perl", "pandas"], CLASSES)
    assert str(caught.value) == said
    with pytest.raises(AnswerError) as caught:
        checked_label(set_text(["perl"], ["perl"]), CLASSES, several=True)
    assert str(caught.value) == said
    with pytest.raises(AnswerError, match=r'^no class "perl"; classes are "no", "yes"$'):
        checked_label("perl", ["no", "yes"], several=False)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["ana", "bob"]), some | st.none()), max_size=8))
def test_a_class_sees_its_part_of_every_answer(
    store: AnnotationStore, said: list[tuple[str, str, set[str] | None]]
) -> None:
    """Sequence, people, skips and standing answers are those of the store, which grows; labels say yes or no."""
    for record, who, chosen in said:
        label = None if chosen is None else set_text(chosen, CLASSES)
        store.add(record, label, who, "margin", f"op-{next(NUMBERS)}")
    whole = store.history()
    for name in CLASSES:
        seen = store.about(name)
        assert [(entry.sequence, entry.label) for entry in seen.history()] == [
            (entry.sequence, None if entry.label is None else said_of(entry.label, name)) for entry in whole
        ]
        assert seen.last_sequence == store.last_sequence
        assert all(seen.asked(who) == store.asked(who) for who in ("ana", "bob"))
        assert {entry.label for entry in seen.answers().values()} <= {"yes", "no"}
        for record in "abc":
            assert [one.operation for one in seen.opinions_on(record)] == [
                one.operation for one in store.opinions_on(record)
            ]


def test_a_class_that_joined_later_sees_no_answers(store: AnnotationStore) -> None:
    """Nobody was asked about it; a skip stays one, and the next answer counts."""
    store.add("a", set_text(["python"], ["python", "pandas"]), "ana", "", "op-1")
    store.add("b", None, "ana", "", "op-2")
    later = store.about("sql")
    assert [(entry.record, entry.label) for entry in later.history()] == [("b", None)]
    assert later.answers() == {}
    assert later.fingerprint() == AnnotationStore.about(store, "perl").fingerprint() != store.fingerprint()
    store.add("a", set_text(["sql"], ["python", "pandas", "sql"]), "ana", "", "op-3")
    assert later.answers()["a"].label == "yes"


def test_people_who_differ_in_one_class_agree_in_another(store: AnnotationStore) -> None:
    """Each class has an answer that stands by itself; a tie stands for nothing."""
    store.add("a", set_text(["python"], CLASSES), "ana", "", "op-1")
    store.add("a", set_text(["python", "pandas"], CLASSES), "bob", "", "op-2")
    assert store.about("python").answers()["a"].label == "yes"
    both = {entry.label for entry in store.about("pandas").opinions_on("a")}
    assert both == {"yes", "no"}


def test_one_class_is_only_read(store: AnnotationStore) -> None:
    """An answer is of all classes or of none."""
    of_class = store.about("python")
    said = 'an answer names all classes of a record, not "python" alone; give it to the project as a whole'
    for act in (
        lambda: of_class.add("a", "yes", "ana", "", "op-1"),
        lambda: of_class.add_all([Answer("a", "yes", "ana", "", "op-1")]),
        lambda: of_class.undo("ana", "op-2"),
    ):
        with pytest.raises(UsageError) as caught:
            act()
        assert str(caught.value) == said
    assert store.last_sequence == 0
