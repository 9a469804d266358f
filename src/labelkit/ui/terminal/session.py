"""The conversation: show a record, read a key, store the answer, and only then show the next record."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from labelkit.active import QueueItem
from labelkit.annotations import AnnotationStore, Answer
from labelkit.annotations.annotation import PERSON, Role, check_answer
from labelkit.errors import MachineError
from labelkit.ui.terminal.keys import class_keys
from labelkit.ui.terminal.screen import draw
from labelkit.ui.terminal.state import (
    Act,
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
from labelkit.ui.terminal.tty import Terminal, terminal

_LOOK_SECONDS = 0.25  # between two looks at the size of the terminal


@dataclass(frozen=True)
class Session:
    """What was said in one sitting."""

    answered: int  # labels that stand
    skipped: int  # skips that stand
    undone: int  # answers and skips taken back


def annotate_in_terminal(
    items: Iterable[QueueItem],
    fields_of: Callable[[str], Mapping[str, object]],
    store: AnnotationStore,
    classes: Sequence[str],
    annotator: str,
    budget: int,
    *,
    keys: Mapping[str, str] | None = None,
    role: Role = PERSON,
    hold_seconds: float = 0.0,
) -> Session:
    """Ask one person at this terminal about the items, in order, until `budget` labels are given or the person quits.

    An item is taken from `items` when it is to be shown, so they may come from a queue that several people share.
    `fields_of` gives the fields of a record by its id; `keys` gives classes keys of their own (class name -> key);
    a record whose answer is taken back is leased for `hold_seconds`. An answer is in the store before the next record
    is shown. Raises UsageError where there is no terminal, AnswerError for an annotator without a name, and
    MachineError when the person quits over an answer that the store did not take; whatever happens, the terminal is
    left as it was found.
    """
    class_keys(classes, keys)  # refuses more classes than keys, and keys that are commands
    check_answer(Answer("-", None, annotator, "", "-", role))  # refuses an annotator that no store keeps
    with terminal() as screen:
        conversation = _Conversation(screen, iter(items), fields_of, store, annotator, role, hold_seconds)
        state = conversation.hold(State((), tuple(classes), annotator, budget, more=True, keys=dict(keys or {})))
    if conversation.trouble is not None:
        raise conversation.trouble
    return Session(state.answered, state.skipped, state.undone)


class _Conversation:
    """One sitting: the terminal, the store, and what they have not agreed on yet."""

    def __init__(
        self,
        screen: Terminal,
        items: Iterator[QueueItem],
        fields_of: Callable[[str], Mapping[str, object]],
        store: AnnotationStore,
        annotator: str,
        role: Role,
        hold_seconds: float,
    ) -> None:
        self.trouble: MachineError | None = None  # of the latest act, which the store did not take
        self._screen, self._items, self._fields_of, self._store = screen, items, fields_of, store
        self._annotator, self._role, self._hold_seconds = annotator, role, hold_seconds
        self._fields: Mapping[str, object] = {}
        self._shown: str | None = None  # id of the record whose fields those are
        self._since = time.monotonic()  # when it was shown
        self._attempts: dict[tuple[str, Act], str] = {}  # operation ids of acts that the store did not take

    def hold(self, state: State) -> State:
        """Talk until the person quits. An interrupt from outside quits too."""
        with contextlib.suppress(KeyboardInterrupt):
            while not state.closed:
                state = self._show(self._with_next(state))
                key = self._next_key()
                if key is None:
                    continue
                state, act = react(state, key)
                if act is not None:
                    state = self._carry_out(state, act)
        return state

    def _with_next(self, state: State) -> State:
        """Fetch the next record where one is wanted."""
        if not state.wanting:
            return state
        try:
            return fetched(state, next(self._items, None))
        except MachineError as error:
            return not_fetched(state, str(error))

    def _show(self, state: State) -> State:
        item = state.current
        if item is not None and item.record != self._shown:
            self._fields, self._shown, self._since = self._fields_of(item.record), item.record, time.monotonic()
            self._screen.forget()
        self._size = self._screen.size
        drawn = draw(state, self._fields, *self._size)
        self._screen.show(drawn.lines)
        return replace(state, scroll=drawn.scroll)

    def _next_key(self) -> str | None:
        """Wait for a key; None when the window has changed its size and is to be drawn anew."""
        while True:
            key = self._screen.key(_LOOK_SECONDS)
            if key is not None:
                return key
            if self._screen.size != self._size:
                return None

    def _carry_out(self, state: State, act: Act) -> State:
        """Let the store do it. An act tried again keeps its operation id, so that it cannot happen twice."""
        item = state.items[len(state.given) - isinstance(act, TakeBack)]
        operation = self._attempts.setdefault((item.record, act), secrets.token_hex(16))
        try:
            self._ask_the_store(item, act, operation)
        except MachineError as error:
            self.trouble = error
            return failed(state, act, str(error))
        self.trouble = None
        self._attempts.clear()
        if isinstance(act, (Flag, Note)):
            return remarked(state, item.record, act)
        self._shown = None  # the next record, or this one again, is shown from now on
        if isinstance(act, Say):
            return stored(state, act.label, operation, time.monotonic() - self._since)
        return taken_back(state)

    def _ask_the_store(self, item: QueueItem, act: Act, operation: str) -> None:
        match act:
            case Say(label):
                self._store.add(item.record, label, self._annotator, item.strategy, operation, role=self._role)
            case TakeBack(undone):
                self._store.undo(self._annotator, operation, undoes=undone, hold_seconds=self._hold_seconds)
            case Flag(on):
                self._store.remarks.add(item.record, "flag" if on else "unflag", self._annotator, operation)
            case Note(text):
                self._store.remarks.add(item.record, "note", self._annotator, operation, text)
