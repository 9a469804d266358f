"""CSV (RFC 4180), read strictly: every row as wide as the header, every column text unless declared, nothing guessed.

Refused rather than misread: short and long rows, repeated or empty column names, NUL characters, undecodable bytes, a
quote that never closes, a quote inside a cell that is not quoted, a lone carriage return among newlines. Kept as they
are: "NA", "None", 007, blanks inside cells. Blank lines are skipped.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from labelkit.errors import DataError, shortened, visible
from labelkit.records.text import MAX_LINE, check_no_nul, check_text, in_parts, line_names, raw_lines, typed_column

if TYPE_CHECKING:
    import pyarrow as pa

DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}

# Possessive, so that a cell of millions of characters is matched or refused in one walk.
_QUOTED = re.compile(r'"((?:[^"]++|"")*+)"')
_CELL = re.compile(rf"(?:{_QUOTED.pattern}|([^\",]*+))(,|\Z)")


@dataclass(frozen=True)
class CsvSource:
    """A comma-separated file with a header line."""

    path: Path
    encoding: str = "utf-8"
    types: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's name."""
        return visible(self.path.name)

    def columns(self) -> list[str]:
        """The header."""
        return next(self._rows())[1]

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The named columns, 8,192 rows at a time."""
        rows = self._rows()
        _, header = next(rows)
        places = [header.index(column) for column in columns]
        for held in in_parts(rows):
            yield self._batch(held, columns, places)

    def places(self, indices: Sequence[int]) -> list[str]:
        """Line numbers, as an editor counts, of the records with these indices."""
        return line_names((line for line, _ in islice(self._rows(), 1, None)), indices)

    def _batch(
        self, held: list[tuple[int, list[str]]], columns: Sequence[str], places: Sequence[int]
    ) -> pa.RecordBatch:
        import pyarrow as pa

        arrays = []
        for column, place in zip(columns, places, strict=True):

            def where(i: int, column: str = column) -> str:
                return f'{self.name}: row {held[i][0]}, column "{visible(column)}"'

            values = [cells[place] for _, cells in held]
            arrays.append(typed_column(values, self.types.get(column, "string"), where))
        return pa.RecordBatch.from_arrays(arrays, names=list(columns))

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """(line number, cells) of the header and then of each record."""
        header: list[str] = []
        lone_returns = False  # how the lines of the file end
        for line, record in self._records():
            content = record.removesuffix("\n").removesuffix("\r")
            if not content:  # a blank line is no record
                continue
            cells = self._split(content, line, header)
            if not content.isascii():
                for i, cell in enumerate(cells):
                    check_text(cell, self.path, self.encoding, _place(line, i, header))
            lone_return = record.endswith("\r")
            if not header:
                self._check_header(cells, line)
                header, lone_returns = cells, lone_return
            elif len(cells) != len(header):
                raise DataError(self._wrong_width(line, len(cells), len(header)))
            elif lone_return != lone_returns and record != content:
                raise DataError(
                    f"{self.name}: row {line}: some lines end in a newline and some in a lone carriage return; "
                    "quote a cell that holds one, or make the line ends the same"
                )
            yield line, cells
        if not header:
            raise DataError(f"{self.name}: the file is empty; a CSV file starts with a header line")

    def _records(self) -> Iterator[tuple[int, str]]:
        """(number of the first line, text) of each record; a quoted cell may span lines.

        One whose quotes do not close ends with the file, or after MAX_LINE characters.
        """
        held: list[str] = []
        start, quotes, size = 1, 0, 0
        for number, line in raw_lines(self.path, self.encoding):
            check_no_nul(line, self.path, number)
            if not held:
                start, quotes, size = number, 0, 0
            held.append(line)
            quotes += line.count('"')
            size += len(line)
            if quotes % 2 == 0 or size > MAX_LINE:
                yield start, "".join(held)
                held = []
        if held:
            yield start, "".join(held)

    def _split(self, content: str, line: int, header: Sequence[str]) -> list[str]:
        try:
            return split_cells(content)
        except _BadQuoteError as error:
            raise DataError(f"{self.name}: {_place(line, error.cell, header)}: {error}") from None

    def _check_header(self, header: Sequence[str], line: int) -> None:
        if len(header) == 1:
            for sign, word in DELIMITERS.items():
                if sign in header[0]:
                    raise DataError(f"{self.name}: row {line}: cells are separated by {word}; labelkit reads commas")
        if not all(column.strip() for column in header):
            place = next(i for i, column in enumerate(header, start=1) if not column.strip())
            raise DataError(f"{self.name}: row {line}: column {place} has no name")
        column, times = Counter(header).most_common(1)[0]
        if times > 1:
            raise DataError(f'{self.name}: row {line}: {times} columns are called "{shortened(column)}"')

    def _wrong_width(self, line: int, got: int, width: int) -> str:
        hint = "quote cells that hold commas" if got > width else "is a cell or a quote missing?"
        return f"{self.name}: row {line}: {got} cells, but the header has {width}; {hint}"


class _BadQuoteError(ValueError):
    """A quote stands where it must not, in the cell with this index."""

    def __init__(self, cell: int, what: str) -> None:
        super().__init__(what)
        self.cell = cell


def split_cells(record: str) -> list[str]:
    r"""The cells of one record, its line end taken off. Raises ValueError for quotes that stand where they must not.

    >>> split_cells('7,"a ""b"", c",')
    ['7', 'a "b", c', '']
    """
    if '"' not in record:
        return record.split(",")
    cells: list[str] = []
    place = 0
    while found := _CELL.match(record, place):
        quoted, plain, comma = found.groups()
        cells.append(plain if quoted is None else quoted.replace('""', '"'))
        if not comma:
            return cells
        place = found.end()
    if not record.startswith('"', place):
        what = "a quote stands in a cell that is not quoted; quote the cell and double the quotes inside it"
    elif _QUOTED.match(record, place):
        what = "text follows a closing quote; double the quotes inside a quoted cell"
    else:
        what = "a quote opens here and never closes"
    raise _BadQuoteError(len(cells), what)


def _place(line: int, cell: int, header: Sequence[str]) -> str:
    return f'row {line}, column "{shortened(header[cell])}"' if cell < len(header) else f"row {line}, cell {cell + 1}"
