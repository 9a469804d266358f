"""What a key means: the conversation as a value, and the step from one value to the next.

Nothing here touches a terminal or a store. `react` says what a key asks for; when that is an act for the store, the
state moves on only after the store has answered, through `stored`, `taken_back` or `failed`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import TypeAlias

from labelkit.active import QueueItem
from labelkit.errors import visible
from labelkit.ui.terminal import keys

PACE_OF = 20  # the pace is that of the latest answers


@dataclass(frozen=True)
class Say:
    """Store an answer to the record shown; label None skips it."""

    label: str | None


@dataclass(frozen=True)
class TakeBack:
    """Undo the latest answer of this session."""

    operation: str


Act: TypeAlias = Say | TakeBack


@dataclass(frozen=True)
class Given:
    """One answer of this session, stored."""

    label: str | None
    operation: str
    seconds: float  # from showing the record to the key


@dataclass(frozen=True)
class State:
    """A conversation: what was asked, what was said, and what the screen shows beside the record."""

    items: tuple[QueueItem, ...]
    classes: tuple[str, ...]
    annotator: str
    budget: int  # labels that may be given
    given: tuple[Given, ...] = ()  # answers to items[0], items[1], ... in this order
    undone: int = 0
    scroll: int = 0  # first line of the record that is shown
    helping: bool = False
    notice: str = ""
    alarm: bool = False  # the notice says that an answer is not stored
    closed: bool = False

    @property
    def answered(self) -> int:
        """Labels given and not taken back."""
        return sum(entry.label is not None for entry in self.given)

    @property
    def skipped(self) -> int:
        """Records skipped and not taken back."""
        return len(self.given) - self.answered

    @property
    def current(self) -> QueueItem | None:
        """The record to ask; None when all are done or the budget is spent."""
        done = len(self.given) == len(self.items) or self.answered >= self.budget
        return None if done else self.items[len(self.given)]

    @property
    def pace(self) -> float | None:
        """Median seconds of the latest answers."""
        return median(entry.seconds for entry in self.given[-PACE_OF:]) if self.given else None


def react(state: State, key: str) -> tuple[State, Act | None]:
    """Tell what a key asks for: a changed state, an act for the store, or neither."""
    if key in {keys.QUIT, keys.CTRL_C, keys.CTRL_D, keys.HANGUP}:
        return replace(state, closed=True), None
    if state.helping:
        return replace(state, helping=False), None
    if key == keys.HELP:
        return replace(state, helping=True), None
    if key in {keys.UNDO, keys.BACKSPACE}:
        if state.given:
            return state, TakeBack(state.given[-1].operation)
        return _noting(state, "nothing to take back in this session"), None
    if state.current is None:
        return replace(state, closed=key == keys.ENTER), None
    return _react_to_answer(state, state.current, key)


def _react_to_answer(state: State, item: QueueItem, key: str) -> tuple[State, Act | None]:
    if key == keys.SPACE:
        return state, Say(None)
    if key == keys.ACCEPT:
        if item.suggestion not in state.classes:
            return _noting(state, "there is no suggestion to accept"), None
        return state, Say(item.suggestion)
    if key in _SCROLL:
        return replace(state, scroll=max(0, state.scroll + _SCROLL[key])), None
    label = keys.class_keys(state.classes).get(key)
    if label is None:
        return _noting(state, "this key means nothing here; ? shows the keys"), None
    return state, Say(label)


_SCROLL = {keys.UP: -1, keys.DOWN: 1, keys.PAGE_UP: -8, keys.PAGE_DOWN: 8}


def stored(state: State, label: str | None, operation: str, seconds: float) -> State:
    """Move on to the next record: the answer is in the store."""
    given = (*state.given, Given(label, operation, seconds))
    said = "skipped" if label is None else f"stored: {visible(label)}"
    return _noting(replace(state, given=given, scroll=0), said)


def taken_back(state: State) -> State:
    """Go back to the record whose answer was taken back."""
    label = state.given[-1].label
    said = "skip" if label is None else visible(label)
    back = replace(state, given=state.given[:-1], undone=state.undone + 1, scroll=0)
    return _noting(back, f"took back: {said}")


def failed(state: State, act: Act, why: str) -> State:
    """Stay where we are: the store did not take it."""
    what = "NOT STORED" if isinstance(act, Say) else "NOT TAKEN BACK"
    return replace(_noting(state, f"{what}, press the key again: {visible(why)}"), alarm=True)


def _noting(state: State, notice: str) -> State:
    return replace(state, notice=notice, alarm=False)
