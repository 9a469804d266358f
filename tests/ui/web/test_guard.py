"""What stands before every request: origin, kind, size, and what each reply says to the browser."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import httpx2
import pytest

from labelkit.errors import MachineError, UsageError
from labelkit.ui.web import Room, Source, guard, listening, patience, site_at
from labelkit.ui.web.assets import FILES, asset
from labelkit.ui.web.guard import LARGEST_BODY, POLICY
from web_rooms import HEADERS, Visitor, make_room, numbered, on_a_port

HOSTS = [
    "evil.test",
    "evil.test:8477",
    "127.0.0.1.evil.test:8477",
    "127.0.0.1",
    "127.0.0.1:80",
    "127.0.0.1:8478",
    "0.0.0.0:8477",
    "localhost",
    "localhost.:8477",
    "localhost.evil.test:8477",
    "127.1:8477",
    "2130706433:8477",
    "[::ffff:127.0.0.1]:8477",
    "user@127.0.0.1:8477",
    "127.0.0.1:8477@evil.test",
    "127.0.0.1:8477/",
    "127.0.0.1:8477#",
    "127.0.0.1:8477,evil.test",
    "http://127.0.0.1:8477",
    "",
    " ",
    "null",
    "*",
    "127.0.0.1:8477 evil.test",
]
ORIGINS = [
    None,
    "null",
    "http://evil.test",
    "http://evil.test:8477",
    "https://127.0.0.1:8477",
    "http://127.0.0.1",
    "http://127.0.0.1:8478",
    "http://127.0.0.1:8477.evil.test",
    "http://127.0.0.1:8477/",
    "http://127.0.0.1:8477 http://evil.test",
    "127.0.0.1:8477",
    "HTTP://127.0.0.1:8477",
    "file://",
    "",
    "*",
]


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return make_room(tmp_path, numbered(3))


@pytest.fixture
def ana(room: Room) -> Visitor:
    return Visitor(room, "ana")


@pytest.mark.parametrize("host", HOSTS)
def test_host_that_is_not_ours_is_refused(ana: Visitor, host: str) -> None:
    """A name that somebody points at this machine gets neither page nor records."""
    for path in ("/", "/api/me"):
        assert ana.get(path, host=host).status_code in {400, 403}
    assert ana.client.post("/api/next", content=b"{}", headers={**HEADERS, "Host": host}).status_code == 403


@pytest.mark.parametrize("host", ["127.0.0.1:8477", "localhost:8477", "[::1]:8477", "LocalHost:8477"])
def test_hosts_of_this_machine_are_ours(ana: Visitor, host: str) -> None:
    """By number and by name."""
    assert ana.get("/", host=host).status_code == 200


@pytest.mark.parametrize("origin", ORIGINS)
def test_nothing_is_done_for_a_page_of_another_origin(room: Room, ana: Visitor, origin: str | None) -> None:
    """Not even with the cookie of somebody who is signed in."""
    headers = {name: value for name, value in {**HEADERS, "Origin": origin}.items() if value is not None}
    body = b'{"record": "r0", "label": "spam", "operation": "operation-1"}'
    assert ana.client.post("/api/answer", content=body, headers=headers).status_code == 403
    assert room.store.history() == []


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_browser_that_says_where_a_request_comes_from_is_believed(ana: Visitor, site: str) -> None:
    """Only a page of this origin acts, and a page of another site reads nothing."""
    assert ana.client.post("/api/next", content=b"{}", headers={**HEADERS, "Sec-Fetch-Site": site}).status_code == 403
    expected = 200 if site == "none" else 403
    assert ana.get("/api/me", **{"Sec-Fetch-Site": site}).status_code == expected


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json", ""]
)
def test_only_json_is_read(ana: Visitor, kind: str) -> None:
    """What a form or a plain request can send is not."""
    assert ana.client.post("/api/next", content=b"{}", headers={**HEADERS, "Content-Type": kind}).status_code == 415


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"{}{}",
        b'{"have": 1}',
        b'{"have": ["' + b"a" * 20_000 + b'"]}',
        b"\xff",
        b"[" * 60_000,
        b'{"have": []}' + b" " * 10 + b"x",
        b'{"have": ["\\ud800"]}',
    ],
)
def test_body_that_is_not_what_was_asked_for_is_refused(ana: Visitor, body: bytes) -> None:
    """With the place of what is wrong, and not a word of what was sent."""
    response = ana.client.post("/api/next", content=body, headers=HEADERS)
    assert response.status_code == 422
    assert len(response.json()["error"]["why"]) <= 300


def test_large_body_is_refused_before_it_is_read(ana: Visitor) -> None:
    """Whether its length is announced or not."""
    announced = ana.client.post("/api/next", content=b" " * (LARGEST_BODY + 1), headers=HEADERS)
    streamed = ana.client.post("/api/next", content=iter([b" " * 60_000] * 10), headers=HEADERS)
    assert (announced.status_code, streamed.status_code) == (413, 413)
    lying = ana.client.post("/api/next", content=b"{}", headers={**HEADERS, "Content-Length": "-1"})
    assert lying.status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nothing",
        "/api/nothing",
        "/api/me",
        "/main.js",
        "/../labelkit.toml",
        "/%2e%2e/x",
        "/static/main.js",
        "/main.js/",
        "//main.js",
    ],
)
@pytest.mark.parametrize("host", ["127.0.0.1:8477", "evil.test"])
def test_every_reply_carries_the_policy(room: Room, path: str, host: str) -> None:
    """Refusals and files alike: no inline script, no frame, no other site, nothing guessed."""
    response = Visitor(room).get(path, host=host)
    assert response.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in response.headers
    assert response.status_code in ({200, 401, 404} if host != "evil.test" else {403})


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD"])
def test_no_other_method_does_anything(ana: Visitor, method: str) -> None:
    """405 with what is allowed, or the guard's own refusal."""
    response = ana.client.request(method, "/api/me", headers=HEADERS)
    assert response.status_code == (200 if method == "HEAD" else 405)


def test_page_is_whole_and_comes_from_here(ana: Visitor) -> None:
    """Every file it names is one of ours, nothing is inline, and no file of the package is left out."""
    page = ana.get("/").text
    named = set(re.findall(r'(?:src|href)="([^"#]+)"', page))
    assert named <= set(FILES)
    assert "<style" not in page
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|javascript:", page)
    scripts = [asset(path).content.decode() for path in FILES if path.endswith(".js")]
    imported = {name for script in scripts for name in re.findall(r'from "\.(/\w+\.js)"', script)}
    assert imported | named | {"/"} == set(FILES)
    unsafe = r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function|https?://(?!www\.w3\.org)"
    assert not [script for script in scripts if re.search(unsafe, script)]


def test_files_are_not_sent_twice(ana: Visitor) -> None:
    """A browser that has the file is told so; another version is another tag."""
    first = ana.get("/main.js")
    again = ana.get("/main.js", **{"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert len({asset(path).tag for path in FILES}) == len(FILES)


# A server that is up


@pytest.mark.slow
def test_whoever_says_nothing_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A head that drips in, and a body that does not come; meanwhile others are served."""
    monkeypatch.setattr(patience, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.5)
    head = b"POST /api/next HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nOrigin: %s\r\n"
    with on_a_port(lambda port: make_room(tmp_path, numbered(2), port=port)) as (_room, origin):
        port = int(origin.rpartition(":")[2])
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
        for i, connection in enumerate(slow):
            start = head % (port, origin.encode())
            bodiless = b"Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{"
            connection.sendall(start if i % 2 else start + bodiless)
        with httpx2.Client(base_url=origin) as client:
            assert client.get("/").status_code == 200
            assert client.get("/page.css").status_code == 200
        replies = [connection.makefile("rb").read() for connection in slow]
        for connection in slow:
            connection.close()
    assert {reply[:12] for reply in replies[1::2]} == {b""}
    assert {reply[:12] for reply in replies[::2]} == {b"HTTP/1.1 408"}


def test_bug_in_a_request_is_told_and_the_server_goes_on(tmp_path: Path) -> None:
    """The traceback is kept where the server runs; the page gets none of it."""
    told: list[str] = []
    room = make_room(tmp_path, numbered(2))
    room.on_bug = lambda error: told.append(type(error).__name__)
    room.source = Source(room.source.open, room.source.recall, lambda: {"more": 1 / 0})
    ana = Visitor(room, "ana")
    reply = ana.get("/api/dashboard")
    assert (reply.status_code, reply.json()["error"]["kind"], told) == (500, "bug", ["ZeroDivisionError"])
    assert ana.get("/api/me").status_code == 200


# Where the page is


@pytest.mark.parametrize(
    "url",
    [
        "labels.example.org",
        "ftp://x",
        "https://",
        "https://x/path",
        "https://a:b@x",
        "https://x?y",
        "http://x:99999",
        "https://[x",
    ],
)
def test_url_that_is_no_origin_is_refused(url: str) -> None:
    """With an example of one."""
    with pytest.raises(UsageError, match=r"is no address such as https://labels\.example\.org, without a path"):
        site_at("127.0.0.1", 8477, url)


def test_site_behind_a_proxy_goes_by_the_proxys_name_alone() -> None:
    """The name of this machine is then no longer ours, and the cookie is for https."""
    site = site_at("127.0.0.1", 8477, "https://Labels.example.org:443/")
    assert (site.home, site.secure) == ("https://labels.example.org", True)
    assert site.addresses.hosts == {"labels.example.org"}
    assert site_at("192.0.2.7", 8477).addresses.hosts == {"192.0.2.7:8477"}
    assert site_at("127.0.0.1", 8477).secure is False


def test_page_behind_a_proxy_works_by_the_proxys_name(tmp_path: Path) -> None:
    """As the proxies in the documentation pass requests on; by the name of this machine nobody is served any more."""
    room = make_room(tmp_path, numbered(2), url="https://labels.example.org")
    headers = {**HEADERS, "Host": "labels.example.org", "Origin": room.site.home, "X-Forwarded-Host": "evil.test"}
    client = Visitor(room).client
    token = room.access.link("ana")
    entered = client.post("/api/enter", json={"token": token}, headers=headers)
    assert entered.status_code == 200
    assert "Secure" in entered.headers["set-cookie"].split("; ")
    cookie = entered.headers["set-cookie"].partition(";")[0]
    assert client.post("/api/next", json={}, headers={**headers, "Cookie": cookie}).status_code == 200
    assert client.post("/api/next", json={}, headers={**HEADERS, "Cookie": cookie}).status_code == 403
    assert client.get("/", headers={"Host": "127.0.0.1:8477"}).status_code == 403


def test_every_address_of_the_machine_needs_a_name() -> None:
    """Nobody can tell by which of them people come."""
    with pytest.raises(UsageError, match="is every address of this machine; say by --url which one people use"):
        site_at("0.0.0.0", 8477)  # noqa: S104  it is refused


def test_port_in_use_is_said(room: Room) -> None:
    """With the way out."""
    with listening("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(MachineError) as caught, listening("127.0.0.1", port):
            pass
    assert str(caught.value) == (
        f"cannot listen at 127.0.0.1, port {port}: somebody listens there already; end that, or give another --port"
    )
    with pytest.raises(MachineError, match="cannot listen at no such host, port 1: "), listening("no such host", 1):
        pass
