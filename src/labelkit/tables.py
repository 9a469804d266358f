"""Plain-text tables, as every report of labelkit prints them."""

from __future__ import annotations

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
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
