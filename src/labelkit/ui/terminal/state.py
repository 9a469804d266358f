"""What a key means: the conversation as a value, and the step from one value to the next.

Nothing here touches a terminal or a store. `react` says what a key asks for; when that is an act for the store, the
state moves on only after the store has answered, through `stored`, `taken_back` or `failed`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from labelkit.active import QueueItem
from labelkit.active.curve import Advice
from labelkit.active.progress import Given, Progress, progress_of
from labelkit.annotations import Annotation
from labelkit.annotations.label_sets import set_text
from labelkit.errors import visible
from labelkit.ui.label_sets import same_label, shown_label, suggested_classes
from labelkit.ui.terminal import keys

LONGEST_NOTE = 1_000


@dataclass(frozen=True)
class Say:
    """Store an answer to the record shown; label None skips it."""

    label: str | None


@dataclass(frozen=True)
class TakeBack:
    """Undo the latest answer of this session."""

    operation: str


@dataclass(frozen=True)
class Flag:
    """Flag the record shown for somebody else to look at, or take the flag off again."""

    on: bool


@dataclass(frozen=True)
class Note:
    """Keep a note about the record shown."""

    text: str


Act: TypeAlias = Say | TakeBack | Flag | Note


@dataclass(frozen=True)
class State:
    """A conversation: what was asked, what was said, and what the screen shows beside the record."""

    items: tuple[QueueItem, ...]  # asked so far, the one shown included
    classes: tuple[str, ...]
    annotator: str
    budget: int  # labels that may be given
    given: tuple[Given, ...] = ()  # answers to items[0], items[1], ... in this order
    undone: int = 0
    more: bool = False  # other records may follow the items
    keys: Mapping[str, str] = field(default_factory=dict)  # class name -> key that the project has chosen
    several: bool = False  # a record may have several classes: a key chooses one, and enter stores those chosen
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # record -> classes chosen, kept for an undo
    flagged: frozenset[str] = frozenset()  # ids of records flagged in this session
    draft: str | None = None  # of a note that is being written
    scroll: int = 0  # first line of the record that is shown
    helping: bool = False
    advice: Advice | None = None  # whether more answers are worth it
    notice: str = ""
    alarm: bool = False  # the notice says that an answer is not stored
    closed: bool = False

    @property
    def progress(self) -> Progress:
        """Counts, pace, and agreement with what was suggested."""
        return progress_of(self.given, self.budget, self.undone)

    @property
    def answered(self) -> int:
        """Labels given and not taken back."""
        return sum(entry.label is not None for entry in self.given)

    @property
    def skipped(self) -> int:
        """Records skipped and not taken back."""
        return len(self.given) - self.answered

    @property
    def wanting(self) -> bool:
        """Whether the next record is to be fetched."""
        return self.more and len(self.given) == len(self.items) and self.answered < self.budget

    @property
    def current(self) -> QueueItem | None:
        """The record to ask; None when all are done or the budget is spent."""
        done = len(self.given) == len(self.items) or self.answered >= self.budget
        return None if done else self.items[len(self.given)]

    @property
    def chosen(self) -> tuple[str, ...]:
        """Classes chosen of the record to ask, in their order; nothing is stored of them yet."""
        return self.choices.get(self.current.record, ()) if self.current else ()


def react(state: State, key: str) -> tuple[State, Act | None]:
    """Tell what a key asks for: a changed state, an act for the store, or neither."""
    if state.draft is not None and key not in {keys.CTRL_C, keys.CTRL_D, keys.HANGUP}:
        return _write(state, state.draft, key)
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
        return replace(state, closed=key == keys.ENTER and not state.wanting), None
    return _react_to_answer(state, state.current, key)


def _react_to_answer(state: State, item: QueueItem, key: str) -> tuple[State, Act | None]:
    if key == keys.SPACE:
        return state, Say(None)
    if key == keys.ACCEPT:
        return _accept(state, item)
    if key == keys.FLAG:
        return state, Flag(item.record not in state.flagged)
    if key == keys.NOTE:
        return replace(_noting(state, ""), draft=""), None
    if key in _SCROLL:
        return replace(state, scroll=max(0, state.scroll + _SCROLL[key])), None
    if key == keys.ENTER and state.several:
        return state, Say(set_text(state.chosen, state.classes))
    label = keys.class_keys(state.classes, state.keys).get(key)
    if label is None:
        return _noting(state, "this key means nothing here; ? shows the keys"), None
    return (_choose(state, item, {label} ^ set(state.chosen)), None) if state.several else (state, Say(label))


def _accept(state: State, item: QueueItem) -> tuple[State, Act | None]:
    """Say what is suggested; where a record may have several classes, only choose them: enter stores what is shown."""
    suggested = suggested_classes(item.suggestion, state.classes)
    if state.several and suggested is not None:
        chosen = _choose(state, item, set(suggested))
        return chosen if chosen.alarm else _noting(chosen, "chosen as suggested; enter stores it"), None
    if state.several or item.suggestion not in state.classes:
        return _noting(state, "there is no suggestion to accept"), None
    return state, Say(item.suggestion)


def _choose(state: State, item: QueueItem, chosen: set[str]) -> State:
    """Change what enter would store. That something is not stored stays on the screen."""
    in_order = tuple(name for name in state.classes if name in chosen)
    state = replace(state, choices={**state.choices, item.record: in_order})
    return state if state.alarm else _noting(state, "")


def _write(state: State, draft: str, key: str) -> tuple[State, Act | None]:
    """Write on a note: enter keeps it, escape drops it."""
    if key == keys.ESCAPE:
        return _noting(replace(state, draft=None), "note dropped"), None
    if key == keys.ENTER:
        text = draft.strip()
        return (state, Note(text)) if text else (_noting(replace(state, draft=None), "note dropped"), None)
    if key == keys.BACKSPACE:
        return replace(state, draft=draft[:-1]), None
    char = " " if key == keys.SPACE else key
    if len(char) == 1 and len(draft) < LONGEST_NOTE:
        return replace(state, draft=draft + char), None
    return state, None


_SCROLL = {keys.UP: -1, keys.DOWN: 1, keys.PAGE_UP: -8, keys.PAGE_DOWN: 8}


def stored(
    state: State, label: str | None, operation: str, seconds: float, meanwhile: Sequence[Annotation] = ()
) -> State:
    """Move on to the next record: the answer is in the store. `meanwhile` are the answers that it came too late for."""
    item = state.items[len(state.given)]
    given = (*state.given, Given(label, operation, seconds, item.record, item.suggestion))
    said = "skipped" if label is None else f"stored: {shown_label(label, several=state.several)}"
    late = _late(label, meanwhile, several=state.several)
    return _noting(replace(state, given=given, scroll=0), said + late)


def _late(label: str | None, meanwhile: Sequence[Annotation], *, several: bool = False) -> str:
    """Say that others had answered the record often enough, and whether they say the same.

    >>> from labelkit.annotations import Annotation
    >>> _late("ham", [Annotation("c7", "spam", "ben", "", "", "op-1", 1, "label")])
    '; kept as one opinion more: meanwhile ben said spam'
    """
    if not meanwhile:
        return ""
    said = []
    for entry in meanwhile:
        same = same_label(label or "", entry.label or "", several=several)
        what = "the same" if same else shown_label(entry.label or "", several=several)
        said.append(f"{visible(entry.annotator)} said {what}")
    return f"; kept as one opinion more: meanwhile {('; ' if several else ', ').join(said)}"


def taken_back(state: State) -> State:
    """Go back to the record whose answer was taken back."""
    label = state.given[-1].label
    said = "skip" if label is None else shown_label(label, several=state.several)
    back = replace(state, given=state.given[:-1], undone=state.undone + 1, scroll=0)
    return _noting(back, f"took back: {said}")


def remarked(state: State, record: str, act: Flag | Note) -> State:
    """Stay on the record: the flag or note is in the store."""
    if isinstance(act, Note):
        return _noting(replace(state, draft=None), "note stored")
    flagged = state.flagged | {record} if act.on else state.flagged - {record}
    return _noting(replace(state, flagged=flagged), "flagged" if act.on else "flag taken off")


def fetched(state: State, item: QueueItem | None) -> State:
    """Go on with the next record, or without one when the queue is over."""
    return replace(state, more=False) if item is None else replace(state, items=(*state.items, item))


def not_fetched(state: State, why: str) -> State:
    """Wait: the store did not say which record is next."""
    return replace(_noting(state, f"NO NEXT RECORD, press any key to try again: {visible(why)}"), alarm=True)


def failed(state: State, act: Act, why: str) -> State:
    """Stay where we are: the store did not take it."""
    what = "NOT TAKEN BACK" if isinstance(act, TakeBack) else "NOT STORED"
    return replace(_noting(state, f"{what}, press the key again: {visible(why)}"), alarm=True)


def _noting(state: State, notice: str) -> State:
    return replace(state, notice=notice, alarm=False)
