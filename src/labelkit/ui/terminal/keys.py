"""Keys: what the bytes of a terminal mean, and which key stands for which class.

An arrow key arrives as ESC [ A and a pasted text as ESC [ 200 ~ ... ESC [ 201 ~. Both must be understood whole:
read byte by byte they would be taken for answers.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

from labelkit.errors import UsageError

ACCEPT, UNDO, QUIT, HELP = "a", "u", "q", "?"
SPACE, BACKSPACE, ENTER = "space", "backspace", "enter"
CTRL_C, CTRL_D, HANGUP = "ctrl-c", "ctrl-d", "hangup"
UP, DOWN, PAGE_UP, PAGE_DOWN = "up", "down", "page-up", "page-down"
OTHER = "other"  # a key without a meaning here

_LETTERS = [letter for letter in string.ascii_letters if letter.lower() not in {ACCEPT, UNDO, QUIT}]
CLASS_KEYS = "1234567890" + "".join(_LETTERS)

_CONTROLS = {
    b"\x03": CTRL_C,
    b"\x04": CTRL_D,
    b"\r": ENTER,
    b"\n": ENTER,
    b"\x08": BACKSPACE,
    b"\x7f": BACKSPACE,
    b" ": SPACE,
}
_SEQUENCES = {b"A": UP, b"B": DOWN, b"5~": PAGE_UP, b"6~": PAGE_DOWN}
_CSI = re.compile(rb"\x1b\[([0-?]*[ -/]*[@-~])")
_CSI_START = re.compile(rb"\x1b(\[[0-?]*[ -/]*)?\Z")
_PASTE_START, _PASTE_END = b"\x1b[200~", b"\x1b[201~"


def class_keys(classes: Sequence[str]) -> dict[str, str]:
    """Key -> class name: digits 1 to 9, 0 for the tenth, then letters that are no commands.

    Raises UsageError for more classes than there are keys.

    >>> class_keys(["ham", "spam"])
    {'1': 'ham', '2': 'spam'}
    """
    if len(classes) > len(CLASS_KEYS):
        raise UsageError(
            f"{len(classes)} classes are more than the {len(CLASS_KEYS)} keys of the screen; "
            "write questions with --queue N --out FILE and read answers with --answers FILE"
        )
    return dict(zip(CLASS_KEYS, classes, strict=False))


def next_key(typed: bytes) -> tuple[str | None, bytes]:
    r"""Take the first key off what was typed: its name, and what is left. None: it has not arrived whole.

    >>> next_key(b"1\x1b[Aq")
    ('1', b'\x1b[Aq')
    >>> next_key(b"\x1b[Aq")
    ('up', b'q')
    """
    first = typed[:1]
    if first == b"\x1b":
        return _escape_sequence(typed)
    if first in _CONTROLS:
        return _CONTROLS[first], typed[1:]
    if first < b" ":
        return (OTHER, typed[1:]) if typed else (None, b"")
    if first < b"\x80":
        return first.decode("ascii"), typed[1:]
    return _beyond_ascii(typed)


def _escape_sequence(typed: bytes) -> tuple[str | None, bytes]:
    if typed.startswith(_PASTE_START):
        end = typed.find(_PASTE_END)
        return (None, typed) if end < 0 else (OTHER, typed[end + len(_PASTE_END) :])
    if _CSI_START.match(typed):
        return None, typed
    if typed[1:2] == b"O":  # arrow keys of a terminal in application mode
        return (_SEQUENCES.get(typed[2:3], OTHER), typed[3:]) if len(typed) > 2 else (None, typed)
    sequence = _CSI.match(typed)
    if sequence:
        return _SEQUENCES.get(sequence[1], OTHER), typed[sequence.end() :]
    return OTHER, typed[2:]  # alt and a key


def _beyond_ascii(typed: bytes) -> tuple[str | None, bytes]:
    """One character of UTF-8, or one byte that starts none."""
    lead = typed[0]
    size = 2 if 0xC2 <= lead < 0xE0 else 3 if 0xE0 <= lead < 0xF0 else 4 if 0xF0 <= lead < 0xF5 else 1
    return (OTHER, typed[size:]) if len(typed) >= size else (None, typed)
