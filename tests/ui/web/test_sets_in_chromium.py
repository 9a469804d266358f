"""Several classes per record on the page, in a real Chromium: by key, mouse, finger and screen reader."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

import labelkit as lk
from labelkit.annotations.label_sets import set_text
from labelkit.ui.web import Room
from tagged_projects import TOML, WORDS, tagged_project
from waiting import until
from web_pages import CONTRAST, Serving, opened, press, ready, saved, shown
from web_rooms import Records, make_room, on_a_port

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CLASSES = ("python", "pandas", "sql", "numpy")
VOTES = {"pandas: frames": "yes", "pandas: never": "no", "sql: select": "no"}
QUESTIONS = Records(
    {f"q{i}": {"text": "How do I join two frames? " * (1 + 7 * (i % 4))} for i in range(20)},
    VOTES,
    set_text(["pandas"], CLASSES),
    highlights={"text": [(14, 24, "pandas: frames"), (0, 3, "sql: select")]},
)

Place = tuple[Room, str]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A server of questions with several classes: the room and where its page is."""
    with on_a_port(lambda port: make_room(tmp_path, QUESTIONS, port=port, classes=CLASSES, several=True)) as served:
        yield served


def visit(context: BrowserContext, place: Place, person: str = "ana") -> Page:
    room, origin = place
    page = opened(context, f"{origin}/#token={room.access.link(person)}")
    ready(page)
    return page


def stored(place: Place) -> list[tuple[str, str | None]]:
    return [(entry.record, entry.label) for entry in place[0].store.history()]


def checked(page: Page) -> list[str]:
    """The classes that are shown as chosen."""
    return page.locator("#classes [role=checkbox][aria-checked=true] .class-name").all_inner_texts()


def test_keys_choose_and_enter_stores(place: Place, context: BrowserContext) -> None:
    """Nothing is stored before enter; what is chosen shows as a check and in words, and the next record has none."""
    page = visit(context, place)
    assert (checked(page), page.inner_text("#chosen")) == ([], "none of the classes")
    for key in "324":
        press(page, key)
    press(page, "3")
    assert (checked(page), page.inner_text("#chosen")) == (["pandas", "numpy"], "pandas, numpy")
    box = "getComputedStyle(document.querySelectorAll('#classes .box')[{}], '::before').content"
    assert [page.evaluate(box.format(i)) for i in range(4)] == ["none", '"✓"', "none", '"✓"']  # not by colour alone
    saved(page)
    assert stored(place) == []
    press(page, "Enter")
    saved(page)
    assert stored(place) == [("q0", set_text(["pandas", "numpy"], CLASSES))]
    assert (shown(page), checked(page), page.inner_text("#chosen")) == ("q1", [], "none of the classes")
    assert page.inner_text("#notice") == "said: pandas, numpy"
    press(page, "Enter")
    saved(page)
    assert stored(place)[1:] == [("q1", set_text([], CLASSES))]
    assert page.inner_text("#notice") == "said: none of the classes"


def test_other_keys_are_those_of_the_terminal(place: Place, context: BrowserContext) -> None:
    """Accept only chooses, skip stores no set, undo brings the set back, a note's enter answers nothing."""
    page = visit(context, place)
    press(page, "1")
    press(page, "a")
    assert (checked(page), page.inner_text("#notice")) == (["pandas"], "chosen as suggested; enter stores it")
    press(page, "n")
    page.keyboard.type("12")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    saved(page)
    assert (stored(place), checked(page)) == ([], ["pandas"])
    press(page, "Enter")
    press(page, " ")
    saved(page)
    assert stored(place) == [("q0", set_text(["pandas"], CLASSES)), ("q1", None)]
    press(page, "u")
    press(page, "u")
    assert (shown(page), checked(page), page.inner_text("#notice")) == ("q0", ["pandas"], "took back: pandas")
    press(page, "1")
    press(page, "Enter")
    saved(page)
    assert place[0].store.answers()["q0"].label == set_text(["python", "pandas"], CLASSES)


def test_set_comes_back_to_a_page_that_is_loaded_anew(place: Place, context: BrowserContext) -> None:
    """The server knows what was said when this page does not."""
    page = visit(context, place)
    press(page, "2")
    press(page, "4")
    press(page, "Enter")
    saved(page)
    page.reload()
    page.wait_for_selector("#record section")
    press(page, "u")
    until(lambda: shown(page) == "q0")
    assert checked(page) == ["pandas", "numpy"]


def test_mouse_and_keys_mix(place: Place, context: BrowserContext) -> None:
    """After a click enter stores what is chosen; it neither toggles what was clicked nor takes back once more."""
    page = visit(context, place)
    time.sleep(0.3)
    page.click("#classes button:nth-child(3)")
    assert (checked(page), stored(place)) == (["sql"], [])
    press(page, "Enter")
    time.sleep(0.3)
    page.click("#classes button:nth-child(1)")
    page.click("#store")
    saved(page)
    assert stored(place) == [("q0", set_text(["sql"], CLASSES)), ("q1", set_text(["python"], CLASSES))]
    page.click("#undo")
    press(page, "Enter")
    saved(page)
    assert [label for _, label in stored(place)][2:] == [None, set_text(["python"], CLASSES)]


def test_focus_goes_by_tab_and_space_toggles(place: Place, context: BrowserContext) -> None:
    """As in a form: space chooses the box that has the focus, enter stores; a button that is held stores once."""
    page = visit(context, place)
    time.sleep(0.3)
    page.focus("#classes button:nth-child(2)")
    page.keyboard.press("Space")
    assert checked(page) == ["pandas"]
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    press(page, "Enter")
    saved(page)
    assert stored(place) == [("q0", set_text(["pandas"], CLASSES))]
    page.focus("#store")
    time.sleep(0.3)
    for _ in range(30):
        page.keyboard.down("Enter")
        time.sleep(0.03)
    page.keyboard.up("Enter")
    saved(page)
    assert len(stored(place)) == 2


def test_enter_twice_is_one_answer(place: Place, context: BrowserContext) -> None:
    """The record that follows is not stored as of no class, whether enter bounces, is held, or ended a rest."""
    page = visit(context, place)
    press(page, "1")
    page.keyboard.press("Enter")
    for _ in range(5):
        page.keyboard.press("Enter")
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    saved(page)
    assert len(stored(place)) == 1
    press(page, "q")
    until(lambda: page.is_visible("#rest"))
    press(page, "Enter")
    page.keyboard.press("Enter")
    page.wait_for_selector("#work:not([hidden])")
    saved(page)
    assert len(stored(place)) == 1


def test_keys_can_be_switched_off(place: Place, context: BrowserContext) -> None:
    """Then a key on a box is the browser's: it chooses, and nothing but the button stores."""
    page = visit(context, place)
    page.click("#to-help")
    assert "store the classes chosen, or that there are none, and go on" in page.inner_text("#keys")
    page.uncheck("#keys-on")
    page.keyboard.press("Escape")
    press(page, "1")
    page.focus("#classes button:nth-child(2)")
    press(page, "Enter")
    saved(page)
    assert (checked(page), stored(place)) == (["pandas"], [])
    page.focus("#store")
    press(page, "Enter")
    saved(page)
    assert stored(place) == [("q0", set_text(["pandas"], CLASSES))]


def test_screen_reader_hears_what_would_be_stored(place: Place, context: BrowserContext) -> None:
    """Classes are boxes with a name, a state and a word where suggested; what is chosen is spoken."""
    page = visit(context, place)
    press(page, "4")
    for name, is_checked in (("1 python", False), ("4 numpy", True)):
        assert page.get_by_role("checkbox", name=name, checked=is_checked).count() == 1
    assert page.get_attribute("#classes button:nth-child(2)", "aria-description") == "suggested"
    assert page.get_attribute("#chosen", "role") == "status"
    assert page.get_by_role("button", name="store").count() == 1
    assert page.get_attribute("#store", "aria-describedby") == "chosen"
    titles = [page.locator("mark").nth(i).get_attribute("title") for i in range(2)]
    assert titles == ["sql: select: no", "pandas: frames: yes"]
    assert page.inner_text("#votes").split("\n") == ["pandas", "yes: frames · no: never", "sql", "no: select"]


def test_two_tabs_and_a_lost_reply_make_one_answer(place: Place, context: BrowserContext) -> None:
    """What was stored and not acknowledged is sent again, and another tab that says otherwise is told."""
    page = visit(context, place)
    other = context.new_page()
    other.goto(place[1])
    other.wait_for_selector("#record section")
    replies = iter([True])

    def lose(route: object) -> None:
        if next(replies, False):
            route.fetch()  # type: ignore[attr-defined]
            route.abort()  # type: ignore[attr-defined]
        else:
            route.continue_()  # type: ignore[attr-defined]

    page.route("**/api/answer", lose)
    press(page, "1")
    press(page, "Enter")
    saved(page)
    until(lambda: shown(other) == "q1")
    assert stored(place) == [("q0", set_text(["python"], CLASSES))]


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    """A real project of several classes, applied and served by the command."""
    made = tagged_project(tmp_path, toml=TOML + "[annotate]\nstrategy = 'random'\nretrain = false\n")
    lk.MultilabelProject(made.root).apply(workers=1)
    started = Serving(made).start()
    yield started
    started.kill()


def test_server_that_is_killed_loses_no_set(serving: Serving, context: BrowserContext) -> None:
    """kill -9: sets wait in the browser, arrive once, come back whole, and are what the next apply says."""
    page = opened(context, serving.links["ana"])
    ready(page)
    serving.end(signal.SIGKILL)
    said: dict[str, list[str]] = {}
    for keys in ("13", ""):
        said[shown(page)] = [list(WORDS)[int(key) - 1] for key in keys]
        for key in keys:
            press(page, key)
        press(page, "Enter")
    until(lambda: page.inner_text("#saving") == "not saved: 2")
    serving.start()
    saved(page)
    project = lk.MultilabelProject(serving.made.root)
    assert answered(project) == said
    page.reload()
    page.wait_for_selector("#record section")
    for record, names in reversed(said.items()):
        press(page, "u")
        until(lambda record=record: shown(page) == record)  # type: ignore[misc]
        assert checked(page) == names
    for _ in said:
        press(page, "Enter")
    saved(page)
    assert answered(project) == said
    project.apply(workers=1)
    labels = {row["id"]: row["labels"] for row in project.labels().to_pylist()}
    assert {record: labels[record] for record in said} == said


def answered(project: lk.MultilabelProject) -> dict[str, list[str]]:
    """The classes that people gave to records."""
    return {record: [name for name in said if said[name]] for record, said in project.answers().items()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_can_be_read(place: Place, browser: Browser, scheme: Literal["light", "dark"]) -> None:
    """Boxes, chosen and not, and the button that stores have the contrast of the rest of the page."""
    context = browser.new_context(color_scheme=scheme)
    page = visit(context, place)
    for key in "13":
        press(page, key)
    time.sleep(0.3)
    assert page.evaluate(CONTRAST) == []
    context.close()


@pytest.mark.parametrize("size", [(1280, 800), (390, 844), (640, 400), (320, 568), (844, 390)], ids=str)
def test_nothing_moves_while_choosing(place: Place, browser: Browser, size: tuple[int, int]) -> None:
    """Whatever is chosen and however long the record: buttons stay where they are, and all of them are reached."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    page = visit(context, place)
    places = set()
    for number in range(6):
        ready(page)
        for key in "1234"[: number % 5]:
            press(page, key)
        if number > 3:
            time.sleep(0.3)  # the button that was pressed lights up for a moment
            names = ("#record", "#classes", "#store", "#undo", "#notice")
            places.add(str([page.locator(name).bounding_box() for name in names]))
        press(page, "Enter")
    assert len(places) == 1, "\n".join(places)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for name in ("#classes button:last-child", "#store", "#accept", "#quit"):
        page.locator(name).scroll_into_view_if_needed()
        box = page.locator(name).bounding_box()
        assert box is not None
        assert min(box["x"], box["y"]) >= 0
        assert box["x"] + box["width"] <= size[0] + 1
        assert box["y"] + box["height"] <= size[1] + 1
        assert box["height"] >= 30
    context.close()
