"""What people say at the page is stored once, whatever happens to pages, tabs and the server in between."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from labelkit.active.curve import Advice
from labelkit.annotations import Annotation
from labelkit.errors import MachineError
from labelkit.ui.web import Room
from web_rooms import Visitor, make_room, numbered

_numbers = itertools.count()
NUL = 'the note "a\\x00b" holds a NUL or half a surrogate pair; no database keeps it'


def operation() -> str:
    """A new operation id."""
    return f"operation-{next(_numbers)}"


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return make_room(tmp_path, numbered(8))


@pytest.fixture
def ana(room: Room) -> Visitor:
    return Visitor(room, "ana")


def answer(visitor: Visitor, asked: dict[str, Any], label: str | None) -> Any:
    """Answer a record under the operation that it came with."""
    return visitor.post("answer", record=asked["record"], label=label, operation=asked["operation"])


def labels(room: Room) -> list[tuple[str, str | None, str]]:
    """What is stored: record, label and annotator of each answer."""
    return [(entry.record, entry.label, entry.annotator) for entry in room.store.history()]


def standing(room: Room, record: str) -> list[Annotation]:
    """Every entry about one record."""
    return [entry for entry in room.store.history() if entry.record == record]


def test_page_gets_all_that_it_shows(ana: Visitor) -> None:
    """Fields, reason, votes by class, suggestion, and the keys of the classes."""
    task = ana.get("/api/me").json()["task"]
    assert [(one["key"], one["label"]) for one in task["classes"]] == [("1", "ham"), ("2", "spam")]
    assert (task["annotator"], task["project"], task["role"]) == ("ana", "comments", "person")
    asked = ana.records()[0]
    assert asked["fields"] == [
        {
            "name": "text",
            "parts": [{"text": "text number 0", "by": []}],
            "empty": "",
            "short": True,
            "hidden": 0,
        }
    ]
    assert asked["votes"] == [{"label": "spam", "functions": ["begs"]}, {"label": "ham", "functions": ["sings"]}]
    assert (asked["suggestion"], asked["flagged"]) == ("spam", False)
    assert asked["reason"] == "undecided between ham and spam (0.52 / 0.48)"


def test_next_record_is_in_hand_before_the_first_is_answered(ana: Visitor) -> None:
    """Two records come, and they stay until they are answered."""
    first, second = ana.records()
    assert (first["record"], second["record"]) == ("r0", "r1")
    assert [one["record"] for one in ana.records()] == ["r0", "r1"]
    assert answer(ana, first, "spam").json()["progress"]["answered"] == 1
    assert [one["record"] for one in ana.records()] == ["r1", "r2"]
    assert [one["record"] for one in ana.records("r1")] == ["r2"]


def test_retry_is_one_answer(room: Room, ana: Visitor) -> None:
    """The same request ten times, some of them at once, is stored and counted once."""
    asked = ana.records()[0]
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda _: answer(ana, asked, "spam").status_code, range(10)))
    assert set(replies) == {200}
    assert labels(room) == [("r0", "spam", "ana")]
    assert ana.get("/api/me").json()["progress"]["answered"] == 1


def test_two_tabs_are_one_person(room: Room, ana: Visitor) -> None:
    """Both show the same records under the same operations; the one that comes second is told, not stored."""
    tab = Visitor(room, "ana")
    first, again = ana.records()[0], tab.records()[0]
    assert first["operation"] == again["operation"]
    assert answer(ana, first, "spam").status_code == 200
    assert answer(tab, again, "spam").status_code == 200
    refusal = answer(tab, again, "ham")
    assert refusal.status_code == 409
    assert refusal.json()["error"] == {
        "kind": "answered",
        "why": 'record "r0" is answered already: "spam"; take that back to answer anew',
    }
    assert labels(room) == [("r0", "spam", "ana")]


def test_answer_of_a_page_that_outlived_its_server_is_stored(room: Room, ana: Visitor, tmp_path: Path) -> None:
    """A new server knows nothing of the page, and takes its answer all the same, once."""
    asked = ana.records()[0]
    restarted = Visitor(make_room(tmp_path, numbered(8)))
    restarted.client.cookies = ana.client.cookies
    for _ in range(3):
        assert answer(restarted, asked, "spam").status_code == 200
    assert labels(room) == [("r0", "spam", "ana")]
    assert "r0" not in [one["record"] for one in restarted.records()]


def test_answer_stored_before_the_server_died_is_not_stored_again(room: Room, ana: Visitor, tmp_path: Path) -> None:
    """The reply got lost with the server; the page sends the answer again to the next one."""
    asked = ana.records()[0]
    answer(ana, asked, "spam")
    restarted = Visitor(make_room(tmp_path, numbered(8)), "ana")
    assert answer(restarted, asked, "spam").status_code == 200
    assert answer(restarted, asked, "ham").status_code == 409
    assert labels(room) == [("r0", "spam", "ana")]


def test_undo_goes_back_to_any_depth(room: Room, ana: Visitor) -> None:
    """Each undo brings back the record before; then there is nothing left to take back."""
    for _ in range(3):
        answer(ana, ana.records()[0], "spam")
    back = [ana.said("undo", operation=operation())["record"]["record"] for _ in range(3)]
    assert back == ["r2", "r1", "r0"]
    assert ana.said("undo", operation=operation())["record"] is None
    assert ana.get("/api/me").json()["progress"]["undone"] == 3
    assert room.store.answers() == {}
    assert ana.records()[0]["record"] == "r0"


def test_undo_reaches_answers_of_an_earlier_server(room: Room, ana: Visitor, tmp_path: Path) -> None:
    """What was said before a restart can be taken back after it, and answered anew."""
    answer(ana, ana.records()[0], "spam")
    restarted = Visitor(make_room(tmp_path, numbered(8)), "ana")
    back = restarted.said("undo", operation=operation())["record"]
    assert back["record"] == "r0"
    assert answer(restarted, back, "ham").status_code == 200
    assert {record: entry.label for record, entry in room.store.answers().items()} == {"r0": "ham"}


def test_undo_retried_takes_nothing_more_back(room: Room, ana: Visitor) -> None:
    """The same operation again is the same undo."""
    for _ in range(2):
        answer(ana, ana.records()[0], "spam")
    same = operation()
    for _ in range(3):
        assert ana.said("undo", operation=same)["record"]["record"] == "r1"
    assert set(room.store.answers()) == {"r0"}


def test_answer_after_an_undo_has_an_operation_that_the_page_can_tell(room: Room, ana: Visitor) -> None:
    """A page that has lost its server goes on: answer, undo and answer are sent later, in order, each twice."""
    asked = ana.records()[0]
    sent: list[tuple[str, dict[str, Any]]] = [
        ("answer", {"record": "r0", "label": "spam", "operation": asked["operation"]}),
        ("undo", {"operation": "undo-12345678", "undoes": asked["operation"]}),
        ("answer", {"record": "r0", "label": "ham", "operation": "after-undo-12345678"}),
    ]
    for path, body in sent:
        for _ in range(2):
            assert ana.post(path, **body).status_code == 200
    assert {record: entry.label for record, entry in room.store.answers().items()} == {"r0": "ham"}
    assert len(standing(room, "r0")) == 3


def test_answer_that_was_taken_back_is_refused_when_it_comes_late(ana: Visitor) -> None:
    """Another tab's copy of an answer does not bring back what the person took back."""
    asked = ana.records()[0]
    answer(ana, asked, "spam")
    ana.said("undo", operation=operation())
    refusal = answer(ana, asked, "spam")
    assert refusal.status_code == 422
    assert refusal.json()["error"]["why"] == 'record "r0": this answer was taken back; answer anew'


def test_skip_is_no_answer_and_is_not_asked_again(room: Room, ana: Visitor) -> None:
    """A label of null skips."""
    answer(ana, ana.records()[0], None)
    progress = ana.get("/api/me").json()["progress"]
    assert (progress["answered"], progress["skipped"]) == (0, 1)
    assert [one["record"] for one in ana.records()] == ["r1", "r2"]
    assert room.store.answers() == {}


def test_flags_and_notes_are_stored_once(room: Room, ana: Visitor) -> None:
    """A flag shows on the record until it is taken off."""
    ana.records()
    for _ in range(2):
        ana.said("flag", record="r0", on=True, operation="flag-000001")
        ana.said("note", record="r0", text="half a sentence", operation="note-000001")
    assert room.store.remarks.flagged() == {"r0": ["ana"]}
    assert [remark.text for remark in room.store.remarks.history()] == ["", "half a sentence"]
    assert ana.records()[0]["flagged"] is True
    ana.said("flag", record="r0", on=False, operation="flag-000002")
    assert ana.records()[0]["flagged"] is False


def test_people_do_not_get_the_same_record_beyond_the_overlap(tmp_path: Path) -> None:
    """With an overlap of one, two people at one page answer different records."""
    room = make_room(tmp_path, numbered(8), overlap=1)
    hands = [{one["record"] for one in Visitor(room, who).records()} for who in ("ana", "ben")]
    assert all(hands)
    assert not hands[0] & hands[1]


def test_leaving_gives_back_what_was_in_hand(tmp_path: Path) -> None:
    """Somebody else gets the records at once, and whoever comes back goes on."""
    room = make_room(tmp_path, numbered(8), overlap=1)
    ana, ben = Visitor(room, "ana"), Visitor(room, "ben")
    mine = {one["record"] for one in ana.records()}
    ana.said("leave")
    assert {one["record"] for one in ben.records()} == mine
    assert ana.records()


def test_budget_ends_the_questions(tmp_path: Path) -> None:
    """After so many labels there is no record, and the page is told why; an undo opens the place again."""
    ana = Visitor(make_room(tmp_path, numbered(8), budget=2), "ana")
    for _ in range(2):
        answer(ana, ana.records()[0], "spam")
    reply = ana.said("next")
    assert [one["record"] for one in reply["records"]] in ([], ["r2"], ["r2", "r3"])
    for asked in reply["records"]:
        answer(ana, asked, "spam")
    reply = ana.said("next")
    assert reply["records"] == []
    assert reply["progress"]["nothing"] == "the budget of 2 answers is spent"


def test_queue_that_is_over_says_so(tmp_path: Path) -> None:
    """After the last record there is none, with the reason in words."""
    ana = Visitor(make_room(tmp_path, numbered(2)), "ana")
    for _ in range(2):
        answer(ana, ana.records()[0], "ham")
    reply = ana.said("next")
    assert (reply["records"], reply["progress"]["nothing"]) == ([], "there is nothing to ask at this moment")


@pytest.mark.parametrize("stop", [True, False])
def test_page_says_when_there_are_enough_answers(room: Room, ana: Visitor, stop: bool) -> None:
    """Only then, and why."""
    ana.records()
    session = room.desk("ana")._session
    assert session is not None
    session.advice = Advice(stop, "enough: the next 50 answers bring nothing")
    said = ana.get("/api/me").json()["progress"]["enough"]
    assert said == ("enough: the next 50 answers bring nothing" if stop else "")


@pytest.mark.parametrize(
    ("path", "body", "why"),
    [
        ("answer", {"record": "r0", "label": "eggs"}, 'no class "eggs"; classes are "ham", "spam"'),
        ("answer", {"record": "nothing", "label": "ham"}, "not one of these records"),
        ("flag", {"record": "nothing", "on": True}, "not one of these records"),
        ("note", {"record": "nothing", "text": "why"}, "not one of these records"),
        ("note", {"record": "r0", "text": "a\0b"}, NUL),
        ("undo", {"undoes": "somebody-elses"}, None),
    ],
)  # fmt: skip
def test_what_does_not_exist_is_refused(room: Room, ana: Visitor, path: str, body: Any, why: str | None) -> None:
    """Nothing is stored, and the reason is said in words."""
    response = ana.post(path, operation=operation(), **body)
    if why is None:
        assert response.json()["record"] is None
    else:
        assert response.status_code == 422
        assert response.json()["error"] == {"kind": "said", "why": why}
    assert room.store.history() == []
    assert room.store.remarks.history() == []


def test_store_that_fails_says_that_a_retry_may_help(room: Room, ana: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with the reason, nothing counted; the same request is stored when the disk is back."""
    asked = ana.records()[0]

    def full(*_: object, **__: object) -> None:
        raise MachineError("annotations.db: no space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(room.store, "add", full)
        response = answer(ana, asked, "spam")
    assert response.status_code == 503
    assert response.json()["error"] == {"kind": "machine", "why": "annotations.db: no space left on device"}
    assert ana.get("/api/me").json()["progress"]["answered"] == 0
    assert answer(ana, asked, "spam").status_code == 200
    assert labels(room) == [("r0", "spam", "ana")]


def test_bug_is_said_without_its_details(room: Room, ana: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 and no word of what is inside; the page keeps what was said."""
    monkeypatch.setattr(room.store, "add", lambda *_, **__: 1 / 0)
    response = answer(ana, ana.records()[0], "spam")
    assert response.status_code == 500
    assert response.json()["error"]["kind"] == "bug"
    assert "Zero" not in response.text
    assert response.headers["content-security-policy"].startswith("default-src 'none'")
