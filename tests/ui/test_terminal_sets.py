"""Several classes per record at the terminal: keys choose, enter stores what the screen says."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st
from rich.cells import cell_len

from labelkit.active import QueueItem
from labelkit.annotations import Annotation
from labelkit.annotations.label_sets import set_text
from labelkit.ui.terminal.screen import draw
from labelkit.ui.terminal.state import Note, Say, State, TakeBack, failed, react, remarked, stored, taken_back
from terminal_fixtures import Sit

CLASSES = ("python", "pandas", "sql")
VOTES = {"pandas: frames": "yes", "pandas: imports": "yes", "pandas: never": "no", "sql: select": "no"}
REASON = "undecided about pandas (0.52 / 0.48)"


def said(*names: str) -> str:
    return set_text(names, CLASSES)


def item(number: int, suggestion: str | None = said("python", "pandas")) -> QueueItem:
    return QueueItem(f"q{number}", "margin", 0.1, REASON, suggestion, VOTES)


def start(records: int = 3, budget: int = 10) -> State:
    return State(tuple(item(i) for i in range(records)), CLASSES, "ana", budget, several=True)


def typed(state: State, *keys: str) -> State:
    """The state after keys that store nothing."""
    for key in keys:
        state, act = react(state, key)
        assert act is None
    return state


def test_screen_of_80_by_24() -> None:
    """Each class has a box, and the screen says what enter would store; votes stand class by class."""
    state = typed(stored(start(), said("sql"), "op-1", 3.0), "2", "1")
    assert draw(state, {"text": "How do I join two frames?"}, 80, 24).plain == (
        """\
 labelkit annotate  q1                                             ana · margin
 record 2 of 3 · budget 1/10 · 3 s each · as suggested 0/1
────────────────────────────────────────────────────────────────────────────────
 text  How do I join two frames?










────────────────────────────────────────────────────────────────────────────────
 why        undecided about pandas (0.52 / 0.48)
 suggested  python, pandas
 votes      pandas  yes by frames, imports; no by never
            sql  no by select
────────────────────────────────────────────────────────────────────────────────
  1  [x] python    2  [x] pandas    3  [ ] sql
 enter stores  python, pandas
 a as suggested · space skip · u undo · f flag · n note · ? help · q quit
"""
    )


def test_no_class_is_said_before_it_is_stored() -> None:
    """Nothing is chosen to begin with, not even what is suggested, and the screen says so."""
    plain = draw(start(), {}, 80, 24).plain
    assert "\n enter stores  none of the classes\n" in plain
    assert "[x]" not in plain
    assert react(start(), "enter")[1] == Say(said())


def test_small_window_says_what_enter_stores() -> None:
    """Where not even all classes fit, the set and the latest notice do."""
    state = failed(typed(start(), "2"), Say(said("pandas")), "the disk is full")
    assert draw(state, {"text": "a text"}, 20, 8).plain.split("\n")[-3:] == [
        "  1  [ ] python",
        " enter stores  pand…",
        " disk is full",
    ]
    assert draw(typed(state, "?"), {}, 20, 8).plain.count("enter stores  ") == 0


def test_help_is_about_sets() -> None:
    """The help page says that a key chooses and enter stores."""
    plain = draw(replace(start(), helping=True), {}, 100, 24).plain
    assert "\n digits, letters       choose the class beside the key, or choose it no longer\n" in plain
    assert "\n enter                 store the classes chosen, or that there are none, and go on\n" in plain
    assert "label the record with the class" not in plain


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        ("2", {"pandas"}),
        ("31", {"python", "sql"}),
        ("22", set()),
        ("a", {"python", "pandas"}),
        ("3a", {"python", "pandas"}),
    ],
)
def test_keys_choose_and_enter_stores(keys: str, chosen: set[str]) -> None:
    """A key toggles its class; nothing is stored before enter, and then exactly what was shown."""
    state = typed(start(), *keys)
    assert set(state.chosen) == chosen
    assert react(state, "enter")[1] == Say(set_text(chosen, CLASSES))


def test_accepting_needs_a_set_of_classes_that_exist() -> None:
    """Without a suggestion, or with one that is no set of this project's classes, `a` chooses nothing."""
    for suggestion in (None, "python", '{"eggs": true}'):
        state = typed(replace(start(), items=(item(0, suggestion),)), "1", "a")
        assert (state.chosen, state.notice) == (("python",), "there is no suggestion to accept")


def test_accepting_no_class_says_so() -> None:
    """That none is suggested can be accepted as well: what was chosen goes, and the screen says what happened."""
    state = typed(replace(start(), items=(item(0, said()),)), "1", "a")
    assert (state.chosen, state.notice) == ((), "chosen as suggested; enter stores it")


def test_next_record_begins_with_nothing_chosen() -> None:
    """What was chosen is of its record alone."""
    state = stored(typed(start(), "1"), said("python"), "op-1", 1.0)
    assert (state.chosen, state.notice) == ((), "stored: python")


def test_undo_brings_the_set_back() -> None:
    """The record comes back with the classes that it was answered with, or that were chosen before it was skipped."""
    state = stored(typed(start(), "3", "1"), said("python", "sql"), "op-1", 1.0)
    state = stored(typed(state, "2"), None, "op-2", 1.0)
    assert react(typed(state, "1"), "u")[1] == TakeBack("op-2")
    back = taken_back(state)
    assert (back.chosen, back.notice) == (("pandas",), "took back: skip")
    back = taken_back(back)
    assert (back.chosen, back.notice) == (("python", "sql"), "took back: python, sql")
    assert typed(back, "1").chosen == ("sql",)


def test_failure_stays_until_it_is_stored() -> None:
    """Choosing anew does not hide that nothing is stored yet; the choice stays."""
    state = failed(typed(start(), "2"), Say(said("pandas")), "the disk is full")
    assert react(state, "enter")[1] == Say(said("pandas"))
    state = typed(state, "3", "a")
    assert (state.alarm, state.notice) == (True, "NOT STORED, press the key again: the disk is full")


def test_notes_flags_and_help_leave_the_choice_alone() -> None:
    """Enter ends a note and stores no answer; a key on the help page chooses nothing."""
    state, act = react(typed(start(), "2", "n", "1"), "enter")
    assert act == Note("1")
    state = remarked(state, "q0", Note("1"))
    assert state.chosen == ("pandas",)
    assert typed(state, "?", "1").chosen == ("pandas",)
    assert typed(state, "?", "enter").chosen == ("pandas",)


def test_what_others_said_is_readable() -> None:
    """Sets of others are named; one that names the same classes is the same, whatever else it was asked about."""
    others = [
        ('{"sql": false, "python": true, "old": false}', "ben"),
        (said("sql"), "cem"),
        (said(), "dan"),
        ("ham", "eve"),
    ]
    meanwhile = [Annotation("q0", text, who, "", "", "op", 1, "label") for text, who in others]
    notice = stored(start(), said("python"), "op-1", 1.0, meanwhile).notice
    assert notice == (
        "stored: python; kept as one opinion more: meanwhile ben said the same; cem said sql; "
        "dan said none of the classes; eve said ham"
    )


def test_hostile_class_steers_nothing() -> None:
    """Names of classes and functions are escaped wherever they stand."""
    evil = "\x1b[2J\u202e[red]x[/red]"
    text = set_text([evil], [evil, "b"])
    asked = QueueItem("q", "margin", 0.0, "", text, {f"{evil}: {evil}": "yes"})
    state = State((asked,), (evil, "b"), "ana", 5, several=True)
    plain = draw(typed(state, "1"), {}, 300, 24).plain
    assert plain.count("\\x1b[2J\\u202e[red]x[/red]") == 5  # suggestion, vote, function, box, what enter stores
    assert not {"\x1b", "\u202e"} & set(plain + stored(state, text, "op-1", 1.0).notice)


@given(
    st.lists(st.text(min_size=1), min_size=1, max_size=60, unique=True),
    st.integers(10, 120),
    st.integers(5, 40),
    st.data(),
)
def test_every_screen_fits_its_terminal(classes: list[str], width: int, height: int, data: st.DataObject) -> None:
    """However many classes are there and chosen, and whatever their names: no line is too wide, and none too many."""
    chosen = data.draw(st.lists(st.sampled_from(classes), unique=True))
    asked = replace(item(0, set_text(chosen, classes)), votes={f"{name}: f": "no" for name in classes})
    state = State((asked,), tuple(classes), "ana", 5, several=True, choices={"q0": tuple(chosen)})
    screen = draw(state, {"text": "a text"}, width, height)
    assert len(screen.lines) <= height
    assert all(cell_len(line.plain) <= width for line in screen.lines)


EFFECTS: dict[str, Callable[[set[str]], set[str]]] = {
    "1": lambda chosen: chosen ^ {"python"},
    "2": lambda chosen: chosen ^ {"pandas"},
    "3": lambda chosen: chosen ^ {"sql"},
    "a": lambda chosen: {"python", "pandas"},
}


@given(st.lists(st.sampled_from([*EFFECTS, "enter", "space", "u", "?", "x", "up"])))
def test_session_agrees_with_a_plain_list(keys: list[str]) -> None:
    """After any keys the session holds what a list of sets holds, and only enter and skips add to it."""
    state, plain = start(records=4, budget=3), list[str | None]()
    sets = [set[str]() for _ in range(5)]
    for number, key in enumerate(keys):
        if state.closed:
            break
        helping, at, asked = state.helping, len(plain), state.current
        state, act = react(state, key)
        if asked is not None and not helping:
            sets[at] = (
                {"python", "pandas"} if key == "a" else sets[at] ^ {CLASSES[int(key) - 1]} if key in "123" else sets[at]
            )
        assert isinstance(act, Say) == (asked is not None and not helping and key in {"enter", "space"})
        if isinstance(act, Say):
            plain.append(None if key == "space" else set_text(sets[at], CLASSES))
            assert act.label == plain[-1]
            state = stored(state, act.label, f"op-{number}", 1.0)
        elif isinstance(act, TakeBack):
            plain.pop()
            state = taken_back(state)
    assert [entry.label for entry in state.given] == plain
    assert state.current is None or set(state.chosen) == sets[len(plain)]


SETS = """
from dataclasses import replace
from labelkit.annotations.label_sets import set_text

ask = annotate_in_terminal
def annotate_in_terminal(items, fields_of, store, classes, *more):
    items = [replace(item, suggestion=set_text(classes[:1], classes), votes={}) for item in items]
    return ask(items, fields_of, store, classes, *more, several=True)
"""


def test_sets_are_stored_whole(sit: Sit) -> None:
    """A whole session in a real terminal: choose, store, accept, skip, take back, change, quit."""
    person = sit(classes="ham,spam,eggs", prepare=SETS)
    person.sees("the text of r0")
    for keys, next_record in (("13\r", 1), ("a\r", 2), (" ", 3), ("u", 2), ("u", 1), ("3\r", 2)):
        person.types(keys)
        person.sees(f"the text of r{next_record}")
    person.types("2")
    person.sees("enter stores  spam")
    person.types("q")
    assert person.session() == {"answered": 2, "skipped": 0, "undone": 2}
    labels = [(e.kind, e.record, e.label and json.loads(e.label)) for e in person.store.history()]
    assert labels == [
        ("label", "r0", {"ham": True, "spam": False, "eggs": True}),
        ("label", "r1", {"ham": True, "spam": False, "eggs": False}),
        ("skip", "r2", None),
        ("undo", "r2", None),
        ("undo", "r1", None),
        ("label", "r1", {"ham": True, "spam": False, "eggs": True}),
    ]


def test_enter_that_is_held_stores_one_set(sit: Sit) -> None:
    """Pressed twice or held down: the records that follow are not stored as of no class."""
    person = sit(prepare=SETS)
    person.sees("the text of r0")
    person.types("2")
    for _ in range(12):
        person.types("\r")
        while person.looks(0.03):
            pass
    person.sees("the text of r1")
    time.sleep(0.3)
    person.types("\r")
    person.sees("the text of r2")
    person.types("q")
    assert person.session()["answered"] == 2


def test_set_is_stored_before_the_next_record_is_shown(sit: Sit) -> None:
    """SIGKILL as soon as the screen moves on: the set is in the store, whole."""
    person = sit(prepare=SETS)
    person.sees("the text of r0")
    person.types("12\r")
    person.sees("the text of r1")
    person.process.send_signal(signal.SIGKILL)
    person.process.wait()
    (entry,) = person.store.history()
    assert entry.label == set_text(["ham", "spam"], ["ham", "spam"])
