"""The annotate screen: one record, one key, one stored answer.

keys     what a person pressed: bytes of a terminal -> names of keys
state    what it means: (state, key) -> state and at most one act for the store; pure
screen   what a person sees: state -> lines of text; pure
record   the record in it, and layout, how lines are set; pure
tty      the terminal itself: raw mode, size, and always back to normal
session  the conversation: show, read, store, and only then show the next
"""

from labelkit.ui.terminal.session import annotate_in_terminal

__all__ = ["annotate_in_terminal"]
