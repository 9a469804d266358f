"""Plain-text tables line up in a terminal, whatever is in them."""

from __future__ import annotations

from labelkit.tables import table


def test_columns_line_up() -> None:
    """The first column is aligned left, the others right; nothing trails."""
    assert table(["class", "n"], [["ham", "12"], ["spam", "7"]]) == "class   n\nham    12\nspam    7"
    assert table(["a", "b", "c"], [["x", "y", "z"]], left=3) == "a  b  c\nx  y  z"
    assert table(["class", "n"], []) == "class  n"


def test_wide_and_combining_characters_line_up() -> None:
    """East Asian characters take two columns of a terminal, combining accents none."""
    assert table(["class", "n"], [["日本", "1"], ["cafe\u0301", "2"]]) == "class  n\n日本   1\ncafe\u0301   2"


def test_cells_cannot_break_the_table() -> None:
    """Newlines and escape sequences in a cell are shown, not obeyed."""
    assert table(["class", "n"], [["a\nb\x1b[2J", "1"]]) == "class          n\na\\x0ab\\x1b[2J  1"
