"""The conversation: show a record, read a key, store the answer, and only then show the next record."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import replace

from labelkit.active.progress import Progress
from labelkit.active.session import AnnotationSession, Question, Said
from labelkit.errors import MachineError
from labelkit.ui.terminal.keys import ENTER, class_keys
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
_DOUBLE_SECONDS = 0.25  # within which a second enter is no second answer


def annotate_in_terminal(session: AnnotationSession, *, keys: Mapping[str, str] | None = None) -> Progress:
    """Ask one person at this terminal, until the session's budget is spent, its queue is over or the person quits.

    `keys` gives classes keys of their own (class name -> key). An answer is in the store before the next record is
    shown. Raises UsageError where there is no terminal and MachineError when the person quits over an answer that the
    store did not take; whatever happens, the terminal is left as it was found.
    """
    class_keys(session.classes, keys)  # refuses more classes than keys, and keys that are commands
    with terminal() as screen:
        conversation = _Conversation(screen, session)
        state = State((), session.classes, session.annotator, session.budget, more=True, keys=dict(keys or {}))
        state = conversation.hold(replace(state, several=session.several))
    if conversation.trouble is not None:
        raise conversation.trouble
    return state.progress


class _Conversation:
    """One sitting: the terminal, the session, and what the store has not taken yet."""

    def __init__(self, screen: Terminal, session: AnnotationSession) -> None:
        self.trouble: MachineError | None = None  # of the latest act, which the store did not take
        self._screen, self._session = screen, session
        self._asked: dict[str, Question] = {}  # so far, by record
        self._shown: str | None = None  # id of the record on the screen
        self._since = time.monotonic()  # when it was shown
        self._advice = session.advice  # that is on the screen
        self._latest = ("", 0.0)  # key, and when it came
        self._attempts: dict[tuple[str, Act], str] = {}  # operation ids of acts that the store did not take

    def hold(self, state: State) -> State:
        """Talk until the person quits. An interrupt from outside quits too."""
        with contextlib.suppress(KeyboardInterrupt):
            while not state.closed:
                state = self._show(replace(self._with_next(state), advice=self._session.advice))
                self._advice = state.advice
                key = self._next_key()
                if key is None or self._is_double(key):
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
            question = self._session.next()
        except MachineError as error:
            return not_fetched(state, str(error))
        if question is None:
            return fetched(state, None)
        self._asked[question.record] = question
        return fetched(state, question.item)

    def _show(self, state: State) -> State:
        item = state.current
        if item is not None and item.record != self._shown:
            self._shown, self._since = item.record, time.monotonic()
            self._screen.forget()
        self._size = self._screen.size
        question = self._asked[item.record] if item is not None else None
        fields, highlights = (question.fields, question.highlights) if question else ({}, {})
        drawn = draw(state, fields, *self._size, highlights)
        self._screen.show(drawn.lines)
        return replace(state, scroll=drawn.scroll)

    def _next_key(self) -> str | None:
        """Wait for a key; None when there is something new to draw: the size of the window, or advice."""
        while True:
            key = self._screen.key(_LOOK_SECONDS)
            if key is not None:
                return key
            if self._screen.size != self._size or self._session.advice is not self._advice:
                return None

    def _is_double(self, key: str) -> bool:
        """Whether enter was pressed twice or is held down: it would store that the next record has no class."""
        before, self._latest = self._latest, (key, time.monotonic())
        soon = self._latest[1] - before[1] < _DOUBLE_SECONDS
        return self._session.several and soon and key == before[0] == ENTER

    def _carry_out(self, state: State, act: Act) -> State:
        """Let the store do it. An act tried again keeps its operation id, so that it cannot happen twice."""
        item = state.items[len(state.given) - isinstance(act, TakeBack)]
        operation = self._attempts.setdefault((item.record, act), secrets.token_hex(16))
        try:
            said = self._ask_the_store(item.record, act, operation)
        except MachineError as error:
            self.trouble = error
            return failed(state, act, str(error))
        self.trouble = None
        self._attempts.clear()
        if isinstance(act, (Flag, Note)):
            return remarked(state, item.record, act)
        self._shown = None  # the next record, or this one again, is shown from now on
        if isinstance(act, Say):
            meanwhile = said.meanwhile if said else ()
            return stored(state, act.label, operation, time.monotonic() - self._since, meanwhile)
        return taken_back(state)

    def _ask_the_store(self, record: str, act: Act, operation: str) -> Said | None:
        match act:
            case Say(label):
                return self._session.answer(record, label, operation)
            case TakeBack(undone):
                self._session.undo(operation, undoes=undone)
            case Flag(on):
                self._session.flag(record, operation, on=on)
            case Note(text):
                self._session.note(record, text, operation)
        return None
