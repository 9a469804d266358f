"""What a key means at each moment, without a terminal and without a store."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from labelkit.active import QueueItem
from labelkit.ui.terminal import keys
from labelkit.ui.terminal.state import (
    Flag,
    Note,
    Say,
    State,
    TakeBack,
    failed,
    fetched,
    not_fetched,
    react,
    remarked,
    stored,
    taken_back,
)


def item(number: int, suggestion: str | None = "ham") -> QueueItem:
    return QueueItem(f"r{number}", "margin", 0.1, "undecided", suggestion, {})


def start(records: int = 3, budget: int = 10) -> State:
    return State(tuple(item(i) for i in range(records)), ("ham", "spam"), "ana", budget)


@pytest.mark.parametrize(
    ("key", "act"),
    [("1", Say("ham")), ("2", Say("spam")), ("a", Say("ham")), ("space", Say(None)), ("3", None), ("other", None)],
)
def test_key_asks_for_an_act_and_changes_nothing_yet(key: str, act: Say | None) -> None:
    """A key that answers leaves the record in place until the store has the answer."""
    state, asked = react(start(), key)
    assert asked == act
    assert state.current == item(0)
    assert state.given == ()


def test_stored_answer_moves_on() -> None:
    """After the store has it, the next record is asked."""
    state = stored(start(), "spam", "op-1", 2.0)
    assert (state.current, state.answered, state.skipped, state.notice) == (item(1), 1, 0, "stored: spam")


def test_answer_that_was_not_stored_stays_on_its_record() -> None:
    """A failure is shown, and the same key tries again."""
    state = failed(start(), Say("spam"), "the disk is full")
    assert (state.current, state.alarm) == (item(0), True)
    assert state.notice == "NOT STORED, press the key again: the disk is full"
    assert react(state, "2")[1] == Say("spam")
    assert not stored(state, "spam", "op-1", 1.0).alarm


@pytest.mark.parametrize("key", ["u", "backspace"])
def test_undo_goes_back_to_the_record(key: str) -> None:
    """Undo asks the store to take the latest answer back and then shows its record again."""
    state = stored(stored(start(), "spam", "op-1", 1.0), None, "op-2", 1.0)
    state, act = react(state, key)
    assert act == TakeBack("op-2")
    state = taken_back(state)
    assert (state.current, state.answered, state.skipped, state.undone) == (item(1), 1, 0, 1)
    assert state.notice == "took back: skip"
    state, act = react(state, key)
    assert act == TakeBack("op-1")


def test_undo_ends_at_the_start_of_the_session() -> None:
    """What an earlier session said is not touched."""
    state, act = react(start(), "u")
    assert (act, state.notice) == (None, "nothing to take back in this session")


def test_accept_needs_a_suggestion_of_a_class() -> None:
    """Without a suggestion, or with one that is no class of the project any more, `a` stores nothing."""
    for suggestion in (None, "eggs"):
        state = replace(start(), items=(item(0, suggestion),))
        state, act = react(state, "a")
        assert (act, state.notice) == (None, "there is no suggestion to accept")


def test_last_answer_can_still_be_taken_back() -> None:
    """At the end the session waits: undo works, enter and q close, other keys do nothing."""
    end = stored(start(records=1), "ham", "op-1", 1.0)
    assert end.current is None
    assert react(end, "u")[1] == TakeBack("op-1")
    assert taken_back(end).current == item(0)
    for key, closed in [("q", True), ("enter", True), ("1", False), ("space", False), ("a", False)]:
        state, act = react(end, key)
        assert (act, state.closed) == (None, closed)


def test_budget_counts_labels_and_not_skips() -> None:
    """Skipping costs nothing; when the budget is spent no more records are asked."""
    state = start(records=3, budget=1)
    state = stored(state, None, "op-1", 1.0)
    assert state.current == item(1)
    state = stored(state, "ham", "op-2", 1.0)
    assert state.current is None


@pytest.mark.parametrize("key", ["q", "ctrl-c", "ctrl-d", "hangup"])
def test_quitting_works_everywhere(key: str) -> None:
    """Also from the help page and at the end."""
    for state in (start(), replace(start(), helping=True), start(records=0)):
        assert react(state, key)[0].closed


def test_help_closes_with_any_key_and_answers_nothing() -> None:
    """A key on the help page is not an answer to the record behind it."""
    state, act = react(start(), "?")
    assert state.helping
    state, act = react(state, "1")
    assert (state.helping, act) == (False, None)


def test_unknown_key_says_where_help_is() -> None:
    """A stray key stores nothing."""
    state, act = react(start(), "x")
    assert (act, state.notice) == (None, "this key means nothing here; ? shows the keys")


def test_scrolling_never_goes_above_the_top() -> None:
    """A new record is shown from its first line."""
    state = react(start(), keys.PAGE_DOWN)[0]
    assert state.scroll == 8
    assert react(react(state, keys.PAGE_UP)[0], keys.UP)[0].scroll == 0
    assert stored(state, "ham", "op", 1.0).scroll == 0


def test_pace_is_the_median_of_the_latest_answers() -> None:
    """A long break does not spoil the pace."""
    state = start(records=50, budget=50)
    assert state.progress.seconds_each is None
    for number, seconds in enumerate([1000.0] + [3.0] * 20):
        state = stored(state, "ham", f"op-{number}", seconds)
    assert state.progress.seconds_each == 3.0


@given(st.lists(st.sampled_from(["1", "2", "a", "space", "u", "backspace", "?", "x", "enter", "up", "down"])))
def test_session_agrees_with_a_plain_list(typed: list[str]) -> None:
    """After any keys the session holds what a list of answers holds, and asks the record after the last of them."""
    state, plain, undone = start(records=4, budget=3), [], 0
    for number, key in enumerate(typed):
        if state.closed:
            break
        helping = state.helping
        state, act = react(state, key)
        assert act is None or not helping
        if isinstance(act, Say):
            plain.append(act.label)
            state = stored(state, act.label, f"op-{number}", 1.0)
        elif isinstance(act, TakeBack):
            assert act.operation == state.given[-1].operation
            plain.pop()
            undone += 1
            state = taken_back(state)
    labels = sum(label is not None for label in plain)
    assert [entry.label for entry in state.given] == plain
    assert (state.answered, state.skipped, state.undone) == (labels, len(plain) - labels, undone)
    assert labels <= 3
    assert state.current == (None if labels == 3 or len(plain) == 4 else item(len(plain)))


def test_note_takes_every_key_until_enter_or_escape() -> None:
    """Keys of classes and commands are letters in a note; only Ctrl-C and the like still quit."""
    state, _ = react(start(), "n")
    for key in ["q", "1", "space", "ö", "backspace", "é", "up", "other"]:
        state, act = react(state, key)
        assert act is None
    assert (state.draft, state.closed) == ("q1 é", False)
    assert react(state, "enter")[1] == Note("q1 é")
    assert react(state, "escape")[0].draft is None
    assert react(state, "ctrl-c")[0].closed
    kept = failed(state, Note("q1 é"), "the disk is full")
    assert (kept.draft, kept.alarm) == ("q1 é", True)
    assert remarked(state, "r0", Note("q1 é")).draft is None
    assert react(react(start(), "n")[0], "enter")[1] is None  # an empty note is none


def test_flag_goes_on_and_off() -> None:
    """The same key takes the flag off again."""
    state, act = react(start(), "f")
    assert act == Flag(on=True)
    state = remarked(state, "r0", Flag(on=True))
    assert (state.flagged, state.current) == (frozenset({"r0"}), item(0))
    assert react(state, "f")[1] == Flag(on=False)
    assert remarked(state, "r0", Flag(on=False)).flagged == frozenset()


def test_records_are_fetched_when_they_are_wanted() -> None:
    """Not before, not after the budget, and the end is said when there are no more."""
    state = replace(start(records=1, budget=2), more=True)
    assert not state.wanting
    state = stored(state, "ham", "op-1", 1.0)
    assert (state.wanting, state.current) == (True, None)
    assert not_fetched(state, "gone").alarm
    assert not react(state, "enter")[0].closed
    ended = fetched(state, None)
    assert (ended.wanting, ended.more) == (False, False)
    state = stored(fetched(state, item(1)), "ham", "op-2", 1.0)
    assert (state.wanting, state.current) == (False, None)


def test_agreement_counts_labels_of_records_with_a_suggestion() -> None:
    """Skips and records without a suggestion do not count."""
    state = replace(start(records=0), items=(item(0), item(1), item(2, None), item(3)))
    for number, label in enumerate(["ham", "spam", "ham", None]):
        state = stored(state, label, f"op-{number}", 1.0)
    assert (state.progress.agreed, state.progress.judged) == (1, 2)
