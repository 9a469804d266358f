"""CSV, read strictly: every row as wide as the header, every column text unless declared, nothing guessed.

Refused rather than misread: short and long rows, repeated or empty column names, NUL characters, undecodable bytes, an
unclosed quote, stray quotes. Kept as they are: "NA", "None", 007, blanks inside fields. Blank lines are skipped.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from labelkit.errors import DataError, visible
from labelkit.records.text import BATCH_ROWS, decoded_lines, typed_column

if TYPE_CHECKING:
    import pyarrow as pa

MAX_FIELD = 64 * 1024 * 1024
DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


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
        held: list[tuple[int, list[str]]] = []
        for row in rows:
            held.append(row)
            if len(held) == BATCH_ROWS:
                yield self._batch(held, columns, places)
                held = []
        if held:
            yield self._batch(held, columns, places)

    def place(self, index: int) -> str:
        """Line number, as an editor counts, of the record with this index."""
        rows = self._rows()
        next(rows)
        for i, (line, _) in enumerate(rows):
            if i == index:
                return f"row {line}"
        return f"record {index + 1}"

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
        reader = csv.reader(self._clean_lines(), strict=True)
        width, start = -1, 1
        previous = csv.field_size_limit(MAX_FIELD)
        try:
            while True:
                csv.field_size_limit(MAX_FIELD)
                try:
                    cells = next(reader)
                except StopIteration:
                    break
                if cells:  # a blank line is no record
                    if width < 0:
                        self._check_header(cells)
                        width = len(cells)
                    elif len(cells) != width:
                        raise DataError(self._wrong_width(start, len(cells), width))
                    yield start, cells
                start = reader.line_num + 1
        except csv.Error as error:
            raise DataError(self._explained(str(error), start)) from error
        finally:
            csv.field_size_limit(previous)
        if width < 0:
            raise DataError(f"{self.name}: the file is empty; a CSV file starts with a header line")

    def _clean_lines(self) -> Iterator[str]:
        for number, line in enumerate(decoded_lines(self.path, self.encoding), start=1):
            if "\0" in line:
                raise DataError(f"{self.name}: row {number}: a NUL character at offset {line.index(chr(0))}; remove it")
            yield line

    def _check_header(self, header: list[str]) -> None:
        if len(header) == 1:
            for sign, word in DELIMITERS.items():
                if sign in header[0]:
                    raise DataError(f"{self.name}: row 1: cells are separated by {word}; labelkit reads commas")
        for place, column in enumerate(header, start=1):
            if not column.strip():
                raise DataError(f"{self.name}: row 1: column {place} has no name")
            if header.count(column) > 1:
                raise DataError(f'{self.name}: row 1: two columns are called "{visible(column)}"')

    def _wrong_width(self, line: int, got: int, width: int) -> str:
        hint = "quote cells that hold commas" if got > width else "is a cell or a quote missing?"
        return f"{self.name}: row {line}: {got} cells, but the header has {width}; {hint}"

    def _explained(self, said: str, line: int) -> str:
        if "unexpected end of data" in said:
            return f"{self.name}: row {line}: a quote opens here and never closes"
        if "field larger than field limit" in said:
            return f"{self.name}: row {line}: a cell holds more than {MAX_FIELD:,} characters; is a quote missing?"
        if "expected after" in said:
            return f"{self.name}: row {line}: text follows a closing quote; double the quotes inside a quoted cell"
        return f"{self.name}: row {line}: {visible(said)}"
