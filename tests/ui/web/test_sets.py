"""Sets of classes at the page: what requests may say of a record that may have several."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from labelkit.annotations.label_sets import set_in, set_text
from labelkit.errors import AnswerError
from labelkit.ui.web import Room, Task
from web_rooms import Records, Visitor, make_room

CLASSES = ("python", "pandas", "sql")
VOTES = {"pandas: frames": "yes", "pandas: never": "no", "sql: select": "no"}
_numbers = itertools.count()


def records(suggestion: str | None) -> Records:
    return Records({f"q{i}": {"text": f"question {i}"} for i in range(6)}, VOTES, suggestion)


def room_of(
    folder: Path, suggestion: str | None = set_text(["pandas"], CLASSES), classes: tuple[str, ...] = CLASSES
) -> Room:
    return make_room(folder, records(suggestion), classes=classes, several=True)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return room_of(tmp_path)


@pytest.fixture
def ana(room: Room) -> Visitor:
    return Visitor(room, "ana")


def answer(visitor: Visitor, asked: dict[str, Any], label: object) -> Any:
    return visitor.post("answer", record=asked["record"], label=label, operation=asked["operation"])


def labels(room: Room) -> list[tuple[str, str | None]]:
    return [(entry.record, entry.label) for entry in room.store.history()]


def why(response: Any) -> str:
    assert response.status_code == 422
    return str(response.json()["error"]["why"])


def test_page_gets_classes_and_not_the_text_of_a_set(ana: Visitor) -> None:
    """The suggestion is a list of classes, and votes stand class by class, for and against."""
    assert ana.get("/api/me").json()["task"]["several"] is True
    asked = ana.records()[0]
    assert (asked["suggestion"], asked["chosen"]) == (["pandas"], [])
    assert asked["votes"] == [
        {"label": "pandas", "functions": ["frames"], "against": ["never"]},
        {"label": "sql", "functions": [], "against": ["select"]},
    ]


@pytest.mark.parametrize("suggestion", [None, "pandas", '{"gone": true}'])
def test_what_nobody_could_say_is_not_suggested(tmp_path: Path, suggestion: str | None) -> None:
    """Neither a text that is no set nor a class that is gone; that no class is suggested is a suggestion."""
    assert Visitor(room_of(tmp_path, suggestion), "ana").records()[0]["suggestion"] is None
    none = Visitor(room_of(tmp_path, set_text([], CLASSES)), "ana")
    assert none.records()[0]["suggestion"] == []


def test_set_is_stored_in_the_order_of_the_classes(ana: Visitor, room: Room) -> None:
    """However a request orders them, two people who say the same have said the same text; an empty set is an answer."""
    said = [{"sql": True, "python": False, "pandas": True}, dict.fromkeys(CLASSES, False)]
    for label in said:
        assert answer(ana, ana.records()[0], label).status_code == 200
    assert labels(room) == [("q0", set_text(["pandas", "sql"], CLASSES)), ("q1", set_text([], CLASSES))]


def test_retry_of_a_set_is_one_answer(ana: Visitor, room: Room) -> None:
    """The same operation again stores nothing; another set for the same record is refused, in words."""
    asked = ana.records()[0]
    for _ in range(3):
        assert answer(ana, asked, {"pandas": True, "python": False, "sql": False}).status_code == 200
    refused = answer(ana, asked, {"pandas": True, "python": True, "sql": False})
    assert refused.status_code == 409
    assert refused.json()["error"]["why"] == (
        'record "q0" is answered already: "pandas"; take that back to answer anew'
    )
    assert len(labels(room)) == 1


def test_class_that_does_not_exist_is_refused(ana: Visitor, room: Room) -> None:
    """Said to be there or not: nothing of such an answer is stored."""
    asked = ana.records()[0]
    for there in (True, False):
        assert why(answer(ana, asked, {"pandas": True, "eggs": there})) == (
            'no class "eggs"; classes are "python", "pandas", "sql"'
        )
    assert labels(room) == []


@pytest.mark.parametrize(
    "label", [{}, {"pandas": 1}, {"pandas": None}, {"": True}, ["pandas"], 7, {"pandas": {"sql": True}}], ids=str
)
def test_what_is_no_set_is_refused(ana: Visitor, room: Room, label: object) -> None:
    """An answer says true or false, and of one class at least."""
    assert why(answer(ana, ana.records()[0], label)).startswith("cannot be read: label")
    assert labels(room) == []


def test_one_class_is_no_set_and_a_set_no_class(ana: Visitor, tmp_path: Path) -> None:
    """Each kind of project takes its own kind of answer, also where the text of a set is sent as a name."""
    wanted = "an answer to a record of this project is an object of classes and true or false"
    for label in ("pandas", set_text(["pandas"], CLASSES)):
        assert why(answer(ana, ana.records()[0], label)) == wanted
    single = Visitor(make_room(tmp_path / "single", records("pandas"), classes=CLASSES), "ana")
    refused = answer(single, single.records()[0], {"pandas": True})
    assert why(refused) == "an answer to a record of this project is the name of one class"


def test_class_that_joined_later_is_not_said_to_be_absent(ana: Visitor, tmp_path: Path) -> None:
    """A page that was opened before says nothing of it, and its retry is still the same answer."""
    asked, said = ana.records()[0], {"python": False, "pandas": True, "sql": False}
    assert answer(ana, asked, said).status_code == 200
    restarted = room_of(tmp_path, classes=(*CLASSES, "regex"))
    again = Visitor(restarted, "ana")
    assert answer(again, asked, said).status_code == 200
    assert answer(again, again.records()[0], said).status_code == 200
    assert {label for _, label in labels(restarted)} == {set_text(["pandas"], CLASSES)}


def test_who_answered_before_a_class_joined_may_answer_anew(ana: Visitor, tmp_path: Path) -> None:
    """The first answer says nothing of it, so it is in nobody's way."""
    asked = ana.records()[0]
    assert answer(ana, asked, {"python": False, "pandas": True, "sql": False}).status_code == 200
    restarted = room_of(tmp_path, classes=(*CLASSES, "regex"))
    said = {"python": False, "pandas": True, "sql": False, "regex": True}
    again = {"record": asked["record"], "operation": "another-operation"}
    assert answer(Visitor(restarted, "ana"), again, said).status_code == 200
    assert restarted.store.answers()[asked["record"]].label == set_text(["pandas", "regex"], (*CLASSES, "regex"))


def test_undo_brings_the_set_back(ana: Visitor, room: Room) -> None:
    """The record comes back with the classes that were said, also to a page that was loaded anew; a skip has none."""
    asked = ana.records()[0]
    answer(ana, asked, {"python": True, "pandas": False, "sql": True})
    back = ana.said("undo", operation=f"undo-{next(_numbers):08}")["record"]
    assert (back["record"], back["chosen"]) == ("q0", ["python", "sql"])
    assert ana.records()[0]["chosen"] == ["python", "sql"]
    assert answer(ana, back, None).status_code == 200
    assert ana.said("undo", operation=f"undo-{next(_numbers):08}")["record"]["chosen"] == []
    assert room.store.answers() == {}


@given(st.dictionaries(st.sampled_from([*CLASSES, "eggs", ""]), st.booleans()))
def test_stored_set_says_what_was_sent(said: dict[str, bool]) -> None:
    """Of known classes every set is kept as it was sent, in one order; one unknown class and nothing is."""
    task = Task("questions", "p1", CLASSES, {}, several=True)
    if set(said) <= set(CLASSES):
        label = str(task.label_of(said))
        assert set_in(label) == said
        assert list(set_in(label)) == [name for name in CLASSES if name in said]
    else:
        with pytest.raises(AnswerError, match="no class"):
            task.label_of(said)


def test_names_of_classes_steer_nothing(tmp_path: Path) -> None:
    """What a page shows of votes is escaped; the class is stored as it is."""
    evil = "\x1b[2J\u202e<b>"
    shown = Records({"q0": {"text": "a"}, "q1": {"text": "b"}}, {f"{evil}: {evil}": "yes"}, set_text([evil], [evil]))
    room = make_room(tmp_path, shown, classes=(evil, "b"), several=True)
    ana = Visitor(room, "ana")
    asked = ana.records()[0]
    assert asked["votes"] == [{"label": evil, "functions": ["\\x1b[2J\\u202e<b>"], "against": []}]
    assert answer(ana, asked, {evil: True, "b": False}).status_code == 200
    assert labels(room) == [("q0", set_text([evil], [evil, "b"]))]
    refused = answer(ana, asked, {evil: False, "b": False})
    assert "\\x1b[2J\\u202e<b>" in refused.json()["error"]["why"]
