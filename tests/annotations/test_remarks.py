"""Flags and notes: kept beside the answers, and no answers themselves."""

from __future__ import annotations

import pytest

from labelkit.annotations import AnnotationStore
from labelkit.errors import AnswerError


def test_note_comes_back_as_it_was_written(store: AnnotationStore) -> None:
    """With who and where, in order, and it answers nothing."""
    said = store.remarks.add("c7", "note", "ana", "op-1", "two reviews in one\nक्या")
    again = store.remarks.add("c7", "note", "ana", "op-1", "two reviews in one\nक्या")
    assert said == again
    assert (said.record, said.kind, said.annotator, said.text) == ("c7", "note", "ana", "two reviews in one\nक्या")
    assert store.remarks.history() == [said]
    assert (store.history(), store.answers(), store.last_sequence) == ([], {}, 0)


def test_flag_is_each_persons_own(store: AnnotationStore) -> None:
    """Taking a flag off is another entry, and takes off nobody else's."""
    store.remarks.add("c7", "flag", "ana", "op-1")
    store.remarks.add("c7", "flag", "ben", "op-2")
    store.remarks.add("c7", "flag", "ana", "op-3")
    assert store.remarks.flagged() == {"c7": ["ana", "ben"]}
    store.remarks.add("c7", "unflag", "ana", "op-4")
    store.remarks.add("c8", "unflag", "ana", "op-5")
    assert store.remarks.flagged() == {"c7": ["ben"]}
    assert len(store.remarks.history()) == 5


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("star", "", 'no remark of kind "star"; known are "flag", "unflag", "note"'),
        ("note", "", "a note has a text, a flag has none"),
        ("flag", "text", "a note has a text, a flag has none"),
        ("note", "a\0b", 'the note "a\\x00b" holds a NUL or half a surrogate pair; no database keeps it'),
        ("note", "x" * 10_001, "the note has 10,001 characters; at most 10,000 are kept"),
    ],
)
def test_remark_that_no_store_keeps_is_refused(store: AnnotationStore, kind: str, text: str, message: str) -> None:
    """The same rules as for answers."""
    with pytest.raises(AnswerError) as caught:
        store.remarks.add("c7", kind, "ana", "op-1", text)  # type: ignore[arg-type]
    assert str(caught.value) == message
    assert store.remarks.history() == []


def test_operation_cannot_stand_for_two_remarks(store: AnnotationStore) -> None:
    """Another text under a used operation id is refused."""
    store.remarks.add("c7", "note", "ana", "op-1", "one")
    with pytest.raises(AnswerError, match='operation "op-1" already stands for another remark'):
        store.remarks.add("c7", "note", "ana", "op-1", "two")
    assert [entry.text for entry in store.remarks.history()] == ["one"]
