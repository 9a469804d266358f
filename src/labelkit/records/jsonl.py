"""JSON lines, read strictly: one object per line, plain values or lists of texts, one type per column.

A first pass finds the columns and their types, so that nothing depends on what the first lines happen to hold. A key
that a record does not have is null. Refused: repeated keys, NaN and Infinity, whole numbers beyond 64 bits, a column
that is text here and a number there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labelkit import strict_json
from labelkit.errors import DataError, shortened, visible
from labelkit.records.kinds import KINDS, ColumnKinds, column_of, kind_of
from labelkit.records.text import in_parts, line_names, text_lines

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class JsonlSource:
    """A file with one JSON object per line."""

    path: Path
    encoding: str = "utf-8"

    @property
    def name(self) -> str:
        """The file's name."""
        return visible(self.path.name)

    def columns(self) -> list[str]:
        """Every key that any record has, in order of first appearance."""
        return self._kinds.columns

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The named columns, 8,192 records at a time."""
        types = self._kinds.types(columns)
        for held in in_parts(record for _, record in self._records()):
            yield self._batch(held, columns, types)

    def places(self, indices: Sequence[int]) -> list[str]:
        """Line numbers of the records with these indices."""
        return line_names((line for line, _ in self._records()), indices)

    def _batch(
        self, held: Sequence[dict[str, Any]], columns: Sequence[str], types: Sequence[pa.DataType]
    ) -> pa.RecordBatch:
        import pyarrow as pa

        arrays = [
            column_of([record.get(column) for record in held], kind, self.name)
            for column, kind in zip(columns, types, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, names=list(columns))

    @cached_property
    def _kinds(self) -> ColumnKinds:
        """Type of each column over the whole file."""
        kinds = ColumnKinds(self.name)
        for line, record in self._records():
            for key, value in record.items():
                kinds.add(key, value, line)
        if not kinds.columns:
            raise DataError(f"{self.name}: no record in it")
        return kinds

    def _records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """(line number, record) of every line that is not blank."""
        for number, line in text_lines(self.path, self.encoding):
            if line.strip(" \t\r\n"):
                yield number, self._parsed(line, f"{self.name}: row {number}")

    def _parsed(self, line: str, where: str) -> dict[str, Any]:
        try:
            record = strict_json.loads(line)
        except strict_json.Refused as error:
            raise DataError(f"{where}: {error}") from error
        except RecursionError as error:
            raise DataError(f"{where}: nested too deeply") from error
        except json.JSONDecodeError as error:
            said = f"{error.msg[:1].lower()}{error.msg[1:]}"
            raise DataError(f"{where}: not JSON: {visible(said)} at character {error.pos + 1}") from error
        if not isinstance(record, dict):
            raise DataError(f"{where}: {KINDS.get(type(record)) or kind_of(record)}, not an object like {{...}}")
        for key, value in record.items():
            _check_characters(key, where)
            for text in value if isinstance(value, list) else [value]:
                if isinstance(text, str):
                    _check_characters(text, f'{where}, column "{shortened(key)}"')
        return record


def _check_characters(text: str, where: str) -> None:
    """JSON can write half of a surrogate pair, which is no character and cannot be stored."""
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(text[error.start]):04x}"
        raise DataError(f"{where}: {half} is half of a surrogate pair; it is no character") from error
