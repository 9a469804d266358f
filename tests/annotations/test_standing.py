"""Which answer stands: the rule itself, on histories made by hand and by hypothesis."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from labelkit.annotations import Annotation, Answer, standing
from labelkit.annotations.annotation import Kind, check_answer, not_undone
from labelkit.errors import AnswerError


def entry(sequence: int, annotator: str, label: str | None, record: str = "c7") -> Annotation:
    kind: Kind = "skip" if label is None else "label"
    return Annotation(record, label, annotator, "", "margin", f"op-{sequence}", sequence, kind)


def undo(sequence: int, annotator: str, undone: Annotation) -> Annotation:
    return Annotation(undone.record, None, annotator, "", "", f"op-{sequence}", sequence, "undo", undone.operation)


def labels(history: list[Annotation]) -> dict[str, str | None]:
    return {record: annotation.label for record, annotation in standing(history).items()}


@st.composite
def histories(draw: st.DrawFn) -> list[Annotation]:
    """Histories as a store can hold them: an undo takes back its own annotator's latest entry that still counts."""
    history: list[Annotation] = []
    for sequence in range(1, draw(st.integers(0, 15)) + 1):
        who = draw(st.sampled_from(["ana", "ben", "cem"]))
        mine = [e for e in not_undone(history) if e.annotator == who]
        if mine and draw(st.integers(0, 3)) == 0:
            history.append(undo(sequence, who, mine[-1]))
        else:
            label = draw(st.sampled_from(["ham", "spam", "eggs", None]))
            history.append(entry(sequence, who, label, draw(st.sampled_from(["c1", "c2"]))))
    return history


def test_nothing_said_nothing_stands() -> None:
    """Without entries no record has an answer."""
    assert standing([]) == {}


def test_latest_label_of_one_person_stands() -> None:
    """A person who changes their mind is taken at their last word."""
    assert labels([entry(1, "ana", "ham"), entry(2, "ana", "spam")]) == {"c7": "spam"}


def test_skip_is_no_answer() -> None:
    """A skip answers nothing and takes nothing back."""
    assert labels([entry(1, "ana", None)]) == {}
    assert labels([entry(1, "ana", "ham"), entry(2, "ana", None)]) == {"c7": "ham"}


def test_undone_label_falls_back_to_the_one_before() -> None:
    """Taking back the second label brings the first one back."""
    first, second = entry(1, "ana", "ham"), entry(2, "ana", "spam")
    assert labels([first, second, undo(3, "ana", second)]) == {"c7": "ham"}


def test_majority_outranks_the_latest() -> None:
    """Two people who agree outvote a third one who came later."""
    assert labels([entry(1, "ana", "ham"), entry(2, "ben", "ham"), entry(3, "cem", "spam")]) == {"c7": "ham"}


def test_one_person_has_one_voice() -> None:
    """Saying it twice does not count twice."""
    history = [entry(1, "ana", "ham"), entry(2, "ana", "ham"), entry(3, "ben", "spam"), entry(4, "cem", "spam")]
    assert labels(history) == {"c7": "spam"}


def test_tie_goes_to_the_latest() -> None:
    """One against one: the later answer stands, whatever the clock said."""
    later = replace(entry(2, "ben", "spam"), time="1970-01-01T00:00:00.000Z")
    earlier = replace(entry(1, "ana", "ham"), time="2038-01-19T03:14:07.000Z")
    assert labels([earlier, later]) == {"c7": "spam"}


@given(histories(), st.randoms(use_true_random=False))
def test_order_of_reading_does_not_matter(history: list[Annotation], random: object) -> None:
    """Sequence numbers decide, not the order in which entries are handed in."""
    shuffled = history.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert standing(shuffled) == standing(history)


@given(histories(), st.sampled_from(["ana", "ben", "dora"]), st.sampled_from(["ham", "spam", None]))
def test_answer_and_its_undo_cancel(history: list[Annotation], who: str, label: str | None) -> None:
    """Answering and taking it back leaves everything as it was."""
    sequence = len(history) + 1
    said = entry(sequence, who, label, "c1")
    assert standing([*history, said, undo(sequence + 1, who, said)]) == standing(history)


@given(histories(), st.sampled_from(["ana", "dora"]))
def test_skip_changes_nothing(history: list[Annotation], who: str) -> None:
    """A skip never moves a standing answer."""
    assert standing([*history, entry(len(history) + 1, who, None, "c1")]) == standing(history)


@given(histories())
def test_standing_answer_has_the_most_people(history: list[Annotation]) -> None:
    """No other label of the record is held by more people, and the answer is one that was given and not undone."""
    counted = not_undone(history)
    for record, answer in standing(history).items():
        last_words = {e.annotator: e.label for e in counted if e.record == record and e.label is not None}
        people = Counter(last_words.values())
        assert answer in counted
        assert people[answer.label or ""] == max(people.values())
        assert last_words[answer.annotator] == answer.label


@given(histories())
def test_every_labelled_record_has_exactly_one_answer(history: list[Annotation]) -> None:
    """A record has a standing answer if and only if some label on it counts."""
    assert set(standing(history)) == {e.record for e in not_undone(history) if e.kind == "label"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"record": ""}, "the record is empty"),
        ({"annotator": ""}, "the annotator is empty"),
        ({"label": ""}, "the label is empty"),
        ({"label": 3}, "the label must be text, not 3"),
        ({"label": "x" * 100_001}, "the label has 100,001 characters; at most 100,000 are kept"),
        ({"record": "a\0b"}, 'the record "a\\x00b" holds a NUL or half a surrogate pair; no database keeps it'),
        ({"label": "\ud800"}, 'the label "\\ud800" holds a NUL or half a surrogate pair; no database keeps it'),
    ],
)
def test_answer_that_no_store_could_give_back_is_refused(change: dict[str, str], message: str) -> None:
    """Empty, overlong and unstorable texts are refused at the door."""
    answer = replace(Answer("c7", "spam", "ana", "margin", "op-1"), **change)  # type: ignore[arg-type]
    with pytest.raises(AnswerError) as caught:
        check_answer(answer)
    assert str(caught.value) == message
