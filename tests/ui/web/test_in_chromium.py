"""The page in a real Chromium: every key, undo, a server that is killed, two tabs, the back button."""

from __future__ import annotations

import json
import re
import signal
import statistics
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext

from labelkit.annotations import Annotation, AnnotationStore
from projects import Made
from waiting import until
from web_pages import CONTRAST, Serving, opened, press, ready, saved, shown

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Serve = Callable[..., Serving]


def store(serving: Serving) -> AnnotationStore:
    """The store of the project."""
    return AnnotationStore.open(serving.made.project.folder.store_url)


def stored(serving: Serving) -> list[Annotation]:
    """Everything in the store."""
    return store(serving).history()


def test_one_key_answers_and_the_next_record_is_there(serve: Serve, context: BrowserContext) -> None:
    """The link lets in once, a key stores its class under the person's name, and the next record follows."""
    serving = serve()
    page = opened(context, serving.links["ana"])
    assert page.url == serving.origin + "/"
    first = shown(page)
    ready(page)
    press(page, "2")
    assert shown(page) != first
    saved(page)
    (entry,) = stored(serving)
    assert (entry.record, entry.label, entry.annotator, entry.strategy) == (first, "spam", "ana", "random")
    assert serving.end() == 0
    runs = [json.loads(path.read_text()) for path in (serving.made.root / ".labelkit" / "runs").glob("*/run.json")]
    (run,) = [run for run in runs if run["verb"] == "annotate"]
    assert run["parameters"] == {"annotator": "ana", "strategy": "random", "role": "person"}
    assert run["counts"]["labelled"] == 1


def test_every_key_does_what_the_terminal_does(serve: Serve, context: BrowserContext) -> None:
    """Class, accept, skip, undo, backspace, flag, note, help, quit; a key without a meaning says so."""
    page = opened(context, (serving := serve()).links["ana"])
    records = []
    for key in ("1", "2", " ", "a"):
        ready(page)
        records.append(shown(page))
        press(page, key)
    saved(page)
    assert [entry.record for entry in stored(serving)] == records
    assert [entry.label for entry in stored(serving)][:3] == ["ham", "spam", None]

    ready(page)
    press(page, "u")
    assert shown(page) == records[3]
    press(page, "Backspace")
    assert shown(page) == records[2]
    saved(page)
    assert set(store(serving).answers()) == set(records[:2])

    press(page, "f")
    saved(page)
    assert store(serving).remarks.flagged() == {records[2]: ["ana"]}
    press(page, "f")
    saved(page)
    assert store(serving).remarks.flagged() == {}
    press(page, "n")
    page.keyboard.type("12 could be either u")
    page.keyboard.press("Enter")
    saved(page)
    assert [(remark.record, remark.text) for remark in store(serving).remarks.history()[2:]] == [
        (records[2], "12 could be either u")
    ]
    press(page, "n")
    page.keyboard.type("dropped")
    page.keyboard.press("Escape")
    assert page.inner_text("#notice") == "note dropped"

    press(page, "?")
    assert page.is_visible("#help")
    page.keyboard.press("1")
    page.keyboard.press("Escape")
    assert not page.is_visible("#help")
    press(page, "x")
    assert page.inner_text("#notice") == "this key means nothing here; ? shows the keys"
    press(page, "q")
    assert page.inner_text("#rest-title") == "Rest well"
    until(lambda: store(serving).leases.held() == {})
    press(page, "Enter")
    page.wait_for_selector("#record section")
    assert len(store(serving).remarks.history()) == 3
    assert set(store(serving).answers()) == set(records[:2])


def test_buttons_do_what_keys_do(serve: Serve, context: BrowserContext) -> None:
    """By mouse or finger, and by the space bar on a button that has the focus, once."""
    page = opened(context, (serving := serve()).links["ana"])
    first = shown(page)
    time.sleep(0.3)
    page.click("#classes button:nth-child(2)")
    saved(page)
    ready(page)
    time.sleep(0.3)
    page.focus("#classes button:nth-child(1)")
    page.keyboard.press("Space")
    saved(page)
    assert [entry.label for entry in stored(serving)] == ["spam", "ham"]
    time.sleep(0.3)
    page.click("#undo")
    page.click("#undo", delay=300)
    saved(page)
    assert shown(page) == first
    assert store(serving).answers() == {}


def test_keys_can_be_switched_off(serve: Serve, context: BrowserContext) -> None:
    """Where a screen reader or voice control needs them; the choice stays."""
    page = opened(context, (serving := serve()).links["ana"])
    page.click("#to-help")
    page.uncheck("#keys-on")
    page.keyboard.press("Escape")
    press(page, "1")
    page.reload()
    page.wait_for_selector("#record section")
    press(page, "1")
    saved(page)
    assert stored(serving) == []


def test_double_press_and_held_key_are_one_answer(serve: Serve, context: BrowserContext) -> None:
    """The record that follows does not get the answer meant for the one before."""
    page = opened(context, (serving := serve()).links["ana"])
    ready(page)
    time.sleep(0.3)
    page.keyboard.press("1")
    page.keyboard.press("1")
    page.keyboard.press("2")
    page.keyboard.down("1")
    for _ in range(5):
        page.keyboard.down("1")
    page.keyboard.up("1")
    saved(page)
    assert len(stored(serving)) == 1


def test_undo_goes_back_beyond_a_reload(serve: Serve, context: BrowserContext) -> None:
    """To any depth: what this page does not remember the server does."""
    page = opened(context, (serving := serve()).links["ana"])
    records = []
    for _ in range(3):
        ready(page)
        records.append(shown(page))
        press(page, "1")
    saved(page)
    page.reload()
    page.wait_for_selector("#record section")
    for record in reversed(records):
        press(page, "u")
        until(lambda record=record: shown(page) == record)  # type: ignore[misc]
    assert store(serving).answers() == {}
    press(page, "u")
    until(lambda: page.inner_text("#notice") == "nothing to take back")


def test_server_that_is_killed_loses_nothing(serve: Serve, context: BrowserContext) -> None:
    """kill -9: the page says "not saved", keeps what is said, and sends it once when a server is back."""
    page = opened(context, (serving := serve()).links["ana"])
    said: dict[str, str] = {}
    for round_ in range(3):
        ready(page)
        serving.end(signal.SIGKILL)
        for key, label in (("1", "ham"), ("2", "spam")):
            said[shown(page)] = label
            press(page, key)
        until(lambda: page.inner_text("#saving") == "not saved: 2")
        assert "2 things you said are kept in this browser and sent when the server is back" in page.inner_text(
            "#alarm"
        )
        assert len(store(serving).answers()) == 2 * round_
        if round_ == 1:  # undone and said anew while there is no server
            back = list(said)[-1]
            press(page, "u")
            assert shown(page) == back
            press(page, "1")
            said[back] = "ham"
        serving.start()
        saved(page)
        until(lambda: page.inner_text("#saving") == "saved")
        assert page.is_hidden("#alarm")
        assert {record: entry.label for record, entry in store(serving).answers().items()} == said
    assert len([entry for entry in stored(serving) if entry.kind == "label"]) == 7


def test_page_that_is_closed_while_there_is_no_server_keeps_what_was_said(
    serve: Serve, context: BrowserContext
) -> None:
    """Opened again, it sends it: under the name of the person who said it."""
    page = opened(context, (serving := serve(people="ana,ben")).links["ana"])
    ready(page)
    record = shown(page)
    serving.end(signal.SIGKILL)
    press(page, "1")
    until(lambda: page.inner_text("#saving") == "not saved: 1")
    page.close(run_before_unload=False)
    serving.start()
    assert stored(serving) == []
    other = opened(context, serving.links["ben"])  # somebody else at the same browser
    time.sleep(0.5)
    assert stored(serving) == []
    other.close()
    again = opened(context, serving.links["ana"])
    saved(again)
    assert [(entry.record, entry.label, entry.annotator) for entry in stored(serving)] == [(record, "ham", "ana")]


def test_page_stays_its_own_when_somebody_else_signs_in(serve: Serve, context: BrowserContext) -> None:
    """Ana's page, in a browser that is Ben's by now, keeps what she says until she is signed in again."""
    serving = serve(people="ana,ben")
    page = opened(context, serving.links["ana"])
    cookies = context.cookies()
    record = shown(page)
    opened(context, serving.links["ben"])
    press(page, "1")
    until(lambda: page.inner_text("#saving") == "not saved: 1")
    assert "signed in as somebody else" in page.inner_text("#alarm")
    assert stored(serving) == []
    context.add_cookies(cookies)  # type: ignore[arg-type]
    saved(page)
    assert [(entry.record, entry.annotator) for entry in stored(serving)] == [(record, "ana")]


def test_reply_that_gets_lost_is_no_second_answer(serve: Serve, context: BrowserContext) -> None:
    """The answer is stored and the connection breaks before the reply: it is sent again, and stored once."""
    page = opened(context, (serving := serve()).links["ana"])
    lost: list[int] = []

    def lose(route: object) -> None:
        if len(lost) < 3:
            lost.append(route.fetch().status)  # type: ignore[attr-defined]
            route.abort()  # type: ignore[attr-defined]
        else:
            route.continue_()  # type: ignore[attr-defined]

    page.route("**/api/answer", lose)
    record = shown(page)
    press(page, "2")
    saved(page)
    assert lost == [200, 200, 200]
    assert [(entry.record, entry.label) for entry in stored(serving)] == [(record, "spam")]


def test_two_tabs_make_one_answer(serve: Serve, context: BrowserContext) -> None:
    """What one tab answers leaves the other one, and both go on with different operations."""
    page = opened(context, (serving := serve()).links["ana"])
    tab = opened(context, serving.origin)
    first = shown(page)
    assert shown(tab) == first
    press(page, "1")
    saved(page)
    until(lambda: shown(tab) != first)
    second = shown(tab)
    press(tab, "2")
    saved(tab)
    until(lambda: shown(page) not in {first, second})
    assert [(entry.record, entry.label) for entry in stored(serving)] == [(first, "ham"), (second, "spam")]


def test_tabs_that_do_not_hear_of_each_other_make_one_answer(serve: Serve, browser: Browser) -> None:
    """Two browsers of one person show one record; the second answer is refused in words and its page goes on."""
    serving = serve()
    one, two = browser.new_context(), browser.new_context()
    page = opened(one, serving.links["ana"])
    two.add_cookies(one.cookies())  # type: ignore[arg-type]
    tab = opened(two, serving.origin)
    first = shown(page)
    assert shown(tab) == first
    press(page, "1")
    saved(page)
    press(tab, "2")
    saved(tab)
    until(lambda: "is answered already" in tab.inner_text("#notice"))
    assert shown(tab) != first
    assert [(entry.record, entry.label) for entry in stored(serving)] == [(first, "ham")]
    one.close()
    two.close()


def test_back_button_and_reload_make_no_second_answer(serve: Serve, context: BrowserContext) -> None:
    """Leaving the page and coming back shows the record that comes next."""
    page = opened(context, (serving := serve()).links["ana"])
    ready(page)
    first = shown(page)
    press(page, "1")
    saved(page)
    page.goto("about:blank")
    page.go_back()
    page.wait_for_selector("#record section")
    until(lambda: shown(page) != first)
    second = shown(page)
    press(page, "2")
    saved(page)
    page.reload()
    page.wait_for_selector("#record section")
    until(lambda: shown(page) not in {first, second})
    assert [entry.record for entry in stored(serving)] == [first, second]


def test_token_does_not_stay_in_the_address_and_opens_once(
    serve: Serve, browser: Browser, context: BrowserContext
) -> None:
    """The history of the browser holds no way in; a second browser is told what to do."""
    serving = serve()
    page = opened(context, serving.links["ana"])
    assert "token" not in page.evaluate("location.href + JSON.stringify(history.state)")
    assert page.evaluate("document.cookie") == ""
    other = browser.new_context()
    refused = other.new_page()
    refused.goto(serving.links["ana"])
    refused.wait_for_selector("#rest:not([hidden])")
    assert refused.inner_text("#rest-title") == "Not signed in"
    assert refused.inner_text("#rest-text") == "this link was used already, or is not of this server"
    other.close()


def test_next_record_is_there_within_fifty_milliseconds(serve: Serve, context: BrowserContext) -> None:
    """Measured in the page from the key to the next record drawn, and to the answer stored, over 30 answers."""
    page = opened(context, (serving := serve()).links["ana"])
    page.evaluate("""() => {
      window.stored = [];
      const sent = page.sent.bind(page);
      let key = 0;
      addEventListener("keydown", () => (key = performance.now()), true);
      page.sent = (entry, reply) => { stored.push(performance.now() - key); sent(entry, reply); };
    }""")
    for number in range(30):
        ready(page)
        press(page, "12"[number % 2])
        saved(page)
    drawn, kept = page.evaluate("page.lag"), page.evaluate("window.stored")
    assert (len(drawn), len(kept), len(stored(serving))) == (30, 30, 30)
    print(f"drawn {statistics.median(drawn):.1f} ms, stored {statistics.median(kept):.1f} ms")
    assert statistics.median(drawn) < 50


# What it looks like


@pytest.mark.parametrize("size", [(1280, 800), (390, 844), (640, 400), (320, 568), (844, 390)], ids=str)
def test_nothing_moves_between_records(serve: Serve, browser: Browser, size: tuple[int, int]) -> None:
    """Records of all lengths: the answers stay where they are, nothing is cut off, every button is reached."""
    rows = [
        {"id": f"c{i}", "text": "song " + "word " * (97 * (i % 7)) + str(i), "gold": "ham", "split": "train"}
        for i in range(30)
    ]
    serving = serve(rows=rows)
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    page = opened(context, serving.links["ana"])
    places = set()
    for number in range(8):
        ready(page)
        if number > 3:
            places.add(str([page.locator(name).bounding_box() for name in ("#record", "#classes", "#undo", "#notice")]))
        press(page, "1")
    assert len(places) == 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for name in ("#classes button:last-child", "#quit", "#to-dashboard", "#to-help"):
        page.locator(name).scroll_into_view_if_needed()
        box = page.locator(name).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size[0] + 1
        assert box["y"] + box["height"] <= size[1] + 1
        assert box["height"] >= 30
    context.close()


def test_screen_reader_finds_its_way(serve: Serve, context: BrowserContext) -> None:
    """Names and roles of all that can be used, records and notices spoken, guidelines within reach."""
    serving = serve(toml='guidelines = "Spam begs.\\nHam sings."\n')
    page = opened(context, serving.links["ana"])
    nameless = page.evaluate("""[...document.querySelectorAll('button, textarea, input, [role=region], article, aside')]
      .filter(e => !(e.innerText || e.ariaLabel || e.getAttribute('aria-labelledby') || e.closest('label')))
      .map(e => e.id)""")
    assert nameless == []
    assert page.get_attribute("#record", "aria-live") == "polite"
    assert page.get_attribute("#notice", "role") == "status"
    assert page.get_attribute("#alarm", "role") == "alert"
    assert page.inner_text("#guidelines") == "Spam begs.\nHam sings."
    assert page.get_by_role("progressbar").count() == 1
    for name in ("1 ham", "skip", "undo", "flag", "note", "quit", "Progress", "Help and guidelines"):
        assert page.get_by_role("button", name=name).count() >= 1, name
    focused = []
    for _ in range(16):
        page.keyboard.press("Tab")
        focused.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert {"skip", "to-dashboard", "record", "undo", "quit"} <= set(" ".join(focused).split())


def test_figures_are_live(serve: Serve, browser: Browser) -> None:
    """What one person answers shows on the other one's page, and never which record got which answer."""
    serving = serve(people="ana,ben", toml="overlap = 2\n")
    ana, ben = browser.new_context(), browser.new_context()
    page, other = opened(ana, serving.links["ana"]), opened(ben, serving.links["ben"])
    page.click("#to-dashboard")
    page.wait_for_selector("#dashboard p")
    for number in range(3):
        ready(other)
        press(other, "12"[number % 2])
    saved(other)
    until(lambda: "3\nanswers" in page.inner_text("#dashboard"))
    text = page.inner_text("#dashboard")
    assert "ben" in text
    assert re.search(r"spam\s+1\s+33 %", text)
    assert page.locator("#dashboard svg[role=img]").get_attribute("aria-label") is not None
    page.click("#to-work")
    press(page, "1")
    saved(page)
    assert len(stored(serving)) == 4
    ana.close()
    ben.close()


def test_adjudicator_sees_who_said_what(serve: Serve, context: BrowserContext) -> None:
    """The page of --adjudicate asks about records that people disagree on, and what it is told outranks them."""
    serving = serve("--adjudicate", people="dora", before=disagree)
    page = opened(context, serving.links["dora"])
    assert page.inner_text("#to-work") == "Decide"
    assert page.inner_text("#reason") == "ana says ham; ben says spam"
    record = shown(page)
    press(page, "2")
    saved(page)
    decided = store(serving).answers()[record]
    assert (decided.label, decided.annotator, decided.role) == ("spam", "dora", "adjudicator")
    page.wait_for_selector("#rest:not([hidden])")
    assert page.inner_text("#rest-title") == "That was it"
    press(page, "u")
    page.wait_for_selector("#work:not([hidden])")
    assert shown(page) == record


def disagree(made: Made) -> None:
    """Two people say different things about one record."""
    made.project.answer("c30", "ham", annotator="ana")
    made.project.answer("c30", "spam", annotator="ben")


def test_what_rules_matched_is_marked(serve: Serve, context: BrowserContext) -> None:
    """In the colour of the class that the rule voted for, with its name; the text stays as it is."""
    page = opened(context, (serving := serve()).links["ana"])
    texts = {row["id"]: row["text"] for row in serving.made.project.records().to_table().to_pylist()}
    marked: dict[str, str] = {}
    for _ in range(15):
        ready(page)
        assert page.inner_text("#record") == texts[shown(page)]
        for mark in page.locator("#record mark").all():
            marked[mark.inner_text()] = str(mark.get_attribute("title"))
        press(page, " ")
    assert marked
    assert set(marked) <= {"win", "free", "cash", "guitar", "lyrics", "album", "visit", "channel"}
    assert set(marked.values()) <= {"money: spam", "music: ham", "place: spam"}


def test_text_goes_its_own_way(serve: Serve, context: BrowserContext) -> None:
    """Arabic from right to left, English from left to right, in one page; marks that reorder a line are shown."""
    rows = [
        {"id": "c0", "text": "هذه أغنية جميلة song", "gold": "ham", "split": "train"},
        {"id": "c1", "text": "a song \u202eevil", "gold": "ham", "split": "train"},
    ]
    page = opened(context, serve(rows=rows).links["ana"])
    seen = {}
    for _ in rows:
        direction = page.evaluate("getComputedStyle(document.querySelector('#record .value')).direction")
        seen[shown(page)] = (direction, page.inner_text("#record"))
        press(page, "1")
        saved(page)
        time.sleep(0.3)
    assert seen == {"c0": ("rtl", "هذه أغنية جميلة song"), "c1": ("ltr", "a song \\u202eevil")}


def test_colours_can_be_read(serve: Serve, browser: Browser) -> None:
    """Text on its ground has a contrast of 4.5 at least (WCAG 2.2, 1.4.3), in light and in dark."""
    serving = serve(toml='guidelines = "Spam begs."\n')
    state = None
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme, storage_state=state)
        page = opened(context, serving.origin if state else serving.links["ana"])
        press(page, "f")
        for view in ("#to-work", "#to-dashboard"):
            page.click(view)
            time.sleep(0.3)
            poor = page.evaluate(CONTRAST)
            assert poor == [], (scheme, view)
        page.evaluate("document.documentElement.style.setProperty('--quiet', '#777')")
        assert page.evaluate(CONTRAST), "the measure finds nothing"
        state = context.storage_state()
        context.close()
