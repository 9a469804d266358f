"""Hostile data and hostile pages, in a real Chromium: nothing from data runs, no other page gets in."""

from __future__ import annotations

import http.server
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page

from labelkit.ui.web import Room
from report_samples import hostile_texts
from waiting import until
from web_pages import opened
from web_rooms import Records, make_room, numbered, on_a_port

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAYLOADS = [
    *hostile_texts(),
    "{{7*7}}",
    "${7*7}",
    "<%= 7*7 %>",
    "javascript:JS",
    "__proto__",
    "constructor",
    "\u202etxt",
]
WATCH = """
    window.violations = [];
    addEventListener('securitypolicyviolation', (event) => window.violations.push(event.violatedDirective));
"""


class Watched:
    """A page, with everything that would betray that something from data has run in it."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.dialogs: list[str] = []
        self.errors: list[str] = []
        self.elsewhere: list[str] = []
        context.add_init_script(WATCH)
        context.on("page", self._watch)
        self.origin = origin

    def _watch(self, page: Page) -> None:
        page.on("dialog", self._dismiss)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._asks(request.url))

    def _dismiss(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _asks(self, url: str) -> None:
        if not url.startswith(self.origin + "/"):
            self.elsewhere.append(url)

    def is_calm(self, page: Page) -> None:
        """Nothing ran, nothing tried to, nothing was asked of anybody else."""
        assert page.evaluate("window.violations") == []
        assert page.evaluate("document.getElementById('PWNED')") is None
        assert "labelkit annotate" in page.title()
        assert (self.dialogs, self.errors, self.elsewhere) == ([], [], [])


def kept(payload: str) -> str:
    """The payload as databases keep it."""
    return payload.replace("\0", "")


def hostile_records() -> Records:
    """One record per payload, which is its id (as no reader gives ids with NUL, without), field name and value."""
    records = Records({kept(payload): {payload: payload, "more": [payload]} for payload in PAYLOADS})
    records.votes = {payload: PAYLOADS[i % 8] for i, payload in enumerate(PAYLOADS[:40])}
    records.suggestion = PAYLOADS[0]
    records.reason = "".join(PAYLOADS[:60])
    records.highlights = {payload: [(0, 4, payload), (2, 9, PAYLOADS[0])] for payload in PAYLOADS}
    return records


def test_nothing_from_data_runs(tmp_path: Path, browser: Browser) -> None:
    """Every payload as id, field, value, class, function, reason, note, annotator and project: only ever text."""
    person = PAYLOADS[3][:200]
    figures = {
        "answers": 3, "skips": 1, "records": 2, "overlapping": 1, "alpha": None, "human_level": 0.5,
        "human_level_interval": [0.1, 0.9], "disputed": 1, "flagged": 1, "notes": 1,
        "shares": [{"label": payload, "name": payload, "answers": 1} for payload in PAYLOADS],
        "timeline": [[0, 1], [2, 3]],
        "kappas": [[payload, 0.5] for payload in PAYLOADS],
        "people": [
            {"name": payload, "answers": 1, "compared": 1, "agreed": 1, "confused": [[payload, 1]]}
            for payload in PAYLOADS
        ],
        "curve": {"points": [[10, 0.5], [20, 0.1]], "said": "".join(PAYLOADS), "stop": False},
    }  # fmt: skip
    texts: dict[str, Any] = {"guidelines": "\n".join(PAYLOADS), "project": PAYLOADS[1], "classes": PAYLOADS[:8]}

    def make(port: int) -> Room:
        return make_room(tmp_path, hostile_records(), [person], port=port, figures=figures, **texts)

    with on_a_port(make) as (room, origin):
        context = browser.new_context()
        watched = Watched(context, origin)
        page = opened(context, f"{origin}/#token={room.access.link(person)}")
        seen = set()
        for _ in PAYLOADS:
            until(lambda: page.evaluate("page.hand.length") > 0)
            seen.add(page.inner_text("#name"))
            page.evaluate("""() => {
              const { record, operation } = page.current;
              page.outbox.put('/api/note', { record, text: record, operation: `note-${operation}` });
              page.since = page.last.time = -1e9;
              page.say(page.current.suggestion);
            }""")
        until(lambda: page.evaluate("page.outbox.size") == 0)
        assert len(seen) > 200
        page.evaluate("page.outbox.put('/api/answer', {record: 'r0', label: '<img src=x>', operation: 'wrong-000001'})")
        until(lambda: 'no class "<img src=x>"' in page.inner_text("#notice"))
        page.click("#to-dashboard")
        page.wait_for_selector("#dashboard .card")
        assert PAYLOADS[5] in page.inner_text("#dashboard")
        page.click("#to-help")
        time.sleep(0.2)
        tags = set(page.evaluate("[...document.querySelectorAll('*')].map((e) => e.localName)"))
        assert not tags & {"img", "iframe", "object", "embed", "base", "style", "math", "video", "details", "template"}
        assert page.evaluate("document.querySelectorAll('script').length") == 1
        watched.is_calm(page)
        assert len({entry.record for entry in room.store.history()}) == len(PAYLOADS)
        assert {remark.text for remark in room.store.remarks.history()} == set(map(kept, PAYLOADS))
        context.close()


@pytest.mark.parametrize("payload", PAYLOADS[:20])
def test_nothing_in_an_address_runs(tmp_path: Path, browser: Browser, payload: str) -> None:
    """Paths, queries and tokens of links are said back as text or not at all."""
    with on_a_port(lambda port: make_room(tmp_path, numbered(1), port=port)) as (_, origin):
        context = browser.new_context()
        watched = Watched(context, origin)
        page = context.new_page()
        page.goto(f"{origin}/?x={payload}#token={payload}")
        page.wait_for_selector("#rest:not([hidden])")
        watched.is_calm(page)
        page.goto(f"{origin}/{payload.replace('/', '%2f')}")
        assert page.evaluate("document.contentType") == "application/json"
        assert page.evaluate("window.violations") == []
        assert watched.dialogs == []
        context.close()


def test_policy_stops_what_would_run_without_it(tmp_path: Path, browser: Browser) -> None:
    """The test above could fail: markup put into the page by force is refused by the browser itself."""
    with on_a_port(lambda port: make_room(tmp_path, numbered(1), port=port)) as (room, origin):
        context = browser.new_context()
        Watched(context, origin)
        page = opened(context, f"{origin}/#token={room.access.link('ana')}")
        made = page.evaluate("""() => {
          try { document.body.innerHTML = '<img src=x onerror="document.title=1">'; return 'made'; }
          catch (error) { return error.name; }
        }""")
        assert made == "TypeError"
        page.evaluate("""() => {
          const script = document.createElement('div');
          script.setAttribute('style', 'color: red');
          document.body.append(script);
        }""")
        assert {"require-trusted-types-for", "style-src-attr"} <= set(page.evaluate("window.violations"))
        context.close()


# Pages of others

ATTACK = """<!DOCTYPE html><title>attack</title><body>
<form id=form method=post enctype=text/plain target=frame action="TARGET/api/answer">
<input name='{"record": "r0", "label": "spam", "operation": "forged-000001", "x": "' value='"}'></form>
<iframe name=frame></iframe><iframe id=page src="TARGET/"></iframe>
<img src="TARGET/api/me"><script src="TARGET/api/me"></script>
<script>
const body = JSON.stringify({ record: "r0", label: "spam", operation: "forged-000002" });
const target = "TARGET/api/answer";
const json = { "Content-Type": "application/json" };
const credentials = "include", method = "POST", mode = "no-cors";
window.got = [];
const tries = [
  [target, { method, mode, credentials, body, headers: { "Content-Type": "text/plain" } }],
  [target, { method, credentials, body, headers: json }],
  [target, { method, mode, credentials, body: new Blob([body], { type: "application/json" }) }],
  ["TARGET/api/me", { credentials }],
  ["TARGET/api/me", { credentials, mode }],
  ["TARGET/api/next", { method, credentials, body: "{}", headers: json }],
];
document.getElementById("form").submit();
navigator.sendBeacon(target, new Blob([body], { type: "text/plain" }));
const done = tries.map(([url, options]) => fetch(url, options).then((r) => r.text()).then((t) => got.push(t), () => 0));
Promise.allSettled(done).then(() => (window.done = true));
</script>"""


class Attacker(http.server.BaseHTTPRequestHandler):
    """A site of somebody else."""

    page = ""

    def do_GET(self) -> None:
        content = self.page.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name in the base class
        """Say nothing."""


@pytest.fixture
def attack() -> Iterator[Callable[[str], int]]:
    """A function that serves the attack on an origin: the port it is at."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Attacker) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def at(target: str) -> int:
            Attacker.page = ATTACK.replace("TARGET", target)
            return int(server.server_address[1])

        yield at
        server.shutdown()


@pytest.mark.parametrize("site", ["http://evil.test", "http://127.0.0.1", "http://localhost"])
def test_page_of_another_origin_does_nothing(
    tmp_path: Path, browser: Browser, attack: Callable[[str], int], site: str
) -> None:
    """Forms, beacons, frames, scripts and fetches, from another site and from another port of this machine."""
    with on_a_port(lambda port: make_room(tmp_path, numbered(3), port=port)) as (room, origin):
        context = browser.new_context()
        page = opened(context, f"{origin}/#token={room.access.link('ana')}")
        page.keyboard.press("f")
        until(room.store.remarks.flagged)
        other = context.new_page()
        other.goto(f"{site}:{attack(origin)}/")
        until(lambda: other.evaluate("window.done === true"))
        time.sleep(0.5)
        got: list[str] = other.evaluate("window.got")
        assert not [text for text in got if "text number" in text or "annotator" in text]
        assert room.store.history() == []
        assert other.evaluate("document.getElementById('page').contentDocument") is None
        frame = next(frame for frame in other.frames if frame.parent_frame and frame.name != "frame")
        assert frame.evaluate("document.querySelectorAll('header').length") == 0
        page.keyboard.press("1")
        until(lambda: len(room.store.history()) == 1)
        context.close()


def test_name_that_is_pointed_at_this_machine_gets_nothing(tmp_path: Path, browser: Browser) -> None:
    """DNS rebinding: to the browser it is one origin, to the server it is a Host that is not its own."""
    with on_a_port(lambda port: make_room(tmp_path, numbered(3), port=port)) as (room, origin):
        context = browser.new_context()
        port = origin.rpartition(":")[2]
        page = context.new_page()
        answer = page.goto(f"http://evil.test:{port}/")
        assert answer is not None
        assert (answer.status, answer.json()["error"]["kind"]) == (403, "host")
        replies: list[dict[str, Any]] = page.evaluate(
            """(token) => {
              const headers = { 'Content-Type': 'application/json' };
              const enter = fetch('/api/enter', { method: 'POST', headers, body: JSON.stringify({ token }) });
              return Promise.all([fetch('/api/me'), enter].map((sent) => sent.then((r) => r.json())));
            }""",
            room.access.link("ana"),
        )
        assert [reply["error"]["kind"] for reply in replies] == ["host", "host"]
        assert context.cookies() == []
        context.close()


def test_one_person_never_sees_what_another_said(tmp_path: Path, browser: Browser) -> None:
    """Everything that ben's browser gets while ana answers, flags and notes: no answer of hers is in it."""
    with on_a_port(lambda port: make_room(tmp_path, numbered(6), port=port)) as (room, origin):
        ana, ben = browser.new_context(), browser.new_context()
        page = opened(ana, f"{origin}/#token={room.access.link('ana')}")
        other = opened(ben, f"{origin}/#token={room.access.link('ben')}")
        for key in ("f", "2"):
            time.sleep(0.3)
            page.keyboard.press(key)
        until(lambda: len(room.store.history()) == 1)
        (entry,) = room.store.history()
        seen = other.evaluate(
            """(undoes) => {
              const post = (path, body) => fetch(path, {
                method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
              });
              const sent = [
                fetch('/api/me'), fetch('/api/dashboard'), post('/api/next', {}),
                post('/api/undo', { operation: 'forged-000001', undoes }),
              ];
              return Promise.all(sent.map((one) => one.then((r) => r.text())));
            }""",
            entry.operation[-32:],
        )
        assert not [text for text in seen if "ana" in text or entry.operation[-32:] in text]
        assert other.is_hidden("#flag")
        assert room.store.answers()[entry.record].annotator == "ana"
        ana.close()
        ben.close()
