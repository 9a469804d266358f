"""Bytes of a terminal become keys, and keys stand for classes."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from labelkit.errors import ConfigError, UsageError
from labelkit.ui.terminal.keys import CLASS_KEYS, class_keys, next_key


def every_key(typed: bytes) -> list[str]:
    names: list[str] = []
    while typed:
        name, typed = next_key(typed)
        if name is None:
            return [*names, "(unfinished)"]
        names.append(name)
    return names


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        (b"1a q?", ["1", "a", "space", "q", "?"]),
        (b"\x7f\x08", ["backspace", "backspace"]),
        (b"\x03\x04\r\n", ["ctrl-c", "ctrl-d", "enter", "enter"]),
        (b"\x1b[A\x1b[B\x1b[5~\x1b[6~", ["up", "down", "page-up", "page-down"]),
        (b"\x1bOA\x1bOB", ["up", "down"]),
        (b"\x1b[C\x1b[1;5D\x1b[15~\x1bOP", ["other"] * 4),
        (b"\x1b1", ["other"]),  # alt-1 is not 1
        (b"\x01\x1a\x00", ["other"] * 3),
        ("ä日👍".encode(), ["ä", "日", "👍"]),
        ("\u202e\u00a0\ufffd".encode(), ["other"] * 3),
        (b"\xff1", ["other", "1"]),
        (b"\x1b[200~12 q\x1b[201~1", ["other", "1"]),  # pasted text answers nothing
        (b"\x1b", ["(unfinished)"]),
        (b"\x1b[", ["(unfinished)"]),
        (b"\x1b[5", ["(unfinished)"]),
        (b"\x1bO", ["(unfinished)"]),
        (b"\x1b[200~12", ["(unfinished)"]),
        (b"\xe6\x97", ["(unfinished)"]),
    ],
)
def test_keys_are_understood_whole(typed: bytes, names: list[str]) -> None:
    """Arrow keys, function keys and pasted text are never taken for the characters they are made of."""
    assert every_key(typed) == names


@given(st.binary(min_size=1, max_size=30))
def test_every_byte_is_consumed_once(typed: bytes) -> None:
    """Each key takes at least one byte off the front, or says that more has to come."""
    name, rest = next_key(typed)
    if name is None:
        assert rest == typed
    else:
        assert typed.endswith(rest)
        assert len(rest) < len(typed)


def test_classes_get_digits_then_letters_that_are_no_commands() -> None:
    """The tenth class is 0; a, f, n, u and q stay commands, also with the shift key."""
    keys = class_keys([f"c{i}" for i in range(14)])
    assert list(keys.items())[8:] == [("9", "c8"), ("0", "c9"), ("b", "c10"), ("c", "c11"), ("d", "c12"), ("e", "c13")]
    assert not set("aAuUqQfFnN? ") & set(CLASS_KEYS)
    assert len(set(CLASS_KEYS)) == len(CLASS_KEYS)


def test_more_classes_than_keys_are_refused() -> None:
    """Nobody has to guess a key: the way out is files."""
    assert len(class_keys([f"c{i}" for i in range(52)])) == 52
    with pytest.raises(UsageError) as caught:
        class_keys([f"c{i}" for i in range(53)])
    assert str(caught.value) == (
        "53 classes are more than the 52 keys of the screen; "
        "write questions with --queue N --out FILE and read answers with --answers FILE"
    )


def test_chosen_keys_stand_beside_the_usual_ones() -> None:
    """A class without a key of its own keeps its digit, or gets the next free key where somebody took that."""
    assert class_keys(["ham", "spam", "eggs"], {"ham": "h"}) == {"h": "ham", "2": "spam", "3": "eggs"}
    assert class_keys(["ham", "spam", "eggs"], {"ham": "2"}) == {"2": "ham", "1": "spam", "3": "eggs"}
    assert class_keys(["gut", "böse"], {"böse": "ö"}) == {"1": "gut", "ö": "böse"}
    assert next(iter(class_keys([f"c{i}" for i in range(53)], {"c0": "ß"}))) == "ß"


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"eggs": "e"}, 'no class "eggs"; classes are "ham", "spam"'),
        ({"ham": "hh"}, '"hh" is not one visible character'),
        ({"ham": " "}, '" " is not one visible character'),
        ({"ham": "\x1b"}, '"\\x1b" is not one visible character'),
        ({"ham": "q"}, '"q" is a command of the screen; commands are "a", "u", "q", "?", "f", "n"'),
        ({"ham": "Q"}, '"Q" is a command of the screen; commands are "a", "u", "q", "?", "f", "n"'),
        ({"ham": "x", "spam": "x"}, '"x" stands for two classes'),
    ],
)
def test_key_that_would_shadow_something_is_refused(chosen: dict[str, str], message: str) -> None:
    """A command stays a command, and a key means one thing."""
    with pytest.raises(ConfigError) as caught:
        class_keys(["ham", "spam"], chosen)
    assert str(caught.value) == f"labelkit.toml: [annotate] keys: {message}"
