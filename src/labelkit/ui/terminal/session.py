"""The conversation: show a record, read a key, store the answer, and only then show the next record."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from labelkit.active import QueueItem
from labelkit.annotations import AnnotationStore, Answer
from labelkit.annotations.annotation import check_answer
from labelkit.errors import MachineError
from labelkit.ui.terminal.keys import class_keys
from labelkit.ui.terminal.screen import draw
from labelkit.ui.terminal.state import Act, Say, State, failed, react, stored, taken_back
from labelkit.ui.terminal.tty import Terminal, terminal

_LOOK_SECONDS = 0.25  # between two looks at the size of the terminal


@dataclass(frozen=True)
class Session:
    """What was said in one sitting."""

    answered: int  # labels that stand
    skipped: int  # skips that stand
    undone: int  # answers and skips taken back


def annotate_in_terminal(
    items: Sequence[QueueItem],
    fields_of: Callable[[str], Mapping[str, object]],
    store: AnnotationStore,
    classes: Sequence[str],
    annotator: str,
    budget: int,
) -> Session:
    """Ask one person at this terminal about the items, in order, until `budget` labels are given or the person quits.

    `fields_of` gives the fields of a record by its id. An answer is in the store before the next record is shown.
    Raises UsageError where there is no terminal, AnswerError for an annotator without a name, and MachineError when
    the person quits over an answer that the store did not take; whatever happens, the terminal is left as it was found.
    """
    class_keys(classes)  # refuses more classes than keys
    check_answer(Answer("-", None, annotator, "", "-"))  # refuses an annotator that no store keeps
    with terminal() as screen:
        conversation = _Conversation(screen, fields_of, store, annotator)
        state = conversation.hold(State(tuple(items), tuple(classes), annotator, budget))
    if conversation.trouble is not None:
        raise conversation.trouble
    return Session(state.answered, state.skipped, state.undone)


class _Conversation:
    """One sitting: the terminal, the store, and what they have not agreed on yet."""

    def __init__(
        self,
        screen: Terminal,
        fields_of: Callable[[str], Mapping[str, object]],
        store: AnnotationStore,
        annotator: str,
    ) -> None:
        self.trouble: MachineError | None = None  # of the latest act, which the store did not take
        self._screen, self._fields_of, self._store, self._annotator = screen, fields_of, store, annotator
        self._fields: Mapping[str, object] = {}
        self._shown: str | None = None  # id of the record whose fields those are
        self._since = time.monotonic()  # when it was shown
        self._attempts: dict[tuple[str, Act], str] = {}  # operation ids of acts that the store did not take

    def hold(self, state: State) -> State:
        """Talk until the person quits. An interrupt from outside quits too."""
        with contextlib.suppress(KeyboardInterrupt):
            while not state.closed:
                state = self._show(state)
                key = self._next_key()
                if key is None:
                    continue
                state, act = react(state, key)
                if act is not None:
                    state = self._carry_out(state, act)
        return state

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
        record = state.items[len(state.given) - (0 if isinstance(act, Say) else 1)].record
        operation = self._attempts.setdefault((record, act), secrets.token_hex(16))
        try:
            if isinstance(act, Say):
                strategy = state.items[len(state.given)].strategy
                self._store.add(record, act.label, self._annotator, strategy, operation)
            else:
                self._store.undo(self._annotator, operation, undoes=act.operation)
        except MachineError as error:
            self.trouble = error
            return failed(state, act, str(error))
        self.trouble = None
        self._attempts.clear()
        self._shown = None  # the next record, or this one again, is shown from now on
        if isinstance(act, Say):
            return stored(state, act.label, operation, time.monotonic() - self._since)
        return taken_back(state)
