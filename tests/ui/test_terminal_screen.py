"""What a person sees, drawn without a terminal."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st
from rich.cells import cell_len

from labelkit.active import QueueItem
from labelkit.ui.terminal.record import LONGEST_VALUE
from labelkit.ui.terminal.screen import draw
from labelkit.ui.terminal.state import Say, State, failed, stored

VOTES = {"short": "ham", "thanks": "ham", "links": "spam"}
ITEM = QueueItem("c0123", "margin", 0.04, "undecided between ham and spam (0.52 / 0.48)", "ham", VOTES)
STATE = State((ITEM,) * 3, ("ham", "spam"), "ana", 50)
FIELDS = {"text": "Thank you!\nMore on https://example.org", "stars": 4, "reply": None, "note": ""}


def test_screen_of_80_by_24() -> None:
    """Everything a person needs is there: record, reason, votes, suggestion, keys, progress, budget and pace."""
    state = stored(stored(STATE, "spam", "op-1", 3.0), None, "op-2", 5.0)
    assert draw(state, FIELDS, 80, 24).plain == (
        """\
 labelkit annotate  c0123                                          ana · margin
 record 3 of 3 · budget 1/50 · 1 skipped · 4 s each · as suggested 0/1
────────────────────────────────────────────────────────────────────────────────
 text   Thank you!
        More on https://example.org
 stars  4
 reply  (nothing)
 note   (empty)







────────────────────────────────────────────────────────────────────────────────
 why        undecided between ham and spam (0.52 / 0.48)
 suggested  ham
 votes      ham by short, thanks
            spam by links
────────────────────────────────────────────────────────────────────────────────
  1  ham    2  spam
 a accept · space skip · u undo · f flag · n note · ? help · q quit
 skipped"""
    )


def test_small_screen_keeps_record_keys_and_notice() -> None:
    """Where room is short, votes give way first, and a long record says that it goes on."""
    state = replace(failed(STATE, Say("ham"), "annotations.db: database or disk is full"), scroll=99)
    screen = draw(state, {"text": "one two three four five six seven eight nine ten"}, 40, 10)
    assert screen.plain == (
        """\
 labelkit annotate  c0123  ana · margin
 record 1 of 3 · budget 0/50
────────────────────────────────────────
       seven eight nine ten
── lines 2 to 2 of 2; arrow keys scroll
  1  ham    2  spam
 a accept · space skip · u undo · f fla…
 NOT STORED, press the key again:
 annotations.db: database or disk is
 full"""
    )
    assert screen.scroll == 1


def test_help_page_names_every_key() -> None:
    """The help page hides the classes: their keys do nothing there."""
    plain = draw(replace(STATE, helping=True), FIELDS, 80, 24).plain
    for key in ("space", "u, backspace", "a ", "f ", "n ", "?", "q, Ctrl-C, Ctrl-D", "arrows, page up/down"):
        assert f"\n {key}" in plain
    assert "any key goes back" in plain
    assert "spam" not in plain


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (
            State((), ("ham", "spam"), "ana", 5),
            "That was the last record. Press q to quit, or u to take the last answer",
        ),
        (replace(STATE, budget=0), "The budget of 0 answers is spent. Press q to quit, or u to take the last answer"),
    ],
)
def test_end_says_why_it_is_the_end(state: State, said: str) -> None:
    """The last page says what ended the session and what can still be done."""
    assert said in " ".join(draw(state, {}, 80, 24).plain.split())


def test_many_votes_are_counted_when_they_do_not_fit() -> None:
    """Votes that do not fit are said to be missing."""
    item = replace(ITEM, votes={f"function_number_{i}": f"class {i % 9}" for i in range(60)})
    plain = draw(replace(STATE, items=(item,)), FIELDS, 80, 24).plain
    assert " more lines of votes" in plain
    assert " text   Thank you!" in plain


def test_value_that_is_too_long_says_how_much_is_missing() -> None:
    """A megabyte of text is cut, and the cut is named at its end."""
    screen = draw(replace(STATE, scroll=10**6), {"text": "x" * (LONGEST_VALUE + 1234)}, 80, 24)
    assert "... and 1,234 more characters" in " ".join(screen.plain.split())


def test_hostile_text_shows_as_escapes_everywhere() -> None:
    """Ids, names, labels, reasons, functions and values cannot steer the terminal or look like markup."""
    evil = "\x1b[2J\x9b\u202e[red]x[/red]:smile:\x07"
    shown = "\\x1b[2J\\x9b\\u202e[red]x[/red]:smile:\\x07"
    item = QueueItem(evil, evil, 0.0, evil, evil, {evil: evil})
    plain = draw(State((item,), (evil, "b"), evil, 5, notice=""), {evil: evil}, 300, 24).plain
    assert plain.count(shown) == 9  # id, annotator, strategy, value, reason, suggestion, vote, function, class
    assert f"\n {shown[:24]}  {shown}\n" in plain  # the name of a field has 24 cells
    assert not {"\x1b", "\x9b", "\u202e", "\x07"} & set(plain)


@given(
    st.dictionaries(st.text(), st.none() | st.integers() | st.floats() | st.text(), max_size=4),
    st.text(),
    st.integers(10, 120),
    st.integers(5, 40),
    st.integers(0, 100),
    st.booleans(),
)
def test_every_screen_fits_its_terminal(
    fields: dict[str, object], text: str, width: int, height: int, scroll: int, helping: bool
) -> None:
    """Whatever is to be shown: at most as many lines as the terminal has, none wider, nothing that steers it."""
    item = QueueItem(text, "margin", 0.0, text, text, {text: text, "f": "ham"})
    state = State((item,), ("ham", text), text, 5, scroll=scroll, helping=helping, notice=text.replace("\n", " "))
    screen = draw(replace(state, notice=""), fields, width, height)
    assert len(screen.lines) <= height
    for line in screen.lines:
        assert cell_len(line.plain) <= width
        assert line.plain.isprintable() or all(ord(c) >= 0xA0 for c in line.plain if not c.isprintable())
    assert len(screen.lines) == height or height < 9


def test_table_of_many_short_fields_uses_the_width() -> None:
    """Numbers stand in columns, read downwards; a long text of the same record has lines of its own."""
    fields = {"about": "a wine from " + "far " * 10 + "away", **{f"field_{i}": i * 1.5 for i in range(9)}}
    lines = draw(STATE, fields, 60, 24).plain.split("\n")[3:8]
    assert lines == [
        " about  a wine from far far far far far far far far far far",
        "        away",
        " field_0  0.0    field_3  4.5    field_6  9.0",
        " field_1  1.5    field_4  6.0    field_7  10.5",
        " field_2  3.0    field_5  7.5    field_8  12.0",
    ]
    narrow = draw(STATE, fields, 26, 40).plain.split("\n")
    assert [line.split()[0] for line in narrow if "field_" in line] == [f"field_{i}" for i in range(9)]


def test_wide_characters_are_as_wide_as_they_are() -> None:
    """Chinese text wraps by cells; joined emoji stay whole."""
    plain = draw(STATE, {"text": "日本語のとても長い文章です。" * 4, "face": "👩‍👩‍👧 ok"}, 30, 24).plain
    body = plain.split("\n")[3:11]
    assert all(cell_len(line) <= 30 for line in body)
    assert "".join(line[6:].strip() for line in body if "日" in line or "文" in line).count("日本語") == 4
    assert "👩‍👩‍👧 ok" in plain


def test_right_to_left_text_has_its_lines_to_itself() -> None:
    """A terminal that turns a line round must not mix the name of the field into it."""
    hebrew = "\u05e9\u05dc\u05d5\u05dd world"
    lines = draw(STATE, {"text": hebrew, "other": "left"}, 60, 24).plain.split("\n")
    at = lines.index(" text")
    assert lines[at + 1] == f" {hebrew}"
    assert lines[at + 2] == " other  left"


def test_note_being_written_shows_its_end() -> None:
    """However long the note, the cursor is on the screen, and control characters in it do nothing."""
    plain = draw(replace(STATE, draft="word " * 200 + "the end\x1b"), FIELDS, 60, 20).plain
    assert "the end\\x1b" in plain
    assert "enter keeps it · escape drops it" in plain
    assert len(plain.split("\n")) <= 20


def test_what_made_functions_vote_is_underlined() -> None:
    """Characters that several functions saw are underlined once; escapes and tabs before them shift nothing."""
    fields = {"text": "\x1b\tclick here to win"}
    highlights = {"text": [(2, 7, "begs"), (2, 12, "links"), (99, 120, "nothing")]}
    drawn = draw(STATE, fields, 80, 24, highlights)
    underlined = [
        line.plain[span.start : span.end]
        for line in drawn.lines
        for span in line.spans
        if "underline" in str(span.style)
    ]
    assert "".join(underlined) == "click here"
