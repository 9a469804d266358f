"""Lines of text: wrapped, cut, and set beside their names."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

MARGIN = 1
LONGEST_NAME = 24


def pairs_of(pairs: Sequence[tuple[str, Text]], width: int, longest: int = LONGEST_NAME) -> list[Text]:
    """Lay out names in one column and wrapped values beside them."""
    column = min(max((cell_len(name) for name, _ in pairs), default=0), longest, width // 3)
    lines = []
    for name, value in pairs:
        if _runs_right_to_left(value.plain):
            # A terminal that turns such lines round would put the name into the sentence: it gets lines of its own.
            lines += [cut(indented(Text(name, "dim")), width)] if name else []
            lines += [indented(row) for row in wrapped(value, width - 2 * MARGIN)]
            continue
        rows = wrapped(value, max(width - column - 2 * MARGIN - 2, 1))
        for number, row in enumerate(rows):
            label = set_cell_size(name, column) if number == 0 else " " * column
            lines.append(indented(Text().append(label, "dim").append("  ").append_text(row)))
    return lines


def _runs_right_to_left(text: str) -> bool:
    """Whether the text, or any line of it, begins in a script that is written from right to left."""
    if text.isascii():
        return False
    return any(_first_direction(line) in {"R", "AL"} for line in text.split("\n"))


def _first_direction(line: str) -> str:
    return next((kind for kind in map(unicodedata.bidirectional, line) if kind in {"L", "R", "AL"}), "L")


def wrapped(text: Text, width: int) -> list[Text]:
    """Break a text into lines of at most `width` cells."""
    console = Console(file=io.StringIO(), width=max(width, 1), force_terminal=False)
    return list(text.wrap(console, max(width, 1)))


def indented(line: Text) -> Text:
    """Put a line behind the margin."""
    return Text(" " * MARGIN).append_text(line)


def line_of(text: str, width: int, style: str = "") -> Text:
    """One line of one style."""
    return cut(Text(text, style), width)


def cut(line: Text, width: int) -> Text:
    """Cut a line that is too long."""
    line.truncate(width, overflow="ellipsis")
    return line


def rule(width: int, title: str = "") -> Text:
    """A line across, with a title in it."""
    return line_of("──" + title + "─" * max(width - cell_len(title) - 2, 0), width, "dim")
