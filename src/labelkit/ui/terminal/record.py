"""A record as a person sees it: its fields, and what made functions vote."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from labelkit.active.session import Spans
from labelkit.errors import visible
from labelkit.ui.terminal.layout import LONGEST_NAME, MARGIN, cut, indented, pairs_of

SHORT_VALUE = 16  # cells of a value that may stand beside another one
LEAST_TABLE = 8  # short fields from which on a record is laid out as a table
LONGEST_VALUE = 20_000  # characters of a field; more take seconds to lay out, at each key
MATCHED = "underline"  # told without colours, too


def record_lines(fields: Mapping[str, object], highlights: Spans, width: int) -> list[Text]:
    """The fields of a record: short ones of a table side by side, the others one below the other.

    What made functions vote is underlined.
    """
    pairs = [(visible(name), _value(value, highlights.get(name, ()))) for name, value in fields.items()]
    cells = [pair for pair in pairs if _is_short(*pair)]
    if len(cells) < LEAST_TABLE or 2 * _cell_width(cells) > width - MARGIN:
        return pairs_of(pairs, width)
    return [*pairs_of([pair for pair in pairs if not _is_short(*pair)], width), *_table(cells, width)]


def _is_short(name: str, text: Text) -> bool:
    return text.cell_len <= SHORT_VALUE and "\n" not in text.plain and cell_len(name) <= LONGEST_NAME


def _cell_width(cells: Sequence[tuple[str, Text]]) -> int:
    return max(cell_len(name) for name, _ in cells) + 2 + max(text.cell_len for _, text in cells) + 3


def _table(cells: Sequence[tuple[str, Text]], width: int) -> list[Text]:
    """Names and values in as many columns as fit, read downwards."""
    column = max(cell_len(name) for name, _ in cells)
    across = max((width - MARGIN) // _cell_width(cells), 1)
    down = -(-len(cells) // across)
    lines = []
    for row in range(down):
        line = Text()
        for place, (name, text) in enumerate(cells[row::down]):
            line.append(" " * max(place * _cell_width(cells) - line.cell_len, 0))
            line.append(set_cell_size(name, column), "dim").append("  ").append_text(text)
        lines.append(cut(indented(line), width))
    return lines


def _value(value: object, spans: Sequence[tuple[int, int, str]] = ()) -> Text:
    """A value of a record: line breaks stay, whatever else steers a terminal is shown as an escape."""
    if value is None:
        return Text("(nothing)", "dim italic")
    text = str(value)
    if not text:
        return Text("(empty)", "dim italic")
    kept, shown = text[:LONGEST_VALUE], Text()
    cuts = sorted({0, len(kept), *(min(cut, len(kept)) for span in spans for cut in span[:2])})
    for start, end in itertools.pairwise(cuts):
        matched = any(first <= start and end <= last for first, last, _ in spans)
        shown.append(_shown(kept[start:end]), MATCHED if matched else "")
    rest = len(text) - LONGEST_VALUE
    return shown.append(f" ... and {rest:,} more characters", "dim italic") if rest > 0 else shown


def _shown(text: str) -> str:
    return visible(text.replace("\r\n", "\n").expandtabs(4), keep="\n")
