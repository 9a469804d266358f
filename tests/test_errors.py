"""Errors: exit codes by class, and text from data that cannot steer a terminal."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given, strategies as st

from labelkit import errors
from labelkit.errors import LabelkitError, listed, named, shortened, visible

STEERING = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]"
)
NASTY = "a\x1b[2J\x00\x7f\x85\x9b\u202e\u2066\u200f\u2028\ud800\udfff\ufeff\u200b\u200dé👩\\\n\t"

any_text = st.text(st.characters(), max_size=60) | st.text(st.sampled_from(NASTY), max_size=30)


def escaped(hit: re.Match[str]) -> str:
    code = ord(hit[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("AnswerIsNo", 1), ("UserError", 2), ("UsageError", 2), ("ConfigError", 2), ("DataError", 2),
        ("FunctionError", 2), ("ModelError", 2), ("SuiteError", 2), ("AnswerError", 2), ("ArtifactError", 2),
        ("MachineError", 3), ("ProjectBusyError", 4),
    ],
)  # fmt: skip
def test_every_error_has_its_exit_code(name: str, code: int) -> None:
    """The exit code that a shell sees is a property of the class."""
    kind = getattr(errors, name)
    assert issubclass(kind, LabelkitError)
    assert kind("x").exit_code == code


def test_the_table_at_the_top_is_complete() -> None:
    """Every error class stands in the module's own table, at its place in the tree, with its code."""
    assert errors.__doc__ is not None
    lines = errors.__doc__.splitlines()
    for kind in [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, LabelkitError)]:
        (line,) = [line for line in lines if re.search(rf"\b{kind.__name__}\b", line)]
        depth = len(kind.__mro__) - len(LabelkitError.__mro__)
        assert line.index(kind.__name__) == 4 + 4 * depth
        code = re.search(r" (\d) ", line)
        assert code is None or int(code[1]) == kind.exit_code


@given(any_text)
@example("\x1b]0;title\x07\x9b2J\u202egnp.exe")
def test_visible_text_steers_nothing(text: str) -> None:
    """Law: no control, bidi control, zero-width space, line separator or surrogate is left, and all can be encoded."""
    shown = visible(text)
    assert not STEERING.search(shown)
    assert not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in shown)
    shown.encode()


@given(any_text)
def test_visible_text_loses_nothing(text: str) -> None:
    """Law: what is harmless stays as it is, and each other character becomes its escape, in place."""
    shown = visible(text)
    assert (
        STEERING.sub(lambda hit: f"\\x{ord(hit[0]):02x}" if ord(hit[0]) < 256 else f"\\u{ord(hit[0]):04x}", text)
        == shown
    )
    assert visible(shown) == shown


@given(any_text, st.text(st.sampled_from("\n\t\x1b\u202e"), max_size=2))
def test_some_characters_may_be_kept(text: str, keep: str) -> None:
    """Law: with `keep`, exactly those characters stay; the rest is as without."""
    assert visible(text, keep) == "".join(char if char in keep else visible(char) for char in text)


SCRIPTS = ["", "plain", "café", "日本語", "עברית", "العربية", "👩\u200d👧", "a\u0301", "क्\u200dष", "a\u00a0b", "\\x1b"]


@pytest.mark.parametrize("text", SCRIPTS)
def test_text_of_any_script_is_shown_as_it_is(text: str) -> None:
    """Letters of all scripts, accents, joined emoji and backslashes are no danger."""
    assert visible(text) == text


@given(any_text, st.integers(1, 70))
def test_shortened_text_is_short(text: str, limit: int) -> None:
    """Law: at most `limit` characters of the text are shown, and an ellipsis says that there were more."""
    assert shortened(text, limit) == visible(text[:limit]) + ("…" if len(text) > limit else "")


def test_names_are_quoted_and_counted() -> None:
    """A list of names is quoted, made visible, cut at 80 characters each and at 20 names."""
    assert named([]) == ""
    assert named(iter(["a", "b\x1b"])) == '"a", "b\\x1b"'
    assert named(["x" * 81]) == '"' + "x" * 80 + '…"'
    assert named([str(i) for i in range(1022)]).endswith('"18", "19" and 1,002 more')


def test_problems_are_listed_and_counted() -> None:
    """At most 20 problems stand in one message, then how many more there are."""
    problems = [f"row {i}" for i in range(1025)]
    assert listed(problems[:20]) == "\n".join(problems[:20])
    assert listed(problems) == "\n".join([*problems[:20], "and 1,005 more"])
    assert listed(problems[:3], total=7) == "row 0\nrow 1\nrow 2\nand 4 more"
    assert listed([]) == ""
