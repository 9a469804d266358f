"""Tables as text, as every report of labelkit prints them, and as HTML, as notebooks show them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from labelkit.errors import visible


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1) -> str:
    """Cells as columns of text; the first `left` columns are aligned left, the others right.

    >>> print(table(["class", "records"], [["ham", "12"], ["spam", "7"]]))
    class  records
    ham         12
    spam         7
    """
    lines = [[visible(cell) for cell in line] for line in (header, *rows)]
    widths = [max(_width(line[i]) for line in lines) for i in range(len(header))]
    return "\n".join(
        "  ".join(
            cell + blanks if i < left else blanks + cell
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
            for blanks in [" " * (width - _width(cell))]
        ).rstrip()
        for line in lines
    )


def html_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, left: int = 1, caption: str = "") -> str:
    """The same table for a notebook: whatever is in the cells is text, and stays text.

    >>> html_table(["a", "b"], [["<x>", "1"]]).count("&lt;x&gt;")
    1
    """
    from html import escape

    def line(tag: str, cells: Sequence[str]) -> str:
        aligned = (
            f'<{tag} style="text-align: {"left" if i < left else "right"}; vertical-align: top">'
            f"{escape(visible(cell))}</{tag}>"
            for i, cell in enumerate(cells)
        )
        return f"<tr>{''.join(aligned)}</tr>"

    title = f'<caption style="text-align: left">{escape(visible(caption))}</caption>' if caption else ""
    body = "".join(line("td", cells) for cells in rows)
    return f"<table>{title}<thead>{line('th', header)}</thead><tbody>{body}</tbody></table>"


def _width(text: str) -> int:
    """Columns that the text takes in a terminal: two for East Asian wide characters, none for combining marks."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(char) in {"Mn", "Me", "Cf"} else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )
