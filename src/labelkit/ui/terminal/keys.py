"""Keys: what the bytes of a terminal mean, and which key stands for which class.

An arrow key arrives as ESC [ A and a pasted text as ESC [ 200 ~ ... ESC [ 201 ~. Both must be understood whole:
read byte by byte they would be taken for answers.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence

from labelkit.errors import ConfigError, UsageError, named, visible

ACCEPT, UNDO, QUIT, HELP, FLAG, NOTE = "a", "u", "q", "?", "f", "n"
COMMANDS = (ACCEPT, UNDO, QUIT, HELP, FLAG, NOTE)
SPACE, BACKSPACE, ENTER, ESCAPE = "space", "backspace", "enter", "escape"
CTRL_C, CTRL_D, HANGUP = "ctrl-c", "ctrl-d", "hangup"
UP, DOWN, PAGE_UP, PAGE_DOWN = "up", "down", "page-up", "page-down"
OTHER = "other"  # a key without a meaning here

_LETTERS = [letter for letter in string.ascii_letters if letter.lower() not in COMMANDS]
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


def class_keys(classes: Sequence[str], chosen: Mapping[str, str] | None = None) -> dict[str, str]:
    """Key -> class name, in order of the classes: the keys of `chosen` (class name -> key), and for the rest digits
    1 to 9, 0, then letters that are no commands.

    Raises UsageError for more classes than there are keys, ConfigError for a chosen key that cannot be one.

    >>> class_keys(["ham", "spam"])
    {'1': 'ham', '2': 'spam'}
    >>> class_keys(["ham", "spam", "eggs"], {"spam": "s"})
    {'1': 'ham', 's': 'spam', '3': 'eggs'}
    """
    chosen = chosen or {}
    _check_chosen(classes, chosen)
    taken = set(chosen.values())
    free = [key for key in CLASS_KEYS if key not in taken]
    out: dict[str, str] = {}
    for number, name in enumerate(classes):
        usual = CLASS_KEYS[number] if number < len(CLASS_KEYS) else ""
        key = chosen.get(name) or (usual if usual in free else next(iter(free), None))
        if key is None:
            raise UsageError(
                f"{len(classes)} classes are more than the {len(CLASS_KEYS)} keys of the screen; "
                "write questions with --queue N --out FILE and read answers with --answers FILE"
            )
        out[key] = name
        if key in free:
            free.remove(key)
    return out


def _check_chosen(classes: Sequence[str], chosen: Mapping[str, str]) -> None:
    where = "labelkit.toml: [annotate] keys"
    for name, key in chosen.items():
        if name not in classes:
            raise ConfigError(f'{where}: no class "{visible(name[:80])}"; classes are {named(classes)}')
        if len(key) != 1 or not key.isprintable() or key == " ":
            raise ConfigError(f'{where}: "{visible(key[:80])}" is not one visible character')
        if key.lower() in COMMANDS:
            raise ConfigError(f'{where}: "{key}" is a command of the screen; commands are {named(COMMANDS)}')
        if list(chosen.values()).count(key) > 1:
            raise ConfigError(f'{where}: "{visible(key)}" stands for two classes')


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
    if len(typed) < size:
        return None, typed
    char = typed[:size].decode("utf-8", "replace")
    return (char if len(char) == 1 and char.isprintable() and char != "\ufffd" else OTHER), typed[size:]
