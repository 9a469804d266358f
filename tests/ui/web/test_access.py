"""Who may come in, and as whom: links, sessions, and nobody in the place of another."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from labelkit.ui.web import Access, Room
from labelkit.ui.web.access import SESSION_SECONDS
from web_rooms import HEADERS, Visitor, make_room, numbered

ACTS: dict[str, dict[str, Any]] = {
    "next": {},
    "answer": {"record": "r0", "label": "spam", "operation": "operation-1"},
    "undo": {"operation": "operation-2"},
    "flag": {"record": "r0", "on": True, "operation": "operation-3"},
    "note": {"record": "r0", "text": "why", "operation": "operation-4"},
    "leave": {},
}


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return make_room(tmp_path, numbered(6))


def test_link_lets_in_once(room: Room) -> None:
    """The second browser that opens it is refused."""
    token = room.access.link("ana")
    first, second = Visitor(room), Visitor(room)
    assert first.post("enter", token=token).status_code == 200
    refusal = second.post("enter", token=token)
    assert refusal.status_code == 401
    assert refusal.json()["error"]["why"] == "this link was used already, or is not of this server"
    assert "set-cookie" not in refusal.headers
    assert (first.get("/api/me").status_code, second.get("/api/me").status_code) == (200, 401)


def test_cookie_is_for_this_page_alone(room: Room) -> None:
    """No script reads it, no other site sends it, and it says nothing."""
    token = room.access.link("ana")
    cookie = Visitor(room).post("enter", token=token).headers["set-cookie"]
    name, _, value = cookie.partition("; ")[0].partition("=")
    assert name == room.site.cookie
    assert len(value) == 43
    assert value != token
    assert set(cookie.split("; ")[1:]) == {"HttpOnly", "Max-Age=43200", "Path=/", "SameSite=strict"}


def test_nobody_does_anything_without_a_session(room: Room) -> None:
    """Every address but the files of the page says 401, and nothing is stored."""
    stranger = Visitor(room)
    for path, body in ACTS.items():
        assert stranger.post(path, **body).status_code == 401, path
    for path in ("/api/me", "/api/dashboard", "/api/openapi.json"):
        assert stranger.get(path).status_code == 401, path
    stranger.client.cookies.set(room.site.cookie, "A" * 43)
    assert stranger.get("/api/me").status_code == 401
    assert room.store.history() == []


@pytest.mark.parametrize("path", ACTS)
@pytest.mark.parametrize(
    "more", [{"annotator": "ben"}, {"role": "adjudicator"}, {"strategy": "random"}, {"__proto__": 1}]
)
def test_body_cannot_say_who_asks(room: Room, path: str, more: dict[str, object]) -> None:
    """A field too many is refused, whatever it is called."""
    response = Visitor(room, "ana").post(path, **ACTS[path], **more)
    assert response.status_code == 422
    assert response.json()["error"]["kind"] == "body"
    assert room.store.history() == []


def test_nobody_touches_the_answers_of_another(room: Room) -> None:
    """Under another person's operation one undoes nothing and answers for oneself; no reply tells what they said."""
    ana, ben = Visitor(room, "ana"), Visitor(room, "ben")
    asked = ana.records()[0]
    taken = asked["operation"]
    ana.said("answer", record="r0", label="spam", operation=taken)
    assert ben.said("undo", operation="operation-9", undoes=taken)["record"] is None
    assert ben.said("undo", operation=taken)["record"] is None
    replies = [ben.get("/api/me").text, ben.get("/api/dashboard").text, json.dumps(ben.records())]
    assert not [reply for reply in replies if taken in reply]
    assert ben.records()[0]["record"] == "r0"
    ben.said("answer", record="r0", label="ham", operation=taken)
    assert {(entry.annotator, entry.label, entry.kind) for entry in room.store.history()} == {
        ("ana", "spam", "label"),
        ("ben", "ham", "label"),
    }


def test_page_of_one_person_does_not_speak_for_another(room: Room, tmp_path: Path) -> None:
    """Who signs in in the same browser later answers nothing by way of the earlier page, nor does another project."""
    ana, ben = Visitor(room, "ana"), Visitor(room, "ben")
    desk = ana.get("/api/me").json()["task"]["desk"]
    body = json.dumps(ACTS["answer"]).encode()
    refusal = ben.client.post("/api/answer", content=body, headers={**HEADERS, "Labelkit-Desk": desk})
    assert (refusal.status_code, refusal.json()["error"]["kind"]) == (412, "desk")
    assert room.store.history() == []
    assert ana.client.post("/api/answer", content=body, headers={**HEADERS, "Labelkit-Desk": desk}).status_code == 200


def test_session_outlives_a_restart_of_the_server(room: Room, tmp_path: Path) -> None:
    """The page of a server that was killed goes on with the next one."""
    ana = Visitor(room, "ana")
    restarted = Visitor(make_room(tmp_path, numbered(6)))
    restarted.client.cookies = ana.client.cookies
    assert restarted.get("/api/me").json()["task"]["annotator"] == "ana"


def test_session_of_somebody_who_is_no_longer_asked_has_ended(room: Room, tmp_path: Path) -> None:
    """The names are those of the present server."""
    ben = Visitor(room, "ben")
    restarted = Visitor(make_room(tmp_path, numbered(6), people=["ana"]))
    restarted.client.cookies = ben.client.cookies
    assert restarted.get("/api/me").status_code == 401


def test_signing_out_ends_the_session(room: Room) -> None:
    """The cookie is taken away, and would be worth nothing."""
    ana = Visitor(room, "ana")
    cookie = ana.client.cookies[room.site.cookie]
    response = ana.post("leave", forget=True)
    assert "Max-Age=0" in response.headers["set-cookie"]
    ana.client.cookies.set(room.site.cookie, cookie, domain="127.0.0.1")
    assert ana.get("/api/me").status_code == 401


def test_file_of_sessions_opens_no_door(tmp_path: Path) -> None:
    """Only its owner reads it; it holds hashes, which are no sessions."""
    access = Access(["ana"], tmp_path / "state" / "sessions.json")
    session = access.enter(access.link("ana"))
    assert session is not None
    assert access.annotator(session) == "ana"
    file = tmp_path / "state" / "sessions.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = json.loads(file.read_text())
    assert session not in file.read_text()
    assert [access.annotator(key) for key in content] == [None]


def test_session_ends_with_its_time(tmp_path: Path) -> None:
    """Twelve hours after it began, in memory and on disk."""
    now = 1_000_000.0
    access = Access(["ana"], tmp_path / "sessions.json", clock=lambda: now)
    session = access.enter(access.link("ana"))
    assert session is not None
    now += SESSION_SECONDS - 1
    assert access.annotator(session) == "ana"
    now += 2
    assert access.annotator(session) is None
    access.enter(access.link("ana"))
    assert len(json.loads((tmp_path / "sessions.json").read_text())) == 1


@pytest.mark.parametrize(
    "content",
    ["", "[]", "[1]", "{", '{"a": 1}', '{"a": {"annotator": "ana"}}', '{"a": {"annotator": "ana", "ends": "x"}}',
     '{"a": {"annotator": "ana", "ends": 1e99, "more": 1}}', "[" * 100_000, "\xff"],
)  # fmt: skip
def test_damaged_file_of_sessions_lets_nobody_in(tmp_path: Path, content: str) -> None:
    """People open a new link; nothing breaks."""
    (tmp_path / "sessions.json").write_text(content, encoding="latin-1")
    access = Access(["ana"], tmp_path / "sessions.json")
    assert access.annotator("a") is None
    assert access.enter(access.link("ana")) is not None


def test_disk_that_is_full_uses_up_no_link(room: Room, tmp_path: Path) -> None:
    """The same link works once there is room."""
    token = room.access.link("ana")
    (tmp_path / "web-sessions.json").mkdir()
    stranger = Visitor(room)
    assert stranger.post("enter", token=token).status_code == 503
    (tmp_path / "web-sessions.json").rmdir()
    assert stranger.post("enter", token=token).status_code == 200


def test_name_that_no_store_keeps_is_refused(tmp_path: Path) -> None:
    """Before anybody can come in."""
    with pytest.raises(Exception, match="the annotator has 201 characters"):
        make_room(tmp_path, numbered(1), people=["a" * 201])


def test_headers_are_enough_to_act(room: Room) -> None:
    """A script may use the page's requests, with a session and the Origin of the page."""
    ana = Visitor(room, "ana")
    assert ana.client.post("/api/next", content=b"{}", headers=HEADERS).status_code == 200
